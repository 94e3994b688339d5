"""Where images come from: a private registry, the public one, and the platform's own at an external name.

What `crictl pull` on a machine does is the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import checks
import pytest
from harness import Managed, Story, as_file, cluster_file, eventually
from registries import PrivateRegistry

from lab.machines.machine import Machine

pytestmark = [pytest.mark.lab, pytest.mark.story(5)]
PAUSE = "registry.k8s.io/pause:3.10"


@pytest.fixture
def private(tmp_path: Path) -> Iterator[PrivateRegistry]:
    made = PrivateRegistry(tmp_path / "private")
    yield made
    made.stop()


def crictl(machine: Machine, *words: str, check: bool = True) -> str:
    done = machine.run(
        f"crictl --runtime-endpoint unix:///run/containerd/containerd.sock {' '.join(words)} 2>&1", check=check
    )
    return done.stdout


def pull_anew(machine: Machine, image: str) -> str:
    crictl(machine, "rmi", image, check=False)
    return crictl(machine, "pull", image)


def containerd_pid(machine: Machine) -> str:
    return machine.run("systemctl show -p MainPID --value containerd").stdout.strip()


def phase_reason(cluster: Managed, kind: str) -> str:
    conditions = cluster.object().get("status", {}).get("conditions", [])
    return next((c["reason"] for c in conditions if c["type"] == kind and c["status"] == "False"), "")


def push(story: Story, private: PrivateRegistry, password: str, *, prefix: str = "") -> None:
    file = private.directory / "credential"
    file.write_text(f"robot:{password}\n")
    story.platform.roost(
        "bundle", "push", "1.31.4", "--registry", private.address + prefix, "--credential", str(file),
        "--ca", str(private.directory / "ca.crt"), timeout=300,
    )  # fmt: skip


def test_a_private_registry(story: Story, private: PrivateRegistry) -> None:
    """One machine whose images are nowhere else; a wrong password is named first, another one needs no restart."""
    (machine,) = machines = story.make_machines(1)
    before = machine.snapshot()
    private.start("not-a-secret")
    story.platform.start("1.31.4", address=None)
    wish = {"type": "Private", "address": f"{private.address}/k8s", "credential": {"name": "pull"}, "ca": private.ca}
    text = cluster_file(machines, registry=wish)
    cluster = Managed(story.platform, "demo")

    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "another-one")) + "---\n" + text)
    eventually(lambda: phase_reason(cluster, "PreflightPassed") == "RegistryCredentialRefused", timeout=60)
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "not-a-secret")))
    eventually(lambda: phase_reason(cluster, "PreflightPassed") == "RegistryImagesMissing", timeout=60)
    assert machine.changes_since(before) == []
    push(story, private, "not-a-secret", prefix="/k8s")
    story.platform.kubectl("annotate", "cluster", "demo", "cluster.alauda.io/retry-now=1", "--overwrite")
    cluster.wait_available()

    assert "up to date" in pull_anew(machine, PAUSE)
    assert "k8s/registry.k8s.io/pause" in private.pulls()
    hosts = "/etc/containerd/certs.d/registry.k8s.io/hosts.toml"
    assert machine.run(f"stat -c '%a %U' {hosts}").stdout.split() == ["600", "root"]
    assert "not-a-secret" not in story.platform.get("cluster", "demo", "-n", "default").__str__()

    # Another password: the file is rewritten, the runtime goes on.
    pid, acts = containerd_pid(machine), checks.acts(cluster)
    written = machine.run(f"sha256sum {hosts}").stdout
    private.admit("another-one")
    assert "authorization failed" in crictl(machine, "pull", PAUSE, check=False)
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "another-one")))
    eventually(lambda: machine.run(f"sha256sum {hosts}").stdout != written, timeout=60)
    assert "up to date" in pull_anew(machine, PAUSE)
    assert containerd_pid(machine) == pid
    eventually(lambda: checks.acts(cluster)[machine.name] == acts[machine.name] + 1, timeout=30)

    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    assert machine.changes_since(before) == []
