"""Pictures of each page of the console in both languages and both themes: `make screenshots`.

Starts a platform with clusters on lab machines (tools/scene.py), or looks at one that runs (`--data-dir`), with
Debian's Chromium, and writes docs/LANGUAGE/console/pictures/THEME/PAGE.webp. `--out DIR` writes PNG files there.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.console.browser import Visitor, chromium, place  # noqa: E402
from tools.scene import scene  # noqa: E402

SHOP: Final = "/clusters/default/shop"
PAGES: Final = {
    "clusters": "/clusters",
    "import": "/clusters/new/import",
    "register": "/clusters/new/register",
    "cluster": SHOP,
    "machines": f"{SHOP}/machines",
    "conditions": f"{SHOP}/conditions",
    "events": f"{SHOP}/events",
    "yaml": f"{SHOP}/yaml",
    "access": f"{SHOP}/access",
    "agent": "/clusters/default/edge",
    "credentials": "/credentials",
    "projects": "/projects",
    "project": "/projects/retail",
    "users": "/users",
    "feature-gates": "/feature-gates",
    "audit": "/audit",
    "releases": "/releases",
    "registry": "/registry",
}
# As wide as a page of the docs shows them, and 2 MB for all of them.
WIDTH, HEIGHT, SCALE, QUALITY = 1280, 860, 0.75, 62


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="of a platform that runs, with the clusters of tools/scene.py")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages")
    parser.add_argument("--out", type=Path, default=None, help="a directory of its own, for PNG files")
    chosen = parser.parse_args()
    with contextlib.ExitStack() as stack:
        data = chosen.data_dir or stack.enter_context(scene())
        browser = stack.enter_context(chromium("--font-render-hinting=none"))
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                target = (
                    chosen.out / f"{language}-{theme}"
                    if chosen.out
                    else ROOT / "docs" / language / "console/pictures" / theme
                )
                target.mkdir(parents=True, exist_ok=True)
                taking = Taking(browser, data, language, theme, target, tuple(chosen.only), png=bool(chosen.out))
                taking.all()


class Taking:
    """The pictures of one language and theme."""

    def __init__(
        self, browser: Any, data: Path, language: str, theme: str, target: Path, only: tuple[str, ...], *, png: bool
    ) -> None:
        self.person = Visitor(browser, place(data), language=language, theme=theme, width=WIDTH)
        self.page = self.person.page
        self.target, self.only, self.png = target, only, png
        self.session = self.person.context.new_cdp_session(self.page)

    def all(self) -> None:
        self.person.open("/sign-in")
        self.take("sign-in")
        self.person.sign_in()
        for name, path in PAGES.items():
            self.step(name, lambda path=path: self.person.open(path))
        self.step("progress", self.progress)
        self.step("terminal", self.terminal)
        self.step("delete", self.delete)
        self.form()
        self.person.close()

    def step(self, name: str, reach: Callable[[], object]) -> None:
        if self.only and name not in self.only:
            return
        reach()
        # Machines that come and go make the browser give up what it was fetching.
        if self.page.locator("h1, [role=dialog]").count() == 0:
            self.page.wait_for_timeout(3000)
            reach()
        self.take(name)

    def take(self, name: str) -> None:
        if self.only and name not in self.only:
            return
        self.page.wait_for_selector("h1, [role=dialog]")
        # Fonts and the last transition.
        self.page.wait_for_timeout(700)
        if self.png:
            self.page.screenshot(path=str(self.target / f"{name}.png"))
            return
        # Playwright itself writes PNG and JPEG alone; WebP is a third of either here.
        top = self.page.evaluate("window.scrollY")
        clip = {"x": 0, "y": top, "width": WIDTH, "height": HEIGHT, "scale": SCALE}
        taken = self.session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "clip": clip})
        (self.target / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))

    def progress(self) -> None:
        self.person.open("/clusters?progress=team%2Fbilling")
        self.person.dialog.wait_for()

    def terminal(self) -> None:
        self.person.open(f"{SHOP}/terminal")
        self.page.locator(".terminal-in input").fill("kubectl get nodes")
        self.page.keyboard.press("Enter")
        self.page.wait_for_timeout(1500)

    def delete(self) -> None:
        self.person.open(SHOP)
        self.page.locator("main .page-actions .ant-btn-dangerous").click()
        self.person.dialog.wait_for()

    def form(self) -> None:
        """Filled in, with the dialog of a machine, the YAML beside it, and the review."""
        if self.only and not {"create", "machine", "create-yaml", "review", "create-errors"} & set(self.only):
            return
        page = self.page
        self.person.open("/clusters/new/on-premises")
        page.fill("#f-metadata-name", "warehouse")
        page.fill("#f-spec-displayName", "Warehouse 7")
        page.click("#f-spec-version")
        page.locator(".ant-select-item-option").first.click()
        page.fill("#f-spec-onPremises-controlPlaneEndpoint-host", "198.51.100.21")
        page.evaluate("window.scrollTo(0, 0)")
        self.take("create")
        page.locator(".machine-list .toolbar button").last.click()
        dialog = self.person.dialog
        dialog.locator("#m-spec-addresses-ipv4").fill("198.51.100.21")
        dialog.locator("#m-password").fill("of-no-machine")
        self.take("machine")
        dialog.locator("button.ant-btn-primary").last.click()
        dialog.wait_for(state="detached")
        page.locator(".machine-list").scroll_into_view_if_needed()
        page.locator("main .page-actions button").first.click()
        page.locator(".cm-content").wait_for()
        self.take("create-yaml")
        page.locator(".create-foot button.ant-btn-primary").click()
        page.wait_for_url("**step=review**")
        self.take("review")


if __name__ == "__main__":
    main()
