"""Tells the person at the terminal what is being done, how long it should take and takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

HEARTBEAT_SECONDS = 30.0


def in_words(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60:02d} s"


@dataclass
class Progress:
    """One line when a step begins, one when it ends, and one now and then while it lasts."""

    total: int
    write: Callable[[str], None] = field(default=lambda line: print(line, flush=True))
    clock: Callable[[], float] = time.monotonic
    number: int = 0
    title: str = ""
    expected: float = 0.0
    began: float = 0.0
    last_line: float = 0.0

    def begin(self, title: str, expected: float) -> None:
        self.number += 1
        self.title, self.expected = title, expected
        self.began = self.last_line = self.clock()
        self.write(f"[{self.number}/{self.total}] {title}: about {in_words(expected)}")

    def skip(self, title: str) -> None:
        self.number += 1
        self.write(f"[{self.number}/{self.total}] {title}: in the cache")

    def note(self, text: str) -> None:
        """Something within the step that is worth a line, with the time since it began."""
        self.last_line = self.clock()
        self.write(f"    {in_words(self.elapsed())}: {text}")

    def beat(self, text: str) -> None:
        """Called often while waiting; speaks only when nothing was said for a while."""
        if self.clock() - self.last_line >= HEARTBEAT_SECONDS:
            self.note(f"{text} ({in_words(self.elapsed())} of about {in_words(self.expected)})")

    def end(self) -> float:
        seconds = self.elapsed()
        self.write(f"    done in {in_words(seconds)}")
        return seconds

    def elapsed(self) -> float:
        return self.clock() - self.began
