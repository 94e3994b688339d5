"""The graph of tasks: no barriers, failures stay where they are, everything is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.providers.onprem.graph import Graph, combined

pytestmark = pytest.mark.anyio


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def task(self, name: str, *, fails: RoostError | None = None) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            self.lines.append(name)
            await asyncio.sleep(0)
            if fails is not None:
                raise fails

        return work


async def test_each_task_begins_as_soon_as_what_it_needs_is_done() -> None:
    log, graph, slow = Log(), Graph(), asyncio.Event()

    async def prepare_slow() -> None:
        await slow.wait()
        log.lines.append("prepare b")

    async def join_fast() -> None:
        log.lines.append("join a")
        slow.set()

    graph.add("prepare a", log.task("prepare a"))
    graph.add("prepare b", prepare_slow)
    graph.add("join a", join_fast, after=["prepare a"])
    graph.add("join b", log.task("join b"), after=["prepare b"])
    await graph.run()
    assert log.lines == ["prepare a", "join a", "prepare b", "join b"]


async def test_an_event_releases_others_before_its_task_ends() -> None:
    graph, lines, released = Graph(), list[str](), asyncio.Event()

    async def init() -> None:
        graph.announce("api")
        await released.wait()
        lines.append("init ended")

    async def network() -> None:
        lines.append("network")
        released.set()

    graph.add("init", init, announces=["api"])
    graph.add("network", network, after=["api"])
    await graph.run()
    assert lines == ["network", "init ended"]


async def test_a_failure_stops_what_needs_it_and_nothing_else() -> None:
    log, graph = Log(), Graph()
    graph.add("prepare a", log.task("prepare a", fails=PermanentFailure("SwapOn", "a: swap")))
    graph.add("prepare b", log.task("prepare b"))
    graph.add("join a", log.task("join a"), after=["prepare a"])
    graph.add("join b", log.task("join b"), after=["prepare b"])
    graph.add("nodes", log.task("nodes"), after_end=["join a", "join b"])
    await graph.run()
    assert set(log.lines) == {"prepare a", "prepare b", "join b", "nodes"}
    assert list(graph.failures) == ["prepare a"]
    assert graph.skipped == ["join a"]
    assert graph.failed("join a")
    assert not graph.failed("join b")


async def test_what_waits_for_the_event_of_a_failed_task_is_skipped() -> None:
    log, graph = Log(), Graph()
    graph.add("init", log.task("init", fails=RetryLater("ActFailed", "no")), announces=["api"])
    graph.add("network", log.task("network"), after=["api"])
    await graph.run()
    assert log.lines == ["init"]
    assert graph.skipped == ["network"]


async def test_an_event_that_was_never_announced_comes_with_the_end_of_its_task() -> None:
    log, graph = Log(), Graph()
    graph.add("init", log.task("init"), announces=["api"])
    graph.add("network", log.task("network"), after=["api"])
    await graph.run()
    assert log.lines == ["init", "network"]


async def test_a_bug_is_no_failure() -> None:
    graph = Graph()

    async def broken() -> None:
        raise ZeroDivisionError

    graph.add("a", broken)
    with pytest.raises(BaseExceptionGroup):
        await graph.run()


async def test_failures_become_one_with_the_shortest_delay() -> None:
    error = combined(
        {
            "a": PermanentFailure("SwapOn", "a: swap"),
            "b": RetryLater("ActFailed", "b: act", delay=30.0),
            "c": RetryLater("Unreachable", "c: gone", delay=5.0),
        }
    )
    assert isinstance(error, RetryLater)
    assert error.delay == 5.0
    assert error.message.splitlines() == ["a: swap", "b: act", "c: gone"]


async def test_only_permanent_failures_stay_permanent() -> None:
    error = combined({"a": PermanentFailure("SwapOn", "a"), "b": PermanentFailure("PortTaken", "b")})
    assert isinstance(error, PermanentFailure)
    assert error.reason == "SwapOn"
