"""A browser, and platforms that it looks at, which the tests start themselves: nothing here is a stand-in.

`ROOST_CONSOLE_DATA=DIR` looks at a platform that runs already in that data directory, which is quicker while pages
are being written. What a person saw when a test failed is kept in artifacts/NAME.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Tests have a lab of their own, as the stories of tests/e2e have. Before anything reads it.
os.environ.setdefault("ROOST_LAB_NUMBER", "90")

from tests.console.browser import ROOT, Place, Visitor, chromium, place
from tests.e2e.conftest import bundles, platform, pytest_runtest_makereport, story

__all__ = ["bundles", "platform", "pytest_runtest_makereport", "story"]

from harness import Bundles, Platform, eventually


@dataclass(frozen=True)
class Running:
    """A platform on loopback, shared by the tests of a module: each leaves it as it was."""

    where: Place
    platform: Platform

    def wait_for(self, kind: str, name: str, *, gone: bool = False) -> None:
        """Until an object of the namespace default is there, or is not any more."""

        def there() -> bool:
            done = self.platform.kubectl("get", kind, name, "-n", "default", check=False)
            return (done.returncode == 0) is not gone

        eventually(there, timeout=60)


# Module and not session: the browser's event loop would be in the way of other tests' own, and another story's
# platform takes the same ports.
@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    given = os.environ.get("ROOST_CONSOLE_DATA")
    if given:
        yield Running(place(Path(given)), Platform(Path(given), Bundles()))
        return
    data = tmp_path_factory.mktemp("console") / "platform"
    made = Platform(data, Bundles())
    made.start(address=None)
    try:
        yield Running(place(data), made)
    finally:
        made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as launched:
        yield launched


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Any, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """`visit(place, language="zh")` is one more person at a browser of their own."""
    people: list[Visitor] = []

    def make(where: Place, **looks: Any) -> Visitor:
        people.append(Visitor(browser, where, **looks))
        return people[-1]

    yield make
    seen = ROOT / "artifacts" / request.node.name
    for number, person in enumerate(people):
        if getattr(request.node, "failed", False):
            seen.mkdir(parents=True, exist_ok=True)
            for at, tab in enumerate(person.context.pages):
                tab.screenshot(path=str(seen / f"person{number}-tab{at}.png"))
                (seen / f"person{number}-tab{at}.html").write_text(tab.content())
        person.close()


@pytest.fixture
def signed_in(visit: Visit, running: Running) -> Visitor:
    person = visit(running.where)
    person.sign_in()
    return person
