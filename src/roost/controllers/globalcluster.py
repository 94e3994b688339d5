"""Keeps the status of the read-only Cluster `global`: the platform's own version and health.

The API server's own checks (`/readyz?verbose`) tell of etcd and of itself. Written on change only.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from roost.api import conditions as c
from roost.api.names import FIELD_MANAGER, GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.controllers.kinds import CLUSTER
from roost.controllers.runtime.api import ApiProblem, Object, Ref, generation
from roost.controllers.runtime.cache import Cache
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.status import ConditionStatus, StatusWriter

EVERY: Final = 15.0
REF: Final = Ref(CLUSTER, SYSTEM_NAMESPACE, GLOBAL_CLUSTER)


class Health(Protocol):
    async def apply(self, ref: Ref, body: Object, *, manager: str, subresource: str | None = None) -> Object: ...

    async def version(self) -> str: ...

    async def readyz(self) -> str: ...


class GlobalCluster:
    def __init__(self, api: Health, cache: Cache, status: StatusWriter, *, endpoint: str) -> None:
        self._api = api
        self._cache = cache
        self._status = status
        self._endpoint = endpoint
        self._log = logger(cluster=str(REF))

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except ApiProblem as problem:
                self._log.warning("global not looked at", cause=problem.message)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        cluster = self._cache.get(REF)
        if cluster is None:
            cluster = await self._api.apply(REF, global_cluster(), manager=FIELD_MANAGER)
        self._status.adopt(CLUSTER, cluster)
        status, reason, message = await self._health()
        self._status.say(REF, c.AVAILABLE, status, reason, message, generation=generation(cluster))
        version = await self._api.version() if status == "True" else self._status.value(REF, "version")
        self._status.set(REF, version=version, endpoint=self._endpoint, observedGeneration=generation(cluster))

    async def _health(self) -> tuple[ConditionStatus, str, str]:
        try:
            failed = failed_checks(await self._api.readyz())
        except ApiProblem as problem:
            failed = failed_checks(problem.message)
            if not failed:
                return "False", "ApiNotReady", problem.message
        if failed:
            return "False", "ApiNotReady", f"checks of the API server that fail: {', '.join(failed)}"
        return "True", c.SUCCEEDED, f"The API answers at {self._endpoint}; etcd and every other check of it are well."


def failed_checks(report: str) -> list[str]:
    """Names of the failed checks in a verbose report, whose lines are `[-]name failed: …`."""
    return [line[3:].split(" ", 1)[0] for line in report.splitlines() if line.startswith("[-]")]


def global_cluster() -> Object:
    return {
        "apiVersion": CLUSTER.api_version,
        "kind": CLUSTER.kind,
        "metadata": {"name": GLOBAL_CLUSTER, "namespace": SYSTEM_NAMESPACE},
        "spec": {"displayName": "roost", "global": {}},
    }
