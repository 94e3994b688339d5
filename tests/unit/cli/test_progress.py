"""What `roost progress` makes of the objects: durations, the first unfinished phase, the next retry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from roost.cli import progress

NOW = datetime(2026, 1, 1, 12, 1, 0, tzinfo=UTC)


def condition(kind: str, status: str, reason: str, at: str, message: str = "") -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": f"2026-01-01T12:00:{at}Z",
    }


def cluster(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "demo", "namespace": "default", "creationTimestamp": "2026-01-01T12:00:00Z"},
        "spec": {"version": "1.31.4"},
        "status": status,
    }


def machine(name: str, *conditions: dict[str, str], of: str = "demo") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-01-01T12:00:00Z"},
        "spec": {"clusterName": of, "role": "Worker"},
        "status": {"conditions": list(conditions)},
    }


def test_a_phase_takes_from_the_end_of_the_one_before() -> None:
    view = progress.progress(
        cluster(
            phase="Creating",
            conditions=[
                condition("Validated", "True", "Succeeded", "01"),
                condition("PreflightPassed", "True", "Succeeded", "04"),
                condition("MachinesPrepared", "Unknown", "InProgress", "30", "node2: image"),
            ],
        ),
        [],
        now=NOW,
    )
    assert [line.seconds for line in view.phases[:3]] == [1.0, 3.0, 30.0]
    assert view.phases[3].seconds is None
    assert not view.available


def test_machines_show_their_first_unfinished_phase_and_only_those_of_the_cluster() -> None:
    view = progress.progress(
        cluster(),
        [
            machine("b", condition("Reachable", "True", "Succeeded", "01")),
            machine("a", condition("Reachable", "False", "AuthenticationFailed", "02", "a: password refused")),
            machine("other", of="another"),
        ],
        now=NOW,
    )
    assert [line.name for line in view.machines] == ["a (Worker)", "b (Worker)"]
    assert view.machines[0].reason == "Reachable: AuthenticationFailed"
    assert view.machines[1].reason == "Checked: Waiting"


def test_the_next_retry_is_shown_until_the_cluster_is_available() -> None:
    retry = {"attempt": 3, "nextTime": "2026-01-01T12:01:07Z"}
    failing = progress.progress(cluster(retry=retry), [], now=NOW)
    assert failing.next_retry_in == 7.0
    assert any("3" in line and "7" in line for line in progress.render(failing, plain=True)[1:])
    done = progress.progress(
        cluster(retry=retry, conditions=[condition("Available", "True", "Succeeded", "50")]), [], now=NOW
    )
    assert done.available
    assert not any("attempt" in line for line in progress.render(done, plain=True))


def test_plain_output_uses_words() -> None:
    view = progress.progress(
        cluster(conditions=[condition("Validated", "True", "Succeeded", "01")]), [machine("a")], now=NOW
    )
    text = "\n".join(progress.render(view, plain=True))
    assert "done" in text
    assert "waiting" in text
    assert "✓" not in text


def test_work_under_way_is_no_failure() -> None:
    """Its condition is False until it is done."""
    view = progress.progress(
        cluster(
            conditions=[
                condition("MachinesPrepared", "False", "InProgress", "01", "0 of 2 done"),
                condition("WorkersJoined", "False", "ActFailed", "02", "node2: no space"),
            ]
        ),
        [],
        now=NOW,
    )
    lines = {line.split()[1]: line.split()[0] for line in progress.render(view, plain=True)[1:]}
    assert lines["MachinesPrepared"] == "working"
    assert lines["WorkersJoined"] == "failed"


def test_messages_are_shown_in_the_persons_language(monkeypatch: pytest.MonkeyPatch) -> None:
    told = condition("Ready", "False", "MachineUnreachable", "05", "m1: no answer within 10 s; check the network")
    view = progress.progress(
        cluster(), [machine("m1", condition("Reachable", "False", "X", "05", told["message"]))], now=NOW
    )
    monkeypatch.setenv("ROOST_LANG", "zh")
    assert "m1：10 秒内没有应答；check the network" in "\n".join(progress.render(view, plain=True))
    monkeypatch.setenv("ROOST_LANG", "en")
    assert told["message"] in "\n".join(progress.render(view, plain=True))
