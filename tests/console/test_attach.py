"""Clusters that exist already are imported and registered in the console; what is wrong with each is told apart."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from harness import Story
from test_import import api_server

from tests.console.agents import agent
from tests.console.browser import place
from tests.console.conftest import Visit
from tests.fixtures import apiserver
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.lab, pytest.mark.story(7), pytest.mark.verify]
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


def kubeconfig(server: ApiServer, url: str) -> str:
    """With everything inside, as the form asks for; the certificate is for localhost."""
    found = yaml.safe_load(server.kubeconfig.read_text())
    found["clusters"][0]["cluster"] = {
        "server": url,
        "tls-server-name": "localhost",
        "certificate-authority-data": base64.b64encode(server.ca.read_bytes()).decode(),
    }
    return str(yaml.safe_dump(found))


def test_imported_then_refused_then_unreachable(story: Story, visit: Visit, tmp_path: Path) -> None:
    """By its kubeconfig; the checks are shown; the list then tells a refused credential from an API that is gone."""
    story.make_machines(1)
    story.platform.start("1.31.4")
    person = visit(place(story.platform.data_dir))
    person.sign_in()
    person.stay()
    with ExitStack() as stack:
        server, url = stack.enter_context(api_server(tmp_path / "theirs"))
        person.button("Attach cluster").click()
        person.page.locator("a.choice[href$=import]").click()
        person.page.fill("#name", "theirs")
        person.page.fill("#kubeconfig", kubeconfig(server, url))
        person.button("Import").click()
        person.page.wait_for_url("**/clusters/default/theirs/progress")
        person.page.locator("[data-step=Adopted].step-done").wait_for(timeout=60_000)
        assert person.violations() == []
        given = story.platform.get("secret", "theirs-import", "-n", "default")
        assert not given.get("data"), "the given credential is erased once roost has its own"
        assert server.tokens["admin"] not in person.page.content()
        person.page.locator("nav.side").get_by_role("link", name="Clusters").click()
        row = person.row("theirs")
        row.get_by_text("Running").wait_for(timeout=30_000)
        row.get_by_text("1.28.15").wait_for()

        # Whoever is administrator there takes roost's account away.
        assert server.call("DELETE", "/api/v1/namespaces/roost-system/serviceaccounts/roost-manager").status == 200
        row.get_by_text("Credential refused").wait_for(timeout=120_000)
        stack.close()
        row.get_by_text("Unreachable").wait_for(timeout=120_000)
    assert person.stayed
    assert person.complaints == []


def test_registered_connected_and_not_connected_any_more(story: Story, visit: Visit, tmp_path: Path) -> None:
    """The manifest is made in the console, its agent is let in there, list and terminal see it through the tunnel."""
    # The lab's address is there with a machine; without any the console says that there is nothing to dial.
    story.make_machines(1)
    story.platform.start("1.31.4")
    person = visit(place(story.platform.data_dir))
    person.sign_in()
    person.stay()
    (tmp_path / "edge").mkdir()
    with ExitStack() as stack:
        server = apiserver._start("1.28.15", tmp_path / "edge", stack)
        person.button("Attach cluster").click()
        person.page.locator("a.choice[href$=register]").click()
        person.page.fill("#name", "edge")
        person.page.locator("#manual").click()
        person.button("Go on").click()
        person.page.wait_for_url("**/clusters/default/edge/access")
        person.button("Make the manifest").click()
        person.page.get_by_text("The token in it works once").wait_for(timeout=90_000)
        with person.page.expect_download() as download:
            person.page.get_by_role("button", name="Download").first.click()
        manifest = Path(download.value.path()).read_text()
        assert download.value.suggested_filename == "edge-registration.yaml"
        person.page.locator("nav.side").get_by_role("link", name="Clusters").click()
        row = person.row("edge")
        row.get_by_text("Awaiting connection").first.wait_for()

        with agent(server, tmp_path / "agent", manifest, apiserver.free_port()):
            row.get_by_text("Awaiting acceptance").wait_for(timeout=60_000)
            row.get_by_role("link", name="edge", exact=True).click()
            person.button("Accept").click()
            person.page.locator("nav.side").get_by_role("link", name="Clusters").click()
            row.get_by_text("Running").wait_for(timeout=60_000)
            row.get_by_text("1.28.15").wait_for(timeout=60_000)
            row.get_by_role("link", name="edge", exact=True).click()
            person.page.locator(".tabs").get_by_role("link", name="Terminal", exact=True).click()
            person.page.get_by_label("Command", exact=True).fill("kubectl get namespaces")
            person.page.keyboard.press("Enter")
            person.page.get_by_text("roost-agent").first.wait_for()
            assert person.violations() == []
            person.page.locator("nav.side").get_by_role("link", name="Clusters").click()
        row.get_by_text("Not connected").wait_for(timeout=90_000)
    assert person.stayed
    assert person.complaints == []
