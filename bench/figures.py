"""What was measured, as values: samples, and figures that hold one beside its peer. Pure.

Called by every benchmark, by results (JSON) and by table and page (for people).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["s", "ms", "bytes", "count", "percent"]
LEAST_RUNS: Final = 7
"""With fewer, nothing is published."""
ONCE: Final = frozenset({"console.memory", "fleet.object", "fleet.settled", "gateway.idle"})
"""Keys of what is measured once beside the runs: an hour's changes, a thousand tunnels."""


@dataclass(frozen=True)
class Sample:
    """The values of all runs, in the order of the runs."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a sample needs at least one run")

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Figure:
    """One thing that was measured. `key` is `BENCHMARK.WHAT`; `part`: of which process or machine."""

    key: str
    unit: Unit
    own: Sample
    peer: Sample | None = None
    """Of the peer that words.PEERS names for the key."""
    target: float | None = None
    """The ratio that is aimed at, at most."""
    part: str = ""
    limit: float | None = None
    """The most that the median may be, in the figure's unit; for what no peer gives a target."""
    least: float | None = None
    """The least that it may be, where more is better, such as bytes per second."""

    @property
    def ratio(self) -> float | None:
        """Median beside median; None without a peer, or beside a peer of nothing."""
        if self.peer is None or self.peer.median == 0:
            return None
        return self.own.median / self.peer.median

    @property
    def met(self) -> bool | None:
        """Whether the target or a limit is met; None where there is none."""
        if self.limit is not None:
            return self.own.median <= self.limit
        if self.least is not None:
            return self.own.median >= self.least
        if self.target is None or self.ratio is None:
            return None
        return self.ratio <= self.target


@dataclass(frozen=True)
class Benchmark:
    """One benchmark as it ran."""

    name: str
    runs: int
    date: str
    """Of the day, as ISO 8601 has it."""
    load: float
    """The computer's load of one minute before the start."""
    cores: int
    figures: tuple[Figure, ...]


def figure(
    key: str,
    unit: Unit,
    own: Sequence[float],
    peer: Sequence[float] | None = None,
    *,
    target: float | None = None,
    part: str = "",
    limit: float | None = None,
    least: float | None = None,
) -> Figure:
    theirs = Sample(tuple(peer)) if peer is not None else None
    return Figure(key, unit, Sample(tuple(own)), theirs, target, part, limit, least)


def order(run: int) -> tuple[str, str]:
    """Who goes first in a run: each in every other, so that what one leaves warm helps the other as often."""
    return ("own", "peer") if run % 2 == 0 else ("peer", "own")


def refusal(*, runs: int, least: int, load: float, limit: float, busy: bool) -> str | None:
    """Why figures are only printed and not published; None when they may be."""
    if runs < least:
        return f"{runs} runs are fewer than {least}"
    if load > limit and not busy:
        return f"the load before the start was {load:.1f}, above {limit:g}: other work would be measured too"
    return None


def by_part(runs: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    """The values of each part over all runs, in the order of the first run; a part that is missing counts 0."""
    names = list(dict.fromkeys(name for run in runs for name in run))
    return {name: [run.get(name, 0.0) for run in runs] for name in names}
