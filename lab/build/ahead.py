"""Fetches what the next programs are built from while the computer compiles the ones before.

A compiler waits for no network then: of nine programs each had some fifteen seconds of that. Called by `cli`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Sequence

from lab.build import gobuild
from lab.build.failure import BuildError
from lab.build.recipes import Recipe


@contextlib.contextmanager
def fetching(recipes: Sequence[Recipe]) -> Generator[None]:
    """While it lasts, a thread fetches for one recipe after the other; at its end the one under way is waited for.

    What fails is left to the build itself, which asks for the same and tells what is wrong.
    """
    ended = threading.Event()

    def work() -> None:
        for recipe in recipes:
            if ended.is_set():
                return
            with contextlib.suppress(BuildError, OSError):
                gobuild.fetch(recipe)

    thread = threading.Thread(target=work, name="fetch modules ahead")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
