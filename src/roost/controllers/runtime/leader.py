"""Who acts: a Lease (coordination.k8s.io) decides. `run` puts all work under it.

Fenced: work is cancelled when the last renewal that the API confirmed is older than `RENEW_WITHIN`, which
is well before anybody else may take the Lease. A process that comes back under its own identity goes on
at once; the caller makes sure that no two processes share one (run holds a file lock for that).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, metadata, part
from roost.controllers.runtime.clock import Now, rfc3339_micro
from roost.controllers.runtime.log import logger
from roost.kube.resources import LEASE

LEASE_SECONDS: Final = 15
RENEW_EVERY: Final = 4.0
RENEW_WITHIN: Final = 10.0


@dataclass(frozen=True)
class Seen:
    """A Lease of somebody else, as it looked when this process first saw it so."""

    holder: str
    renewed: str
    at: float


def may_take(lease: Object, *, identity: str, seen: Seen | None, now: float) -> bool:
    """Whether the Lease is free, ours, or unrenewed for its whole duration by our own clock.

    Clocks of two computers may differ, so that only the time since a renewal was *seen* here counts.
    """
    spec = part(lease, "spec")
    holder = str(spec.get("holderIdentity") or "")
    if holder in {"", identity}:
        return True
    if seen is None or (seen.holder, seen.renewed) != (holder, spec.get("renewTime")):
        return False
    return now - seen.at >= float(spec.get("leaseDurationSeconds") or LEASE_SECONDS)


class Leader:
    def __init__(self, api: Api, *, namespace: str, name: str, identity: str, now: Now) -> None:
        self._api = api
        self._ref = Ref(LEASE, namespace, name)
        self._identity = identity
        self._now = now
        self._seen: Seen | None = None
        self._lease: Object | None = None
        """As this process last wrote it: a renewal is one request."""
        self._log = logger(lease=name, identity=identity)

    async def run(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Runs `work` while the Lease is held, again and again; returns when `work` returns by itself."""
        while True:
            while not await self._attempt():
                await asyncio.sleep(RENEW_EVERY / 2)
            self._log.info("leading")
            parts = (asyncio.create_task(work()), asyncio.create_task(self._keep()))
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                if parts[0].done():
                    parts[0].result()
                    return
                self._log.warning("lease lost; all work is cancelled")
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)
                await self._release()

    async def _keep(self) -> None:
        """Returns when the Lease is lost."""
        loop = asyncio.get_running_loop()
        confirmed = loop.time()
        while True:
            await asyncio.sleep(RENEW_EVERY)
            started = loop.time()
            try:
                async with asyncio.timeout(max(0.1, confirmed + RENEW_WITHIN - started)):
                    held = await self._attempt()
            except TimeoutError:
                return
            if held:
                confirmed = started
            elif self._seen is not None or loop.time() - confirmed >= RENEW_WITHIN:
                return

    async def _attempt(self) -> bool:
        """One try to take or renew. False when somebody else holds it (`_seen`) or the API is away."""
        try:
            lease = self._lease or await self._read()
            if lease is not None and not self._free(lease):
                return False
            self._lease = await self._write(lease)
        except ApiProblem as problem:
            self._lease = None
            self._log.warning("lease not renewed", cause=problem.message)
            return await self._attempt() if problem.conflict else False
        self._seen = None
        return True

    def _free(self, lease: Object) -> bool:
        now = asyncio.get_running_loop().time()
        if may_take(lease, identity=self._identity, seen=self._seen, now=now):
            return True
        holder, renewed = lease["spec"]["holderIdentity"], str(lease["spec"].get("renewTime"))
        if self._seen is None or (self._seen.holder, self._seen.renewed) != (holder, renewed):
            if self._seen is None or self._seen.holder != holder:
                self._log.info("waiting for the lease", holder=holder)
            self._seen = Seen(holder, renewed, now)
        return False

    async def _read(self) -> Object | None:
        try:
            return await self._api.get(self._ref)
        except ApiProblem as problem:
            if problem.not_found:
                return None
            raise

    async def _write(self, lease: Object | None) -> Object:
        stamp = rfc3339_micro(self._now())
        old: Object = part(lease, "spec")
        spec: Object = {"holderIdentity": self._identity, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": stamp}
        if old.get("holderIdentity") != self._identity:
            spec |= {"acquireTime": stamp, "leaseTransitions": int(old.get("leaseTransitions") or 0) + 1}
        if lease is not None:
            version = metadata(lease).get("resourceVersion")
            return await self._api.merge(self._ref, {"metadata": {"resourceVersion": version}, "spec": spec})
        body: Object = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._ref.name, "namespace": self._ref.namespace},
            "spec": spec,
        }
        return await self._api.create(LEASE, body)

    async def _release(self) -> None:
        """Let the next one go on at once, if this process still holds it."""
        try:
            async with asyncio.timeout(2):
                self._lease = None
                lease = await self._read()
                if lease is None or lease["spec"].get("holderIdentity") != self._identity:
                    return
                version = metadata(lease).get("resourceVersion")
                patch: Object = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
                await self._api.merge(self._ref, patch)
        except (ApiProblem, TimeoutError):
            return
