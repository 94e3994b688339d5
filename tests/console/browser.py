"""Debian's Chromium, and a person at it: signs in, looks, types.

Called by the tests here, by tools/screenshots.py and by bench/console.py.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
CHROMIUM: Final = Path("/usr/bin/chromium")
AXE: Final = ROOT / "console/node_modules/axe-core/axe.min.js"
# A closed network: nothing of the browser's own may ask anywhere.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WANTED: Final = "needs Debian's chromium and the console's libraries: tools/console.sh --browser installs them"
# A refused request is told by the browser too; whether it should be is the test's own matter. Machines that come and
# go make it think that the network changed.
FINE: Final = ("Failed to load resource", "ERR_NETWORK_CHANGED")


@contextlib.contextmanager
def chromium(*arguments: str) -> Generator[Any]:
    """A browser without a window, in a profile of its own."""
    if not CHROMIUM.exists() or not AXE.exists():
        raise AssertionError(WANTED)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        launched = player.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS, *arguments])
        try:
            yield launched
        finally:
            launched.close()


@dataclass(frozen=True)
class Place:
    """A platform to look at."""

    url: str
    password: str = field(repr=False)
    """Of the first administrator, who is called admin."""


def place(data: Path) -> Place:
    """The platform that runs in a data directory."""
    record = json.loads((data / "platform.json").read_text("utf-8"))
    base = int(record.get("portBase") or record.get("port_base") or 7000)
    return Place(f"https://127.0.0.1:{base + 445}", (data / "administrator.password").read_text("utf-8").strip())


class Visitor:
    """A person at a browser with a profile of their own; not signed in yet."""

    def __init__(
        self, browser: Any, where: Place, *, language: str = "en", theme: str = "light", width: int = 1360
    ) -> None:
        self.where = where
        self.context = browser.new_context(
            ignore_https_errors=True, viewport={"width": width, "height": 860}, locale="en-GB"
        )
        self.context.add_init_script(
            "if (!localStorage.getItem('roost.language')) {"
            f"localStorage.setItem('roost.language', '{language}'); localStorage.setItem('roost.theme', '{theme}') }}"
        )
        self.complaints: list[str] = []
        """What the browser itself complains of: errors of scripts, and what the policy refuses."""
        self.hosts: set[str] = set()
        self.page = self.tab()

    def tab(self) -> Any:
        """One more tab of the same browser, heard like the first."""
        made = self.context.new_page()
        made.set_default_timeout(30_000)
        made.on("console", self._hear)
        made.on("pageerror", lambda error: self.complaints.append(str(error)))
        made.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        return made

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not any(word in message.text for word in FINE):
            self.complaints.append(message.text)

    def open(self, path: str, tab: Any = None) -> None:
        """Loads a page of the console, and waits until nothing more is fetched."""
        from playwright.sync_api import Error

        shown = tab or self.page
        for last in (False, False, False, True):
            try:
                shown.goto(f"{self.where.url}/console{path}")
                break
            except Error as error:
                if last or not any(word in error.message for word in ("ERR_NETWORK_CHANGED", "chrome-error")):
                    raise
                shown.wait_for_timeout(1000)
        shown.wait_for_load_state("networkidle")

    def sign_in(self, user: str = "admin", password: str = "") -> None:
        self.open("/sign-in")
        self.page.fill("#user", user)
        self.page.fill("#password", password or self.where.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/clusters")
        self.page.wait_for_selector("main table, main .empty, main .problem")

    def violations(self) -> list[str]:
        """What axe finds on the page as it is."""
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"][:3]
        ]

    def until(self, expression: str, *, seconds: float = 30.0) -> None:
        """Until an expression of the page is true. Playwright's own way asks for `eval`, which the policy refuses."""
        for _ in range(int(seconds / 0.05)):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {seconds:g} s: {expression}")

    def stay(self) -> None:
        """From here on `stayed` tells whether the page was loaded anew."""
        self.page.evaluate("window.stayed = true")

    @property
    def stayed(self) -> bool:
        return bool(self.page.evaluate("window.stayed === true"))

    def button(self, name: str, within: Any = None) -> Any:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def row(self, text: str) -> Any:
        """The row of a table that has this text in its first cell."""
        return self.page.locator("tbody tr", has=self.page.locator("td:first-child", has_text=text))

    @property
    def dialog(self) -> Any:
        return self.page.get_by_role("dialog")

    def close(self) -> None:
        self.context.close()
