"""Cache, status writer, leader and events on an API in memory and virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from roost.controllers.runtime.api import ApiProblem, Object, Ref
from roost.controllers.runtime.cache import Cache, without_managed_fields
from roost.controllers.runtime.events import EVENTS, Events
from roost.controllers.runtime.leader import LEASE_SECONDS, Leader
from roost.controllers.runtime.status import Owned, StatusWriter
from roost.kube.resources import LEASE, ROOST
from tests.unit.controllers.fake_api import FakeApi
from tests.unit.controllers.virtual_time import now

pytestmark = pytest.mark.anyio
CLUSTER = ROOST["Cluster"]


@asynccontextmanager
async def background(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work()) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def cluster(name: str = "a", **spec: Any) -> Object:
    return {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": "ns"},
        "spec": spec,
    }


async def test_cache_follows_and_indexes() -> None:
    api = FakeApi(now)
    cache = Cache(api, {CLUSTER: without_managed_fields})
    cache.index(CLUSTER, "version", lambda obj: [obj["spec"]["version"]])
    told: list[tuple[bool, bool]] = []
    cache.on_change(CLUSTER, lambda old, new: told.append((old is not None, new is not None)))
    first = api.put(CLUSTER, cluster("a", version="1"))
    async with background(cache.run):
        await cache.synced()
        api.put(CLUSTER, cluster("b", version="1"))
        await asyncio.sleep(0.1)
        assert [obj["metadata"]["name"] for obj in cache.by(CLUSTER, "version", "1")] == ["a", "b"]
        api.put(CLUSTER, cluster("a", version="2"))
        await asyncio.sleep(0.1)
        assert [obj["metadata"]["name"] for obj in cache.by(CLUSTER, "version", "1")] == ["b"]
        api.remove(first)
        await asyncio.sleep(0.1)
        assert cache.by(CLUSTER, "version", "2") == []
        assert cache.get(first) is None
    assert told == [(False, True), (False, True), (True, True), (True, False)]


def writer(api: FakeApi) -> StatusWriter:
    owned = Owned(conditions=("One", "Two"), fields=("version", "phase"))
    return StatusWriter(
        api,
        {CLUSTER: owned},
        {CLUSTER: lambda said, _fields, notes: {"phase": f"{len(said)}{notes.get('mark', '')}"}},
        manager="test",
        now=now,
    )


async def test_status_is_written_on_change_and_at_most_once_a_second() -> None:
    api = FakeApi(now)
    status = writer(api)
    obj = api.objects[api.put(CLUSTER, cluster())]
    async with background(status.run):
        ref = status.adopt(CLUSTER, obj)
        for index in range(50):
            status.say(ref, "One", "Unknown", "InProgress", f"step {index}", generation=1)
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        assert 5 <= len(api.writes()) <= 7
        assert (api.condition(ref, "One") or {})["message"] == "step 49"
        before = len(api.writes())
        status.say(ref, "One", "Unknown", "InProgress", "step 49", generation=1)
        status.say(ref, "One", "Unknown", "InProgress", "other", generation=1)
        status.say(ref, "One", "Unknown", "InProgress", "step 49", generation=1)
        await asyncio.sleep(5)
        assert len(api.writes()) == before
    assert api.objects[ref]["status"]["phase"] == "1"


async def test_transition_times_move_with_the_status_alone() -> None:
    api = FakeApi(now)
    status = writer(api)
    obj = api.objects[api.put(CLUSTER, cluster())]
    async with background(status.run):
        ref = status.adopt(CLUSTER, obj)
        status.say(ref, "One", "Unknown", "Waiting", "", generation=1)
        await asyncio.sleep(10)
        status.say(ref, "One", "Unknown", "InProgress", "working", generation=1)
        await asyncio.sleep(10)
        assert (api.condition(ref, "One") or {})["lastTransitionTime"] == "2026-01-01T00:00:00Z"
        status.say(ref, "One", "True", "Succeeded", "", generation=2)
        await asyncio.sleep(10)
        item = api.condition(ref, "One") or {}
        assert item["lastTransitionTime"] == "2026-01-01T00:00:20Z"
        assert item["observedGeneration"] == 2
    # Another process takes over: it goes on from what the object carries.
    again = writer(api)
    async with background(again.run):
        ref = again.adopt(CLUSTER, api.objects[ref])
        again.say(ref, "Two", "False", "Broken", "why", generation=2)
        await asyncio.sleep(5)
    assert (api.condition(ref, "One") or {})["lastTransitionTime"] == "2026-01-01T00:00:20Z"
    assert [item["type"] for item in api.objects[ref]["status"]["conditions"]] == ["One", "Two"]


async def test_conditions_of_other_writers_stay() -> None:
    api = FakeApi(now)
    status = writer(api)
    foreign = {"type": "Theirs", "status": "True", "reason": "X", "lastTransitionTime": "2025-01-01T00:00:00Z"}
    ref = api.put(CLUSTER, cluster() | {"status": {"conditions": [foreign]}})
    async with background(status.run):
        status.adopt(CLUSTER, api.objects[ref])
        status.say(ref, "One", "True", "Succeeded", "", generation=1)
        await asyncio.sleep(2)
        status.unsay(ref, "One")
        await asyncio.sleep(2)
    assert [item["type"] for item in api.objects[ref]["status"]["conditions"]] == ["Theirs"]


async def test_status_survives_an_api_that_is_away_and_an_object_that_is_gone() -> None:
    api = FakeApi(now)
    status = writer(api)
    ref = api.put(CLUSTER, cluster())
    async with background(status.run):
        status.adopt(CLUSTER, api.objects[ref])
        api.down = True
        status.say(ref, "One", "True", "Succeeded", "", generation=1)
        await asyncio.sleep(30)
        api.down = False
        await asyncio.sleep(60)
        assert (api.condition(ref, "One") or {})["status"] == "True"
        api.remove(ref)
        status.say(ref, "One", "False", "X", "", generation=1)
        await asyncio.sleep(60)
        calls = len(api.calls)
        await asyncio.sleep(600)
        assert len(api.calls) == calls


async def test_what_was_said_last_is_written_at_the_end() -> None:
    api = FakeApi(now)
    status = writer(api)
    ref = api.put(CLUSTER, cluster())
    async with background(status.run):
        status.adopt(CLUSTER, api.objects[ref])
        status.say(ref, "One", "Unknown", "A", "", generation=1)
        await asyncio.sleep(0.1)
        status.say(ref, "One", "Unknown", "B", "", generation=1)
        await asyncio.sleep(0.1)
    assert (api.condition(ref, "One") or {})["reason"] == "B"


async def test_only_one_leads_and_the_next_waits_for_the_whole_lease() -> None:
    api = FakeApi(now)
    led: list[tuple[str, float]] = []

    def leader(identity: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def work() -> None:
            led.append((identity, asyncio.get_running_loop().time()))
            await asyncio.sleep(10_000)

        return lambda: Leader(api, namespace="ns", name="lease", identity=identity, now=now).run(work)

    ref = Ref(LEASE, "ns", "lease")
    async with background(leader("b")):
        async with background(leader("a")):
            await asyncio.sleep(100)
            assert len(led) == 1
    first = led[0][0]
    # Released at the end: another one goes on at once.
    async with background(leader("other")):
        await asyncio.sleep(3)
        assert led[-1][0] == "other"
    # Killed without a release: nobody renews, and a third waits.
    api.objects[ref]["spec"]["holderIdentity"] = "dead"
    start = asyncio.get_running_loop().time()
    async with background(leader("third")):
        await asyncio.sleep(60)
    assert first in {"a", "b"}
    assert led[-1][0] == "third"
    assert LEASE_SECONDS <= led[-1][1] - start <= LEASE_SECONDS + 4


async def test_work_is_cancelled_before_the_lease_can_pass_to_another() -> None:
    api = FakeApi(now)
    ended: list[float] = []

    async def work() -> None:
        try:
            await asyncio.sleep(10_000)
        finally:
            ended.append(asyncio.get_running_loop().time())

    leader = Leader(api, namespace="ns", name="lease", identity="a", now=now)
    async with background(lambda: leader.run(work)):
        await asyncio.sleep(21)
        api.down = True
        await asyncio.sleep(60)
        assert len(ended) == 1
        assert ended[0] < 20 + LEASE_SECONDS
        api.down = False
        await asyncio.sleep(10)
    assert len(ended) == 2


async def test_events_count_instead_of_piling_up() -> None:
    api = FakeApi(now)
    events = Events(api, component="test", now=now)
    ref = api.put(CLUSTER, cluster())
    async with background(events.run):
        for _ in range(30):
            events.record(ref, api.objects[ref], "Failed", "the same", warning=True)
            await asyncio.sleep(1)
        events.record(ref, api.objects[ref], "Failed", "another", warning=True)
        await asyncio.sleep(30)
    found = {obj["message"]: obj["count"] for key, obj in api.objects.items() if key.resource == EVENTS}
    assert found == {"the same": 30, "another": 1}
    assert len(api.writes()) <= 6


async def test_events_of_a_namespace_that_goes_are_dropped() -> None:
    api = FakeApi(now)
    events = Events(api, component="test", now=now)
    ref = api.put(CLUSTER, cluster())
    api.refuse = lambda verb, _ref: ApiProblem(403, "terminating") if verb == "create" else None
    async with background(events.run):
        events.record(ref, api.objects[ref], "Failed", "the same")
        await asyncio.sleep(300)
    assert len(api.calls) == 1
