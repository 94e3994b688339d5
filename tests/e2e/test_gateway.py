"""Clusters reached through the one door: kubectl, Helm and client libraries as they are, with one's own identity."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import checks
import clients
import pytest
from harness import Managed, Platform, Story, cluster_file, eventually
from through import SignedIn, Through, copies_both_ways, forwards, works

pytestmark = [pytest.mark.lab, pytest.mark.story(6)]


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


def program(platform: Platform) -> Path:
    """The kubectl of the platform's own bundle."""
    return next((platform.data_dir / "programs").rglob("kubectl"))


def test_kubectl_through_the_gateway_is_as_direct(story: Story, tmp_path: Path) -> None:
    """The same words both ways; a viewer can't exec; a session's programs end with it; the audit log has it all."""
    direct = make(story)
    platform = story.platform
    admin = administrator(platform, tmp_path / "admin")
    through = Through(admin, "demo", program(platform))
    assert "token" not in through.kubeconfig.read_text()
    by_hand = Through(admin, "demo", program(platform))
    by_hand.kubeconfig = direct._kubeconfig()
    assert works(through, "probe-1", tmp_path) == works(by_hand, "probe-1", tmp_path)

    password = admin.roost("user", "add", "viewer").stdout.strip()
    viewer = SignedIn(platform, tmp_path / "viewer")
    viewer.home.mkdir()
    viewer.login("viewer", password)
    refused = viewer.roost("kubeconfig", "demo", check=False)
    assert refused.returncode == 1 and "has no role" in refused.stderr
    platform.kubectl(
        "create", "rolebinding", "viewer", "--clusterrole=roost:cluster-viewer", "--user=roost:user:viewer"
    )
    eventually(lambda: viewer.roost("kubeconfig", "demo", check=False).returncode == 0, timeout=15)
    seen = Through(viewer, "demo", program(platform))
    assert len(seen.kubectl("get", "pods", "-o", "name").stdout.split()) == 2
    assert seen.kubectl("get", "nodes", "-o", "name").stdout
    for words in (("exec", "probe-1", "--", "id"), ("delete", "pod", "probe-1"), ("get", "secrets")):
        assert "orbidden" in seen.kubectl(*words, check=False).stderr
    assert viewer.roost("kubeconfig", "demo", "--direct", "--server", server(viewer), check=False).returncode == 1

    running = through.spawn("exec", "probe-1", "--", "sh", "-c", "echo begun; sleep 600")
    assert running.stdout is not None and running.stdout.readline() == "begun\n"
    began = time.monotonic()
    admin.roost("logout")
    running.wait(10)
    assert time.monotonic() - began < 10
    assert "whole" in admin.roost("audit", "verify").stdout
    log = (platform.data_dir / "audit" / "audit.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in log]
    execs = [
        e for e in events if e.get("objectRef", {}).get("subresource") == "exec" and e["stage"] == "ResponseComplete"
    ]
    assert {e["user"]["username"] for e in execs} == {"roost:user:admin", "roost:user:viewer"}
    assert {e["responseStatus"]["code"] for e in execs} >= {101, 403}


@pytest.mark.verify
def test_other_programs_through_the_gateway(story: Story, tmp_path: Path, seed: random.Random) -> None:
    """kubectl from 1.28 to the newest, Helm, the Python client, client-go; 1 GiB both ways; 50 forwards at once."""
    make(story)
    admin = administrator(story.platform, tmp_path / "admin")
    said = {
        minor: works(Through(admin, "demo", clients.kubectl(minor)), "probe-1", tmp_path) for minor in clients.KUBECTL
    }
    assert {json.dumps(words, sort_keys=True) for words in said.values()} == {json.dumps(said["31"], sort_keys=True)}

    newest = Through(admin, "demo", clients.kubectl(clients.KUBECTL[-1]))
    kubeconfig = str(newest.kubeconfig)
    environment = {
        **os.environ,
        **admin.environment,
        "KUBECONFIG": kubeconfig,
        "PYTHONPATH": str(clients.python_client()),
    }
    asked = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("python_client.py")), "probe-1"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.split() == ["probe-0", "probe-1", "ADDED", "DELETED", "python"]

    chart = tmp_path / "chart"
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
        [clients.go_program(), kubeconfig, "probe-1"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ADDED", "DELETED", "client-go", "client-go"]

    forwards(newest, "probe-1", 50)
    large = tmp_path / "large"
    with large.open("wb") as file:
        for _ in range(1024):
            file.write(seed.randbytes(1 << 20))
    copies_both_ways(newest, "probe-1", large, timeout=900)


def server(person: SignedIn) -> str:
    kept = json.loads((person.home / "roost" / "signed-in.json").read_text())
    return str(kept["current"])
