"""The keyed queue: one task per key, dirty while running, back-off, interruption."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from roost.controllers.runtime.queue import Queue
from roost.controllers.runtime.schedule import LONGEST_DELAY, Attempt, Schedule, backoff

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(queue: Queue[str]) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def now() -> float:
    return asyncio.get_running_loop().time()


def make(work: Callable[[str], Awaitable[float | None]], **options: object) -> Queue[str]:
    return Queue("test", work, jitter=lambda: 0.5, **options)  # type: ignore[arg-type]


async def test_adds_before_a_start_are_one_run() -> None:
    runs: list[str] = []

    async def work(key: str) -> None:
        runs.append(key)

    queue = make(work)
    async with running(queue):
        for _ in range(5):
            queue.add("a")
        queue.add("b")
        await asyncio.sleep(1)
    assert sorted(runs) == ["a", "b"]


async def test_a_change_while_running_runs_once_more_and_never_twice_at_once() -> None:
    runs: list[tuple[float, float]] = []

    async def work(_key: str) -> None:
        start = now()
        await asyncio.sleep(10)
        runs.append((start, now()))

    queue = make(work)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(3)
        queue.add("a")
        queue.add("a")
        await asyncio.sleep(100)
    assert runs == [(0, 10), (10, 20)]


async def test_back_off_doubles_to_a_minute_and_a_change_forgets_it() -> None:
    starts: list[float] = []
    attempts: list[Attempt] = []

    async def work(_key: str) -> None:
        starts.append(now())
        raise RuntimeError("no")

    queue = make(work, on_failure=lambda _key, _error, attempt: attempts.append(attempt))
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(400)
        gaps = [round(b - a) for a, b in itertools.pairwise(starts)]
        assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
        assert [a.number for a in attempts] == list(range(1, len(starts) + 1))
        queue.add("a")
        await asyncio.sleep(0.1)
    assert attempts[-1].number == 1


async def test_an_error_may_bring_its_own_delay() -> None:
    starts: list[float] = []

    async def work(_key: str) -> None:
        starts.append(now())
        raise RuntimeError("no")

    queue = make(work, delay=lambda _error, attempt: 100.0 * attempt)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(301)
    assert starts == [0, 100, 300]


async def test_interrupt_cancels_and_runs_again_at_once() -> None:
    log: list[str] = []

    async def work(_key: str) -> None:
        log.append(f"start {now():g}")
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            log.append(f"cancelled {now():g}")
            raise
        log.append(f"end {now():g}")

    queue = make(work)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(5)
        queue.interrupt("a")
        queue.interrupt("a")
        await asyncio.sleep(100)
    assert log == ["start 0", "cancelled 5", "start 5", "end 55"]


async def test_interrupted_before_its_first_step_the_key_still_runs() -> None:
    runs: list[str] = []

    async def work(key: str) -> None:
        runs.append(key)

    queue = make(work)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for _ in range(5):
            queue.interrupt("a")
            await asyncio.sleep(0)
        await asyncio.sleep(10)
        queue.add("a")
        await asyncio.sleep(10)
    assert len(runs) >= 2


async def test_work_that_ends_in_spite_of_an_interrupt_runs_again_once() -> None:
    runs = 0

    async def work(_key: str) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(50)

    queue = make(work)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(1)
        queue.interrupt("a")
        await asyncio.sleep(100)
    assert runs == 2


async def test_cancelled_from_inside_is_a_failure_and_not_a_lost_key() -> None:
    runs = 0

    async def work(_key: str) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise asyncio.CancelledError

    queue = make(work)
    async with running(queue):
        queue.add("a")
        await asyncio.sleep(3)
    assert runs == 2


async def test_the_end_of_the_queue_cancels_and_waits_for_work() -> None:
    ended: list[str] = []

    async def work(key: str) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(1)
            ended.append(key)

    queue = make(work)
    async with running(queue):
        queue.add("a")
        queue.add("b")
        await asyncio.sleep(1)
    assert sorted(ended) == ["a", "b"]


async def test_one_slow_key_holds_up_no_other_within_the_limit() -> None:
    ended: list[str] = []

    async def work(key: str) -> None:
        await asyncio.sleep(100 if key == "slow" else 1)
        ended.append(key)

    queue = make(work, limit=2)
    async with running(queue):
        for key in ("slow", "a", "b", "c"):
            queue.add(key)
        await asyncio.sleep(10)
    assert ended == ["a", "b", "c"]


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_back_off_stays_between_a_second_and_a_minute(jitter: float) -> None:
    delays = [backoff(attempt, jitter) for attempt in range(1, 40)]
    assert min(delays) >= 1.0
    assert max(delays) <= LONGEST_DELAY
    assert delays == sorted(delays)


class Scheduling(RuleBasedStateMachine):
    """Against a model: who wanted a run since its last start, and who runs."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule[str] = Schedule(lambda: 0.5)
        self.now = 0.0
        self.wanted: set[str] = set()
        self.running: set[str] = set()

    keys = st.sampled_from(["a", "b", "c"])

    @rule(key=keys)
    def add(self, key: str) -> None:
        self.schedule.add(key, self.now)
        self.wanted.add(key)

    @rule(key=keys, delay=st.floats(0, 90))
    def add_later(self, key: str, delay: float) -> None:
        self.schedule.add_at(key, self.now + delay)

    @rule(seconds=st.floats(0, 100))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(room=st.integers(0, 3))
    def take(self, room: int) -> None:
        for key in self.schedule.take(self.now, room):
            assert key not in self.running
            self.running.add(key)
            self.wanted.discard(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["ok", "again", "fail", "interrupt"]))
    def finish(self, data: st.DataObject, how: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(key)
        match how:
            case "ok":
                self.schedule.succeeded(key, self.now, None)
            case "again":
                self.schedule.succeeded(key, self.now, 30.0)
            case "fail":
                attempt = self.schedule.failed(key, self.now, lambda _n: None)
                assert attempt.at <= self.now + LONGEST_DELAY
            case _:
                self.schedule.interrupted(key, self.now)

    @invariant()
    def runs_agree(self) -> None:
        assert self.schedule.running == self.running

    @invariant()
    def nothing_wanted_is_lost(self) -> None:
        """Everything wanted that does not run is due now: a big enough take starts it."""
        due = self.schedule.next_due()
        if self.wanted - self.running:
            assert due is not None
            assert due <= self.now


Scheduling.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestScheduling = Scheduling.TestCase
