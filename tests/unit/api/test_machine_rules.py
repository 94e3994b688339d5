"""Every rule of a Machine: which field, and what would be right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roost.api.validation.findings import Verdict
from roost.api.validation.judge import validate
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import Json, edited

Make = Callable[..., Json]
PROXY = {"address": "10.9.9.9:1080"}


def judge(document: Json, *others: Json, old: Json | None = None, secrets_complete: bool = False) -> Verdict:
    return validate("Machine", document, old, MemoryWorld.of(others, secrets_complete=secrets_complete))


def found(verdict: Verdict) -> dict[str, str]:
    return {error.path: error.message for error in verdict.errors}


def test_a_right_machine_alone_passes_with_what_it_waits_for(machine: Make) -> None:
    verdict = judge(machine("node1", "192.168.10.11"))
    assert verdict.errors == []
    assert {notice.path for notice in verdict.notices} == {"spec.clusterName", "spec.ssh.credential.name"}


def test_a_right_machine_with_everything_there(machine: Make, cluster: Json, secret: Json) -> None:
    verdict = judge(machine("node1", "192.168.10.11", "ControlPlane"), cluster, secret)
    assert verdict == Verdict()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("255.255.255.255", "reserved"),
        ("192.168.010.11", "such as 192.168.10.11"),
        ("node1.local", "not an IPv4 address"),
        ("10.16.0.9", "lies in the cluster's podCIDR 10.16.0.0/16"),
        ("10.112.0.9", "lies in the cluster's serviceCIDR 10.112.0.0/12"),
        ("192.168.10.11", "must be the control plane"),
    ],
)
@pytest.mark.parameter("Machine:spec.addresses.ipv4")
def test_address(machine: Make, cluster: Json, secret: Json, address: str, words: str) -> None:
    errors = found(judge(machine("node9", address), cluster, secret))
    assert list(errors) == ["spec.addresses.ipv4"]
    assert words in errors["spec.addresses.ipv4"]


@pytest.mark.parametrize(
    ("field", "value", "path", "words"),
    [
        ("address", "ssh://node1", "address", "write node1"),
        ("address", "224.0.0.1", "address", "multicast"),
        ("port", 0, "port", "at least 1"),
        ("port", 70000, "port", "at most 65535"),
        ("user", "Root", "user", "a user name is"),
        ("proxy", {"address": "socks5://10.0.0.1:1080"}, "proxy.address", "write 10.0.0.1:1080"),
        ("proxy", {"address": "10.0.0.1"}, "proxy.address", "write 10.0.0.1:1080"),
        ("proxy", {"address": "10.0.0.1:0"}, "proxy.address", "write 10.0.0.1:1080"),
        ("hostKeys", ["ssh-ed25519 not-base-64"], "hostKeys[0]", "ssh-keyscan"),
        ("hostKeys", ["-----BEGIN OPENSSH PRIVATE KEY-----"], "hostKeys[0]", "is a private key"),
        ("credential", {"name": "S"}, "credential.name", "a name is a DNS label"),
        ("credential", None, "credential", "is required"),
    ],
)
@pytest.mark.parameter(
    "Machine:spec.ssh.address",
    "Machine:spec.ssh.port",
    "Machine:spec.ssh.user",
    "Machine:spec.ssh.proxy.address",
    "Machine:spec.ssh.hostKeys",
    "Machine:spec.ssh.credential.name",
)
def test_ssh(machine: Make, field: str, value: object, path: str, words: str) -> None:
    errors = found(judge(machine("node1", "192.168.10.11", **{f"spec__ssh__{field}": value})))
    assert list(errors) == [f"spec.ssh.{path}"]
    assert words in errors[f"spec.ssh.{path}"]


def test_private_keys_are_not_repeated(machine: Make) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"
    errors = judge(machine("node1", "192.168.10.11", spec__ssh__hostKeys=[key])).errors
    assert "c2VjcmV0" not in str(errors[0])


@pytest.mark.parameter("Machine:spec.ssh.hostKeys")
def test_host_keys_that_pass(machine: Make) -> None:
    keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ", "SHA256:" + "a" * 43, "ecdsa-sha2-nistp256 AAAAE2Vj root@n"]
    assert judge(machine("node1", "192.168.10.11", spec__ssh__hostKeys=keys)).errors == []


def test_loopback_ssh_address_is_a_forwarded_port(machine: Make) -> None:
    changes = {"spec__ssh__address": "127.0.0.1", "spec__ssh__port": 2222}
    assert judge(machine("node1", "192.168.10.11", **changes)).errors == []


@pytest.mark.parameter("Machine:spec.addresses.ipv4")
def test_duplicate_address_within_the_cluster(machine: Make) -> None:
    other = machine("node1", "192.168.10.11", spec__ssh__proxy=PROXY)
    message = found(judge(machine("node2", "192.168.10.11"), other))["spec.addresses.ipv4"]
    assert "already the address of Machine node1;" in message


def test_duplicate_address_in_another_namespace(machine: Make) -> None:
    other = machine("x", "192.168.10.11", metadata__namespace="other", spec__clusterName="prod")
    message = found(judge(machine("node2", "192.168.10.11"), other))["spec.addresses.ipv4"]
    assert "of Cluster prod in the namespace other" in message


def test_the_same_address_behind_another_proxy_is_another_machine(machine: Make) -> None:
    other = machine("x", "192.168.10.11", metadata__namespace="other", spec__ssh__proxy=PROXY)
    assert judge(machine("node2", "192.168.10.11"), other).errors == []


def test_duplicate_ssh_port(machine: Make) -> None:
    forwarded = {"spec__ssh__address": "127.0.0.1", "spec__ssh__port": 2222}
    other = machine("node1", "192.168.10.11", **forwarded)
    assert list(found(judge(machine("node2", "192.168.10.12", **forwarded), other))) == ["spec.ssh.address"]
    forwarded["spec__ssh__port"] = 2223
    assert judge(machine("node2", "192.168.10.12", **forwarded), other).errors == []


def test_room_for_one_more(machine: Make, cluster: Json) -> None:
    small = edited(cluster, spec__onPremises__network__podCIDR="10.16.0.0/24")
    first = machine("node1", "192.168.10.11", "ControlPlane")
    assert judge(first, small).errors == []
    assert "room for 1 nodes" in found(judge(machine("node2", "192.168.10.12"), small, first))["spec.clusterName"]


@pytest.mark.parameter("Machine:spec.clusterName")
def test_its_cluster(machine: Make, cluster: Json) -> None:
    platform = edited(cluster, spec__onPremises=None, spec__global={})
    assert "not made of Machines" in found(judge(machine("n", "192.168.10.12"), platform))["spec.clusterName"]
    going = edited(cluster, metadata__deletionTimestamp="2026-01-01T00:00:00Z")
    assert "is being deleted" in found(judge(machine("n", "192.168.10.12"), going))["spec.clusterName"]
    unreadable = edited(cluster, spec__onPremises__network__plugin="Newer")
    assert judge(machine("n", "192.168.10.12"), unreadable).errors == []


@pytest.mark.parametrize(
    ("secret_type", "keys", "words"),
    [
        (
            "Opaque",
            ["password"],
            "has type Opaque; make one of type kubernetes.io/ssh-auth or kubernetes.io/basic-auth",
        ),
        ("kubernetes.io/ssh-auth", [], "has no key ssh-privatekey"),
        ("kubernetes.io/basic-auth", ["username"], "has no key password"),
        ("kubernetes.io/basic-auth", ["password"], None),
        ("kubernetes.io/ssh-auth", ["ssh-privatekey", "passphrase"], None),
    ],
)
@pytest.mark.parameter("Machine:spec.ssh.credential.name")
def test_secret(machine: Make, secret: Json, secret_type: str, keys: list[str], words: str | None) -> None:
    document = edited(secret, type=secret_type, data=dict.fromkeys(keys, "eA=="))
    errors = found(judge(machine("node1", "192.168.10.11"), document))
    if words is None:
        assert errors == {}
    else:
        assert words in errors["spec.ssh.credential.name"]


@pytest.mark.parameter("Machine:spec.ssh.proxy.credential.name")
def test_proxy_secret(machine: Make, secret: Json) -> None:
    proxied = machine("node1", "192.168.10.11", spec__ssh__proxy=PROXY | {"credential": {"name": "ssh"}})
    assert "kubernetes.io/basic-auth" in found(judge(proxied, secret))["spec.ssh.proxy.credential.name"]


def test_absent_secret_is_the_last_word(machine: Make) -> None:
    errors = judge(machine("node1", "192.168.10.11"), secrets_complete=True).errors
    assert [(e.path, e.reason) for e in errors] == [("spec.ssh.credential.name", "FieldValueNotFound")]


def joined(document: Json) -> Json:
    return edited(document, status={"conditions": [{"type": "Joined", "status": "True"}]})


@pytest.mark.parameter("Machine:spec.role", "Machine:spec.addresses.ipv4")
def test_frozen_once_joined(machine: Make) -> None:
    old = machine("node1", "192.168.10.11")
    for changes, path in (
        ({"spec__role": "ControlPlane"}, "spec.role"),
        ({"spec__addresses__ipv4": "192.168.10.99"}, "spec.addresses.ipv4"),
    ):
        assert judge(edited(old, **changes), old=old).errors == []
        assert list(found(judge(edited(old, **changes), old=joined(old)))) == [path]


@pytest.mark.parameter("Machine:spec.clusterName")
def test_cluster_name_is_frozen_at_once(machine: Make) -> None:
    old = machine("node1", "192.168.10.11")
    message = found(judge(edited(old, spec__clusterName="other"), old=old))["spec.clusterName"]
    assert message.startswith("can't be changed: a Machine can't move")


def test_ssh_stays_changeable(machine: Make) -> None:
    old = joined(machine("node1", "192.168.10.11"))
    assert judge(edited(old, spec__ssh__port=2222, spec__ssh__user="admin"), old=old).errors == []


def test_names(machine: Make) -> None:
    assert judge(machine("node1.example.com", "192.168.10.11")).errors == []
    for name in ("Node_1", "n" * 64):
        assert list(found(judge(machine(name, "192.168.10.11")))) == ["metadata.name"]
