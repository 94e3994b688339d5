"""The way to each managed cluster: over its kubeconfig, or through the tunnel of its agent. Called by dispatch.

Which clusters there are is watched; a kubeconfig is read when it is needed, and again after some seconds, so that a
renewed one is taken over by itself.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from roost.api.errors import RoostError
from roost.api.exchange import Upstream, UpstreamUnavailable
from roost.api.names import GLOBAL_CLUSTER, GROUP, ID_ANNOTATION, KUBECONFIG_KEY, VERSION, kubeconfig_secret
from roost.api.rights import target_manifests
from roost.gateway.refusal import Refusal
from roost.kube.direct import Address, Direct, not_here
from roost.kube.kubeconfig import Access, parse
from roost.kube.lean import ApiAnswer, Lean

KEPT_SECONDS: Final = 10.0
RIGHTS_SECONDS: Final = 600.0
"""How often the roles in a cluster that is used are put in step."""
_MANAGER: Final = "roost-gateway"
_LOG: Final = logging.getLogger("roost.gateway")

Json = dict[str, Any]


class Tunnels(Protocol):
    """Clusters whose agents have dialled in; the tunnel room's hub."""

    def upstream(self, cluster_id: str) -> Upstream | None: ...

    def back_in(self, cluster_id: str) -> int | None: ...


@dataclass(frozen=True)
class Known:
    """What the gateway keeps of a Cluster."""

    namespace: str
    name: str
    id: str
    registered: bool
    attached: bool
    """Imported or registered: deleted means let go, and it runs on."""
    deleting: bool
    resource_version: str


@dataclass
class _Reached:
    direct: Direct
    access: Access
    checked: float
    stepped: float = 0.0
    first: asyncio.Task[None] | None = None
    """The first time that roles are put in step; while it runs nobody's request goes on."""


class Clusters:
    def __init__(
        self, api: Lean, tunnels: Tunnels | None = None, *, allowed: Callable[[Address], bool] = not_here
    ) -> None:
        self._api = api
        self.tunnels = tunnels
        self._allowed = allowed
        self._known: dict[tuple[str, str], Known] = {}
        self._reached: dict[tuple[str, str], _Reached] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.synced = asyncio.Event()
        self.gone: Callable[[str, str], object] = lambda _namespace, _name: None
        """Told of each Cluster that is no more."""

    async def run(self) -> None:
        async for kind, item in self._api.follow(f"/apis/{GROUP}/{VERSION}/clusters"):
            if kind == "SYNCED":
                self.synced.set()
                continue
            known = _known(item)
            key = (known.namespace, known.name)
            if kind == "DELETED":
                self._known.pop(key, None)
                self.gone(*key)
                await self._forget(key)
            else:
                self._known[key] = known

    async def find(self, namespace: str, name: str) -> Known:
        """Raises Refusal 404."""
        await self.synced.wait()
        known = self._known.get((namespace, name))
        if known is None or name == GLOBAL_CLUSTER:
            raise Refusal(404, f'clusters.{GROUP} "{name}" not found in the namespace "{namespace}"')
        return known

    async def upstream(self, known: Known) -> Upstream:
        """Raises UpstreamUnavailable where there is no way now."""
        if known.registered:
            found = self.tunnels.upstream(known.id) if self.tunnels is not None else None
            if found is None:
                raise UpstreamUnavailable(
                    "TunnelDown",
                    f"the agent of the cluster {known.namespace}/{known.name} is not connected; "
                    f"`roost progress {known.name} -n {known.namespace}` tells since when and why",
                    self.tunnels.back_in(known.id) if self.tunnels is not None else None,
                )
            return found
        return (await self._direct(known)).direct

    async def access(self, known: Known) -> Access:
        """The platform's own way in. Raises UpstreamUnavailable."""
        return (await self._direct(known)).access

    async def _direct(self, known: Known) -> _Reached:
        key = (known.namespace, known.name)
        now = time.monotonic()
        reached = self._reached.get(key)
        if reached is None or now - reached.checked >= KEPT_SECONDS:
            async with self._locks.setdefault(key, asyncio.Lock()):
                reached = self._reached.get(key)
                if reached is None or now - reached.checked >= KEPT_SECONDS:
                    reached = await self._read(known, reached)
        if now - reached.stepped >= RIGHTS_SECONDS:
            never = reached.stepped == 0.0
            reached.stepped = now
            task = asyncio.create_task(self._step(known, reached))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if never:
                reached.first = task
        if reached.first is not None and not reached.first.done():
            # The first requests to a cluster must not be refused only because its roles are not there yet.
            await asyncio.wait({reached.first}, timeout=10)
        return reached

    async def _read(self, known: Known, former: _Reached | None) -> _Reached:
        path = f"/api/v1/namespaces/{known.namespace}/secrets/{kubeconfig_secret(known.name)}"
        try:
            secret = await self._api.call("GET", path)
            text = base64.b64decode(secret["data"][KUBECONFIG_KEY]).decode()
            access = await asyncio.to_thread(parse, text)
        except (ApiAnswer, KeyError, ValueError) as error:
            missing = not isinstance(error, ApiAnswer) or error.code == 404
            why = "it has no kubeconfig yet" if missing else str(error)
            raise UpstreamUnavailable(
                "KubeconfigMissing",
                f"the cluster {known.namespace}/{known.name} can't be reached: {why}; "
                f"`roost progress {known.name} -n {known.namespace}` shows what it waits for",
            ) from error
        except RoostError as error:
            raise UpstreamUnavailable(error.reason, error.message) from error
        now = time.monotonic()
        if former is not None and former.access == access:
            former.checked = now
            return former
        if former is not None:
            await former.direct.close()
        try:
            reached = _Reached(Direct(access, allowed=self._allowed), access, now)
        except RoostError as error:
            raise UpstreamUnavailable(error.reason, error.message) from error
        self._reached[known.namespace, known.name] = reached
        return reached

    async def _step(self, known: Known, reached: _Reached) -> None:
        """Puts the roles in the cluster in step with what this roost knows."""
        api = Lean(reached.direct)
        try:
            for document in target_manifests():
                plural = "clusterroles" if document["kind"] == "ClusterRole" else "clusterrolebindings"
                path = f"/apis/rbac.authorization.k8s.io/v1/{plural}/{document['metadata']['name']}"
                await api.apply(path, document, manager=_MANAGER)
        except (RoostError, TimeoutError) as error:
            reached.stepped = 0.0
            _LOG.warning("roles in %s/%s not put in step: %s", known.namespace, known.name, error)

    async def _forget(self, key: tuple[str, str]) -> None:
        reached = self._reached.pop(key, None)
        self._locks.pop(key, None)
        if reached is not None:
            with contextlib.suppress(OSError):
                await reached.direct.close()


def _known(item: Json) -> Known:
    metadata = cast("Json", item["metadata"])
    annotations = cast("Json", metadata.get("annotations") or {})
    spec = cast("Json", item.get("spec") or {})
    return Known(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata["name"]),
        id=str(annotations.get(ID_ANNOTATION) or metadata.get("uid") or ""),
        registered=spec.get("registered") is not None,
        attached=spec.get("registered") is not None or spec.get("imported") is not None,
        deleting=metadata.get("deletionTimestamp") is not None,
        resource_version=str(metadata.get("resourceVersion") or ""),
    )
