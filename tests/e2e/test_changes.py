"""Changes while roost works and afterwards: corrections, additions, removals, reboots."""

from __future__ import annotations

import json
import random
import time

import checks
import pytest
from harness import (
    Managed,
    Story,
    as_file,
    cluster_file,
    cluster_object,
    eventually,
    machine_object,
    ssh_secret,
)

from lab.machines.machine import Machine

pytestmark = [pytest.mark.lab, pytest.mark.story(4), pytest.mark.verify]


def start(story: Story, machines: int, **spec: object) -> Managed:
    made = story.make_machines(machines)
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(made, **spec))
    return Managed(story.platform, "demo")


def start_without_last(story: Story, count: int) -> tuple[Managed, Machine, dict[str, str]]:
    """A cluster that runs, the machine that is to be added, and the state of that one before."""
    *first, added = story.make_machines(count)
    before = added.snapshot()
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(first))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    return cluster, added, before


@pytest.mark.parameter("Machine:spec.clusterName", "Machine:spec.role")
def test_adding_and_removing_a_machine_leaves_the_others_alone(story: Story) -> None:
    cluster, added, before = start_without_last(story, 3)
    acts = checks.acts(cluster)

    story.platform.kubectl("apply", "-f", "-", stdin=json.dumps(machine_object(added, "demo", "Worker", "demo-ssh")))
    eventually(lambda: len(cluster.get("nodes")["items"]) == 3, timeout=120)
    checks.nodes_ready(cluster, count=3, version="1.31.4")
    now = checks.acts(cluster)
    assert {name: now[name] for name in acts} == acts, "a command went to a machine that was not added"

    story.platform.kubectl("delete", "machine", added.name, "--wait=true", "--timeout=120s", timeout=130)
    assert len(cluster.get("nodes")["items"]) == 2
    assert added.changes_since(before) == []
    assert {name: checks.acts(cluster)[name] for name in acts} == acts


def test_killed_while_a_machine_is_added(story: Story, seed: random.Random) -> None:
    """What prepares the machine and lets it join goes on; the token does not stay behind."""
    cluster, added, before = start_without_last(story, 2)
    story.platform.kubectl("apply", "-f", "-", stdin=json.dumps(machine_object(added, "demo", "Worker", "demo-ssh")))
    for _ in range(3):
        time.sleep(seed.uniform(1, 5))
        story.platform.kill()
        story.platform.start("1.31.4")
    checks.nodes_ready(cluster, count=2, version="1.31.4")
    cluster.wait_available()
    checks.works(cluster, count=2, version="1.31.4")
    secrets = ["secrets", "-n", "kube-system", "-l", f"cluster.alauda.io/machine={added.name}"]
    eventually(lambda: cluster.get(*secrets)["items"] == [], timeout=60)

    story.platform.kubectl("delete", "machine", added.name, "--wait=true", "--timeout=120s", timeout=130)
    assert added.changes_since(before) == []


def test_a_disruption_budget_holds_a_removal_up(story: Story) -> None:
    """The last Pod that a PodDisruptionBudget protects is not evicted; the machine goes once the budget allows it."""
    cluster = start(story, 2)
    cluster.wait_available()
    worker = story.machines[1].name
    labels = {"app": "guarded"}
    container = {"name": "sleep", "image": checks.IMAGE, "command": ["sleep", "86400"]}
    pods = {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "guarded"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pods},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "guarded"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
    }
    cluster.kubectl("apply", "-f", "-", stdin=as_file(deployment, budget))
    cluster.kubectl("rollout", "status", "deployment/guarded", "--timeout=180s", timeout=190)
    story.platform.kubectl("delete", "machine", worker, "--wait=false")

    def blocked() -> str:
        conditions = story.platform.get("machine", worker).get("status", {}).get("conditions", [])
        return next((str(c["message"]) for c in conditions if c["reason"] == "DrainBlocked"), "")

    message = eventually(blocked, timeout=300, every=2)
    assert "PodDisruptionBudget" in message and "default/guarded-" in message
    assert cluster.get("pods", "-l", "app=guarded")["items"][0]["spec"]["nodeName"] == worker
    cluster.kubectl("delete", "poddisruptionbudget", "guarded")
    story.platform.kubectl("wait", "--for=delete", f"machine/{worker}", "--timeout=400s", timeout=410)
    assert [node["metadata"]["name"] for node in cluster.get("nodes")["items"]] == [story.machines[0].name]


@pytest.mark.parameter("spec.onPremises.nodeName", "spec.onPremises.network.podCIDR")
def test_a_wrong_choice_is_corrected_before_init_and_the_network_never(story: Story) -> None:
    """What freezes with the control plane is corrected before; the network is frozen from the first moment."""
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    text = cluster_file(machines, nodeName="Hostname", apiServerExtraArgs={})
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    eventually(lambda: checks.acts(Managed(story.platform, "demo")).get(machines[0].name), timeout=60, every=0.1)

    def patch(wish: str) -> tuple[int, str]:
        done = story.platform.kubectl("patch", "cluster", "demo", "--type=merge", "-p", wish, check=False)
        return done.returncode, done.stderr

    network = '{"spec":{"onPremises":{"network":{"podCIDR":"10.98.0.0/16"}}}}'
    code, words = patch(network)
    assert code != 0 and "spec.onPremises.network" in words and "create it again" in words
    assert patch('{"spec":{"onPremises":{"nodeName":"IP"}}}')[0] == 0
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    assert cluster.get("nodes")["items"][0]["metadata"]["name"] == machines[0].ipv4
    for wish in (network, '{"spec":{"onPremises":{"nodeName":"Hostname"}}}'):
        assert patch(wish)[0] != 0


def test_deleting_during_a_creation_stops_the_act_and_ends_clean(story: Story) -> None:
    machines = story.make_machines(2)
    before = {m.name: m.snapshot() for m in machines}
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    cluster = Managed(story.platform, "demo")
    eventually(lambda: cluster.condition("MachinesPrepared") == "True", timeout=120, every=0.2)
    time.sleep(1)  # kubeadm is at work now
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    assert {m.name: m.changes_since(before[m.name]) for m in machines} == {m.name: [] for m in machines}


def test_reboots_while_roost_is_down(story: Story) -> None:
    cluster = start(story, 2)
    cluster.wait_available()
    cluster.kubectl("get", "nodes")
    story.platform.stop()
    for machine in story.machines:
        machine.reboot()
    for machine in story.machines:
        machine.power_off()
    for machine in story.machines:
        machine.power_on()
    story.platform.start("1.31.4")
    checks.nodes_ready(cluster, count=2, version="1.31.4")
    checks.works(cluster, count=2, version="1.31.4")
    plan = json.loads(story.platform.roost("plan", "demo", "-o", "json").stdout)
    assert [change for machine in plan["machines"] for change in machine["changes"]] == []


@pytest.mark.parameter("spec.paused", "spec.approval", "spec.approvedPlan")
@pytest.mark.changes("spec.paused", "spec.approval", "spec.approvedPlan")
def test_paused_and_approved_by_hand(story: Story) -> None:
    machines = story.make_machines(1)
    before = machines[0].snapshot()
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    story.platform.kubectl("patch", "cluster", "demo", "--type=merge", "-p", '{"spec":{"paused":true}}')
    cluster = Managed(story.platform, "demo")
    eventually(lambda: cluster.object().get("status", {}).get("planHash"), timeout=60)
    approve_later = '{"spec":{"paused":false,"approval":"Manual"}}'
    story.platform.kubectl("patch", "cluster", "demo", "--type=merge", "-p", approve_later)
    time.sleep(5)
    assert checks.acts(cluster).get(machines[0].name, 0) == 0 or machines[0].changes_since(before) != []
    planned = cluster.object()["status"]["planHash"]
    story.platform.kubectl(
        "patch", "cluster", "demo", "--type=merge", "-p", json.dumps({"spec": {"approvedPlan": planned}})
    )
    cluster.wait_available()


@pytest.mark.parameter("spec.onPremises.network.plugin")
def test_custom_network_plugin_ends_well_without_one(story: Story) -> None:
    cluster = start(story, 1, network={"plugin": "Custom"})

    def missing() -> bool:
        return any(
            c["reason"] == "NetworkPluginMissing" for c in cluster.object().get("status", {}).get("conditions", [])
        )

    eventually(missing, timeout=200)
    assert len(cluster.get("nodes")["items"]) == 1


def test_images_travel_over_ssh_where_roost_listens_on_loopback_only(story: Story) -> None:
    machines = story.make_machines(2)
    story.platform.start("1.31.4", address=None)
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    checks.nodes_ready(cluster, count=2, version="1.31.4")
    assert "--address" in story.platform.roost("status").stdout


@pytest.mark.parametrize("user", ["admin", "operator"])
@pytest.mark.parameter("Machine:spec.ssh.user")
def test_users_other_than_root(story: Story, user: str) -> None:
    """Sign-in as a user who may use sudo, without and with a password."""
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    secret = ssh_secret("demo-ssh", machines[0])
    if user == "operator":
        secret["stringData"]["sudo-password"] = machines[0].password
    text = as_file(
        secret,
        machine_object(machines[0], "demo", "ControlPlane", "demo-ssh", user=user),
        cluster_object("demo", "1.31.4", machines[0].ipv4),
    )
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
