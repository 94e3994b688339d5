"""What a person meets at 2 a.m.: each cause ends in a named reason with machine and remedy, and goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import checks
import pytest
from harness import (
    BRIDGE_ADDRESS,
    REGISTRY_PORT,
    Managed,
    Story,
    as_file,
    cluster_file,
    cluster_object,
    eventually,
    machine_object,
    ssh_secret,
)

from lab.machines.lab import Machine

pytestmark = [pytest.mark.lab, pytest.mark.story(4), pytest.mark.verify]


def conditions(obj: Any) -> list[dict[str, Any]]:
    return list(obj.get("status", {}).get("conditions", []))


def trouble(story: Story, *reasons: str, machine: str, timeout: float = 240) -> str:
    """Wait until the Machine or the Cluster shows one of `reasons`; give the message back."""

    def ask() -> str:
        objects = [
            *story.platform.get("machines")["items"],
            *story.platform.get("clusters", "-n", "default")["items"],
        ]
        for obj in objects:
            for condition in conditions(obj):
                # One reason may stand for several findings: the message then holds each one's name.
                words = condition["message"].replace(":", " ").replace("[", " ").replace("]", " ").split()
                if {condition["reason"], *words} & {*reasons} and machine in condition["message"]:
                    return str(condition["message"])
        return ""

    return eventually(
        ask, timeout=timeout, explain=lambda: story.platform.roost("progress", "demo", "--once", check=False).stdout
    )


def apply(story: Story, *documents: dict[str, Any]) -> None:
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(*documents))


def basic_auth(name: str, password: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name},
        "stringData": {"password": password},
    }


def finish(story: Story) -> None:
    """It goes on by itself and ends in a working cluster; then the cluster goes."""
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    checks.nodes_ready(cluster, count=len(story.machines), version="1.31.4")
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)


@pytest.mark.parameter("Machine:spec.ssh.credential.name")
def test_wrong_password_is_named_and_taken_up_once_corrected(story: Story) -> None:
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    apply(
        story,
        basic_auth("demo-ssh", "not-this-one"),
        machine_object(machines[0], "demo", "ControlPlane", "demo-ssh"),
        cluster_object("demo", "1.31.4", machines[0].ipv4),
    )
    message = trouble(story, "AuthenticationFailed", machine=machines[0].name)
    assert "password" in message
    assert "not-this-one" not in message
    apply(story, basic_auth("demo-ssh", machines[0].password))
    eventually(
        lambda: any(
            c["type"] == "Reachable" and c["status"] == "True"
            for c in conditions(story.platform.get("machine", machines[0].name))
        ),
        timeout=5,
        every=0.2,
    )
    finish(story)


@pytest.mark.parameter("Machine:spec.ssh.credential.name")
def test_wrong_passphrase(story: Story, tmp_path: Path) -> None:
    machines = story.make_machines(1)
    key = tmp_path / "key"
    from harness import run

    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", str(key))
    machines[0].run(f"echo '{key.with_suffix('.pub').read_text().strip()}' >>/root/.ssh/authorized_keys")
    secret = ssh_secret("demo-ssh", machines[0])
    secret["stringData"] = {"ssh-privatekey": key.read_text(), "passphrase": "open barley"}
    story.platform.start("1.31.4")
    apply(
        story,
        secret,
        machine_object(machines[0], "demo", "ControlPlane", "demo-ssh"),
        cluster_object("demo", "1.31.4", machines[0].ipv4),
    )
    assert "open barley" not in trouble(story, "PassphraseWrong", machine=machines[0].name)
    secret["stringData"]["passphrase"] = "open sesame"
    apply(story, secret)
    finish(story)


@pytest.mark.parameter("Machine:spec.ssh.port")
def test_closed_port(story: Story) -> None:
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    apply(
        story,
        ssh_secret("demo-ssh", machines[0]),
        machine_object(machines[0], "demo", "ControlPlane", "demo-ssh", port=2222),
        cluster_object("demo", "1.31.4", machines[0].ipv4),
    )
    assert "2222" in trouble(story, "MachineUnreachable", machine=machines[0].name)
    apply(story, machine_object(machines[0], "demo", "ControlPlane", "demo-ssh", port=22))
    finish(story)


Cause = tuple[str, str, str]
CAUSES: dict[str, Cause] = {
    "PortTaken": (
        "systemd-run --unit=squatter sh -c 'exec socat TCP-LISTEN:10250,fork,reuseaddr /dev/null'",
        "10250",
        "systemctl stop squatter",
    ),
    "DiskSpace": (
        "mount -t tmpfs -o size=100m tmpfs /var/lib/containerd",
        "/var/lib/containerd",
        "umount /var/lib/containerd",
    ),
    "ForeignFile": (
        "mkdir -p /etc/containerd && echo '# ours, do not touch' >/etc/containerd/config.toml",
        "/etc/containerd/config.toml",
        "rm -r /etc/containerd",
    ),
}


@pytest.mark.parametrize("reason", sorted(CAUSES))
def test_cause_on_the_machine(story: Story, reason: str) -> None:
    cause, evidence, remedy = CAUSES[reason]
    machines = story.make_machines(1)
    machines[0].run(cause)
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    assert evidence in trouble(story, reason, machine=machines[0].name)
    assert sum(checks.acts(Managed(story.platform, "demo")).values()) == 0, (
        "something was changed before preflight passed"
    )
    machines[0].run(remedy)
    retry_now(story)
    finish(story)


def retry_now(story: Story) -> None:
    story.platform.kubectl(
        "annotate", "cluster", "demo", "--overwrite", "cluster.alauda.io/retry-now=2026-01-01T00:00:00Z"
    )


def test_duplicate_host_name(story: Story) -> None:
    machines = story.make_machines(2)
    machines[1].run(f"hostnamectl set-hostname {machines[0].name} || hostname {machines[0].name}")
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    message = trouble(story, "HostnameDuplicate", machine=machines[1].name)
    assert machines[0].name in message
    machines[1].run(f"hostnamectl set-hostname {machines[1].name} || hostname {machines[1].name}")
    # Nobody says that it was put right: roost looks again within two minutes.
    finish(story)


def test_registry_out_of_reach(story: Story) -> None:
    """The registry's port is closed to the machine by a firewall; images come once it opens."""
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    rule = f"OUTPUT -p tcp --dport {REGISTRY_PORT} -j REJECT"
    machines[0].run(f"iptables -I {rule}")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    assert str(REGISTRY_PORT) in trouble(story, "RegistryUnreachable", machine=machines[0].name)
    machines[0].run(f"iptables -D {rule}")
    finish(story)


def test_something_else_answers_as_the_registry(story: Story) -> None:
    """A proxy that breaks TLS, with a certificate of its own for the registry's address: seen before any change."""
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    machines[0].run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=proxy "
        f"-addext subjectAltName=IP:{BRIDGE_ADDRESS} "
        "-keyout /run/proxy.key -out /run/proxy.crt 2>/dev/null && systemd-run --unit=proxy "
        "openssl s_server -accept 8443 -key /run/proxy.key -cert /run/proxy.crt -www"
    )
    rule = f"OUTPUT -p tcp --dport {REGISTRY_PORT} -j REDIRECT --to-ports 8443"
    machines[0].run(f"iptables -t nat -I {rule}")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    message = trouble(story, "RegistryNotTrusted", machine=machines[0].name)
    assert "not signed by the given CA" in message
    assert sum(checks.acts(Managed(story.platform, "demo")).values()) == 0
    assert machines[0].run("ls -A /run/roost 2>/dev/null || :").stdout == ""
    machines[0].run(f"iptables -t nat -D {rule} && systemctl stop proxy")
    retry_now(story)
    finish(story)


def test_link_cut_during_a_creation(story: Story) -> None:
    machines = story.make_machines(2)
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    cut_when(story, machines[1], lambda: bool(checks.acts(Managed(story.platform, "demo")).get(machines[1].name)))
    # The connection broke under an act, or a new one could not be made.
    message = trouble(story, "ConnectionLost", "MachineUnreachable", machine=machines[1].name)
    assert "connects again" in message or "check the address" in message
    machines[1].mend()
    finish(story)


def cut_when(story: Story, machine: Machine, ready: Callable[[], bool]) -> None:
    eventually(ready, timeout=240, every=0.2)
    machine.cut()
