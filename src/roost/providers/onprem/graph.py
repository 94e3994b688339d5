"""Runs tasks that depend on each other, each as soon as what it needs is done: no barrier between machines.

Called by the provider with one task per machine and act. A task that fails stops those that need it and no
others; every failure is gathered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from roost.api.errors import PermanentFailure, RetryLater, RoostError


@dataclass(frozen=True)
class Task:
    name: str
    work: Callable[[], Awaitable[None]]
    after: tuple[str, ...] = ()
    """Names of tasks, or of events that tasks announce (see Graph.announce)."""
    after_end: tuple[str, ...] = ()
    """Names of tasks that must have ended, well or not."""


@dataclass
class Graph:
    """One run. `announce` lets a task release what waits for a part of its work before it ends."""

    tasks: list[Task] = field(default_factory=list[Task])
    failures: dict[str, RoostError] = field(default_factory=dict[str, RoostError])
    skipped: list[str] = field(default_factory=list[str])
    _events: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    _announcers: dict[str, str] = field(default_factory=dict[str, str])
    _failed: set[str] = field(default_factory=set[str])

    def add(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        after: Sequence[str] = (),
        after_end: Sequence[str] = (),
        announces: Sequence[str] = (),
    ) -> None:
        """`announces`: events that this task will announce; at its end all of them are, even without a call."""
        self.tasks.append(Task(name, work, tuple(after), tuple(after_end)))
        self._events[name] = asyncio.Event()
        for event in announces:
            self._events[event] = asyncio.Event()
            self._announcers[event] = name

    def failed(self, name: str) -> bool:
        """The task failed, or was skipped because of another's failure."""
        return name in self._failed

    def announce(self, event: str) -> None:
        self._events[event].set()

    async def run(self) -> None:
        """To the end of all tasks. Raises nothing but cancellation and errors that are no RoostError."""
        async with asyncio.TaskGroup() as group:
            for task in self.tasks:
                group.create_task(self._run(task), name=task.name)

    async def _run(self, task: Task) -> None:
        try:
            for need in task.after:
                await self._events[need].wait()
                if need in self._failed:
                    self.skipped.append(task.name)
                    self._failed.add(task.name)
                    return
            for need in task.after_end:
                await self._events[need].wait()
            await task.work()
        except RoostError as error:
            self.failures[task.name] = error
            self._failed.add(task.name)
        finally:
            for event, announcer in self._announcers.items():
                if announcer == task.name and not self._events[event].is_set():
                    if task.name in self._failed:
                        self._failed.add(event)
                    self._events[event].set()
            self._events[task.name].set()


def combined(failures: Mapping[str, RoostError]) -> RoostError:
    """One error for all: permanent only when every one is; the shortest delay; every message."""
    errors = list({error.message: error for error in failures.values()}.values())
    if len(errors) == 1:
        return errors[0]
    message = "\n".join(error.message for error in errors)
    passing = [error for error in errors if isinstance(error, RetryLater)]
    if not passing:
        return PermanentFailure(errors[0].reason, message)
    delays = [error.delay for error in passing if error.delay is not None]
    return RetryLater(passing[0].reason, message, delay=min(delays) if delays else None)
