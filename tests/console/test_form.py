"""The creation form: drafts without secrets, many machines at once, YAML in both directions, errors at their fields,
and all of it by keyboard alone. No machine is asked: the addresses are for documentation."""

from __future__ import annotations

import json

import pytest

from tests.console.browser import Visitor
from tests.console.conftest import Running
from tests.console.creation_form import CreationForm, tab_to, yaml_of

pytestmark = [pytest.mark.lab, pytest.mark.story(7)]

PASSWORD = "a-password-of-nobody"
PROXY_PASSWORD = "a-password-of-no-proxy"
LATE_DRY_RUN = """() => {
  const ask = window.fetch;
  window.fetch = async (where, how) => {
    const answer = await ask(where, how);
    if (String(where).includes("dryRun=All")) await new Promise((then) => setTimeout(then, 2000));
    return answer;
  };
}"""


def test_a_draft_is_kept_without_secrets_and_restored(signed_in: Visitor, running: Running) -> None:
    """A machine's input is kept on the platform, found again after a reload, and its secrets are asked for anew."""
    person, page = signed_in, signed_in.page
    form = CreationForm(person)
    form.open()
    person.button("Add machine").click()
    dialog = person.dialog
    values = {
        "#m-spec-addresses-ipv4": "198.51.100.11",
        "#m-spec-displayName": "Rack 3, left",
        "#m-spec-ssh-address": "198.51.100.111",
        "#m-port": "2222",
        "#m-spec-ssh-user": "operator",
    }
    for where, value in values.items():
        dialog.locator(where).fill(value)
    dialog.locator("#m-password").fill(PASSWORD)
    dialog.locator("#m-proxy").click()
    dialog.locator("#m-proxy-address").fill("198.51.100.1:1080")
    dialog.locator("#m-proxy-user").fill("proxy")
    dialog.locator("#m-proxy-password").fill(PROXY_PASSWORD)
    try:
        person.button("Save draft", dialog).click()
        dialog.wait_for(state="detached")
        page.get_by_text("without passwords and keys").wait_for()
        kept = running.platform.get("machinedrafts", "-n", "default")["items"]
        assert len(kept) == 1
        assert kept[0]["spec"]["machines"][0]["addresses"]["ipv4"] == "198.51.100.11"
        everything = running.platform.kubectl("get", "machinedrafts,secrets,events", "-A", "-o", "yaml").stdout
        assert PASSWORD not in everything and PROXY_PASSWORD not in everything

        person.open("/clusters/new/on-premises")
        person.button("Restore draft").click()
        dialog.wait_for()
        for where, value in values.items():
            assert dialog.locator(where).input_value() == value, where
        assert dialog.locator("#m-proxy-address").input_value() == "198.51.100.1:1080"
        assert dialog.locator("#m-password").input_value() == ""
        dialog.get_by_text("Enter the secrets again").wait_for()
        person.button("Add", dialog).click()
        dialog.get_by_text("This is needed.").wait_for()
        dialog.locator("#m-password").fill(PASSWORD)
        person.button("Add", dialog).click()
        dialog.wait_for(state="detached")
        assert page.get_by_role("button", name="198.51.100.11", exact=True).count() == 1
        assert page.get_by_text("Enter the secrets again").count() == 0
    finally:
        running.platform.kubectl("delete", "machinedrafts", "--all", "-n", "default")
    assert person.complaints == []


def test_the_platform_judges_while_a_person_types(signed_in: Visitor, running: Running) -> None:
    """Hints compute, rows are pasted, YAML follows and leads, and each error stands at its field."""
    person, page = signed_in, signed_in.page
    form = CreationForm(person)
    form.open()
    form.basics("typed", "198.51.100.10")
    page.get_by_text("Room for 256 nodes at most").wait_for()
    page.fill("#f-spec-onPremises-network-podCIDR", "10.16.0.0/20")
    page.get_by_text("Room for 16 nodes at most").wait_for()
    page.click("#vip")
    page.get_by_text("A hardware load balancer is the better choice").wait_for()
    page.click("#vip")

    person.button("Paste many").click()
    rows = "ip,role,user,port,password\n198.51.100.11,control-plane,root,22,one\n198.51.100.12,worker,root,22,two\n"
    person.dialog.get_by_role("textbox").fill(rows + "nowhere,worker,root,22,three\n")
    person.dialog.get_by_text("«nowhere» is no address").wait_for()
    person.dialog.get_by_role("textbox").fill(rows)
    person.button("Add 2 machines", person.dialog).click()
    page.get_by_text("1 control plane, 1 workers").wait_for()

    person.button("Show YAML").click()
    shown = page.locator(".cm-content")
    shown.get_by_text("kind").first.wait_for()
    text = yaml_of(page)
    assert "podCIDR: 10.16.0.0/20" in text
    assert "one" not in text.split() and "two" not in text.split()
    shown.click()
    page.keyboard.press("ControlOrMeta+A")
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text.replace("10.16.0.0/20", "10.32.0.0/20"))
    page.keyboard.press("ControlOrMeta+V")
    person.until("document.querySelector('#f-spec-onPremises-network-podCIDR').value === '10.32.0.0/20'")

    # The Services' range overlaps the Pods': judged by the server, told at the field, and the review waits.
    # It is mended before the API server has answered: its late answer is about what stood there before.
    page.evaluate(LATE_DRY_RUN)
    page.fill("#f-spec-onPremises-network-serviceCIDR", "10.32.0.0/22")
    person.button("Review").click()
    error = page.locator("[data-field=f-spec-onPremises-network-serviceCIDR] .field-error")
    error.wait_for()
    assert "step=review" not in page.url
    page.fill("#f-spec-onPremises-network-serviceCIDR", "10.112.0.0/16")
    error.wait_for(state="detached")
    page.wait_for_timeout(2500)
    assert error.count() == 0
    form.review()
    page.locator("main").get_by_text("Secret/typed-ssh-2").wait_for()
    # The endpoint is no node's address here: that is a note, and no error.
    assert running.platform.get("clusters", "-n", "default")["items"] == []
    assert person.complaints == []


@pytest.mark.verify
def test_created_by_keyboard_alone(visit: object, running: Running) -> None:
    """From the sign-in to the progress of the new cluster, without the mouse."""
    person: Visitor = visit(running.where)  # type: ignore[operator]
    page, keys = person.page, person.page.keyboard
    person.open("/sign-in")
    keys.type("admin")
    keys.press("Tab")
    keys.type(running.where.password)
    keys.press("Enter")
    page.wait_for_url("**/clusters")
    page.wait_for_selector("main table")
    try:
        tab_to(page, "Create cluster")
        keys.press("Enter")
        page.wait_for_url("**/clusters/new")
        page.get_by_role("heading", name="Add a cluster").wait_for()
        tab_to(page, "Create on machines")
        keys.press("Enter")
        page.wait_for_selector("#f-metadata-name")
        tab_to(page, "Name")
        keys.type("typed")
        tab_to(page, "Kubernetes version")
        keys.press("ArrowDown")
        page.locator(".ant-select-item-option").first.wait_for()
        keys.press("Enter")
        tab_to(page, "Endpoint: IP address or domain name")
        keys.type("198.51.100.11")
        tab_to(page, "Add machine")
        keys.press("Enter")
        person.dialog.wait_for()
        tab_to(page, "IPv4 address")
        keys.type("198.51.100.11")
        # A Secret that is not there yet: roost waits for it, and asks no machine.
        tab_to(page, "SSH authentication")
        keys.press("ArrowRight")
        keys.press("ArrowRight")
        tab_to(page, "Name of the Secret")
        keys.type("comes-later")
        tab_to(page, "Add")
        keys.press("Enter")
        person.dialog.wait_for(state="detached")
        person.until("document.activeElement.innerText === 'Add machine'")
        tab_to(page, "Review")
        keys.press("Enter")
        page.wait_for_url("**step=review**")
        tab_to(page, "Create")
        keys.press("Enter")
        page.wait_for_url("**/clusters")
        person.row("typed").wait_for()
        tab_to(page, "View the progress of typed")
        keys.press("Enter")
        person.dialog.wait_for()
        keys.press("Escape")
        person.dialog.wait_for(state="detached")
        machines = running.platform.get("machines", "-n", "default")["items"]
        assert [one["spec"]["ssh"]["credential"]["name"] for one in machines] == ["comes-later"], json.dumps(machines)
    finally:
        running.platform.kubectl("delete", "cluster", "typed", "-n", "default", "--ignore-not-found", "--timeout=60s")
    assert person.complaints == []
