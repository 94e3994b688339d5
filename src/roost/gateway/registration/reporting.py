"""Writes what is known of tunnels into the status of registered Clusters: on change, at most once a second each.

The gateway owns these conditions and `status.agent` (server-side apply, a manager of its own); everything else of the
status is the controllers'. Heartbeats stay in memory. Called by `tunnels`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final, cast

from roost.api import conditions as c
from roost.api.errors import RoostError
from roost.api.names import API_VERSION, GROUP, VERSION
from roost.gateway.registration.registrar import Object, Registrar
from roost.gateway.replicas.members import Members
from roost.kube.lean import Lean
from roost.providers.registered.showing import Shown, show
from roost.tunnel.agent.settings import VERSION as AGENT_VERSION
from roost.tunnel.server import Hub, Loss, SessionInfo

MANAGER: Final = "roost-tunnels"
INTERVAL: Final = 1.0
AGAIN: Final = 3600.0
"""Certificates grow older without any event."""
WRITERS: Final = 8
OTHERS_FIRST: Final = 5.0
_LOG: Final = logging.getLogger("roost.gateway")
Json = dict[str, Any]


class Reporter:
    def __init__(self, api: Lean, registrar: Registrar, hub: Hub, members: Members | None = None) -> None:
        """`members`: the other gateways, where there are any; who holds a cluster's tunnels writes about it."""
        self._api = api
        self._registrar = registrar
        self._hub = hub
        self._members = members
        self._dirty: dict[str, float] = {}
        """Cluster id to when it may be written."""
        self._wake = asyncio.Event()
        self._written: dict[str, Json] = {}
        self._unsure: dict[str, float] = {}
        """Cluster id to when this gateway speaks although it has seen nothing."""

    def changed(self, cluster_id: str) -> None:
        self._dirty.setdefault(cluster_id, 0.0)
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        await self._registrar.synced.wait()
        looked = float("-inf")
        while True:
            now = asyncio.get_running_loop().time()
            if now - looked > AGAIN:
                looked = now
                for cluster_id in self._registrar.ids():
                    self.changed(cluster_id)
            due = [cluster for cluster, at in self._dirty.items() if at <= now][:WRITERS]
            if due:
                for cluster in due:
                    del self._dirty[cluster]
                await asyncio.gather(*(self._write(cluster) for cluster in due))
                continue
            self._wake.clear()
            wait = min((at - now for at in self._dirty.values()), default=60.0)
            try:
                async with asyncio.timeout(max(0.02, wait)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _write(self, cluster_id: str) -> None:
        known = self._registrar.object(cluster_id)
        if known is None or known.cluster.deleting:
            self._written.pop(cluster_id, None)
            return
        if not self._is_ours(cluster_id):
            self._written.pop(cluster_id, None)
            return
        body = self._body(cluster_id, known)
        if body == self._written.get(cluster_id):
            return
        cluster = known.cluster
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{cluster.namespace}/clusters/{cluster.name}/status"
        later = asyncio.get_running_loop().time() + INTERVAL
        try:
            await self._api.apply(path, body, manager=MANAGER)
            self._written[cluster_id] = body
        except (RoostError, TimeoutError) as error:
            _LOG.warning("status of %s not written: %s", cluster.title, error)
            self._dirty[cluster_id] = later + INTERVAL
            return
        if cluster_id in self._dirty:
            self._dirty[cluster_id] = later

    def _is_ours(self, cluster_id: str) -> bool:
        """Of several gateways one writes: who holds a tunnel, else who saw the last one go. One that has seen nothing
        lets the others speak first."""
        if self._members is None:
            return True
        held, elsewhere = self._hub.holds(cluster_id), bool(self._members.holders(cluster_id))
        if held or elsewhere or self._knows(cluster_id) or self._members.count() == 1:
            self._unsure.pop(cluster_id, None)
            return held or not elsewhere
        now = asyncio.get_running_loop().time()
        until = self._unsure.setdefault(cluster_id, now + OTHERS_FIRST)
        if now < until:
            self._dirty[cluster_id] = until
            return False
        del self._unsure[cluster_id]
        return True

    def _knows(self, cluster_id: str) -> bool:
        return self._loss(cluster_id) is not None or cluster_id in self._registrar.waiting

    def _body(self, cluster_id: str, known: Object) -> Json:
        sessions = self._hub.sessions(cluster_id)
        shown = show(
            known.cluster,
            sessions,
            self._loss(cluster_id),
            self._registrar.waiting.get(cluster_id),
            registered=self._registrar.is_registered(cluster_id),
            version=AGENT_VERSION,
            now=time.time(),
            alert=self._registrar.alerts.get(cluster_id, ""),
        )
        former = {str(each["type"]): each for each in cast("list[Json]", known.status.get("conditions") or [])}
        written = self._written.get(cluster_id)
        if written is not None:
            former |= {str(each["type"]): each for each in written["status"]["conditions"]}
        told = former.get(c.TUNNEL_CONNECTED)
        if self._members is not None and not sessions and not self._knows(cluster_id) and told is not None:
            # Another gateway saw it go, and said why.
            shown = [
                Shown(each.type, "False", str(told["reason"]), str(told["message"]))
                if each.type == c.TUNNEL_CONNECTED and told["status"] == "False"
                else each
                for each in shown
            ]
        return {
            "apiVersion": API_VERSION,
            "kind": "Cluster",
            "metadata": {"name": known.cluster.name, "namespace": known.cluster.namespace, "uid": known.uid},
            "status": {
                "conditions": [_condition(each, former.get(each.type), known.generation) for each in shown],
                "agent": self._agent(sessions, known),
            },
        }

    def _loss(self, cluster_id: str) -> Loss | None:
        """The last tunnel's end, here or at a gateway that ended itself."""
        elsewhere = self._members.loss(cluster_id) if self._members is not None else None
        found = [loss for loss in (self._hub.loss(cluster_id), elsewhere) if loss is not None]
        return max(found, key=lambda loss: loss.at, default=None)

    def _agent(self, sessions: list[SessionInfo], known: Object) -> Json:
        """`lastSeen` is written when a tunnel comes or goes, not with each heartbeat."""
        if sessions:
            newest = max(sessions, key=lambda session: session.since)
            return {
                "version": newest.agent_version,
                "connected": True,
                "lastSeen": _stamp(max(session.since for session in sessions)),
                "fingerprint": newest.fingerprint,
            }
        loss = self._loss(known.cluster.id)
        former = cast("Json", known.status.get("agent") or {})
        found: Json = {key: former[key] for key in ("version", "fingerprint", "lastSeen") if key in former}
        found["connected"] = False
        if loss is not None:
            found["lastSeen"] = _stamp(loss.at)
        return found


def _condition(shown: Shown, former: Json | None, generation: int) -> Json:
    same = former is not None and former.get("status") == shown.status
    return {
        "type": shown.type,
        "status": shown.status,
        "reason": shown.reason,
        "message": shown.message[:4096],
        "observedGeneration": generation,
        "lastTransitionTime": former["lastTransitionTime"] if same and former is not None else _stamp(time.time()),
    }


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
