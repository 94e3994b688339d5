"""What stands around every page: languages, colours, many tabs, and what is said when platform or right is gone."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.console.browser import Visitor
from tests.console.conftest import Running, Visit

pytestmark = [pytest.mark.lab, pytest.mark.story(7), pytest.mark.verify]


def registered(name: str) -> str:
    """A Cluster that waits for an agent: it appears and goes at once."""
    meta = {"name": name, "namespace": "default"}
    spec: dict[str, Any] = {"registered": {}}
    return json.dumps({"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Cluster", "metadata": meta, "spec": spec})


def test_language_and_colours_change_at_once_and_are_kept(signed_in: Visitor) -> None:
    """The page that is open turns Chinese and dark, and is so after a reload."""
    person, page = signed_in, signed_in.page
    person.stay()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    person.button("中文").click()
    page.get_by_role("heading", name="集群", exact=True).wait_for()
    person.button("深色").or_(page.get_by_role("button", name=re.compile("深色"))).first.click()
    assert person.stayed

    def looks() -> None:
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert "集群" in page.title()
        # Apart from names, nothing English is left around the list.
        words = page.locator("nav.side").inner_text() + page.locator("thead").inner_text()
        assert not re.search(r"[A-Za-z]{4,}", words), words

    looks()
    person.open("/clusters")
    looks()
    person.button("English").click()
    page.get_by_role("heading", name="Clusters", exact=True).wait_for()
    assert person.complaints == []


def test_four_tabs_are_live_at_once(signed_in: Visitor, running: Running) -> None:
    """A browser has six connections to a host over HTTP/1.1: watches must not take them."""
    person = signed_in
    sockets: list[Any] = []

    def opened(one: Any) -> None:
        sockets.append(one)

    tabs = [person.page, *(person.tab() for _ in range(3))]
    for tab in tabs:
        tab.on("websocket", opened)
        person.open("/clusters", tab)
        tab.wait_for_selector("main table")
    assert len(sockets) == 4, [one.url for one in sockets]
    try:
        running.platform.kubectl("apply", "-f", "-", stdin=registered("tabs"))
        for tab in tabs:
            tab.locator("tbody tr", has_text="tabs").wait_for(timeout=5000)
        # With four streams open, pages of other kinds are fetched and watched as well.
        for tab, name in zip(tabs, ("Registry", "Releases", "Cloud credentials", "Feature gates"), strict=True):
            tab.locator("nav.side").get_by_role("link", name=name).click()
            tab.get_by_role("heading", name=name, exact=True).wait_for(timeout=5000)
            tab.wait_for_selector("main table, main .empty, main .card", timeout=5000)
            tab.locator("nav.side").get_by_role("link", name="Clusters").click()
            tab.locator("tbody tr", has_text="tabs").wait_for(timeout=5000)
    finally:
        running.platform.kubectl("delete", "cluster", "tabs", "-n", "default", "--timeout=60s")
    for tab in tabs:
        tab.locator("tbody tr", has_text="tabs").wait_for(state="detached", timeout=5000)
    kinds = [one.url.partition("?")[0].rpartition("/")[2] for one in sockets]
    assert kinds.count("clusters") == 4, "the list of each tab is watched once, however often it is shown"
    assert person.complaints == []


def test_a_stale_view_says_so_and_comes_back(visit: Visit, running: Running) -> None:
    """The platform stops under an open list, then comes again: no reload, and what was missed is there."""
    person = visit(running.where)
    person.sign_in()
    person.stay()
    running.platform.stop()
    banner = person.page.get_by_text("Nothing has been heard from the platform for")
    banner.wait_for(timeout=20_000)
    assert person.row("global").count() == 1
    running.platform.start(address=None)
    running.platform.kubectl("apply", "-f", "-", stdin=registered("missed"))
    person.row("missed").wait_for(timeout=40_000)
    banner.wait_for(state="detached")
    assert person.stayed
    running.platform.kubectl("delete", "cluster", "missed", "-n", "default", "--timeout=60s")
    person.row("missed").wait_for(state="detached")


def test_refused_signed_out_and_unreachable_are_told_apart(visit: Visit, running: Running) -> None:
    """403 of one without rights, the end of a session, and a platform that is not there."""
    person = visit(running.where)
    person.sign_in()
    password = new_user(person, "visitor")
    guest = visit(running.where)
    guest.sign_in("visitor", password)
    guest.page.get_by_role("heading", name="You have no right to see this").wait_for()
    assert "403" not in guest.page.locator("main h2").inner_text()

    other = person.tab()
    person.open("/releases", other)
    person.button("admin", other).or_(other.locator(".person > button")).first.click()
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in**")
    person.page.locator("nav.side").get_by_role("link", name="Audit").click()
    person.page.wait_for_url("**/sign-in?to=**audit**")
    person.page.fill("#user", "admin")
    person.page.fill("#password", running.where.password)
    person.page.keyboard.press("Enter")
    person.page.wait_for_url("**/audit")
    person.page.wait_for_selector("main table")

    running.platform.stop()
    try:
        person.page.locator("nav.side").get_by_role("link", name="Users and rights").click()
        person.page.get_by_role("heading", name="The platform can't be reached").wait_for(timeout=20_000)
    finally:
        running.platform.start(address=None)
    deadline = time.monotonic() + 60
    while not person.page.locator("main table").count() and time.monotonic() < deadline:
        if person.button("Try again").count():
            person.button("Try again").first.click()
        person.page.wait_for_timeout(1000)
    person.page.get_by_role("heading", name="Users and rights").wait_for()


def new_user(person: Visitor, name: str) -> str:
    """Made on the page of users; its password is told once."""
    person.page.locator("nav.side").get_by_role("link", name="Users and rights").click()
    person.button("Create user").click()
    person.dialog.locator("#u-name").fill(name)
    person.dialog.locator(".ant-modal-footer button").last.click()
    shown = person.dialog.locator("code")
    shown.wait_for()
    password = str(shown.inner_text())
    person.button("Close", person.dialog).last.click()
    person.row(name).wait_for()
    return password
