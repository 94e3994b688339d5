"""Puts the controllers of one process together: cache, queue, what each change leads to. Made by `run` and tests."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from roost.api.masked import Masked
from roost.api.names import FINALIZER, IN_USE_FINALIZER, SYSTEM_NAMESPACE
from roost.bundle.external import INGRESS
from roost.bundle.remote import parse_address
from roost.bundle.store import Store
from roost.controllers import changes, smallkinds
from roost.controllers.cluster import ClusterController
from roost.controllers.delays import delay_for
from roost.controllers.environment import Environment, status_writer
from roost.controllers.globalcluster import GlobalCluster, Health
from roost.controllers.kinds import (
    BY_ADDRESS,
    BY_CLUSTER,
    BY_ID,
    BY_REGISTRY,
    BY_SECRET,
    BY_VERSION,
    CLUSTER,
    MACHINE,
    RELEASE,
    Key,
    at,
    cluster_of,
    index_by_address,
    index_by_cluster,
    index_by_id,
    index_by_registry,
    index_by_secret,
    index_by_version,
    is_global,
    machine_ref,
    secret_names,
    slim,
    slim_secret,
)
from roost.controllers.machine import MachineController
from roost.controllers.nodes import EVERY, NodeFollower, is_followed
from roost.controllers.providing import Provider
from roost.controllers.registered import Attached
from roost.controllers.registryname import RegistryName
from roost.controllers.release import ReleaseController
from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, deleting, finalizers, part, ref_of
from roost.controllers.runtime.cache import Cache
from roost.controllers.runtime.clock import Now, utc_now
from roost.controllers.runtime.events import Events
from roost.controllers.runtime.log import bind, logger
from roost.controllers.runtime.queue import Queue
from roost.controllers.runtime.schedule import Attempt
from roost.controllers.secret import SecretController
from roost.controllers.secrets import SecretReader
from roost.controllers.signins import SignIns
from roost.kube.guarded import Policy
from roost.kube.resources import SECRET
from roost.providers.onprem.context import RegistrySource
from roost.ssh.connection import Connector

MANAGER: Final = "roost-controllers"
STALE: Final = 0.3
WAYS: Final = ("onPremises", "imported", "registered", "global")
MOST_STALE: Final = 10
"""Quick looks in a row before it counts as a failure."""


class HealthyApi(Api, Health, Protocol):
    """The platform's API as `run` gives it."""


class Controllers:
    """All controllers of one term of leadership."""

    def __init__(
        self,
        api: HealthyApi,
        *,
        provider: Provider,
        connect: Connector,
        disconnect: Callable[[str], Awaitable[None]],
        registry: RegistrySource | None,
        pull_key: Masked | None = None,
        store: Store,
        pushed: Path | None,
        endpoint: str,
        now: Now = utc_now,
        jitter: Callable[[], float] = random.random,
        ready: Callable[[], None] = lambda: None,
        attached: Attached | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._log = logger()
        self._stale: dict[Key, int] = {}
        self._ready = ready
        kept = {CLUSTER: slim, MACHINE: slim, SECRET: slim_secret, RELEASE: slim, INGRESS: slim}
        self._cache = Cache(api, kept | smallkinds.WATCHED)
        self._cache.index(MACHINE, BY_CLUSTER, index_by_cluster)
        self._cache.index(MACHINE, BY_SECRET, index_by_secret)
        self._cache.index(MACHINE, BY_ADDRESS, index_by_address)
        self._cache.index(CLUSTER, BY_VERSION, index_by_version)
        self._cache.index(CLUSTER, BY_ID, index_by_id)
        self._cache.index(CLUSTER, BY_REGISTRY, index_by_registry)
        smallkinds.index(self._cache)
        self._status = status_writer(api, manager=MANAGER, now=now, more=smallkinds.STATUS)
        self._events = Events(api, component="roost", now=now)
        self._sign_ins = SignIns(connect)
        self._releases = ReleaseController(
            api, self._cache, store, pushed=pushed if registry is not None else None, changed=self._release_changed
        )
        env = Environment(
            api=api,
            cache=self._cache,
            status=self._status,
            events=self._events,
            secrets=SecretReader(api, self._cache),
            bundles=self._releases,
            provider=provider,
            connect=self._sign_ins,
            disconnect=disconnect,
            registry=registry,
            pull_key=pull_key,
            now=now,
        )
        self._global = GlobalCluster(api, self._cache, self._status, endpoint=endpoint)
        hosts = frozenset({parse_address(registry.address).host}) if registry else frozenset[str]()
        self._registry_name = RegistryName(api, self._cache, self._status, platform_hosts=hosts, now=now)
        self._clusters = ClusterController(
            env, follow=self._follow, attached=attached, policy=policy or dialling_policy(endpoint, hosts)
        )
        self._nodes = NodeFollower(
            env,
            is_reconciling=lambda ref: self._queue.is_running(Key("cluster", ref)),
            repair=lambda ref: self._queue.add(Key("cluster", ref)),
        )
        self._machines = MachineController(env)
        self._secrets = SecretController(env)
        self._queue: Queue[Key] = Queue("work", self._work, jitter=jitter, delay=delay_for, on_failure=self._failed)
        self._small = smallkinds.SmallKinds(env, self._queue.add)
        self._cache.on_change(CLUSTER, self._cluster_changed)
        self._cache.on_change(MACHINE, self._machine_changed)
        self._cache.on_change(SECRET, self._secret_changed)

    async def run(self) -> None:
        """Until cancelled. What runs on machines goes on; what was said by then is written."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._cache.run())
            group.create_task(self._status.run())
            group.create_task(self._events.run())
            await self._cache.synced()
            while not await self._first_look():
                await asyncio.sleep(1)
            group.create_task(self._releases.run())
            group.create_task(self._global.run())
            group.create_task(self._registry_name.run())
            group.create_task(self._queue.run())
            self._log.info("controllers run", clusters=len(self._cache.all(CLUSTER)))
            self._ready()

    @property
    def queues(self) -> tuple[Queue[Key], ...]:
        """For the metrics."""
        return (self._queue,)

    def phases(self) -> Counter[tuple[str, str]]:
        """Clusters by the way they came to be and by phase."""
        found: Counter[tuple[str, str]] = Counter()
        for cluster in self._cache.all(CLUSTER):
            way = next((one for one in WAYS if one in part(cluster, "spec")), "")
            found[way, str(part(cluster, "status").get("phase") or "Pending")] += 1
        return found

    async def _first_look(self) -> bool:
        """Bundles are known before any Cluster is judged by them."""
        try:
            await self._small.ensure()
            await self._releases.look()
        except Exception as error:
            self._log.warning("bundles not read, or the platform's own objects not written", cause=str(error))
            return False
        return True

    async def _work(self, key: Key) -> float | None:
        bind(job=key.job, object=f"{key.ref.namespace}/{key.ref.name}", reconcile_id=uuid.uuid4().hex[:8])
        try:
            again = await self._reconcile(key)
        except ApiProblem as problem:
            # Decided on an older version, or on an object that is gone: the watch brings the news in a moment.
            stale = self._stale.get(key, 0) + 1
            if not (problem.conflict or problem.not_found) or stale > MOST_STALE:
                raise
            self._stale[key] = stale
            return STALE
        self._stale.pop(key, None)
        return again

    async def _reconcile(self, key: Key) -> float | None:
        match key.job:
            case "cluster":
                return await self._clusters.reconcile(key.ref)
            case "nodes":
                return await self._nodes.reconcile(key.ref)
            case "machine":
                return await self._machines.reconcile(key.ref)
            case "secret":
                return await self._secrets.reconcile(key.ref)
            case _:
                return await self._small.reconcile(key)

    def _failed(self, key: Key, error: BaseException, attempt: Attempt) -> None:
        if key.job == "cluster":
            self._clusters.status.failed(key.ref, error, attempt)
        else:
            self._log.warning("failed", job=str(key), attempt=attempt.number, cause=str(error))

    def _follow(self, ref: Ref) -> None:
        self._queue.add_after(Key("nodes", ref), EVERY)

    def _cluster_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is None or is_global(obj):
            return
        ref = ref_of(CLUSTER, obj)
        key = Key("cluster", ref)
        if new is None:
            self._queue.forget(Key("nodes", ref))
            self._queue.add(key)
        elif changes.makes_work_pointless(old, new) or changes.forces_removal(old, new):
            self._try_again(ref)
            self._queue.interrupt(key)
        elif changes.wants_a_look(old, new):
            self._try_again(ref)
            self._queue.add(key)
        if new is None or old is None:
            # Machines wait for their Cluster, or lost it.
            for machine in self._cache.by(MACHINE, BY_CLUSTER, at(ref.namespace, ref.name)):
                self._queue.add(Key("machine", machine_ref(machine)))
        if old is None and new is not None and is_followed(new):
            self._follow(ref)

    def _machine_changed(self, old: Object | None, new: Object | None) -> None:
        pointless = changes.makes_work_pointless(old, new)
        forced = changes.forces_removal(old, new)
        if new is None or changes.wants_a_look(old, new):
            for ref in {cluster_of(obj) for obj in (old, new) if obj is not None}:
                self._touch(ref, interrupt=pointless, forced=forced)
            obj = new or old
            if obj is not None:
                self._queue.add(Key("machine", machine_ref(obj)))
        for ref in _released_secrets(old, new):
            self._queue.add(Key("secret", ref))

    def _secret_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is None:
            return
        ref = ref_of(SECRET, obj)
        if new is None or (old is None and IN_USE_FINALIZER in finalizers(new)):
            self._queue.add(Key("secret", ref))
        if changes.secret_changed(old, new):
            users = self._cache.by(MACHINE, BY_SECRET, at(ref.namespace, ref.name))
            for cluster in {cluster_of(machine) for machine in users}:
                self._touch(cluster, interrupt=old is not None)
            for machine in users:
                self._queue.add(Key("machine", machine_ref(machine)))
            # Another password of a registry is a rewritten file: what runs goes on.
            kinds = [at(ref.namespace, ref.name), *(["Public"] if ref.namespace == SYSTEM_NAMESPACE else [])]
            for cluster in {
                ref_of(CLUSTER, one) for kind in kinds for one in self._cache.by(CLUSTER, BY_REGISTRY, kind)
            }:
                self._touch(cluster, interrupt=False)

    def _release_changed(self, version: str) -> None:
        for cluster in self._cache.by(CLUSTER, BY_VERSION, version):
            self._queue.add(Key("cluster", ref_of(CLUSTER, cluster)))

    def _try_again(self, ref: Ref) -> None:
        """Refused sign-ins of a Cluster's Machines need not wait any more."""
        members = self._cache.by(MACHINE, BY_CLUSTER, at(ref.namespace, ref.name))
        self._sign_ins.forget({machine_ref(machine).name for machine in members})

    def _touch(self, ref: Ref, *, interrupt: bool, forced: bool = False) -> None:
        """Something of a Cluster changed. One that goes is not interrupted by the objects it takes away itself."""
        self._try_again(ref)
        cluster = self._cache.get(ref)
        if cluster is None:
            return
        key = Key("cluster", ref)
        if forced or (interrupt and not deleting(cluster)):
            self._queue.interrupt(key)
        else:
            self._queue.add(key)


def dialling_policy(endpoint: str, hosts: frozenset[str]) -> Policy:
    """No imported cluster has the platform's own addresses and ports, which lie around its API's."""
    port = urlsplit(endpoint).port or 443
    return Policy(platform=hosts, platform_ports=range(max(1, port - 443), port + 100))


def _released_secrets(old: Object | None, new: Object | None) -> set[Ref]:
    """Secrets that a Machine may have been the last to use."""
    if old is None:
        return set()
    namespace = machine_ref(old).namespace
    before = set(secret_names(old))
    after = set(secret_names(new)) if new is not None and FINALIZER in finalizers(new) else set[str]()
    return {Ref(SECRET, namespace, name) for name in before - after}
