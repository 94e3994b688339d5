"""The audit log's chain shows every change, and no secret reaches it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roost.gateway import audit
from roost.gateway.audit import AuditLog


def an_event(number: int, **values: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "audit_id": f"id-{number}",
        "stage": "ResponseComplete",
        "uri": "/api/v1/pods",
        "verb": "list",
        "user": "roost:user:alice",
        "groups": (),
        "address": "192.0.2.1",
        "agent": "test",
        "began": 1000.0,
        "at": 1001.0,
        "code": 200,
    }
    return audit.event(**given | values)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    log = AuditLog(tmp_path / "audit")
    for number in range(10):
        log.write(an_event(number))
    log.close()
    return tmp_path / "audit"


def test_a_log_is_whole_also_over_a_restart(directory: Path) -> None:
    assert audit.verify(directory).events == 10
    log = AuditLog(directory)
    log.write(an_event(10))
    log.close()
    found = audit.verify(directory)
    assert (found.events, found.broken) == (11, None)


def _change(lines: list[str]) -> list[str]:
    return [line.replace("alice", "mallory") if n == 4 else line for n, line in enumerate(lines)]


def _rehash(lines: list[str]) -> list[str]:
    event = json.loads(lines[4])
    event["user"]["username"] = "roost:user:mallory"
    notes = event["annotations"]
    number, before = int(notes["audit.cluster.alauda.io/number"]), notes["audit.cluster.alauda.io/previous"]
    notes.pop("audit.cluster.alauda.io/hash")
    line, _ = audit.chained(event, number=number, previous=before)
    return [*lines[:4], line.decode().rstrip("\n"), *lines[5:]]


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        (_change, 5),
        (_rehash, 6),
        (lambda lines: [*lines[:3], *lines[4:]], 4),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], 6),
        (lambda lines: lines[:-1], 0),
        (lambda _lines: [], 0),
        (lambda lines: [*lines[:2], "not json", *lines[3:]], 3),
    ],
)
def test_every_change_shows(directory: Path, tamper: Callable[[list[str]], list[str]], line: int) -> None:
    path = directory / audit.FILE
    lines = path.read_text().splitlines()
    path.write_text("".join(one + "\n" for one in tamper(lines)))
    found = audit.verify(directory).broken
    assert found is not None
    assert found.line == line


def test_the_chain_goes_on_in_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LARGEST", 2000)
    log = AuditLog(tmp_path)
    for number in range(30):
        log.write(an_event(number))
    log.close()
    assert len(audit.files(tmp_path)) > 3
    found = audit.verify(tmp_path)
    assert (found.events, found.broken) == (30, None)
    audit.files(tmp_path)[1].unlink()
    assert audit.verify(tmp_path).broken is not None


def test_the_newest_come_first_and_can_be_chosen(directory: Path) -> None:
    log = AuditLog(directory)
    log.write(an_event(99, user="roost:user:bob", annotations={audit.CLUSTER: "default/demo"}))
    log.close()
    assert [item["auditID"] for item in audit.latest(directory, limit=3)] == ["id-99", "id-9", "id-8"]
    assert [item["auditID"] for item in audit.latest(directory, limit=9, cluster="default/demo")] == ["id-99"]
    assert [item["auditID"] for item in audit.latest(directory, limit=2, before=3)] == ["id-1", "id-0"]


@pytest.mark.parametrize(
    "uri",
    [
        "/roost/v1/oidc/x/callback?code=canary&state=canary",
        "/api/v1/x?access_token=canary",
        "/api?a=1&Password=canary",
        "/x?api_key=canary&b=2",
    ],
)
def test_values_that_may_be_secrets_are_not_written(uri: str) -> None:
    assert "canary" not in json.dumps(an_event(1, uri=uri))
    assert "command=ls" in json.dumps(an_event(1, uri="/exec?command=ls&container=a"))
