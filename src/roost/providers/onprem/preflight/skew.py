"""Whether a machine may join with the cluster's version when the Nodes that are there run another one.

`spec.version` can't change on a running cluster, so this happens only where somebody upgraded Kubernetes by hand.
kubelet is never newer than the API servers and at most three minor versions older; API servers differ by at most one
(Kubernetes' own version skew policy). Called by the provider before anything is changed on a machine that is added.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from roost.api.v1alpha1.machine import Role
from roost.kube.client import Json
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.nodes import Node
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.roles import is_control_plane

KUBELET_BEHIND: Final = 3
SERVERS_APART: Final = 1


def check(version: str, machines: Sequence[MachineInput], existing: Sequence[Node]) -> list[Finding]:
    """`version`: what the machines would get; `existing`: the cluster's Nodes, none where there is no cluster yet."""
    servers = sorted({found for node in existing if _is_plane(node) and (found := _minor(node.version))})
    own = _minor(version)
    if not servers or own is None:
        return []
    return [finding for machine in machines if (finding := _judge(version, own, machine, servers)) is not None]


def _judge(
    version: str, own: tuple[int, int], machine: MachineInput, servers: Sequence[tuple[int, int]]
) -> Finding | None:
    oldest, newest = servers[0], servers[-1]
    if machine.spec.role is Role.CONTROL_PLANE:
        lowest, highest = (newest[0], newest[1] - SERVERS_APART), (oldest[0], oldest[1] + SERVERS_APART)
    else:
        lowest, highest = (newest[0], newest[1] - KUBELET_BEHIND), oldest
    if lowest <= own <= highest:
        return None
    return Finding(
        machine.name,
        "VersionSkew",
        f"Kubernetes {version} can't join as {machine.spec.role}: that takes {_text(lowest)} to {_text(highest)} "
        "here",
        f"the cluster's API servers run {', '.join(_text(server) for server in servers)}",
        "The cluster was upgraded by something else than roost; take the machine to a cluster of its own, or bring "
        f"the control planes back to {version}",
    )


def _is_plane(node: Node) -> bool:
    metadata = cast("Json", node.item.get("metadata") or {})
    return is_control_plane(cast("dict[str, str]", metadata.get("labels") or {}))


def _minor(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _text(minor: tuple[int, int]) -> str:
    return f"{minor[0]}.{minor[1]}"
