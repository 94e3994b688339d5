"""The public registry's credential comes by file upload, is never shown, and says what is wrong with it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.console.browser import Visitor
from tests.console.conftest import Running

pytestmark = [pytest.mark.lab, pytest.mark.story(7), pytest.mark.verify]
NAME = "public-registry-credential"
SYSTEM = ("-n", "roost-system")


def file_of(directory: Path, name: str, token: str, address: str = "registry.invalid") -> Path:
    """An authentication file as docs/en/how-to has it. Nobody asks at the address: no cluster uses it."""
    path = directory / name
    path.write_text(json.dumps({"address": address, "user": "customer", "token": token}))
    return path


def test_a_credential_is_uploaded_and_replaced(signed_in: Visitor, running: Running, tmp_path: Path) -> None:
    """The first upload, one with a mistake and a better one; the list says of each what is known, by watch."""
    person, page = signed_in, signed_in.page
    person.stay()
    page.locator("nav.side").get_by_role("link", name="Cloud credentials").click()
    row = person.row(NAME)
    row.get_by_text("Does not work").wait_for()
    row.get_by_text("nothing is uploaded yet").wait_for()
    try:
        upload(person, file_of(tmp_path, "first.json", "the-first-secret"))
        assert held(running)["token"] == "the-first-secret"
        row.get_by_text("Works", exact=True).wait_for(timeout=15_000)

        upload(person, file_of(tmp_path, "wrong.json", "the-wrong-secret", address=""))
        row.get_by_text("Does not work").wait_for(timeout=15_000)
        row.get_by_text("upload the file as it was given to you").wait_for()

        upload(person, file_of(tmp_path, "second.json", "the-second-secret"))
        row.get_by_text("Works", exact=True).wait_for(timeout=15_000)
        assert held(running)["token"] == "the-second-secret"
        assert person.stayed
        for path in ("/credentials", "/audit"):
            person.open(path)
            assert not any(word in page.content() for word in ("first-secret", "wrong-secret", "second-secret"))
    finally:
        running.platform.kubectl("delete", "secret", NAME, *SYSTEM, "--ignore-not-found", "--wait=false")
    assert person.complaints == []


def upload(person: Visitor, file: Path) -> None:
    person.button(f"Update {NAME}").click()
    go = person.button("Update", person.dialog)
    assert go.is_disabled()
    person.dialog.locator("#c-file").set_input_files(file)
    person.dialog.get_by_text(f"{file.name} is chosen").wait_for()
    assert "-secret" not in person.dialog.inner_html().replace("secrets", "")
    go.click()
    person.dialog.wait_for(state="detached")


def held(running: Running) -> dict[str, str]:
    """What the Secret holds now, as the file has it."""
    found = running.platform.get("secret", NAME, *SYSTEM)["data"]["credential.json"]
    return dict(json.loads(base64.b64decode(found)))
