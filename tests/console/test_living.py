"""A cluster that lives: its plan is approved in the console, a shell is entered, a log followed, and a drift seen."""

from __future__ import annotations

import json
import re

import pytest
from harness import PROBE_IMAGE, Managed, Story, cluster_file, eventually

from tests.console.browser import Visitor, place
from tests.console.conftest import Visit

pytestmark = [pytest.mark.lab, pytest.mark.story(7), pytest.mark.verify]
KEPT = "/etc/sysctl.d/90-roost-kubernetes.conf"
TALKER = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "talker", "namespace": "default"},
    "spec": {
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "talker",
                "image": PROBE_IMAGE,
                "command": ["sh", "-c", "n=0; while :; do n=$((n+1)); echo tick $n; sleep 1; done"],
            }
        ],
    },
}


def test_a_plan_a_shell_and_a_drift(story: Story, visit: Visit) -> None:
    """The plan waits for its button; exec and logs -f work in the browser; a changed file is told and put back."""
    machine = story.make_machines(1)[0]
    story.platform.start("1.31.4")
    text = cluster_file([machine]).replace("  version: 1.31.4\n", "  version: 1.31.4\n  approval: Manual\n")
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    person = visit(place(story.platform.data_dir))
    person.sign_in()
    person.stay()
    person.row("demo").get_by_role("link", name="demo", exact=True).click()
    approve(person)
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(TALKER))
    cluster.kubectl("wait", "pod/talker", "--for=condition=Ready", "--timeout=120s", timeout=130)
    tab(person, "Terminal")
    follow_a_log(person)
    enter_a_shell(person)

    tab(person, "Machines")
    things = person.page.locator("main tbody td").get_by_text(re.compile(r"^\d+ as wished$"))
    things.wait_for(timeout=60_000)
    kept = machine.run(["cat", KEPT]).stdout
    machine.run(f"echo '# by somebody else' >> {KEPT}")
    # By itself roost looks every ten minutes. What was approved is the wish, so nobody is asked again.
    person.button("Look now").click()
    eventually(lambda: machine.run(["cat", KEPT]).stdout == kept, timeout=120)
    things.click()
    person.dialog.get_by_text("Last drift", exact=False).wait_for(timeout=60_000)
    person.dialog.get_by_text(KEPT).first.wait_for()
    assert person.violations() == []
    assert person.stayed
    assert person.complaints == []


def tab(person: Visitor, name: str) -> None:
    person.page.locator(".tabs").get_by_role("link", name=name, exact=True).click()


def approve(person: Visitor) -> None:
    """Reads the plan that waits, and presses its button."""
    button = person.button("Approve this plan")
    button.wait_for(timeout=120_000)
    person.page.locator(".plan-part summary").first.click()
    person.page.locator(".plan-changes li code").first.wait_for()
    assert person.violations() == []
    button.click()
    button.wait_for(state="detached", timeout=60_000)


def follow_a_log(person: Visitor) -> None:
    """Lines come while it runs, until Ctrl+C."""
    field, out = person.page.get_by_label("Command", exact=True), person.page.locator(".terminal-out")
    field.fill("kubectl logs -f talker --tail 1")
    field.press("Enter")
    tick = out.get_by_text(re.compile(r"^tick \d+$"))
    tick.nth(2).wait_for()
    field.press("Control+c")
    out.get_by_text("^C", exact=True).wait_for()
    seen = tick.count()
    person.page.wait_for_timeout(2500)
    assert tick.count() == seen


def enter_a_shell(person: Visitor) -> None:
    """A program by itself, then one that is typed into."""
    page = person.page
    field, out = page.get_by_label("Command", exact=True), page.locator(".terminal-out")
    field.fill("kubectl exec talker -- echo from inside")
    field.press("Enter")
    out.get_by_text("from inside", exact=True).wait_for()
    field.fill("kubectl exec -it talker -- sh")
    field.press("Enter")
    page.locator(".shell-screen[data-open]").wait_for()
    page.keyboard.type("echo $((40 + 2)) answers\n")
    page.locator(".xterm-accessibility").get_by_text("42 answers", exact=True).first.wait_for()
    assert person.violations() == []
    page.keyboard.type("exit\n")
    out.wait_for()
