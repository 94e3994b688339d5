"""The main story: a Cluster and its Machines in one file become a working cluster, and go without a trace."""

from __future__ import annotations

import random
import time

import checks
import pytest
from harness import Managed, Story, cluster_file, eventually

PROBE = "default/probe"
"""In the rules that kube-proxy keeps for the checks' Service, for some seconds after it is gone."""

pytestmark = [pytest.mark.lab, pytest.mark.story(4)]


def gone(story: Story, namespace: str = "default") -> bool:
    left = story.platform.kubectl("get", "clusters,machines,secrets", "-n", namespace, "-o", "name").stdout.split()
    return [name for name in left if "kube-root-ca" not in name] == []


@pytest.mark.parameter(
    "spec.version", "Machine:spec.role", "spec.onPremises.network.podCIDR", "spec.onPremises.network.serviceCIDR"
)
def test_one_control_plane_and_two_workers_on_the_newest_version(story: Story) -> None:
    """1+2 on 1.31.4: works, a second look changes nothing, goes without a trace, comes again."""
    machines = story.make_machines(3)
    before = {m.name: m.snapshot() for m in machines}
    story.platform.start("1.31.4")
    text = cluster_file(machines)

    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    checks.works(cluster, count=3, version="1.31.4")

    # A second look at everything: the controllers start anew and observe every machine.
    acts = checks.acts(cluster)
    eventually(lambda: all(PROBE not in m.run("iptables-save").stdout for m in machines), timeout=60)
    quiet = {m.name: m.snapshot() for m in machines}
    story.platform.stop()
    story.platform.start("1.31.4")
    eventually(lambda: cluster.condition("Available") == "True", timeout=60)
    plan = story.platform.roost("plan", "demo", "-o", "json").stdout
    assert '"changes": [' not in plan.replace('"changes": []', ""), plan
    assert checks.acts(cluster) == acts
    changed = {m.name: m.changes_since(quiet[m.name], running=True) for m in machines}
    assert changed == {m.name: [] for m in machines}

    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    eventually(lambda: not story.platform.get("machines")["items"], timeout=30)
    assert {m.name: m.changes_since(before[m.name]) for m in machines} == {m.name: [] for m in machines}

    # The same machines take a new cluster at once, and `delete -f` of the whole file ends it too.
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster.kubeconfig.unlink()
    cluster.wait_available()
    checks.nodes_ready(cluster, count=3, version="1.31.4")
    story.platform.kubectl("delete", "-f", "-", "--wait=true", "--timeout=240s", stdin=text, timeout=250)
    eventually(lambda: gone(story), timeout=30)
    assert {m.name: m.changes_since(before[m.name]) for m in machines} == {m.name: [] for m in machines}


@pytest.mark.parameter("spec.version")
def test_one_control_plane_and_one_worker_on_the_oldest_version(story: Story) -> None:
    """1+1 on 1.28.15, ended by deleting its namespace."""
    machines = story.make_machines(2)
    before = {m.name: m.snapshot() for m in machines}
    story.platform.start("1.31.4", "1.28.15")
    story.platform.kubectl("create", "namespace", "team")
    story.platform.kubectl(
        "apply", "-f", "-", stdin=cluster_file(machines, name="old", version="1.28.15", namespace="team")
    )
    cluster = Managed(story.platform, "old", "team")
    cluster.wait_available()
    checks.works(cluster, count=2, version="1.28.15")

    story.platform.kubectl("delete", "namespace", "team", "--wait=true", "--timeout=240s", timeout=250)
    assert {m.name: m.changes_since(before[m.name]) for m in machines} == {m.name: [] for m in machines}


@pytest.mark.soak
@pytest.mark.parametrize("version", ["1.29.15", "1.30.4"])
def test_one_control_plane_and_one_worker_on_the_versions_between(story: Story, version: str) -> None:
    """1+1 on 1.29.15 and 1.30.4: works, and goes without a trace."""
    machines = story.make_machines(2)
    before = {m.name: m.snapshot() for m in machines}
    story.platform.start("1.31.4", version)
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines, version=version))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    checks.works(cluster, count=2, version=version)
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    assert {m.name: m.changes_since(before[m.name]) for m in machines} == {m.name: [] for m in machines}


def test_killed_once_at_a_random_point(story: Story, seed: random.Random) -> None:
    """SIGKILL for roost in the middle of a creation, its work on the machines still running."""
    kill_and_resume(story, seed, kills=1)


@pytest.mark.verify
def test_killed_five_times_at_random_points(story: Story, seed: random.Random) -> None:
    kill_and_resume(story, seed, kills=5)


def kill_and_resume(story: Story, seed: random.Random, *, kills: int) -> None:
    machines = story.make_machines(2)
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    cluster = Managed(story.platform, "demo")
    for _ in range(kills):
        time.sleep(seed.uniform(2, 25))
        story.platform.kill()
        story.platform.start("1.31.4")
    cluster.wait_available()
    checks.works(cluster, count=2, version="1.31.4")
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
