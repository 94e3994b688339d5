"""Bridge networks of a Kube-OVN underlay: the network device of a single machine, and the network that it joins.

A ProviderNetwork has a default device for every node, and `customInterfaces` for those that use another one.
Called at each look by following.view; entries that no Machine declares are left alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from roost.api.v1alpha1.cluster import NetworkPlugin, TransmitMode
from roost.kube.client import MERGE, Client, Json
from roost.kube.errors import answered
from roost.kube.resources import ResourceType
from roost.providers.onprem import layout, nodes
from roost.providers.onprem.context import Context
from roost.providers.onprem.network import kubeovn

PROVIDER_NETWORK: Final = ResourceType("kubeovn.io", "v1", "ProviderNetwork", "provider-networks", namespaced=False)


def wanted(ctx: Context, found: Sequence[nodes.Node]) -> dict[str, dict[str, str | None]]:
    """By bridge network: Node to its device; None is the network's default device. Pure."""
    network = layout.on_premises(ctx.spec).network
    if network.plugin is not NetworkPlugin.KUBE_OVN or network.transmit_mode is not TransmitMode.UNDERLAY:
        return {}
    result: dict[str, dict[str, str | None]] = {}
    for machine in ctx.machines:
        node = nodes.of_machine(found, machine)
        spec = machine.spec
        if node is None or machine.deleting or (spec.nic is None and spec.bridge_network is None):
            continue
        result.setdefault(spec.bridge_network or kubeovn.PROVIDER, {})[node.name] = spec.nic
    return result


def correction(network: Mapping[str, Any], devices: Mapping[str, str | None]) -> Json | None:
    """A merge patch of the ProviderNetwork, or None where it is as declared. Pure."""
    spec = cast("Json", network.get("spec") or {})
    entries = copy.deepcopy(cast("list[Json]", spec.get("customInterfaces") or []))
    excluded = [name for name in cast("list[str]", spec.get("excludeNodes") or []) if name not in devices]
    for entry in entries:
        own = cast("list[str]", entry.get("nodes") or [])
        entry["nodes"] = [name for name in own if devices.get(name, entry["interface"]) == entry["interface"]]
    for name, device in sorted(devices.items()):
        if device is None or device == spec.get("defaultInterface"):
            for entry in entries:
                entry["nodes"] = [other for other in cast("list[str]", entry["nodes"]) if other != name]
            continue
        entry = next((each for each in entries if each["interface"] == device), None)
        if entry is None:
            made: Json = {"interface": device, "nodes": list[str]()}
            entries.append(made)
            entry = made
        if name not in entry["nodes"]:
            entry["nodes"] = [*entry["nodes"], name]
    entries = [entry for entry in entries if entry["nodes"]]
    changes: Json = {}
    if entries != (spec.get("customInterfaces") or []):
        changes["customInterfaces"] = entries or None
    if excluded != (spec.get("excludeNodes") or []):
        changes["excludeNodes"] = excluded or None
    if not changes:
        return None
    version = cast("Json", network["metadata"]).get("resourceVersion")
    return {"metadata": {"resourceVersion": version}, "spec": changes}


async def keep(ctx: Context, client: Client, found: Sequence[nodes.Node]) -> None:
    """Does nothing before the objects are there; says when a Machine names a bridge network that is not."""
    for name, devices in wanted(ctx, found).items():
        path = PROVIDER_NETWORK.path(name=name)
        try:
            network = await client.call("GET", path)
        except Exception as error:
            if answered(error) != 404:
                raise
            if name != kubeovn.PROVIDER:
                ctx.report.event(
                    None,
                    "BridgeNetworkMissing",
                    f"there is no ProviderNetwork {name}, which the nodes {', '.join(sorted(devices))} are to join; "
                    "create it, or correct spec.bridgeNetwork of their Machines",
                    warning=True,
                )
            continue
        needed = correction(network, devices)
        if needed is None:
            continue
        try:
            await client.call("PATCH", path, body=needed, content_type=MERGE)
        except Exception as error:
            # Somebody changed it meanwhile: the next look decides anew.
            if answered(error) not in (404, 409):
                raise
