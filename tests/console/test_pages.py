"""Every page in both languages: no violation that axe knows, nothing that the policy refuses, no other host."""

from __future__ import annotations

import json

import pytest

from tests.console.browser import Visitor
from tests.console.conftest import Running, Visit

pytestmark = [pytest.mark.lab, pytest.mark.story(7)]

GLOBAL = "/clusters/roost-system/global"
PAGES = (
    "/clusters",
    "/clusters?progress=roost-system%2Fglobal",
    "/clusters/new",
    "/clusters/new/on-premises",
    "/clusters/new/on-premises?yaml=1",
    "/clusters/new/import",
    "/clusters/new/register",
    GLOBAL,
    f"{GLOBAL}/conditions",
    f"{GLOBAL}/events",
    f"{GLOBAL}/yaml",
    f"{GLOBAL}/access",
    f"{GLOBAL}/terminal",
    f"{GLOBAL}/progress",
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
# Once there is something to show.
FILLED = (
    "/clusters",
    "/clusters?progress=default%2Fseen",
    "/clusters/default/seen",
    "/clusters/default/seen/machines",
    "/clusters/default/seen/conditions",
    "/clusters/default/seen/progress",
    "/clusters/default/edge",
    "/clusters/default/edge/access",
    "/credentials",
    "/projects",
    "/projects/shop",
    "/users",
    "/audit",
)


def look(person: Visitor, *paths: str) -> list[str]:
    """Opens pages; what axe finds on each."""
    wrong: list[str] = []
    for path in paths:
        person.open(path)
        person.page.wait_for_selector("h1")
        wrong += [f"{path} {found}" for found in person.violations()]
    return wrong


def in_order(person: Visitor, *, language: str) -> None:
    """Nothing that the browser complained of, no other host asked, and the language is told to screen readers."""
    assert person.complaints == []
    assert person.hosts == {person.where.url.removeprefix("https://")}
    assert person.page.evaluate("document.documentElement.lang") == ("en" if language == "en" else "zh-CN")


@pytest.mark.verify
def test_each_page_is_accessible(visit: Visit, running: Running) -> None:
    """Signed in, every page once: half of them in English and light, half in Chinese and dark."""
    for language, theme, pages in (("en", "light", PAGES[::2]), ("zh", "dark", PAGES[1::2])):
        person = visit(running.where, language=language, theme=theme)
        person.open("/sign-in")
        person.page.wait_for_selector("h1")
        wrong = [f"/sign-in {found}" for found in person.violations()]
        person.sign_in()
        assert person.row("global").count() == 1
        assert wrong + look(person, *pages) == []
        in_order(person, language=language)


@pytest.mark.verify
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_accessible_in_this_language_and_theme(
    visit: Visit, running: Running, language: str, theme: str
) -> None:
    """Every page, empty and with something on it, and the dialogs that change things."""
    person = visit(running.where, language=language, theme=theme)
    person.sign_in()
    wrong = look(person, *PAGES)
    running.platform.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS})
    )
    try:
        running.wait_for("cluster", "seen")
        wrong += look(person, *FILLED)
        wrong += dialogs(person)
    finally:
        for kind in ("cluster/seen", "cluster/edge", "project/shop", "cloudcredential/public-registry-credential"):
            running.platform.kubectl("delete", kind, "-n", "default", "--ignore-not-found", "--timeout=60s")
        running.platform.kubectl("delete", "secret", "files", "-n", "default", "--ignore-not-found")
    assert wrong == []
    in_order(person, language=language)


def dialogs(person: Visitor) -> list[str]:
    """Each dialog is opened by its first button on a page, by position and not by its word: words differ."""
    wrong: list[str] = []
    for path, opener in (
        ("/credentials", "main .page-actions button"),
        ("/projects", "main .page-actions button"),
        ("/users", "main .page-actions button"),
        ("/clusters/default/seen", "main .page-actions button.ant-btn-dangerous"),
        ("/clusters/default/seen/machines", "main .toolbar button.ant-btn-primary"),
        ("/clusters/default/seen/machines", "main td .row-actions button:nth-child(1)"),
        ("/clusters/default/seen/machines", "main td .row-actions button:nth-child(2)"),
        ("/clusters/new/on-premises", ".machine-list .toolbar button:nth-of-type(2)"),
        ("/clusters/new/on-premises", ".machine-list .toolbar button:nth-of-type(3)"),
    ):
        person.open(path)
        person.page.locator(opener).first.click()
        person.dialog.wait_for()
        # Dialogs grow into their place; what is half transparent meanwhile has no contrast.
        person.page.wait_for_timeout(500)
        wrong += [f"{path} {opener} {found}" for found in person.violations()]
    return wrong


def _ours(kind: str, name: str, spec: dict[str, object], *, namespace: str | None = "default") -> dict[str, object]:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "cluster.alauda.io/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}


# The machine's Secret is missing, so nobody is asked at its address, which is for documentation.
OBJECTS = [
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "files", "namespace": "default"},
        "stringData": {"credential.json": "{}"},
    },
    _ours(
        "Machine",
        "seen-1",
        {
            "clusterName": "seen",
            "role": "ControlPlane",
            "addresses": {"ipv4": "198.51.100.7"},
            "ssh": {"credential": {"name": "seen-ssh"}},
        },
    ),
    _ours(
        "Cluster",
        "seen",
        {
            "version": "1.31.4",
            "displayName": "Seen 可见",
            "onPremises": {"controlPlaneEndpoint": {"host": "198.51.100.7"}},
        },
    ),
    # A Cluster joins its Project once it is Available, which these never are.
    _ours("Cluster", "edge", {"registered": {}, "project": "shop"}),
    _ours("CloudCredential", "public-registry-credential", {"type": "PublicRegistry", "secret": {"name": "files"}}),
    _ours(
        "Project",
        "shop",
        {
            "displayName": "Shop",
            "members": [{"user": "roost:user:admin", "role": "Viewer"}],
        },
        namespace=None,
    ),
]
