"""Every page in both languages: no violation that axe knows, nothing that the policy refuses, no other host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.conftest import Running, Visitor

pytestmark = [pytest.mark.lab, pytest.mark.story("7")]

PAGES = (
    "/clusters",
    "/clusters?progress=roost-system%2Fglobal",
    "/clusters/new",
    "/clusters/new/on-premises",
    "/clusters/new/on-premises?yaml=1",
    "/clusters/new/import",
    "/clusters/new/register",
    "/clusters/roost-system/global",
    "/clusters/roost-system/global/conditions",
    "/clusters/roost-system/global/events",
    "/clusters/roost-system/global/yaml",
    "/clusters/roost-system/global/access",
    "/clusters/roost-system/global/terminal",
    "/clusters/roost-system/global/progress",
    "/credentials",
    "/projects",
    "/users",
    "/feature-gates",
    "/audit",
    "/releases",
    "/registry",
    "/help",
    "/nowhere",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_accessible(browser: Any, running: Running, language: str, theme: str) -> None:
    person = Visitor(browser, running, language=language, theme=theme)
    try:
        person.open("/sign-in")
        wrong = [f"/sign-in {found}" for found in person.violations()]
        person.sign_in()
        for path in PAGES:
            person.open(path)
            person.page.wait_for_selector("h1")
            wrong += [f"{path} {found}" for found in person.violations()]
        assert wrong == []
        assert person.complaints == []
        assert person.hosts == {running.url.removeprefix("https://")}
        assert person.page.evaluate("document.documentElement.lang") == ("en" if language == "en" else "zh-CN")
    finally:
        person.context.close()
