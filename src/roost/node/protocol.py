"""The lines that the engine's scripts print, read as they come. Pure state; engine.py feeds it.

A line for the engine begins with `@@WORD`, its fields follow after tabs; every other line is what a
program printed, and the last of them are the evidence when a step fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from roost.node.act import ActResult, Step, Unverified
from roost.node.scripts import unescape
from roost.node.thing import Observed, Thing

_EVIDENCE_LINES: Final = 12
_EVIDENCE_WIDTH: Final = 400
_HEX: Final = ":hex"


def parse_field(line: str) -> tuple[str, str] | None:
    """What sh's `field` printed: NAME and value, or None for a line that is no field."""
    name, tab, value = line.partition("\t")
    if not tab:
        return None
    if name.endswith(_HEX):
        try:
            return name.removesuffix(_HEX), bytes.fromhex(value).decode(errors="surrogateescape")
        except ValueError:
            return None
    return name, value


def parse_observation(output: str) -> tuple[list[tuple[str, str]], dict[str, Observed]] | None:
    """Facts and things of an observe script; None when its last line is missing."""
    facts: list[tuple[str, str]] = []
    things: dict[str, Observed] = {}
    current: dict[str, str] | None = None
    for line in output.split("\n"):
        if line.startswith("@@thing\t"):
            current = {}
            things[unescape(line.removeprefix("@@thing\t"))] = current
        elif line == "@@end":
            return facts, things
        elif (field := parse_field(line)) is not None:
            if current is None:
                facts.append(field)
            else:
                current.setdefault(*field)
    return None


class ActLog:
    """Follows one act from its lines to its result."""

    def __init__(
        self,
        *,
        name: str = "",
        title: str = "",
        on_step: Callable[[Step], None],
        on_line: Callable[[str], None] = lambda _line: None,
        on_want: Callable[[int], None] = lambda _index: None,
        on_staged: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.title = title
        self.busy: tuple[str, str] | None = None
        """Description of the unit that holds the lock, and since when."""
        self.started = False
        self.stopped = False
        self._on_step = on_step
        self._on_line = on_line
        self._on_want = on_want
        self._on_staged = on_staged
        self._result: tuple[int, str] | None = None
        self._steps: dict[int, Step] = {}
        self._done: set[int] = set()
        self._evidence: deque[str] = deque(maxlen=_EVIDENCE_LINES)
        self._kept: list[str] = []
        self._observed: dict[str, Observed] = {}
        self._current: dict[str, str] | None = None

    def feed(self, line: str) -> None:
        if line.startswith("@@"):
            word, *fields = line[2:].split("\t")
            self._protocol(word, fields)
        elif self._current is not None:
            if (field := parse_field(line)) is not None:
                self._current.setdefault(*field)
        elif line.strip():
            self._evidence.append(line.strip()[:_EVIDENCE_WIDTH])
            self._on_line(line)

    def _protocol(self, word: str, fields: Sequence[str]) -> None:
        match word, *fields:
            case "want", index:
                self._on_want(int(index))
            case "staged", *_:
                self._on_staged()
            case "started", *_:
                self.started = True
            case "stopped", *_:
                self.stopped = True
            case "busy", description, since:
                self.busy = (unescape(description), since)
            case "title", name, title:
                self.name, self.title = unescape(name), unescape(title)
            case "step", number, total, key, summary:
                self._step(Step(int(number), int(total), unescape(key), unescape(summary), "started"))
            case "done", number:
                self._finished(int(number))
            case "thing", key:
                self._current = {}
                self._observed[unescape(key)] = self._current
            case "end", *_:
                self._current = None
            case "kept", text:
                self._kept.append(text)
            case "result", status, key:
                self._result = (int(status), unescape(key))
            case _:
                pass  # `alive`, which only keeps the follower honest, and words of a later version.

    def _step(self, step: Step) -> None:
        self._evidence.clear()
        if step.number not in self._steps:
            self._steps[step.number] = step
            self._on_step(step)

    def _finished(self, number: int) -> None:
        self._done.add(number)
        if (step := self._steps.get(number)) is not None:
            self._on_step(Step(step.number, step.total, step.key, step.summary, "done"))

    def result(self, things: Sequence[Thing], *, exit_status: int, stderr: str) -> ActResult:
        """`things`: those of the act, to verify what was observed after each change."""
        status, key = self._result or (exit_status or 1, "")
        evidence = [*self._evidence]
        if self._result is None and stderr.strip():
            evidence = stderr.strip().splitlines()[-_EVIDENCE_LINES:]
        elif status == 0:
            evidence = self._kept
        elif status == 137 and not key:
            # The last one that began: fetching goes on beside others.
            key = next((s.key for s in reversed(self._steps.values()) if s.number not in self._done), "")
            evidence.append("its unit was ended from outside (killed, out of memory, or over its time)")
        return ActResult(
            name=self.name,
            title=self.title,
            exit_status=status,
            steps_done=len(self._done - {0}),
            steps_total=max((step.total for step in self._steps.values()), default=0),
            failed_key=key or None,
            evidence="\n".join(evidence),
            unverified=_unverified(things, self._observed) if status == 0 else (),
            observed=self._observed,
        )


def _unverified(things: Sequence[Thing], observed: dict[str, Observed]) -> tuple[Unverified, ...]:
    found: list[Unverified] = []
    for thing in things:
        if thing.key in observed:
            difference = thing.diff(observed[thing.key])
            if difference is not None:
                found.append(Unverified(thing.key, observed[thing.key], difference))
    return tuple(found)
