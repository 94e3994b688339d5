"""Rules for the control planes of a Cluster and for its endpoint: how many, and by which address they are reached.

Called for a Cluster with all its Machines, and for a Machine that is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roost.api.v1alpha1.cluster import Endpoint, OnPremises
from roost.api.v1alpha1.machine import Role
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import check_host, parse_address
from roost.api.validation.network import inside
from roost.api.validation.world import KnownCluster, KnownMachine

CONTROL_PLANES: Final = (1, 3, 5)
"""How many control planes a Cluster may have. An even number is a state on the way, never how it is made."""
WAY: Final = "spec.onPremises"
ENDPOINT: Final = f"{WAY}.controlPlaneEndpoint"
HOST: Final = f"{ENDPOINT}.host"
TAKEN_PORTS: Final = {
    2379: "etcd",
    2380: "etcd",
    10250: "kubelet",
    10256: "kube-proxy",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
    11780: "roost",
    11781: "roost",
}
"""By which the virtual address can't be reached: something else listens there on all addresses of a machine."""


def planes_of(machines: Sequence[KnownMachine]) -> list[KnownMachine]:
    return sorted((m for m in machines if m.role == Role.CONTROL_PLANE), key=lambda machine: machine.name)


def check_planes(
    wanted: OnPremises, machines: Sequence[KnownMachine], *, complete: bool, initialized: bool
) -> Verdict:
    """Of a Cluster. `complete`: no Machine is still to come; `initialized`: the cluster exists."""
    planes = planes_of(machines)
    verdict = _count(planes, complete=complete, initialized=initialized)
    endpoint = wanted.control_plane_endpoint
    owner = next((machine for machine in planes if endpoint.host in _addresses(machine)), None)
    names = ", ".join(machine.name for machine in planes)
    if endpoint.self_built_vip is not None:
        verdict += Verdict(_virtual(wanted, endpoint, machines))
    elif owner is not None and len(planes) > 1:
        verdict += Verdict(
            [error("endpoint.own.many", HOST, given=endpoint.host, machine=owner.name, machines=names)]
        )
    elif owner is not None:
        verdict += Verdict(notices=[error("endpoint.own", HOST, given=endpoint.host, machine=owner.name)])
    return verdict + Verdict(_external(wanted, endpoint))


def _count(planes: Sequence[KnownMachine], *, complete: bool, initialized: bool) -> Verdict:
    names, count = ", ".join(machine.name for machine in planes), len(planes)
    if count in CONTROL_PLANES or not count:
        return Verdict()
    if count > max(CONTROL_PLANES):
        return Verdict([error("planes.most", WAY, "FieldValueNotSupported", machines=names, count=count)])
    if complete and not initialized:
        return Verdict([error("planes.even", WAY, "FieldValueNotSupported", machines=names, count=count)])
    return Verdict(notices=[error("planes.even.now", WAY, machines=names, count=count)])


def virtual_address(endpoint: Endpoint) -> str | None:
    """The self-built VIP's address, if there is one."""
    if endpoint.self_built_vip is None:
        return None
    return endpoint.self_built_vip.address or endpoint.host


def _virtual(wanted: OnPremises, endpoint: Endpoint, machines: Sequence[KnownMachine]) -> list[FieldError]:
    vip = endpoint.self_built_vip
    path = f"{ENDPOINT}.selfBuiltVIP.address"
    named = parse_address(endpoint.host) is None
    given = vip.address if vip is not None else None
    if given is None and named:
        return [error("vip.required", path, "FieldValueRequired", given=endpoint.host)]
    if given is not None and parse_address(given) is None:
        return [error("vip.form", path, given=given, right="192.168.10.10")]
    if given is not None and not named and given != endpoint.host:
        return [error("vip.other", path, given=given, host=endpoint.host)]
    address, at = (given, path) if given is not None else (endpoint.host, HOST)
    errors: list[FieldError] = []
    owner = next((machine for machine in machines if address in _addresses(machine)), None)
    within = inside(address, wanted) if named else None
    if owner is not None:
        errors.append(error("vip.machine", at, given=address, machine=owner.name))
    if within is not None:
        errors.append(error("vip.inside", at, given=address, what=within[0], other=within[1]))
    if endpoint.port in TAKEN_PORTS:
        component = TAKEN_PORTS[endpoint.port]
        errors.append(error("vip.port", f"{ENDPOINT}.port", given=endpoint.port, component=component))
    return errors


def _external(wanted: OnPremises, endpoint: Endpoint) -> list[FieldError]:
    if endpoint.external_access is None:
        return []
    host, path = endpoint.external_access.host, f"{ENDPOINT}.externalAccess.host"
    errors = check_host(host, path, example="203.0.113.10")
    within = inside(host, wanted)
    if not errors and within is not None:
        return [error("external.inside", path, given=host, what=within[0], other=within[1])]
    return errors


def check_new_plane(
    role: Role, addresses: Sequence[str], cluster: KnownCluster, others: Sequence[KnownMachine]
) -> Verdict:
    """Of a Machine that is added to a Cluster or changed; `others`: the Cluster's other Machines."""
    wanted = cluster.on_premises
    if wanted is None:
        return Verdict()
    endpoint = wanted.control_plane_endpoint
    virtual = virtual_address(endpoint)
    if virtual is not None and virtual in addresses:
        path = "spec.addresses.ipv6" if ":" in virtual else "spec.addresses.ipv4"
        return Verdict([error("machine.vip", path, given=virtual, cluster=cluster.name)])
    planes = planes_of(others)
    if role is not Role.CONTROL_PLANE or not planes:
        return Verdict()
    owner = next((machine.name for machine in planes if endpoint.host in _addresses(machine)), None)
    if owner is None and endpoint.host in addresses:
        owner = "that is added"
    path = "spec.role"
    if owner is not None:
        found = error(
            "plane.own.endpoint",
            path,
            "FieldValueForbidden",
            given=endpoint.host,
            machine=owner,
            cluster=cluster.name,
        )
        return Verdict([found])
    count, names = len(planes) + 1, ", ".join(machine.name for machine in planes)
    if count > max(CONTROL_PLANES):
        return Verdict([error("planes.most", path, "FieldValueNotSupported", machines=names, count=count)])
    if count not in CONTROL_PLANES and cluster.initialized:
        return Verdict(notices=[error("planes.even.now", path, machines=names, count=count)])
    return Verdict()


def _addresses(machine: KnownMachine) -> tuple[str, ...]:
    """All that are known of it."""
    return machine.addresses
