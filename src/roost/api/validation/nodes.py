"""Rules for Nodes: their names, how many Pods they take, and the roles, labels and taints that a Machine declares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from roost.api.v1alpha1.machine import MachineSpec, Role, Taint, TaintEffect
from roost.api.v1alpha1.onpremises import IPFamily, NetworkPlugin, NodeNameSource, OnPremises
from roost.api.validation import cidr
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.labels import check_key, check_value
from roost.api.validation.shape import join
from roost.api.validation.texts import Term

WAY: Final = "spec.onPremises"
MOST_PODS: Final = 256
"""More is allowed and not recommended."""
ROLE_PREFIX: Final = "node-role.kubernetes.io/"
CONTROL_PLANE_ROLES: Final = ("control-plane", "master")
"""Both mark control planes: master is what they were called before Kubernetes 1.24."""
KUBELETS_LABELS: Final = (
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
)
_ROOSTS: Final = "cluster.alauda.io/"


def check_node_names(wanted: OnPremises) -> list[FieldError]:
    """A Node's name holds no colon, so it can't be an IPv6 address."""
    if wanted.node_name is NodeNameSource.IP and wanted.network.ip_family is IPFamily.IPV6:
        return [error("nodename.ipv6", f"{WAY}.nodeName", "FieldValueNotSupported")]
    return []


def max_pods(wanted: OnPremises) -> int | None:
    """Most Pods of one node; None where kubelet's own default stays: only Flannel has addresses per node to give."""
    given = wanted.kubelet_extra_args.get("max-pods")
    if given is not None:
        return int(given) if re.fullmatch(r"[1-9][0-9]{0,5}", given) else None
    if wanted.network.plugin is NetworkPlugin.FLANNEL:
        return wanted.network.ips_per_node
    return None


def check_max_pods(wanted: OnPremises) -> Verdict:
    """Warns of more Pods than a node manages, and of more than it has addresses for."""
    number = max_pods(wanted)
    if number is None:
        return Verdict()
    given = "max-pods" in wanted.kubelet_extra_args
    path = join(WAY, "kubeletExtraArgs", "max-pods") if given else f"{WAY}.network.ipsPerNode"
    notices: list[FieldError] = []
    if number > MOST_PODS:
        notices.append(error("maxpods.many", path, given=number, most=MOST_PODS))
    each = wanted.network.ips_per_node or cidr.DEFAULT_PER_NODE
    if wanted.network.plugin is NetworkPlugin.FLANNEL and number > each:
        notices.append(error("maxpods.addresses", path, given=number, per_node=each))
    return Verdict(notices=notices)


def check_declared(spec: MachineSpec) -> Verdict:
    """Allow apps, roles, labels and taints of one Machine."""
    errors: list[FieldError] = []
    if spec.allow_apps and spec.role is Role.WORKER:
        errors.append(error("apps.worker", "spec.allowApps", "FieldValueForbidden"))
    errors += _roles(spec)
    errors += _labels(spec)
    notices: list[FieldError] = []
    for number, taint in enumerate(spec.taints):
        found = _taint(taint, join("spec.taints", number), spec.taints[:number])
        errors += found
        role = taint.key.removeprefix(ROLE_PREFIX)
        if not found and role != taint.key and role not in {*spec.roles, "worker"}:
            path = join("spec.taints", number, "key")
            notices.append(error("taint.role.absent", path, given=taint.key, role=role))
    return Verdict(errors, notices)


def _roles(spec: MachineSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    for number, role in enumerate(spec.roles):
        path = join("spec.roles", number)
        if role in CONTROL_PLANE_ROLES:
            errors.append(error("role.control", path, "FieldValueForbidden", given=role))
        elif spec.role is Role.CONTROL_PLANE:
            errors.append(error("role.custom", path, "FieldValueForbidden", given=role))
        elif role in spec.roles[:number]:
            errors.append(error("role.twice", path, "FieldValueDuplicate", given=role))
    return errors


def _labels(spec: MachineSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, value in spec.labels.items():
        path = join("spec.labels", key)
        found = check_key(key, path) or check_value(value, path)
        if not found and key.startswith(ROLE_PREFIX):
            role = key.removeprefix(ROLE_PREFIX)
            right = (
                Term("spec.role ControlPlane", "spec.role ControlPlane")
                if role in CONTROL_PLANE_ROLES
                else Term(f"{role} in spec.roles", f" spec.roles 中的 {role}")
            )
            found = [error("label.role", path, "FieldValueForbidden", given=key, right=right)]
        elif not found and (key in KUBELETS_LABELS or key.startswith(_ROOSTS)):
            found = [error("label.owned", path, "FieldValueForbidden", given=key)]
        errors += found
    return errors


def _taint(taint: Taint, path: str, before: Sequence[Taint]) -> list[FieldError]:
    errors = check_key(taint.key, f"{path}.key") + check_value(taint.value or "", f"{path}.value")
    if errors:
        return errors
    if taint.key.startswith(ROLE_PREFIX):
        role = taint.key.removeprefix(ROLE_PREFIX)
        if role in CONTROL_PLANE_ROLES:
            return [error("taint.control", f"{path}.key", "FieldValueForbidden", given=taint.key)]
        if taint.effect is not TaintEffect.NO_SCHEDULE:
            return [error("taint.effect", f"{path}.effect", "FieldValueNotSupported", given=taint.effect.value)]
    if taint.key.startswith(("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", _ROOSTS)):
        return [error("taint.owned", f"{path}.key", "FieldValueForbidden", given=taint.key)]
    if any((other.key, other.effect) == (taint.key, taint.effect) for other in before):
        given = f"{taint.key}:{taint.effect.value}"
        return [error("taint.twice", path, "FieldValueDuplicate", given=given)]
    return []
