"""Clusters reached through the one door: kubectl, Helm and client libraries as they are, with one's own identity."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import checks
import clients
import pytest
from harness import BRIDGE_ADDRESS, PORT_BASE, Managed, Platform, Story, cluster_file, eventually
from test_registration import GATEWAY, gone, image_on
from through import SignedIn, Through, copies_both_ways, forwards, works

pytestmark = [pytest.mark.lab, pytest.mark.story(6)]
SECOND_GATEWAY = 452
"""Offset of its port."""


def make(story: Story) -> Managed:
    """1+1 with a web server on each node."""
    machines = story.make_machines(2)
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    checks.pods_reach_each_other(cluster)
    return cluster


def administrator(platform: Platform, home: Path) -> SignedIn:
    home.mkdir(parents=True, exist_ok=True)
    person = SignedIn(platform, home)
    person.login("admin", (platform.data_dir / "administrator.password").read_text().strip())
    return person


def program_of(platform: Platform) -> Path:
    """The kubectl of the platform's own bundle."""
    return next((platform.data_dir / "programs").rglob("kubectl"))


def test_every_way_in_is_the_same_and_one_s_own(story: Story, tmp_path: Path) -> None:
    """The same words direct, imported, registered, and through a second gateway, with the oldest and the newest
    kubectl; a viewer can't exec; a session's programs end with it; the audit log has it all; the agent goes.
    """
    oldest, newest = clients.KUBECTL[0], clients.KUBECTL[-1]
    used = {"direct": (oldest, newest), "imported": (oldest,), "registered": (newest,)}
    said: dict[str, dict[str, str]] = {}
    last: Through | None = None
    for way, through in ways(story, tmp_path):
        for minor in used.get(way, (oldest,)):
            last = through(clients.kubectl(minor))
            assert "token" not in last.kubeconfig.read_text() or way == "direct"
            said[f"{way}, kubectl 1.{minor}"] = works(last, "probe-0", tmp_path)
    first = said[f"direct, kubectl 1.{oldest}"]
    assert {way: words for way, words in said.items() if words != first} == {}
    assert len(said) == 5 and last is not None
    one_s_own(last, "edge", "probe-0", tmp_path)
    story.platform.kubectl("delete", "cluster", "edge", "--wait=true", "--timeout=30s")
    assert gone(Managed(story.others[-1], "demo"))


def one_s_own(through: Through, name: str, pod: str, tmp_path: Path) -> None:
    """Rights of a person in a cluster, the end of a session, and what the audit log keeps."""
    platform, admin = through.platform, through.person
    password = admin.roost("user", "add", "viewer").stdout.strip()
    viewer = SignedIn(platform, tmp_path / "viewer")
    viewer.home.mkdir()
    viewer.login("viewer", password)
    refused = viewer.roost("kubeconfig", name, check=False)
    assert refused.returncode == 1 and "has no role" in refused.stderr
    platform.kubectl(
        "create", "rolebinding", "viewer", "--clusterrole=roost:cluster-viewer", "--user=roost:user:viewer"
    )
    eventually(lambda: viewer.roost("kubeconfig", name, check=False).returncode == 0, timeout=15)
    seen = Through(viewer, name, through.program)
    words = ("get", "pods", "-o", "name")
    assert seen.kubectl(*words).stdout == through.kubectl(*words).stdout != ""
    assert seen.kubectl("get", "nodes", "-o", "name").stdout
    for words in (("exec", pod, "--", "id"), ("delete", "pod", pod), ("get", "secrets")):
        assert "orbidden" in seen.kubectl(*words, check=False).stderr
    assert viewer.roost("kubeconfig", name, "--direct", "--server", server(viewer), check=False).returncode == 1

    running = through.spawn("exec", pod, "--", "sh", "-c", "echo begun; sleep 600")
    assert running.stdout is not None and running.stdout.readline() == "begun\n"
    began = time.monotonic()
    admin.roost("logout")
    running.wait(10)
    assert time.monotonic() - began < 10
    assert "whole" in admin.roost("audit", "verify").stdout
    # Each gateway keeps a log of its own.
    logs = (platform.data_dir / "audit").rglob("audit*.jsonl")
    events = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    execs = [
        e for e in events if e.get("objectRef", {}).get("subresource") == "exec" and e["stage"] == "ResponseComplete"
    ]
    assert {e["user"]["username"] for e in execs} == {"roost:user:admin", "roost:user:viewer"}
    assert {e["responseStatus"]["code"] for e in execs} >= {101, 403}


@pytest.mark.verify
def test_kubectl_through_the_gateway_is_as_direct(story: Story, tmp_path: Path) -> None:
    """A cluster that the platform made itself, by the kubectl of its bundle."""
    direct = make(story)
    platform = story.platform
    admin = administrator(platform, tmp_path / "admin")
    through = Through(admin, "demo", program_of(platform))
    assert "token" not in through.kubeconfig.read_text()
    by_hand = Through(admin, "demo", program_of(platform))
    by_hand.kubeconfig = direct._kubeconfig()
    assert works(through, "probe-1", tmp_path) == works(by_hand, "probe-1", tmp_path)
    one_s_own(through, "demo", "probe-1", tmp_path)


def libraries(cluster: Through, pod: str, directory: Path) -> None:
    """The official Python client, Helm and client-go, as they are."""
    kubeconfig = str(cluster.kubeconfig)
    environment = {
        **os.environ,
        **cluster.person.environment,
        "KUBECONFIG": kubeconfig,
        "PYTHONPATH": str(clients.python_client()),
    }
    asked = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("python_client.py")), pod],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    pods = cluster.kubectl("get", "pods", "-l", "app=probe", "-o", "jsonpath={.items[*].metadata.name}").stdout
    assert asked.stdout.split() == [*sorted(pods.split()), "ADDED", "DELETED", "python"]

    chart = directory / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: small\nversion: 1.0.0\n")
    (chart / "templates" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: by-helm}\n")
    for words in (("install", "small", str(chart)), ("list",), ("uninstall", "small")):
        done = subprocess.run(
            [clients.helm(), *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "small" in done.stdout

    done = subprocess.run(
        [clients.go_program(), kubeconfig, pod],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ADDED", "DELETED", "client-go", "client-go"]


def ways(story: Story, tmp_path: Path) -> Iterator[tuple[str, Callable[[Path], Through]]]:
    """A cluster of another platform, by each way in, one after the other: a name, and what takes a kubectl."""
    machines = story.make_machines(1)
    elsewhere, platform = story.elsewhere(), story.platform
    elsewhere.start("1.31.4")
    elsewhere.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    platform.start("1.31.4", options=("--gateways", "2"))
    made = Managed(elsewhere, "demo")
    made.wait_available()
    made.kubectl("taint", "nodes", "--all", "node-role.kubernetes.io/control-plane-", check=False)
    checks.pods_reach_each_other(made)
    password = (platform.data_dir / "administrator.password").read_text().strip()

    people: list[SignedIn] = []
    for port in (GATEWAY, SECOND_GATEWAY):
        home = tmp_path / f"at-{port}"
        home.mkdir()
        people.append(SignedIn(platform, home))
        people[-1].login("admin", password, server=f"https://{BRIDGE_ADDRESS}:{PORT_BASE + port}")
    at_first, at_second = people

    def direct(program: Path) -> Through:
        by_hand = Through(at_first, "theirs", program)
        by_hand.kubeconfig = made._kubeconfig()
        return by_hand

    platform.roost("import", "theirs", "--kubeconfig", str(made._kubeconfig()))
    yield "direct", direct
    yield "imported", lambda program: Through(at_first, "theirs", program)
    platform.kubectl("delete", "cluster", "theirs", "--timeout=60s")
    image_on(machines[0], tmp_path)
    # Its tunnels end at the first gateway alone: through the second one every request hops.
    only = f"https://{BRIDGE_ADDRESS}:{PORT_BASE + GATEWAY}"
    manifest = platform.roost("register", "edge", "--url", only, "--replicas", "1").stdout
    made.kubectl("apply", "-f", "-", stdin=manifest)
    answers = Through(at_first, "edge", program_of(platform))
    eventually(lambda: answers.kubectl("get", "nodes", check=False).returncode == 0, timeout=150)
    # The answer of a first request may be the platform's: its roles are put in step then.
    eventually(lambda: answers.kubectl("get", "pods", check=False).returncode == 0, timeout=30)
    yield "registered", lambda program: Through(at_first, "edge", program)
    yield "registered, through the second gateway", lambda program: Through(at_second, "edge", program)


@pytest.mark.verify
def test_every_way_in_gives_the_same_with_every_kubectl(story: Story, tmp_path: Path, seed: random.Random) -> None:
    """The same words direct, imported, registered, registered through a second gateway: kubectl 1.28 to the newest,
    the Python client, client-go, Helm; then 1 GiB both ways and 50 forwards at once where the way is the longest."""
    said: dict[str, str] = {}
    last: Through | None = None
    for way, through in ways(story, tmp_path):
        for minor in clients.KUBECTL:
            last = through(clients.kubectl(minor))
            words = works(last, "probe-0", tmp_path)
            said[f"{way}, kubectl 1.{minor}"] = json.dumps(words, sort_keys=True)
        if way != "direct":
            assert last is not None
            libraries(last, "probe-0", tmp_path / way.replace(" ", "-"))
    first = said["direct, kubectl 1.31"]
    assert {way: words for way, words in said.items() if words != first} == {}
    assert last is not None
    forwards(last, "probe-0", 50)
    large = tmp_path / "large"
    with large.open("wb") as file:
        for _ in range(1024):
            file.write(seed.randbytes(1 << 20))
    copies_both_ways(last, "probe-0", large, timeout=900)


@pytest.mark.soak
def test_an_hour_of_silence_by_the_longest_way(story: Story, tmp_path: Path) -> None:
    """A watch and an exec on which nothing happens for an hour, through the second gateway, a hop and a tunnel."""
    *_, (_, through) = ways(story, tmp_path)
    cluster = through(clients.kubectl("31"))
    # The API server ends a watch that names no time after 30 to 60 minutes.
    selector = "watch=1&timeoutSeconds=5400&fieldSelector=metadata.name%3Dafter-an-hour"
    # With --raw kubectl leaves the path of its server out.
    watch = cluster.spawn("get", "--raw", f"/clusters/default/edge/api/v1/namespaces/default/configmaps?{selector}")
    running = cluster.spawn("exec", "probe-0", "--", "sh", "-c", "echo begun; sleep 3600; echo still here")
    assert watch.stdout is not None and running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    time.sleep(3600)
    assert watch.poll() is None
    cluster.kubectl("create", "configmap", "after-an-hour")
    event = json.loads(watch.stdout.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "after-an-hour")
    assert running.stdout.readline() == "still here\n"
    watch.terminate()
    watch.wait(10)


def server(person: SignedIn) -> str:
    kept = json.loads((person.home / "roost" / "signed-in.json").read_text())
    return str(kept["current"])
