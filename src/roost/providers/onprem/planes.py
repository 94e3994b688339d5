"""Which control plane makes the cluster, and which ones already are part of it. Pure.

Called by the provider after it has looked at the machines. The answer comes from what stands on the machines,
never from a memory: a machine that was replaced holds nothing, and must join a cluster that is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from roost.api.errors import RetryLater


class Stage(StrEnum):
    """How far a control plane came, as its stamps and its etcd data tell (preflight/sh/look.sh)."""

    NOTHING = ""
    BEGUN = "begun"
    """kubeadm init has made certificates there; other machines can't have joined yet."""
    FOUNDED = "founded"
    JOINED = "joined"
    LOST = "lost"
    """It was a control plane, and its etcd data is gone."""


@dataclass(frozen=True)
class Founding:
    founder: str
    """Name of the control plane that makes (or made) the cluster; empty when that one is gone."""
    established: tuple[str, ...]
    """Control planes that are members of the cluster."""


def decide(names: Sequence[str], stages: Mapping[str, Stage], *, settled: Collection[str], exists: bool) -> Founding:
    """`names`: all control planes in the order of joining; `stages`: of those that could be looked at.

    `exists`: a kubeconfig of the cluster is kept. Raises RetryLater when the cluster exists and none of those
    that can be reached holds its data: initialized anew, it would be another, empty one.
    """
    members = {Stage.FOUNDED, Stage.JOINED}
    established = tuple(name for name in names if name in settled or stages.get(name) in members)
    founded = [name for name in names if stages.get(name) is Stage.FOUNDED]
    if established:
        return Founding(founded[0] if founded else "", established)
    unseen = [name for name in names if name not in stages]
    if unseen and exists:
        raise RetryLater(
            "ControlPlaneUnreachable",
            f"the cluster exists, and no control plane that holds its data can be reached: {', '.join(unseen)} "
            "can't be looked at. roost does not initialize it anew; bring one of them back",
        )
    begun = [name for name in names if stages.get(name) is Stage.BEGUN]
    return Founding((begun or list(names))[0], ())
