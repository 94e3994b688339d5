"""Pictures of each page of the console in both languages and both themes: `make screenshots`.

Looks at a platform that runs (`--data-dir`), with Debian's Chromium, and writes into docs/LANGUAGE/console/pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PAGES: Final = {
    "sign-in": "/sign-in",
    "clusters": "/clusters",
    "choose": "/clusters/new",
    "create": "/clusters/new/on-premises",
    "import": "/clusters/new/import",
    "register": "/clusters/new/register",
    "cluster": "/clusters/{cluster}",
    "machines": "/clusters/{cluster}/machines",
    "conditions": "/clusters/{cluster}/conditions",
    "progress": "/clusters/{cluster}/progress",
    "access": "/clusters/{cluster}/access",
    "terminal": "/clusters/{cluster}/terminal",
    "credentials": "/credentials",
    "projects": "/projects",
    "users": "/users",
    "feature-gates": "/feature-gates",
    "audit": "/audit",
    "releases": "/releases",
    "registry": "/registry",
    "help": "/help",
}
CHROMIUM: Final = "/usr/bin/chromium"
# Nothing of the browser's own may ask anywhere.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--cluster", default="roost-system/global", help="NAMESPACE/NAME that is shown")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages")
    parser.add_argument("--out", type=Path, default=None, help="a directory of its own")
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    record = json.loads((chosen.data_dir / "platform.json").read_text("utf-8"))
    url = f"https://127.0.0.1:{int(record.get('portBase') or record.get('port_base') or 7000) + 445}"
    password = (chosen.data_dir / "administrator.password").read_text("utf-8").strip()
    with sync_playwright() as player:
        browser: Any = player.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                target = (chosen.out or ROOT / "docs" / language / "console/pictures") / (
                    f"{language}-{theme}" if chosen.out else theme
                )
                target.mkdir(parents=True, exist_ok=True)
                pictures(browser, url, password, language=language, theme=theme, target=target, chosen=chosen)
        browser.close()


def pictures(
    browser: Any, url: str, password: str, *, language: str, theme: str, target: Path, chosen: argparse.Namespace
) -> None:
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
    context.add_init_script(
        f"localStorage.setItem('roost.language', '{language}'); localStorage.setItem('roost.theme', '{theme}')"
    )
    page = context.new_page()
    for name, path in PAGES.items():
        if chosen.only and name not in chosen.only and name != "sign-in":
            continue
        page.goto(f"{url}/console{path.format(cluster=chosen.cluster)}")
        page.wait_for_load_state("networkidle")
        page.wait_for_selector("h1")
        # Fonts and the last transition.
        page.wait_for_timeout(400)
        page.screenshot(path=str(target / f"{name}.png"))
        if name == "sign-in":
            page.fill("#user", "admin")
            page.fill("#password", password)
            page.keyboard.press("Enter")
            page.wait_for_url("**/clusters")
    context.close()


if __name__ == "__main__":
    main()
