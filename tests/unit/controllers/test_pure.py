"""The decisions: phase and message, sign-in, delays, what a change means, settled machines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RetryLater
from roost.api.masked import Masked
from roost.api.names import RETRY_NOW_ANNOTATION
from roost.api.v1alpha1.machine import MachineSpec
from roost.controllers import changes, summary
from roost.controllers.delays import delay_for
from roost.controllers.globalcluster import failed_checks
from roost.controllers.runtime.api import Object
from roost.controllers.runtime.status import Said
from roost.controllers.secrets import SecretData, SecretInvalid, target
from roost.controllers.settled import OBSERVE_EVERY, Settled, digest
from tests.unit.controllers.scripted import cluster, machine


def said(**states: tuple[str, str] | tuple[str, str, str]) -> dict[str, Said]:
    return {
        kind: Said(state[0], state[1], state[2] if len(state) > 2 else f"about {kind}", 1)  # type: ignore[arg-type]
        for kind, state in states.items()
    }


DONE = dict.fromkeys(c.CLUSTER_PHASES, ("True", c.SUCCEEDED))
WAITING = dict.fromkeys(c.CLUSTER_PHASES, ("Unknown", c.WAITING))


@pytest.mark.parametrize(
    ("states", "fields", "notes", "phase", "message"),
    [
        (WAITING, {}, {}, "Pending", "about Validated"),
        (
            {**WAITING, c.VALIDATED: ("True", c.SUCCEEDED), c.PREFLIGHT_PASSED: ("False", c.IN_PROGRESS)},
            {"startedTime": "t"},
            {},
            "Creating",
            "about PreflightPassed",
        ),
        (
            {**WAITING, c.VALIDATED: ("False", "Invalid")},
            {},
            {summary.TROUBLE: "permanent"},
            "Failed",
            "about Validated",
        ),
        (
            {**WAITING, c.PREFLIGHT_PASSED: ("False", "MachineUnreachable")},
            {"startedTime": "t", "retry": {"attempt": 3, "nextTime": "2026-01-01T00:00:09Z"}},
            {summary.TROUBLE: "transient"},
            "Creating",
            "about PreflightPassed (attempt 3; next at 00:00:09Z)",
        ),
        (DONE, {"availableTime": "t"}, {}, "Running", "about Available"),
        (
            {**DONE, c.WORKERS_JOINED: ("False", c.IN_PROGRESS)},
            {"availableTime": "t"},
            {},
            "Updating",
            "about WorkersJoined",
        ),
        (
            {**DONE, c.AVAILABLE: ("False", "ApiUnreachable")},
            {"availableTime": "t"},
            {},
            "Unavailable",
            "about Available",
        ),
        ({**DONE, c.DELETING: ("True", c.IN_PROGRESS)}, {"availableTime": "t"}, {}, "Deleting", "about Deleting"),
        (
            {**DONE, c.MACHINES_PREPARED: ("False", c.AWAITING_APPROVAL)},
            {},
            {summary.HOLD: c.AWAITING_APPROVAL},
            c.AWAITING_APPROVAL,
            "about MachinesPrepared",
        ),
    ],
)
def test_phase_and_message_of_a_cluster(
    states: dict[str, Any], fields: dict[str, Any], notes: dict[str, Any], phase: str, message: str
) -> None:
    assert summary.of_cluster(said(**states), fields, notes) == {"phase": phase, "message": message}


STATES = st.tuples(
    st.sampled_from(["True", "False", "Unknown"]),
    st.sampled_from([c.WAITING, c.IN_PROGRESS, c.SUCCEEDED, "MachineUnreachable", c.PAUSED]),
)


@given(st.dictionaries(st.sampled_from([*c.CLUSTER_PHASES, *c.MACHINE_PHASES, c.DELETING]), STATES))
def test_every_state_has_a_phase(states: dict[str, tuple[str, str]]) -> None:
    for of in (summary.of_cluster, summary.of_machine):
        found = of(said(**states), {}, {})
        assert found["phase"]
        assert isinstance(found["message"], str)


@pytest.mark.parametrize(
    ("states", "phase"),
    [
        ({}, "Pending"),
        ({c.REACHABLE: ("False", "AuthenticationFailed")}, "Failed"),
        ({c.REACHABLE: ("True", c.SUCCEEDED), c.PREPARED: ("False", c.IN_PROGRESS)}, "Preparing"),
        ({c.JOINED: ("False", c.IN_PROGRESS), c.READY: ("Unknown", c.WAITING)}, "Joining"),
        ({c.JOINED: ("True", c.SUCCEEDED), c.READY: ("False", "NodeNotReady")}, "NotReady"),
        ({c.JOINED: ("True", c.SUCCEEDED), c.READY: ("True", c.SUCCEEDED)}, "Ready"),
        ({c.READY: ("True", c.SUCCEEDED), c.DELETING: ("False", "ControlPlane")}, "DeletionRefused"),
    ],
)
def test_phase_of_a_machine(states: dict[str, Any], phase: str) -> None:
    assert summary.of_machine(said(**states), {}, {})["phase"] == phase


def spec(**ssh: Any) -> MachineSpec:
    return MachineSpec.model_validate(
        {
            "clusterName": "demo",
            "role": "Worker",
            "addresses": {"ipv4": "192.168.77.12"},
            "ssh": {"credential": {"name": "login"}, **ssh},
        }
    )


def data(kind: str, **values: str) -> SecretData:
    return SecretData("ns", "login", kind, {key.replace("_", "-"): Masked(value) for key, value in values.items()})


def test_a_key_and_a_password_sign_in() -> None:
    key = data("kubernetes.io/ssh-auth", ssh_privatekey="KEY", passphrase="open", sudo_password="s")
    found = target("m2", spec(user="ops"), None, key, None)
    assert (found.address, found.user) == ("192.168.77.12", "ops")
    assert found.private_key == Masked("KEY")
    assert found.passphrase == Masked("open")
    assert found.sudo_password == Masked("s")
    password = target("m2", spec(), None, data("kubernetes.io/basic-auth", password="p"), None)
    assert password.password == Masked("p")
    assert password.private_key is None


def test_given_host_keys_win_over_the_pinned_one() -> None:
    login = data("kubernetes.io/basic-auth", password="p")
    assert target("m2", spec(), None, login, None).host_keys == ()
    assert target("m2", spec(), "ssh-ed25519 OLD", login, None).host_keys == ("ssh-ed25519 OLD",)
    trusting = spec(hostKeys=["SHA256:" + "A" * 43])
    assert target("m2", trusting, "ssh-ed25519 OLD", login, None).host_keys == ("SHA256:" + "A" * 43,)


def test_a_proxy_takes_its_own_credential() -> None:
    wish = spec(proxy={"address": "[fd00::1]:1080", "credential": {"name": "proxy"}})
    login = data("kubernetes.io/basic-auth", password="p")
    found = target("m2", wish, None, login, data("kubernetes.io/basic-auth", username="u", password="q"))
    assert found.proxy is not None
    assert (found.proxy.host, found.proxy.port, found.proxy.user) == ("fd00::1", 1080, "u")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (data("kubernetes.io/ssh-auth", passphrase="x"), "has no key ssh-privatekey"),
        (data("kubernetes.io/basic-auth", password=""), "has no key password"),
        (data("Opaque", password="p"), "is of type Opaque"),
    ],
)
def test_a_malformed_secret_is_named_with_key_and_remedy(login: SecretData, words: str) -> None:
    with pytest.raises(SecretInvalid, match=words) as caught:
        target("m2", spec(), None, login, None)
    assert "Machine m2" in caught.value.message
    assert "Secret ns/login" in caught.value.message
    assert "create it anew" in caught.value.message or "add it" in caught.value.message


def test_delays_of_errors() -> None:
    refused = PermanentFailure("AuthenticationFailed", "")
    assert [delay_for(refused, attempt) for attempt in (1, 2, 5, 50)] == [60, 120, 900, 900]
    assert delay_for(PermanentFailure("DiskFull", ""), 9) == 120
    assert delay_for(RetryLater("X", "", delay=7), 9) == 7
    assert delay_for(RetryLater("X", ""), 1) is None
    assert delay_for(KeyError("x"), 1) is None


def changed(obj: Object, generation: int = 1, **meta: Any) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "generation": generation, **meta}}


def test_what_a_change_means() -> None:
    old = changed(cluster())
    renamed = changed(cluster(displayName="x"), 2)
    assert changes.wants_a_look(old, renamed)
    assert not changes.makes_work_pointless(old, renamed)
    assert changes.makes_work_pointless(old, changed(cluster(paused=True), 2))
    assert changes.makes_work_pointless(old, changed(cluster(), deletionTimestamp="t"))
    retry = changed(cluster(), annotations={RETRY_NOW_ANNOTATION: "1"})
    assert changes.makes_work_pointless(old, retry)
    assert changes.wants_a_look(old, retry)
    status = {**old, "status": {"phase": "Running"}}
    assert not changes.wants_a_look(old, status)
    assert not changes.wants_a_look(old, changed(cluster(), finalizers=["x"]))
    assert not changes.makes_work_pointless(None, old)
    assert not changes.makes_work_pointless(old, None)


def test_settled_machines_are_forgotten_after_ten_minutes_or_a_change() -> None:
    known = Settled()
    one, two = machine("m1", 11), machine("m2", 12)
    marks = {"m1": digest(cluster(), one, "b"), "m2": digest(cluster(), two, "b")}
    assert known.names("uid", marks, 0) == frozenset()
    known.record("uid", marks, frozenset(), 0)
    assert known.names("uid", marks, 100) == {"m1", "m2"}
    assert known.names("uid", {**marks, "m2": digest(cluster(), two, "other bundle")}, 100) == {"m1"}
    # What is only for people, or decides when, is no reason to look.
    assert digest(cluster(displayName="x", paused=True), one, "b") == marks["m1"]
    assert digest(cluster(version="1.30.4"), one, "b") != marks["m1"]
    known.record("uid", marks, frozenset({"m1", "m2"}), 500)
    assert known.next_look("uid", 500) == OBSERVE_EVERY - 500
    assert known.names("uid", marks, OBSERVE_EVERY) == frozenset()


def test_failed_checks_of_the_api_server() -> None:
    report = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\nreadyz check failed\n"
    assert failed_checks(report) == ["etcd"]
