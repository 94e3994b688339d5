"""A cluster is created in the form on machines, and everything that happens to it is seen without a reload."""

from __future__ import annotations

import time

import checks
import pytest
from harness import Managed, Story, eventually

from tests.console.browser import Visitor, place
from tests.console.conftest import Visit
from tests.console.creation_form import CreationForm
from tests.console.direct import Api
from tests.console.told import by_command, by_console, by_objects, same

pytestmark = [pytest.mark.lab, pytest.mark.story(7)]


def moving_alike(person: Visitor, api: Api, *, timeout: float = 60) -> None:
    """The dialog shows what the command says of the same moment. The cluster moves on between two looks: repeated."""

    def ask() -> bool:
        shown = by_console(person.dialog)
        said = by_objects(api, "demo")
        person.page.wait_for_timeout(150)
        assert by_console(person.dialog) == shown, "the dialog moved on meanwhile"
        difference = same(shown, said)
        assert not difference, difference
        return True

    eventually(ask, timeout=timeout, every=0.1)


def told_alike(person: Visitor, story: Story, *, timeout: float = 60) -> None:
    """The dialog shows what `roost progress` prints, once both stand still."""

    def ask() -> bool:
        difference = same(by_console(person.dialog), by_command(story.platform, "demo"))
        assert not difference, difference
        return True

    eventually(ask, timeout=timeout, every=0.2)


def opened_form(story: Story, visit: Visit, endpoint: str) -> tuple[Visitor, CreationForm]:
    """Somebody signed in to a platform of its own, with the form for the cluster `demo` open."""
    story.platform.start("1.31.4")
    person = visit(place(story.platform.data_dir))
    person.sign_in()
    person.stay()
    form = CreationForm(person)
    form.open()
    form.basics("demo", endpoint)
    return person, form


def test_created_in_the_form_and_available_without_a_reload(story: Story, visit: Visit) -> None:
    """1+1 from the form: SSH checked on the spot, followed in the dialog, each tab looked at, deleted by its name."""
    machines = story.make_machines(2)
    person, form = opened_form(story, visit, machines[0].ipv4)
    form.add_machine(machines[0].ipv4, machines[0].password, check=True)
    form.add_machine(machines[1].ipv4, machines[1].password)
    form.review()
    wrong = [f"review {found}" for found in person.violations()]
    for word in (machines[0].ipv4, machines[1].ipv4, "Secret/demo-ssh", "Cluster/demo"):
        person.page.locator("main").get_by_text(word).first.wait_for()
    assert story.platform.get("clusters", "-n", "default")["items"] == []
    form.create()

    row = person.row("demo")
    row.get_by_text("Creating").wait_for(timeout=20_000)
    row.get_by_role("link", name="View the progress of demo").click()
    person.dialog.wait_for()
    person.page.wait_for_timeout(500)
    wrong += [f"progress {found}" for found in person.violations()]
    moving_alike(person, Api(story.platform.data_dir / "admin.kubeconfig"))
    seen: set[str] = set()
    deadline = time.monotonic() + 600
    while not person.dialog.locator("[data-step=Available].step-done").count():
        assert time.monotonic() < deadline, by_console(person.dialog)
        seen |= {step.name for step in by_console(person.dialog).phases if step.mark == "working"}
        person.page.wait_for_timeout(300)
    assert len(seen) >= 3, f"phases that were seen going on: {seen}"
    told_alike(person, story)
    person.page.keyboard.press("Escape")
    person.dialog.wait_for(state="detached")
    row.get_by_text("Running").wait_for()
    assert person.stayed
    checks.nodes_ready(Managed(story.platform, "demo"), count=2, version="1.31.4")

    row.get_by_role("link", name="demo", exact=True).click()
    for tab in ("Overview", "Machines", "Conditions", "Events", "YAML", "Access", "Terminal"):
        person.page.locator(".tabs").get_by_role("link", name=tab, exact=True).click()
        person.page.wait_for_load_state("networkidle")
        wrong += [f"{tab} {found}" for found in person.violations()]
        if tab == "Machines":
            assert person.page.locator("main tbody").get_by_text("Ready").count() == 2
    assert wrong == []

    person.button("Delete").click()
    go = person.button("Delete", person.dialog)
    person.dialog.get_by_label("Type demo to confirm").fill("dem")
    assert go.is_disabled()
    person.dialog.get_by_label("Type demo to confirm").fill("demo")
    go.click()
    person.dialog.wait_for(state="detached")
    person.page.locator("nav.side").get_by_role("link", name="Clusters").click()
    row.get_by_text("Deleting").wait_for()
    row.wait_for(state="detached", timeout=180_000)
    assert person.stayed
    assert person.complaints == []
    eventually(lambda: not story.platform.get("machines", "-n", "default")["items"], timeout=30)


@pytest.mark.verify
def test_a_wrong_password_is_shown_corrected_and_passed(story: Story, visit: Visit) -> None:
    """A machine with a wrong password: the reason on hover, corrected on the machine's own place, and it goes on."""
    machines = story.make_machines(1)
    person, form = opened_form(story, visit, machines[0].ipv4)
    form.add_machine(machines[0].ipv4, "not-this-one")
    form.review()
    form.create()

    row = person.row("demo")
    row.get_by_role("link", name="View the progress of demo").click(timeout=60_000)
    failed = person.dialog.locator("[data-machine].step-failed")
    failed.wait_for(timeout=60_000)
    told_alike(person, story)
    reason = failed.locator(".reason")
    assert reason.inner_text() == "AuthenticationFailed"
    reason.hover()
    tip = person.page.locator(".ant-tooltip:visible")
    tip.wait_for()
    assert "password" in tip.inner_text()
    assert machines[0].ipv4 in failed.inner_text() or machines[0].name in failed.inner_text()
    assert "not-this-one" not in person.page.content()
    assert "next in" in person.dialog.inner_text()
    # The tip has the first Escape, the dialog the second.
    person.page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    person.page.keyboard.press("Escape")
    person.dialog.wait_for(state="detached")

    person.row("demo").get_by_role("link", name="demo", exact=True).click()
    person.page.locator(".tabs").get_by_role("link", name="Machines", exact=True).click()
    person.page.get_by_role("button", name="Change demo-").click()
    correct_password(person, machines[0].password)
    person.page.locator("main tbody").get_by_text("Ready", exact=True).wait_for(timeout=600_000)
    assert person.stayed
    Managed(story.platform, "demo").wait_available(timeout=300)
    assert person.complaints == []


def correct_password(person: Visitor, password: str) -> None:
    """In the dialog of a machine that exists, in the part that is closed at first."""
    person.dialog.get_by_text("How roost signs in (SSH)").click()
    person.dialog.locator("#e-auth").click()
    person.dialog.locator("#m-password").fill(password)
    person.button("Save", person.dialog).click()
    person.dialog.wait_for(state="detached")
