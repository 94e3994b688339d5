"""Rules for a Cluster: the way it comes to be, version, endpoint, network, flags, names, roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roost.api.names import GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.api.v1alpha1.cluster import ClusterSpec, OnPremises
from roost.api.v1alpha1.machine import Role
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.flags import check_flags
from roost.api.validation.hosts import check_host, is_dns_name, parse_address
from roost.api.validation.network import check_network, inside
from roost.api.validation.planes import check_planes
from roost.api.validation.shape import join
from roost.api.validation.texts import NOTHING, Term
from roost.api.validation.versions import check_version
from roost.api.validation.world import KnownMachine, World

WAY: Final = "spec.onPremises"
HOST: Final = f"{WAY}.controlPlaneEndpoint.host"


def check_cluster(namespace: str, name: str, spec: ClusterSpec, world: World) -> Verdict:
    """Everything about one Cluster, against what exists."""
    ways = [way for way in (spec.on_premises, spec.imported, spec.registered, spec.global_) if way is not None]
    if len(ways) > 1:
        return Verdict([error("way.one", "spec")])
    if spec.global_ is not None:
        return Verdict([error("global.written", "spec.global", "FieldValueForbidden")])
    if not ways:
        return Verdict([error("way.one", "spec", "FieldValueRequired")])
    errors: list[FieldError] = []
    if (namespace, name) == (SYSTEM_NAMESPACE, GLOBAL_CLUSTER):
        errors.append(error("global.name", "metadata.name", "FieldValueForbidden", namespace=namespace))
    if spec.on_premises is None:
        return Verdict(errors)
    machines = machines_of(namespace, name, world)
    errors += check_version(spec.version, world.releases())
    errors += _endpoint(spec.on_premises, machines)
    errors += _flags(spec.on_premises)
    errors += _alternative_names(spec.on_premises.public_alternative_names)
    roles = _roles(name, machines, complete=world.complete)
    known = next((c for c in world.clusters() if (c.namespace, c.name) == (namespace, name)), None)
    initialized = known is not None and known.initialized
    planes = check_planes(spec.on_premises, machines, complete=world.complete, initialized=initialized)
    return Verdict([*errors, *roles.errors], roles.notices) + check_network(spec.on_premises, machines) + planes


def machines_of(namespace: str, cluster: str, world: World) -> list[KnownMachine]:
    """The Machines of a Cluster that stay."""
    return [
        machine
        for machine in world.machines()
        if machine.namespace == namespace and machine.cluster == cluster and not machine.deleting
    ]


def _endpoint(wanted: OnPremises, machines: Sequence[KnownMachine]) -> list[FieldError]:
    host = wanted.control_plane_endpoint.host
    own = next((machine.ipv4 for machine in machines if machine.role == Role.CONTROL_PLANE), None)
    right = Term(f" {own}", f" {own} ") if own else NOTHING
    errors = check_host(host, HOST, example=own or "192.168.10.11")
    if errors or parse_address(host) is None:
        return errors
    within = inside(host, wanted)
    if within is not None:
        return [error("endpoint.inside", HOST, given=host, what=within[0], other=within[1], right=right)]
    for machine in machines:
        if machine.ipv4 == host and machine.role == Role.WORKER:
            return [error("endpoint.worker", HOST, given=host, machine=machine.name, right=right)]
    return []


def _flags(wanted: OnPremises) -> list[FieldError]:
    return [
        *check_flags("kubeletExtraArgs", wanted.kubelet_extra_args, WAY),
        *check_flags("apiServerExtraArgs", wanted.api_server_extra_args, WAY),
        *check_flags("controllerManagerExtraArgs", wanted.controller_manager_extra_args, WAY),
        *check_flags("schedulerExtraArgs", wanted.scheduler_extra_args, WAY),
    ]


def _alternative_names(names: Sequence[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    base = f"{WAY}.publicAlternativeNames"
    for number, name in enumerate(names):
        path = join(base, number)
        # A certificate may hold a wildcard as its first label.
        if parse_address(name) is None and not is_dns_name(name.removeprefix("*.")):
            found = check_host(name, path, example="api.example.com")
            errors += found or [error("san.form", path, given=name, right="api.example.com")]
        elif name in names[:number]:
            errors.append(error("san.twice", path, "FieldValueDuplicate", given=name))
    return errors


def _roles(cluster: str, machines: Sequence[KnownMachine], *, complete: bool) -> Verdict:
    planes = [machine.name for machine in machines if machine.role == Role.CONTROL_PLANE]
    if planes:
        return Verdict()
    if complete:
        return Verdict([error("role.none", WAY, "FieldValueNotFound", cluster=cluster)])
    return Verdict(notices=[error("role.none.yet", WAY, "FieldValueNotFound")])
