"""Tells on the Cluster `global` whether the registry's external name is served, and when its certificate ends.

The process that serves it (embedded/front) watches the same objects; this is for people. Judged every minute,
since time alone brings a certificate to its end; the API is asked only when the Secret changed.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from roost.api import conditions as c
from roost.bundle import external
from roost.controllers.globalcluster import REF
from roost.controllers.runtime.api import ApiProblem, Object, Ref, generation
from roost.controllers.runtime.cache import Cache
from roost.controllers.runtime.clock import Now, rfc3339
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.status import StatusWriter
from roost.kube.resources import SECRET

EVERY: Final = 60.0
_INGRESS: Final = Ref(external.INGRESS, external.NAMESPACE, external.INGRESS_NAME)
_SECRET: Final = Ref(SECRET, external.NAMESPACE, external.SECRET_NAME)


class Reader(Protocol):
    async def get(self, ref: Ref) -> Object: ...


class RegistryName:
    def __init__(
        self, api: Reader, cache: Cache, status: StatusWriter, *, platform_hosts: frozenset[str], now: Now
    ) -> None:
        self._api = api
        self._cache = cache
        self._status = status
        self._hosts = platform_hosts
        self._now = now
        self._kept: tuple[str, Object] | None = None
        self._log = logger()

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except ApiProblem as problem:
                self._log.warning("the registry's external name was not looked at", cause=problem.message)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        ingress = self._cache.get(_INGRESS)
        found = external.judge(
            ingress, await self._certificate() if ingress else None, platform_hosts=self._hosts, now=self._now()
        )
        cluster = self._cache.get(REF)
        if cluster is None:
            return
        expires = found.expires if found is not None else None
        told = [{"name": external.SECRET_NAME, "expires": rfc3339(expires)}] if expires is not None else None
        self._status.set(REF, certificates=told)
        if found is None:
            self._status.unsay(REF, c.REGISTRY_ADDRESS_READY)
            return
        if self._hosts:
            status, reason, message = found.status, found.reason, found.message
        else:
            status, reason = "False", "RegistryNotServed"
            message = "the platform has no address that others reach; start it with --address"
        self._status.say(REF, c.REGISTRY_ADDRESS_READY, status, reason, message, generation=generation(cluster))

    async def _certificate(self) -> Object | None:
        """The Secret with its data, which the cache leaves out; read again when that changed."""
        known = self._cache.get(_SECRET)
        mark = str(known["digest"]) if known else ""
        if not mark:
            return None
        if self._kept is not None and self._kept[0] == mark:
            return self._kept[1]
        try:
            found = await self._api.get(_SECRET)
            self._kept = (mark, found)
            return found
        except ApiProblem as problem:
            if problem.not_found:
                return None
            raise
