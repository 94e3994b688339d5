"""Nodes of the managed cluster as its API shows them, and which Machine each belongs to. Pure, but for `fetch`."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from roost.kube.client import Client, Json
from roost.kube.resources import NODE
from roost.kube.wait import condition
from roost.providers.onprem import families
from roost.providers.onprem.context import MachineInput

NETWORK_WORDS: Final = ("NetworkPluginNotReady", "cni plugin not initialized", "cni config uninitialized")
"""What kubelet's Ready condition says while no network plugin is there."""


@dataclass(frozen=True)
class Node:
    name: str
    ready: bool
    reason: str
    """Why it is not ready."""
    version: str
    addresses: frozenset[str]
    created: datetime.datetime
    unschedulable: bool = False
    item: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)
    """As the API gave it."""

    @property
    def network_missing(self) -> bool:
        return not self.ready and any(word in self.reason for word in NETWORK_WORDS)


def read(item: Mapping[str, Any]) -> Node:
    metadata, status = cast("Json", item["metadata"]), cast("Json", item.get("status") or {})
    ready = condition(item, "Ready") or {}
    reason = ": ".join(str(ready[key]) for key in ("reason", "message") if ready.get(key))
    listed = cast("list[Json]", status.get("addresses") or [])
    return Node(
        name=str(metadata["name"]),
        ready=ready.get("status") == "True",
        reason=reason or "kubelet has not reported yet",
        version=str(cast("Json", status.get("nodeInfo") or {}).get("kubeletVersion", "")).removeprefix("v"),
        addresses=frozenset(str(entry["address"]) for entry in listed if entry.get("type") == "InternalIP"),
        created=datetime.datetime.fromisoformat(str(metadata["creationTimestamp"])),
        unschedulable=bool(cast("Json", item.get("spec") or {}).get("unschedulable", False)),
        item=item,
    )


async def fetch(client: Client) -> list[Node]:
    answer = await client.call("GET", NODE.path())
    return [read(item) for item in cast("list[Json]", answer.get("items") or [])]


def of_machine(nodes: Iterable[Node], machine: MachineInput) -> Node | None:
    """A Machine's Node has its declared addresses, which roost gives to kubelet as --node-ip."""
    own = frozenset(families.declared(machine))
    return next((node for node in nodes if own & node.addresses), None)


def addresses(nodes: Iterable[Node], machines: Iterable[MachineInput]) -> dict[str, frozenset[str]]:
    """Of each Machine's Node the addresses that its serving certificate may name: those of the Machine."""
    known = list(nodes)
    found = ((of_machine(known, machine), machine) for machine in machines)
    return {node.name: frozenset(families.declared(machine)) for node, machine in found if node is not None}
