"""Reconciles registered Clusters: what the gateway says of their tunnels becomes `Available`, and health is followed.

The cluster itself is asked through the gateway, with the platform's own token. A deleted one leaves a tombstone: its
agent, when it comes back after having been away, is told to remove itself. Called by the cluster controller.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Final, cast

from roost.api import conditions as c
from roost.api.names import FINALIZER, SYSTEM_NAMESPACE
from roost.controllers import claims
from roost.controllers.environment import Environment
from roost.controllers.kinds import CLUSTER, cluster_id
from roost.controllers.runtime.api import (
    ApiProblem,
    Object,
    Ref,
    deleting,
    finalizers,
    generation,
    part,
    ref_of,
    uid,
)
from roost.controllers.runtime.clock import rfc3339
from roost.controllers.runtime.log import logger
from roost.kube import observe
from roost.kube.client import Client
from roost.kube.errors import explain
from roost.kube.resources import SECRET
from roost.providers.registered import records
from roost.providers.registered.records import Tombstone

LOOK_EVERY: Final = 60.0
LOOKS_A_SECOND: Final = 8
"""At all registered clusters together, so that thousands of them are asked less often and not all the time. What an
agent tells by itself (that it is there, and its API server's health) does not wait for a look."""
PACE: Final = 20.0
"""Looks a second that begin at most: where thousands of clusters come at once, their first looks wait in line."""
WAITING_EVERY: Final = 120.0
SUPPORTED: Final = ((1, 28), (1, 31))

Attached = Callable[[str, str], Client]
"""(namespace, name) → a client that reaches the cluster through the gateway; closing it leaves the connections that
all of them share."""


class RegisteredController:
    def __init__(
        self, env: Environment, attached: Attached | None, *, chance: Callable[[], float] = random.random
    ) -> None:
        self._env = env
        self._attached = attached
        self._chance = chance
        self._due: dict[str, float] = {}
        """By the Cluster's uid: when it is asked again, by the loop's clock."""
        self._taken = float("-inf")
        """Until when looks have been given their turn."""
        self._log = logger()

    async def reconcile(self, ref: Ref, cluster: Object) -> float | None:
        env = self._env
        if deleting(cluster):
            await self._delete(ref, cluster)
            return None
        cluster = await claims.claim_cluster(env.api, cluster)
        env.status.adopt(CLUSTER, cluster)
        env.status.set(ref, observedGeneration=generation(cluster))
        said = {
            str(each["type"]): each for each in cast("list[Object]", part(cluster, "status").get("conditions") or [])
        }
        missing = next((kind for kind in c.REGISTERED[:3] if _status(said, kind) != "True"), None)
        if missing is not None:
            word = said.get(missing)
            reason, message = (str(word["reason"]), str(word["message"])) if word else (c.WAITING, "no agent yet")
            status = "Unknown" if reason == c.WAITING else "False"
            env.status.say(ref, c.AVAILABLE, status, reason, message, generation=generation(cluster))
            self._due.pop(uid(cluster), None)
            return WAITING_EVERY
        return await self._look_when_due(ref, cluster)

    async def _look_when_due(self, ref: Ref, cluster: Object) -> float:
        """Seconds until the next look. After a start, clusters that were well are not all asked at once."""
        now = asyncio.get_running_loop().time()
        every = max(LOOK_EVERY, self._env.cache.count(CLUSTER) / LOOKS_A_SECOND)
        said = self._env.status.said(ref, c.AVAILABLE)
        due = self._due.get(uid(cluster))
        if due is None and every > LOOK_EVERY and said is not None and said.status == "True":
            due = now + every * self._chance()
        elif due is None or (said is not None and said.generation != generation(cluster) and due > now + LOOK_EVERY):
            due = self._taken = max(now, self._taken + 1 / PACE)
        if now >= due:
            due = now + (every if await self._look(ref, cluster) else LOOK_EVERY)
        self._due[uid(cluster)] = due
        return due - now

    async def _look(self, ref: Ref, cluster: Object) -> bool:
        """Version, nodes and identity, asked through the tunnel; whether there was an answer."""
        env = self._env
        if self._attached is None:
            env.status.say(ref, c.AVAILABLE, "True", c.SUCCEEDED, "", generation=generation(cluster))
            return True
        client = self._attached(ref.namespace, ref.name)
        try:
            facts = await observe.facts(client)
        except Exception as error:
            explained = explain(error, server=client.server, doing="asking the cluster through its agent")
            env.status.say(
                ref, c.AVAILABLE, "False", explained.reason, explained.message, generation=generation(cluster)
            )
            return False
        finally:
            await client.close()
        env.status.set(ref, **facts.status())
        supported, message = judge_version(facts.version)
        env.status.say(
            ref,
            c.VERSION_SUPPORTED,
            "True" if supported else "False",
            c.SUCCEEDED if supported else "VersionOutOfRange",
            message,
            generation=generation(cluster),
        )
        if not env.status.value(ref, "availableTime"):
            env.status.set(ref, availableTime=rfc3339(env.now()))
        env.status.say(ref, c.AVAILABLE, "True", c.SUCCEEDED, "", generation=generation(cluster))
        return True

    async def _delete(self, ref: Ref, cluster: Object) -> None:
        """The gateway hears of the end and tells the agent; the tombstone tells one that is away."""
        self.forget(uid(cluster))
        own = cluster_id(cluster)
        if FINALIZER not in finalizers(cluster):
            return
        if own is not None:
            stone = records.encode(Tombstone(own, f"{ref.namespace}/{ref.name}", time.time()))
            try:
                await self._env.api.create(SECRET, stone)
            except ApiProblem as problem:
                if not problem.conflict:
                    raise
            await claims.delete(self._env.api, Ref(SECRET, SYSTEM_NAMESPACE, records.secret_name("state", own)))
        await claims.release_now(self._env.api, ref_of(CLUSTER, cluster), FINALIZER)

    def forget(self, cluster_uid: str) -> None:
        self._due.pop(cluster_uid, None)


def judge_version(version: str) -> tuple[bool, str]:
    """Whether it is one of those that roost supports; vendors' suffixes (1.31.4-eks-…) don't matter."""
    found = re.match(r"(\d+)\.(\d+)", version)
    lowest, highest = (".".join(map(str, each)) for each in SUPPORTED)
    if found is None:
        return False, f"the version {version!r} can't be read"
    minor = (int(found[1]), int(found[2]))
    if SUPPORTED[0] <= minor <= SUPPORTED[1]:
        return True, f"Kubernetes {version}"
    return False, f"Kubernetes {version} is outside of {lowest} to {highest}"


def _status(said: Mapping[str, Object], kind: str) -> str:
    return str(said[kind]["status"]) if kind in said else ""
