"""A browser, and the platform that it looks at: Debian's Chromium against a platform that the tests start themselves.

`ROOST_CONSOLE_DATA=DIR` looks at a platform that runs already in that data directory, which is quicker while pages
are being written.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="made by tools/setup.sh for tests of the console")

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).resolve().parents[2] / "console/node_modules/axe-core/axe.min.js"
# A closed network: nothing of the browser's own may ask anywhere.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Running:
    """A platform to look at."""

    url: str
    password: str = field(repr=False)
    kubeconfig: Path

    def kubectl(self, *args: str, given: str | None = None) -> str:
        from tests.e2e.harness import ROOST

        done = subprocess.run(
            [str(ROOST), "kubectl", "--kubeconfig", str(self.kubeconfig), *args],
            input=given,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={**os.environ, "ROOST_DATA_DIR": str(self.kubeconfig.parent)},
        )
        return done.stdout

    def get(self, *args: str) -> Any:
        return json.loads(self.kubectl("get", *args, "-o", "json"))


def _running(data: Path) -> Running:
    record = json.loads((data / "platform.json").read_text())
    base = int(record.get("portBase") or record.get("port_base") or 7000)
    password = (data / "administrator.password").read_text().strip()
    return Running(f"https://127.0.0.1:{base + 445}", password, data / "admin.kubeconfig")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if not CHROMIUM.exists() or not AXE.exists():
        pytest.skip("needs Debian's chromium and the console's libraries; tools/console.sh --browser installs them")
    given = os.environ.get("ROOST_CONSOLE_DATA")
    if given:
        yield _running(Path(given))
        return
    from tests.e2e.harness import Bundles, Platform

    data = tmp_path_factory.mktemp("console") / "platform"
    platform = Platform(data, Bundles())
    platform.start(address=None)
    try:
        yield _running(data)
    finally:
        platform.end()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as player:
        launched = player.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield launched
        launched.close()


class Visitor:
    """A person at a browser, signed in as the first administrator."""

    def __init__(self, browser: Any, running: Running, *, language: str = "en", theme: str = "light") -> None:
        self.running = running
        self.context = browser.new_context(
            ignore_https_errors=True, viewport={"width": 1360, "height": 860}, locale="en-GB"
        )
        self.context.add_init_script(
            "if (!localStorage.getItem('roost.language')) {"
            f"localStorage.setItem('roost.language', '{language}'); localStorage.setItem('roost.theme', '{theme}') }}"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        """What the browser itself complains of: errors of scripts, and what the policy refuses."""
        self.hosts: set[str] = set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def _hear(self, message: Any) -> None:
        # A refused request is told here too; whether it should be is the test's own matter.
        # Lab machines that come and go make the browser think that the network changed.
        fine = ("Failed to load resource", "ERR_NETWORK_CHANGED")
        if message.type == "error" and not any(word in message.text for word in fine):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        for last in (False, False, False, True):
            try:
                self.page.goto(f"{self.running.url}/console{path}")
                break
            except playwright_api.Error as error:
                if last or not any(word in error.message for word in ("ERR_NETWORK_CHANGED", "chrome-error")):
                    raise
                self.page.wait_for_timeout(1000)
        self.page.wait_for_load_state("networkidle")

    def sign_in(self) -> None:
        self.open("/sign-in")
        self.page.fill("#user", "admin")
        self.page.fill("#password", self.running.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/clusters")
        self.page.wait_for_selector("main table, main .empty")

    def violations(self) -> list[str]:
        """What axe finds on the page as it is."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"][:3]
        ]


@pytest.fixture
def visitor(browser: Any, running: Running) -> Iterator[Visitor]:
    person = Visitor(browser, running)
    yield person
    person.context.close()


@pytest.fixture
def signed_in(visitor: Visitor) -> Visitor:
    visitor.sign_in()
    return visitor
