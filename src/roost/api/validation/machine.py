"""Rules for a Machine: its addresses, how roost signs in, its Cluster, what its Node carries, who else is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from roost.api.v1alpha1.machine import MachineSpec, Role
from roost.api.v1alpha1.onpremises import IPFamily, NetworkPlugin, OnPremises
from roost.api.validation import cidr
from roost.api.validation.access import SSH, check_access
from roost.api.validation.cluster import machines_of
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import check_address
from roost.api.validation.network import inside, room
from roost.api.validation.nodes import check_declared
from roost.api.validation.planes import check_new_plane
from roost.api.validation.plugins import device, is_underlay
from roost.api.validation.texts import Term
from roost.api.validation.world import KnownCluster, KnownMachine, World

IPV4, IPV6 = "spec.addresses.ipv4", "spec.addresses.ipv6"


def check_machine(namespace: str, name: str, spec: MachineSpec, world: World) -> Verdict:
    """Everything about one Machine, against what exists."""
    cluster = next((c for c in world.clusters() if (c.namespace, c.name) == (namespace, spec.cluster_name)), None)
    verdict = Verdict(_addresses(spec)) + check_access(namespace, spec.ssh, world)
    verdict += Verdict(_duplicates(namespace, name, spec, world)) + check_declared(spec)
    verdict += device(spec.nic, "spec.nic")
    if cluster is None:
        absent = error(
            "cluster.absent", "spec.clusterName", "FieldValueNotFound", given=spec.cluster_name, namespace=namespace
        )
        return verdict + Verdict(notices=[absent])
    if cluster.on_premises is None:
        # A Cluster that this release can't read may well be made of Machines.
        other = cluster.is_global or cluster.attached
        return verdict + Verdict([error("cluster.way", "spec.clusterName", given=cluster.name)] if other else [])
    verdict += _family(spec, cluster.on_premises.network.ip_family) + _devices(spec, cluster, cluster.on_premises)
    if world.complete:
        # The Cluster is judged with all its Machines; saying the rest here again helps nobody.
        return verdict
    others = [other for other in machines_of(namespace, spec.cluster_name, world) if other.name != name]
    verdict += check_new_plane(spec.role, spec.addresses.every, cluster, others)
    return verdict + Verdict(_place(spec, cluster.on_premises, others))


def check_new_member(cluster: KnownCluster | None, given: str) -> list[FieldError]:
    """A Machine is not added to a Cluster that goes."""
    if cluster is not None and cluster.deleting:
        return [error("cluster.going", "spec.clusterName", "FieldValueForbidden", given=given)]
    return []


def _addresses(spec: MachineSpec) -> list[FieldError]:
    given = spec.addresses
    if not given.every:
        return [error("addresses.none", "spec.addresses", "FieldValueRequired")]
    errors: list[FieldError] = []
    if given.ipv4 is not None:
        errors += check_address(given.ipv4, IPV4, 4, other=IPV6, example="192.168.10.11")
    if given.ipv6 is not None:
        errors += check_address(given.ipv6, IPV6, 6, other=IPV4, example="fd00:10::11")
    return errors


def _family(spec: MachineSpec, family: IPFamily) -> Verdict:
    """Each family of the cluster needs an address; one of another family is of no use to it."""
    by_version = {4: (spec.addresses.ipv4, IPV4), 6: (spec.addresses.ipv6, IPV6)}
    wanted = cidr.VERSIONS[family]
    errors: list[FieldError] = []
    notices: list[FieldError] = []
    for version, (text, path) in by_version.items():
        if version in wanted and text is None:
            errors.append(error("addresses.family", path, "FieldValueRequired", family=family.value))
        elif version not in wanted and text is not None:
            notices.append(error("addresses.unused", path, given=text, family=family.value))
    return Verdict(errors, notices)


def _devices(spec: MachineSpec, cluster: KnownCluster, wanted: OnPremises) -> Verdict:
    """The machine's own network device and bridge network, as its Cluster's network plugin knows them."""
    verdict = Verdict()
    network = wanted.network
    if spec.nic is not None and network.plugin is not NetworkPlugin.KUBE_OVN:
        facts = {"given": spec.nic, "plugin": network.plugin.value}
        verdict += Verdict(notices=[error("nic.useless", "spec.nic", "FieldValueInvalid", **facts)])
    if spec.bridge_network is not None:
        path = "spec.bridgeNetwork"
        if not is_underlay(network):
            verdict += Verdict([error("bridge.overlay", path, "FieldValueForbidden", cluster=cluster.name)])
        elif not cluster.initialized:
            verdict += Verdict([error("bridge.creation", path, "FieldValueForbidden")])
    return verdict


def _duplicates(namespace: str, name: str, spec: MachineSpec, world: World) -> list[FieldError]:
    """Within the Cluster an address is there once; elsewhere unless another proxy leads to another network."""
    proxy = spec.ssh.proxy.address if spec.ssh.proxy else None
    reached = (spec.ssh.address or spec.addresses.primary, spec.ssh.port)
    rivals: Iterable[KnownMachine] = (m for m in world.machines() if (m.namespace, m.name) != (namespace, name))
    for other in rivals:
        same_cluster = (other.namespace, other.cluster) == (namespace, spec.cluster_name)
        if not same_cluster and other.proxy != proxy:
            continue
        facts = {"machine": other.name, "where": _where(other, namespace, same_cluster=same_cluster)}
        for text, path in _given(spec):
            if text in other.addresses:
                return [error("machine.twice", path, "FieldValueDuplicate", given=text, **facts)]
        if other.proxy == proxy and (other.ssh_address, other.ssh_port) == reached:
            given = f"{reached[0]}:{reached[1]}"
            path = f"{SSH}.address" if spec.ssh.address else f"{SSH}.port"
            return [error("ssh.twice", path, "FieldValueDuplicate", given=given, **facts)]
    return []


def _given(spec: MachineSpec) -> Iterator[tuple[str, str]]:
    """The addresses and their fields."""
    if spec.addresses.ipv4:
        yield spec.addresses.ipv4, IPV4
    if spec.addresses.ipv6:
        yield spec.addresses.ipv6, IPV6


def _where(other: KnownMachine, namespace: str, *, same_cluster: bool) -> Term:
    if same_cluster:
        return Term("", "")
    if other.namespace == namespace:
        return Term(f" of Cluster {other.cluster}", f"（集群 {other.cluster}）")
    return Term(
        f" of Cluster {other.cluster} in the namespace {other.namespace}",
        f"（命名空间 {other.namespace} 中的集群 {other.cluster}）",
    )


def _place(spec: MachineSpec, wanted: OnPremises, others: list[KnownMachine]) -> list[FieldError]:
    """The machine's addresses against its Cluster's networks and endpoint, and whether there is room for it."""
    for text, path in _given(spec):
        within = inside(text, wanted)
        if within is not None:
            return [error("machine.inside", path, given=text, what=within[0], other=within[1])]
        if spec.role is Role.WORKER and wanted.control_plane_endpoint.host == text:
            return [error("machine.endpoint", path, given=text)]
    limit = room(wanted.network)
    if limit is not None and len(others) + 1 > limit:
        facts = {"given": wanted.network.pod_cidr, "limit": limit, "machines": len(others)}
        return [error("nodes.full", "spec.clusterName", "FieldValueForbidden", **facts)]
    return []
