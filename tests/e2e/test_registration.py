"""A cluster that the platform can't reach: its agent dials out, and it is used through the tunnel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from harness import BRIDGE_ADDRESS, PORT_BASE, ROOT, Managed, Story, cluster_file, eventually

from lab.machines.machine import Machine

pytestmark = [pytest.mark.lab, pytest.mark.story(6)]
GATEWAY = 445
"""Offset of the gateway's port."""
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "probe"},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "web",
                "image": "registry.k8s.io/e2e-test-images/busybox:1.36",
                "command": ["sh", "-c", "echo started && exec sleep 100000"],
            }
        ],
    },
}


def image_on(machine: Machine, directory: Path) -> None:
    """The agent's image, built from this repository, where the machine's runtime finds it."""
    archive = directory / "agent.tar"
    subprocess.run(
        [str(ROOT / ".venv/bin/python"), "tools/agent_image.py", str(archive)], cwd=ROOT, check=True, timeout=600
    )
    ssh = machine.ssh_argv()
    with archive.open("rb") as stream:
        done = subprocess.run([*ssh, "cat > /root/agent.tar"], stdin=stream, check=False, timeout=120)
    assert done.returncode == 0
    machine.run("ctr -n k8s.io images import /root/agent.tar && rm /root/agent.tar", timeout=180)


class Registered:
    """The registered cluster as a person reaches it: through the gateway, by the tunnel."""

    def __init__(self, story: Story, name: str) -> None:
        self.story, self.name = story, name
        self.file = story.platform.data_dir.parent / f"{name}-through.kubeconfig"
        data = story.platform.data_dir
        self.server = f"https://{BRIDGE_ADDRESS}:{PORT_BASE + GATEWAY}"
        token = (data / "config/gateway.token").read_text().strip()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"{self.server}/clusters/default/{name}",
                        "certificate-authority": str(next(data.glob("pki/serving-ca.crt"))),
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        self.file.write_text(yaml.safe_dump(document))
        self.file.chmod(0o600)

    def kubectl(
        self, *words: str, check: bool = True, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return self.story.platform.kubectl(
            "--kubeconfig", str(self.file), *words, check=check, stdin=stdin, timeout=timeout
        )

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and message."""
        found = self.story.platform.get("cluster", self.name)
        for each in found.get("status", {}).get("conditions", []):
            if each["type"] == kind:
                return str(each["status"]), str(each["message"])
        return "", ""


def registered(
    story: Story, directory: Path, *options: str, shows: tuple[str, str] = ("TunnelConnected", "True")
) -> tuple[Managed, Registered]:
    """A cluster of one machine that another platform made, registered here, until it shows a condition."""
    machines = story.make_machines(1)
    elsewhere = story.elsewhere()
    elsewhere.start("1.31.4")
    elsewhere.kubectl("apply", "-f", "-", stdin=cluster_file(machines, name="target"))
    story.platform.start("1.31.4")
    cluster = Managed(elsewhere, "target")
    cluster.wait_available()
    image_on(machines[0], directory)
    cluster.kubectl("taint", "nodes", "--all", "node-role.kubernetes.io/control-plane-", check=False)
    manifest = story.platform.roost("register", "edge", *options).stdout
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    through = Registered(story, "edge")
    eventually(
        lambda: through.condition(shows[0])[0] == shows[1],
        timeout=120,
        explain=lambda: (
            cluster.kubectl("get", "pods,events", "-n", "roost-agent", "-o", "wide", check=False).stdout
            + cluster.kubectl(
                "logs", "-n", "roost-agent", "-l", "app.kubernetes.io/name=roost-agent", check=False
            ).stdout
            + str(through.condition("TunnelConnected"))
        ),
    )
    return cluster, through


def works(cluster: Managed, through: Registered) -> None:
    """kubectl through the tunnel sees what kubectl past it sees, and gets into containers."""
    words = ("get", "nodes", "-o", "jsonpath={.items[*].metadata.uid}")
    assert through.kubectl(*words).stdout == cluster.kubectl(*words).stdout != ""
    through.kubectl("apply", "-f", "-", stdin=json.dumps(POD))
    through.kubectl("wait", "pod", "probe", "--for=condition=Ready", "--timeout=60s", timeout=70)
    answer = through.kubectl("exec", "-i", "probe", "--", "sh", "-c", "echo got; cat; echo end", stdin="über\n")
    assert answer.stdout == "got\nüber\nend\n"
    done = through.kubectl("exec", "probe", "--", "sh", "-c", "exit 7", check=False)
    assert done.returncode == 7, done.stderr
    assert "started" in through.kubectl("logs", "probe").stdout
    missing = through.kubectl("get", "pod", "no-such", check=False)
    assert missing.returncode == 1 and 'pods "no-such" not found' in missing.stderr
    secret = through.kubectl("get", "secret", "roost-agent-identity", "-n", "roost-agent", "-o", "name", check=False)
    assert secret.returncode == 0
    refused = through.kubectl("delete", "configmap", "roost-agent-policy", "-n", "roost-agent", check=False)
    assert refused.returncode == 1 and "the agent's own" in refused.stderr


@pytest.mark.verify
def test_a_cluster_is_registered_used_and_let_go(story: Story, tmp_path: Path) -> None:
    """One manifest connects it; get, exec and logs go through the tunnel; deleted, the agent removes itself."""
    cluster, through = registered(story, tmp_path)
    works(cluster, through)
    eventually(lambda: through.condition("Available")[0] == "True", timeout=90)
    status = story.platform.get("cluster", "edge")["status"]
    assert status["version"] == "1.31.4" and status["agent"]["connected"] is True
    story.platform.kubectl("delete", "cluster", "edge", "--wait=true", "--timeout=30s")
    assert gone(cluster)


def gone(cluster: Managed) -> bool:
    """Nothing of the agent is left in its cluster."""
    words = ("get", "namespaces,clusterroles,clusterrolebindings", "-o", "name")

    def left() -> list[str]:
        return [name for name in cluster.kubectl(*words).stdout.split() if "roost-agent" in name or "/roost:" in name]

    return bool(eventually(lambda: not left(), timeout=90, explain=lambda: str(left())))


@pytest.mark.verify
def test_what_breaks_a_tunnel_is_told_and_passes(story: Story, tmp_path: Path) -> None:
    """A killed gateway, killed agents, a revoked cluster, one that was deleted while its agent was away."""
    cluster, through = registered(story, tmp_path, "--manual", shows=("Accepted", "False"))
    status, message = through.condition("Accepted")
    assert status == "False" and "key" in message
    assert through.kubectl("get", "nodes", check=False).returncode != 0
    story.platform.kubectl(
        "patch", "cluster", "edge", "--type=merge", "-p", '{"spec":{"registered":{"accepted":true}}}'
    )
    eventually(lambda: through.kubectl("get", "nodes", check=False).returncode == 0, timeout=30)

    os.kill(story.platform.processes()["gateway"], signal.SIGKILL)
    eventually(lambda: through.kubectl("get", "nodes", check=False).returncode == 0, timeout=25, every=0.5)

    deployment = ("deployment", "roost-agent", "-n", "roost-agent")
    cluster.kubectl("scale", *deployment, "--replicas=0")
    began = time.monotonic()
    eventually(lambda: through.condition("TunnelConnected")[0] == "False", timeout=25, every=0.5)
    assert time.monotonic() - began < 20
    assert "stopped" in through.condition("TunnelConnected")[1]
    refused = through.kubectl("get", "nodes", check=False)
    assert "no agent of this cluster is connected" in refused.stderr or "not connected" in refused.stderr
    cluster.kubectl("scale", *deployment, "--replicas=2")
    eventually(lambda: through.kubectl("get", "nodes", check=False).returncode == 0, timeout=60)

    story.platform.kubectl(
        "patch", "cluster", "edge", "--type=merge", "-p", '{"spec":{"registered":{"accepted":false}}}'
    )
    eventually(lambda: through.kubectl("get", "nodes", check=False).returncode != 0, timeout=5, every=0.2)
    assert through.condition("Accepted")[0] == "False"

    cluster.kubectl("scale", *deployment, "--replicas=0")
    story.platform.kubectl("delete", "cluster", "edge", "--wait=true", "--timeout=30s")
    cluster.kubectl("scale", *deployment, "--replicas=1")
    assert gone(cluster)
