"""Rules for a Machine: its addresses, how roost signs in, its Cluster, and who else is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from roost.api.v1alpha1.machine import MachineSpec, Role, SSHAccess
from roost.api.validation.cluster import machines_of
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import check_host, check_host_port, check_ipv4
from roost.api.validation.network import inside, room
from roost.api.validation.planes import check_new_plane
from roost.api.validation.secret import Wanted, check_secret
from roost.api.validation.shape import join
from roost.api.validation.texts import Term
from roost.api.validation.world import KnownCluster, KnownMachine, World

SSH: Final = "spec.ssh"
_HOST_KEY: Final = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|"
    r"sk-ecdsa-sha2-nistp256@openssh\.com|ssh-dss) AAAA[A-Za-z0-9+/]+={0,2}( .*)?"
)
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
SIGN_IN: Final = (
    Wanted("kubernetes.io/ssh-auth", ("ssh-privatekey",)),
    Wanted("kubernetes.io/basic-auth", ("password",)),
)
PROXY_SIGN_IN: Final = (Wanted("kubernetes.io/basic-auth", ("username", "password")),)


def check_machine(namespace: str, name: str, spec: MachineSpec, world: World) -> Verdict:
    """Everything about one Machine, against what exists."""
    errors = check_ipv4(spec.addresses.ipv4, "spec.addresses.ipv4") if spec.addresses.ipv4 else []
    errors += _access(spec.ssh)
    errors += _duplicates(namespace, name, spec, world)
    cluster = next((c for c in world.clusters() if (c.namespace, c.name) == (namespace, spec.cluster_name)), None)
    verdict = Verdict(errors) + _secrets(namespace, spec.ssh, world)
    if cluster is None:
        absent = error(
            "cluster.absent", "spec.clusterName", "FieldValueNotFound", given=spec.cluster_name, namespace=namespace
        )
        verdict += Verdict(notices=[absent])
    elif cluster.is_global:
        verdict += Verdict([error("cluster.way", "spec.clusterName", given=cluster.name)])
    if cluster is not None and world.complete:
        # The Cluster is judged with all its Machines; saying the same here again helps nobody.
        return verdict
    others = [other for other in machines_of(namespace, spec.cluster_name, world) if other.name != name]
    if cluster is None:
        return verdict
    addresses = [text for text in (spec.addresses.ipv4, spec.addresses.ipv6) if text]
    planes = check_new_plane(spec.role, addresses, cluster, others)
    return verdict + planes + Verdict(_place(spec, cluster, others))


def check_new_member(cluster: KnownCluster | None, given: str) -> list[FieldError]:
    """A Machine is not added to a Cluster that goes."""
    if cluster is not None and cluster.deleting:
        return [error("cluster.going", "spec.clusterName", "FieldValueForbidden", given=given)]
    return []


def _access(ssh: SSHAccess) -> list[FieldError]:
    errors: list[FieldError] = []
    if ssh.address is not None:
        errors += check_host(ssh.address, f"{SSH}.address", example="192.168.10.11", own=True)
    if ssh.proxy is not None:
        errors += check_host_port(ssh.proxy.address, f"{SSH}.proxy.address")
    for number, key in enumerate(ssh.host_keys):
        path = join(SSH, "hostKeys", number)
        if "PRIVATE KEY" in key:
            errors.append(error("hostkey.private", path, "FieldValueForbidden"))
        elif not _HOST_KEY.fullmatch(key.strip()) and not _FINGERPRINT.fullmatch(key.strip()):
            errors.append(error("hostkey.form", path))
    return errors


def _secrets(namespace: str, ssh: SSHAccess, world: World) -> Verdict:
    verdict = check_secret(namespace, ssh.credential.name, f"{SSH}.credential.name", SIGN_IN, world)
    if ssh.proxy is not None and ssh.proxy.credential is not None:
        path = f"{SSH}.proxy.credential.name"
        verdict += check_secret(namespace, ssh.proxy.credential.name, path, PROXY_SIGN_IN, world)
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
        if other.ipv4 and other.ipv4 == spec.addresses.ipv4:
            given = spec.addresses.ipv4
            return [error("machine.twice", "spec.addresses.ipv4", "FieldValueDuplicate", given=given, **facts)]
        if other.proxy == proxy and (other.ssh_address, other.ssh_port) == reached:
            given = f"{reached[0]}:{reached[1]}"
            path = f"{SSH}.address" if spec.ssh.address else f"{SSH}.port"
            return [error("ssh.twice", path, "FieldValueDuplicate", given=given, **facts)]
    return []


def _where(other: KnownMachine, namespace: str, *, same_cluster: bool) -> Term:
    if same_cluster:
        return Term("", "")
    if other.namespace == namespace:
        return Term(f" of Cluster {other.cluster}", f"（集群 {other.cluster}）")
    return Term(
        f" of Cluster {other.cluster} in the namespace {other.namespace}",
        f"（命名空间 {other.namespace} 中的集群 {other.cluster}）",
    )


def _place(spec: MachineSpec, cluster: KnownCluster, others: list[KnownMachine]) -> list[FieldError]:
    """The machine's address against its Cluster's networks and endpoint, and whether there is room for it."""
    wanted = cluster.on_premises
    if wanted is None:
        return []
    path = "spec.addresses.ipv4"
    within = inside(spec.addresses.primary, wanted)
    if within is not None:
        return [error("machine.inside", path, given=spec.addresses.ipv4, what=within[0], other=within[1])]
    if spec.role is Role.WORKER and wanted.control_plane_endpoint.host == spec.addresses.ipv4:
        return [error("machine.endpoint", path, given=spec.addresses.ipv4)]
    limit = room(wanted.network)
    if limit is not None and len(others) + 1 > limit:
        given = wanted.network.pod_cidr
        return [
            error(
                "nodes.full",
                "spec.clusterName",
                "FieldValueForbidden",
                given=given,
                limit=limit,
                machines=len(others),
            )
        ]
    return []
