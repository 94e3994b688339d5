"""The same action in console and kubectl is the same verb, path and object: what the browser sends is compared with
what kubectl sends through a recording proxy, against the same platform."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import run

from tests.console.browser import Visitor
from tests.console.conftest import Running
from tests.console.creation_form import CreationForm, yaml_of
from tests.console.recorder import Recorder, Request, recording, request

pytestmark = [pytest.mark.lab, pytest.mark.story(7), pytest.mark.verify]


class Kubectl:
    def __init__(self, running: Running, recorder: Recorder) -> None:
        data = running.platform.data_dir
        self.program = str(max(data.glob("programs/*/kubectl")))
        self.recorder = recorder

    def __call__(self, *words: str, stdin: str = "") -> list[Request]:
        """The changing requests of one command."""
        where = ["--kubeconfig", "/dev/null", "--server", self.recorder.url]
        run(self.program, *where, *words, stdin=stdin, timeout=60)
        return self.recorder.changes()


@pytest.fixture
def kubectl(running: Running) -> Iterator[Kubectl]:
    with recording(running.platform.data_dir / "admin.kubeconfig") as recorder:
        yield Kubectl(running, recorder)
    for name in ("same", "other"):
        for kind in ("cluster", "project"):
            running.platform.kubectl("delete", kind, name, "-n", "default", "--ignore-not-found", "--wait=false")


class Heard:
    """What the browser asks the platform's API to change."""

    def __init__(self, person: Visitor) -> None:
        self.requests: list[Request] = []
        person.page.on("request", self._hear)

    def _hear(self, one: Any) -> None:
        if one.method != "GET" and ("/apis/" in one.url or "/api/v1" in one.url):
            self.requests.append(request(one.method, one.url, one.post_data))

    def changes(self, *, count: int, person: Visitor) -> list[Request]:
        """So many, once they have been sent; then forgets them."""
        for _ in range(100):
            if len(self.requests) >= count:
                break
            person.page.wait_for_timeout(100)
        found, self.requests[:] = list(self.requests), []
        return found


def test_creating_changing_and_deleting(signed_in: Visitor, running: Running, kubectl: Kubectl) -> None:
    """A cluster of the form, then retry, machine, YAML, credentials, projects, gates and deletion."""
    person, page = signed_in, signed_in.page
    heard = Heard(person)
    form = CreationForm(person)
    form.open()
    form.basics("same", "198.51.100.11")
    person.button("Add machine").click()
    person.dialog.locator("#m-spec-addresses-ipv4").fill("198.51.100.11")
    # A Secret that is not there: no machine is asked.
    person.dialog.get_by_text("Existing Secret", exact=True).click()
    person.dialog.locator("#m-secret").fill("comes-later")
    person.button("Add", person.dialog).click()
    person.dialog.wait_for(state="detached")
    person.button("Show YAML").click()
    page.locator(".cm-content").get_by_text("kind").first.wait_for()
    text = yaml_of(page)
    heard.requests.clear()
    form.review()
    dry = heard.changes(count=2, person=person)
    form.create()
    made = heard.changes(count=2, person=person)
    # The YAML beside the form, given to kubectl, is the same requests as the buttons.
    assert sorted(kubectl("create", "--dry-run=server", "-f", "-", stdin=renamed(text))) == sorted(
        other(one) for one in dry
    )
    assert kubectl("create", "-f", "-", stdin=renamed(text)) == [other(one) for one in made]

    def alike(act: Callable[[], None], *words: str, count: int = 1) -> None:
        """`act` on `same` in the console, and the command on `other`."""
        heard.requests.clear()
        act()
        shown = [other(one) for one in heard.changes(count=count, person=person)]
        assert kubectl(*words) == shown

    page.wait_for_url("**/clusters")
    person.row("same").get_by_role("link", name="same", exact=True).click()
    page.locator(".tabs").get_by_role("link", name="Machines", exact=True).click()

    def rename_machine() -> None:
        page.get_by_role("button", name="Change same-198-51-100-11").click()
        person.dialog.locator("#e-display").fill("Left")
        person.button("Save", person.dialog).click()
        person.dialog.wait_for(state="detached")

    heard.requests.clear()
    rename_machine()
    sent = heard.changes(count=1, person=person)
    patch = json.loads(sent[0].body)
    assert patch["spec"]["displayName"] == "Left"
    machine = renamed("same-198-51-100-11")
    words = ("patch", "machine", machine, "-n", "default", "--type=merge", "-p", json.dumps(patch))
    assert kubectl(*words) == [other(one) for one in sent]

    def delete() -> None:
        person.button("Delete").click()
        person.dialog.locator("#typed").fill("same")
        person.button("Delete", person.dialog).click()

    alike(delete, "delete", "cluster", "other", "-n", "default", "--wait=false")

    person.open("/projects")
    page.locator("main .page-actions button").click()
    person.dialog.locator("#p-name").fill("same")
    heard.requests.clear()
    person.dialog.locator(".ant-modal-footer button").last.click()
    page.wait_for_url("**/projects/same")
    project = {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Project",
        "metadata": {"name": "other"},
        "spec": {},
    }
    sent = [other(one) for one in heard.changes(count=1, person=person)]
    assert kubectl("create", "-f", "-", stdin=json.dumps(project)) == sent
    assert person.complaints == []


# Another cluster on another machine: two would not be let have the same.
OTHER = {"same": "other", "198.51.100.11": "198.51.100.12", "198-51-100-11": "198-51-100-12"}


def renamed(text: str) -> str:
    for before, after in OTHER.items():
        text = text.replace(before, after)
    return text


def other(one: Request) -> Request:
    """The same request about the other cluster."""
    return Request(one.verb, renamed(one.path), one.query, renamed(one.body))
