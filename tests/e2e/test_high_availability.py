"""Several control planes: made, grown, shrunk, replaced, and one of them lost while somebody asks the API."""

from __future__ import annotations

import json
from typing import Any

import checks
import pytest
from balancer import Balancer
from harness import BRIDGE_ADDRESS, Managed, Story, as_file, cluster_object, machine_object, ssh_secret

from lab.machines.lab import Machine

pytestmark = [pytest.mark.lab, pytest.mark.story(5)]


def high_available(machines: list[Machine], planes: int, *, version: str = "1.31.4", **endpoint: Any) -> str:
    """Secret, Machines and Cluster; the first `planes` machines are control planes."""
    documents = [ssh_secret("demo-ssh", machines[0])]
    documents += [
        machine_object(machine, "demo", "ControlPlane" if number < planes else "Worker", "demo-ssh")
        for number, machine in enumerate(machines)
    ]
    documents.append(cluster_object("demo", version, "", controlPlaneEndpoint=endpoint))
    for document in documents:
        document["metadata"]["namespace"] = "default"
    return as_file(*documents)


def etcd_members(cluster: Managed) -> set[str]:
    """Names of the voting members, as any of them tells."""
    pods = cluster.get("pods", "-n", "kube-system", "-l", "component=etcd")["items"]
    pki = "/etc/kubernetes/pki/etcd"
    answer = cluster.kubectl(
        "exec", "-n", "kube-system", pods[0]["metadata"]["name"], "--", "etcdctl",
        "--endpoints", "https://127.0.0.1:2379", "--cacert", f"{pki}/ca.crt",
        "--cert", f"{pki}/healthcheck-client.crt", "--key", f"{pki}/healthcheck-client.key",
        "--write-out", "json", "member", "list",
    )  # fmt: skip
    return {member.get("name", "") for member in json.loads(answer.stdout)["members"] if not member.get("isLearner")}


@pytest.mark.verify
@pytest.mark.parametrize("version", ["1.28.15", "1.31.4"])
@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.host", "Machine:spec.role")
def test_three_control_planes_behind_a_load_balancer(story: Story, version: str) -> None:
    machines = story.make_machines(4)
    before = [machine.snapshot() for machine in machines]
    balancer = Balancer(BRIDGE_ADDRESS, [machine.ipv4 for machine in machines[:3]])
    try:
        story.platform.start(version)
        text = high_available(machines, 3, version=version, host=BRIDGE_ADDRESS)
        story.platform.kubectl("apply", "-f", "-", stdin=text)
        cluster = Managed(story.platform, "demo")
        cluster.wait_available()
        checks.works(cluster, count=4, version=version)
        assert etcd_members(cluster) == {machine.name for machine in machines[:3]}
        story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
        for machine, was in zip(machines, before, strict=True):
            assert machine.changes_since(was) == []
    finally:
        balancer.close()
