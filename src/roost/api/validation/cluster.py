"""Rules for a Cluster: the way it comes to be, and then every parameter of it, each in a module of its own."""

from __future__ import annotations

from collections.abc import Sequence

from roost.api.names import GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.api.v1alpha1.cluster import ClusterSpec, OnPremises
from roost.api.v1alpha1.machine import Role
from roost.api.validation.annotations import check_annotations
from roost.api.validation.attached import check_imported, check_registered
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.flags import check_flags
from roost.api.validation.hosts import check_host, is_dns_name, parse_address
from roost.api.validation.monitoring import check_monitoring
from roost.api.validation.network import check_network, inside
from roost.api.validation.nodes import check_max_pods, check_node_names
from roost.api.validation.planes import HOST, WAY, check_planes
from roost.api.validation.project import check_wish
from roost.api.validation.registry import check_registry
from roost.api.validation.runtime import check_runtime
from roost.api.validation.shape import join
from roost.api.validation.texts import NOTHING, Term
from roost.api.validation.versions import check_version
from roost.api.validation.world import KnownCluster, KnownMachine, World, platform_addresses


def check_cluster(namespace: str, name: str, spec: ClusterSpec, world: World) -> Verdict:
    """Everything about one Cluster, against what exists."""
    ways = [way for way in (spec.on_premises, spec.imported, spec.registered, spec.global_) if way is not None]
    if len(ways) > 1:
        return Verdict([error("way.one", "spec")])
    if spec.global_ is not None:
        return Verdict([error("global.written", "spec.global", "FieldValueForbidden")])
    if not ways:
        return Verdict([error("way.one", "spec", "FieldValueRequired")])
    verdict = Verdict()
    if (namespace, name) == (SYSTEM_NAMESPACE, GLOBAL_CLUSTER):
        verdict += Verdict([error("global.name", "metadata.name", "FieldValueForbidden", namespace=namespace)])
    verdict += check_annotations(spec.annotations, platform_addresses(world))
    own = known(namespace, name, world)
    verdict += check_wish(spec.project, available=own is not None and own.available, world=world)
    if spec.imported is not None:
        return verdict + check_imported(namespace, spec, spec.imported, world)
    if spec.registered is not None:
        return verdict + check_registered(spec, spec.registered)
    assert spec.on_premises is not None
    return verdict + _on_premises(namespace, name, spec, spec.on_premises, world)


def known(namespace: str, name: str, world: World) -> KnownCluster | None:
    return next((c for c in world.clusters() if (c.namespace, c.name) == (namespace, name)), None)


def machines_of(namespace: str, cluster: str, world: World) -> list[KnownMachine]:
    """The Machines of a Cluster that stay."""
    return [
        machine
        for machine in world.machines()
        if machine.namespace == namespace and machine.cluster == cluster and not machine.deleting
    ]


def _on_premises(namespace: str, name: str, spec: ClusterSpec, wanted: OnPremises, world: World) -> Verdict:
    machines = machines_of(namespace, name, world)
    own = known(namespace, name, world)
    verdict = Verdict(check_version(spec.version, world.releases()))
    verdict += Verdict(_endpoint(wanted, machines))
    verdict += Verdict([*_flags(wanted), *_alternative_names(wanted.public_alternative_names)])
    initialized = own is not None and own.initialized
    verdict += _roles(name, machines, complete=world.complete)
    verdict += check_network(wanted, machines)
    verdict += check_planes(wanted, machines, complete=world.complete, initialized=initialized)
    verdict += Verdict(check_node_names(wanted))
    verdict += check_max_pods(wanted)
    verdict += check_runtime(wanted, world, initialized=initialized)
    verdict += check_registry(namespace, wanted.registry, world)
    verdict += check_monitoring(namespace, name, wanted, machines, world, initialized=initialized)
    return verdict


def _endpoint(wanted: OnPremises, machines: Sequence[KnownMachine]) -> list[FieldError]:
    host = wanted.control_plane_endpoint.host
    own = next((m.addresses[0] for m in machines if m.role == Role.CONTROL_PLANE and m.addresses), None)
    right = Term(f" {own}", f" {own} ") if own else NOTHING
    errors = check_host(host, HOST, example=own or "192.168.10.11", family=wanted.network.ip_family)
    if errors or parse_address(host) is None:
        return errors
    within = inside(host, wanted)
    if within is not None:
        return [error("endpoint.inside", HOST, given=host, what=within[0], other=within[1], right=right)]
    for machine in machines:
        if host in machine.addresses and machine.role == Role.WORKER:
            return [error("endpoint.worker", HOST, given=host, machine=machine.name, right=right)]
    return []


def _roles(cluster: str, machines: Sequence[KnownMachine], *, complete: bool) -> Verdict:
    if any(machine.role == Role.CONTROL_PLANE for machine in machines):
        return Verdict()
    if complete:
        return Verdict([error("role.none", WAY, "FieldValueNotFound", cluster=cluster)])
    return Verdict(notices=[error("role.none.yet", WAY, "FieldValueNotFound")])


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
