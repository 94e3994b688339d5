"""Waits for what the cluster itself has to do: Nodes become Ready, add-ons run. Approves certificates meanwhile.

Called at the end of a creation and, without waiting, by look_after.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from roost.api import conditions
from roost.api.errors import RetryLater
from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.kube.client import Client, Json
from roost.kube.errors import answered, explained
from roost.kube.resources import CSR, ResourceType
from roost.providers.onprem import holdups, layout, nodes, roles, serving
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.network import bridges, plugins

DEPLOYMENT: Final = ResourceType("apps", "v1", "Deployment", "deployments", namespaced=True)
DAEMON_SET: Final = ResourceType("apps", "v1", "DaemonSet", "daemonsets", namespaced=True)
NODES_SECONDS: Final = 180.0
REGISTERED_SECONDS: Final = 15.0
ADDONS_SECONDS: Final = 120.0
ADDONS_PATIENCE: Final = 5.0
"""Before that long a Pod only starts: nobody asks what holds it up."""
CERTIFICATE_SECONDS: Final = 20.0
"""How long a new node may take to ask for its serving certificate before the wait goes on without it."""
INTERVAL: Final = 0.3
NEW: Final = datetime.timedelta(seconds=60)
"""As long a Node may be not ready without anything being wrong: its network has yet to start."""


@dataclass(frozen=True)
class View:
    """The machines' Nodes at one moment."""

    machines: Sequence[MachineInput]
    found: Sequence[nodes.Node]

    def node(self, machine: MachineInput) -> nodes.Node | None:
        return nodes.of_machine(self.found, machine)

    @property
    def ready(self) -> int:
        return sum(1 for machine in self.machines if (node := self.node(machine)) is not None and node.ready)

    @property
    def waiting(self) -> list[tuple[MachineInput, nodes.Node | None]]:
        pairs = [(machine, self.node(machine)) for machine in self.machines]
        return [(machine, node) for machine, node in pairs if node is None or not node.ready]

    @property
    def network_missing(self) -> bool:
        """Every node that is not ready waits for a network plugin, and for nothing else."""
        return bool(self.waiting) and all(node is not None and node.network_missing for _, node in self.waiting)


async def view(ctx: Context, client: Client, machines: Sequence[MachineInput]) -> View:
    """Looks once: Nodes, serving certificates, the condition Ready of each Machine."""
    with explained(client.server, doing="look at the nodes"):
        found = await nodes.fetch(client)
        known = nodes.addresses(found, ctx.machines)
        for refusal in await serving.approve_all(client, known):
            ctx.report.event(None, "CertificateRefused", refusal, warning=True)
        await _keep_declared(ctx, client, found)
        await bridges.keep(ctx, client, found)
    seen = View(machines, found)
    custom = layout.on_premises(ctx.spec).network.plugin is NetworkPlugin.CUSTOM
    for machine in machines:
        node = seen.node(machine)
        if node is None:
            ctx.report.machine(machine.name, conditions.READY, "False", "NodeMissing", "there is no Node of it yet")
        elif node.ready:
            ctx.report.machine(machine.name, conditions.READY, "True", conditions.SUCCEEDED)
        else:
            missing = node.network_missing and custom
            reason = (
                conditions.NETWORK_PLUGIN_MISSING if missing else not_ready(node, datetime.datetime.now(datetime.UTC))
            )
            ctx.report.machine(machine.name, conditions.READY, "False", reason, f"node {node.name}: {node.reason}")
    return seen


def not_ready(node: nodes.Node, now: datetime.datetime) -> str:
    """Why a Machine is not Ready: no node is in its first moments, which is no failure."""
    return conditions.IN_PROGRESS if now - node.created < NEW else "NodeNotReady"


async def _keep_declared(ctx: Context, client: Client, found: Sequence[nodes.Node]) -> None:
    """Roles, labels and taints of every Machine on its Node; what was changed is told in an event."""
    for machine in ctx.machines:
        node = nodes.of_machine(found, machine)
        if node is None or machine.deleting:
            continue
        if changed := await roles.keep(client, node.item, roles.wish(machine, ctx.spec)):
            text = f"{machine.name}: node {node.name} now has {', '.join(changed)}"
            ctx.report.event(machine.name, "NodeCorrected", text)


async def registered(ctx: Context, client: Client, machine: MachineInput) -> bool:
    """Whether a machine that has joined has its Node; a kubelet that has just started gets some seconds."""
    end = time.monotonic() + REGISTERED_SECONDS
    while (await view(ctx, client, [machine])).node(machine) is None:
        if time.monotonic() > end:
            return False
        await asyncio.sleep(INTERVAL)
    return True


async def nodes_ready(ctx: Context, client: Client, machines: Sequence[MachineInput]) -> View:
    """Until all are Ready and have asked for their serving certificates; with a Custom network, until all exist.

    Raises RetryLater NodeNotReady with what kubelet says.
    """
    custom = layout.on_premises(ctx.spec).network.plugin is NetworkPlugin.CUSTOM
    end = time.monotonic() + NODES_SECONDS
    certificates = time.monotonic() + CERTIFICATE_SECONDS
    while True:
        seen = await view(ctx, client, machines)
        if not seen.waiting or (custom and seen.network_missing):
            unserved = await _without_certificate(client, seen)
            if not unserved or time.monotonic() > certificates:
                return seen
        elif time.monotonic() > end:
            said = "; ".join(
                f"{machine.name}: {'it has no Node yet' if node is None else f'node {node.name}: {node.reason}'}"
                for machine, node in seen.waiting
            )
            raise RetryLater("NodeNotReady", f"not Ready after {NODES_SECONDS:.0f} s: {said}")
        await asyncio.sleep(INTERVAL)


async def _without_certificate(client: Client, seen: View) -> list[str]:
    """New nodes for which no serving certificate was issued; the API keeps requests for an hour."""
    now = datetime.datetime.now(datetime.UTC)
    young = {
        f"system:node:{node.name}"
        for machine in seen.machines
        if (node := seen.node(machine)) is not None and now - node.created < datetime.timedelta(minutes=50)
    }
    if not young:
        return []
    with explained(client.server, doing="look at the certificate signing requests"):
        answer = await client.call("GET", CSR.path(), query={"fieldSelector": f"spec.signerName={serving.SIGNER}"})
    served = {
        str(cast("Json", item["spec"]).get("username"))
        for item in cast("list[Json]", answer.get("items") or [])
        if cast("Json", item.get("status") or {}).get("certificate")
    }
    return sorted(young - served)


async def addons_running(ctx: Context, client: Client) -> None:
    """Until CoreDNS answers and kube-proxy (and flannel) run on every node. Raises RetryLater AddonNotReady."""
    daemons = [("kube-system", "kube-proxy")]
    if (plugin := plugins.of(ctx)) is not None:
        daemons.append((plugin.namespace, plugin.daemon_set))
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        missing = await _missing_addons(client, daemons, why=waited > ADDONS_PATIENCE)
        if not missing:
            return
        ctx.report.cluster(
            conditions.ADDONS_INSTALLED, "False", conditions.IN_PROGRESS, f"waiting for {'; '.join(missing)}"
        )
        if waited > ADDONS_SECONDS:
            raise RetryLater(
                "AddonNotReady",
                f"not running after {ADDONS_SECONDS:.0f} s: {'; '.join(missing)}; "
                "`kubectl --all-namespaces get events` says what holds them up",
            )
        await asyncio.sleep(INTERVAL)


async def _missing_addons(client: Client, daemons: Sequence[tuple[str, str]], *, why: bool) -> list[str]:
    """`why`: what holds each up is asked, too."""

    async def told(what: str, workload: Json) -> str:
        said = await holdups.held_up(client, workload) if why else ""
        return f"{what} ({said})" if said else what

    missing: list[str] = []
    with explained(client.server, doing="look at the add-ons"):
        coredns = await _found(client, DEPLOYMENT, "kube-system", "coredns")
        if coredns is not None and not _count(coredns, "availableReplicas"):
            missing.append(await told("Deployment kube-system/coredns: no replica is available", coredns))
        for namespace, name in daemons:
            daemon_set = await _found(client, DAEMON_SET, namespace, name)
            if daemon_set is None:
                continue
            ready, wanted = _count(daemon_set, "numberReady"), _count(daemon_set, "desiredNumberScheduled")
            if ready < wanted or not wanted:
                missing.append(await told(f"DaemonSet {namespace}/{name}: {ready} of {wanted} ready", daemon_set))
    return missing


def _count(workload: Json, key: str) -> int:
    return int(cast("Json", workload.get("status") or {}).get(key) or 0)


async def _found(client: Client, resource: ResourceType, namespace: str, name: str) -> Json | None:
    """None: it is not there, which is somebody's wish (a network plugin that replaces kube-proxy)."""
    try:
        return await client.call("GET", resource.path(namespace=namespace, name=name))
    except Exception as error:
        if answered(error) == 404:
            return None
        raise
