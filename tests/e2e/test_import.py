"""A cluster that exists is taken in, followed and let go, each only through public commands."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import checks
import pytest
from harness import BRIDGE_ADDRESS, Managed, Platform, Story, cluster_file, eventually

from tests.fixtures import apiserver
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.lab, pytest.mark.story(6)]


class Forward(socketserver.BaseRequestHandler):
    """Bytes in both directions to a server on loopback, which no platform would dial."""

    target = ("127.0.0.1", 0)

    def handle(self) -> None:
        with socket.create_connection(self.target) as other:
            back = threading.Thread(target=self.copy, args=(other, self.request), daemon=True)
            back.start()
            self.copy(self.request, other)
            back.join(5)

    def copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@contextmanager
def api_server(directory: Path) -> Iterator[tuple[ApiServer, str]]:
    """A real API server of another version, and its URL as the platform reaches it."""
    with ExitStack() as stack:
        directory.mkdir()
        server = apiserver._start("1.28.15", directory, stack)
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
        handler = type("ToServer", (Forward,), {"target": ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))})
        front = socketserver.ThreadingTCPServer((BRIDGE_ADDRESS, 0), handler)
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, daemon=True).start()
        stack.callback(front.server_close)
        stack.callback(front.shutdown)
        yield server, f"https://{BRIDGE_ADDRESS}:{front.server_address[1]}"


def test_a_cluster_is_imported_and_let_go(story: Story, tmp_path: Path) -> None:
    """By address, CA and token: first only looked at, then taken in; the given token is erased; detached again."""
    story.make_machines(1)
    story.platform.start("1.31.4")
    with api_server(tmp_path / "theirs") as (server, url):
        (tmp_path / "token").write_text(server.tokens["admin"])
        words = ["import", "theirs", "--server", url, "--ca", str(server.ca), "--token-file", str(tmp_path / "token")]
        # The certificate is for localhost: told, with the name that would do.
        refused = story.platform.roost(*words, "--dry-run", "-o", "json", check=False)
        assert refused.returncode == 1
        found = {one["type"]: one for one in json.loads(refused.stdout)}
        assert found["TLSVerified"]["reason"] == "CertificateName" and "localhost" in found["TLSVerified"]["message"]
        words += ["--tls-server-name", "localhost"]
        looked = json.loads(story.platform.roost(*words, "--dry-run", "-o", "json").stdout)
        assert {one["status"] for one in looked} == {"True"}
        assert story.platform.get("clusters", "-n", "default")["items"] == []

        said = story.platform.roost(*words).stdout
        assert "1.28.15" in said
        status = story.platform.get("cluster", "theirs", "-n", "default")["status"]
        assert status["phase"] == "Running" and status["endpoint"] == url
        given = story.platform.get("secret", "theirs-import", "-n", "default")
        assert not given.get("data")
        dump = story.platform.kubectl("get", "secrets,clusters,events", "-A", "-o", "yaml").stdout
        assert server.tokens["admin"] not in dump
        logs = "".join(path.read_text(errors="replace") for path in (story.platform.data_dir / "logs").glob("*.log"))
        assert server.tokens["admin"] not in logs

        again = story.platform.roost("import", "twin", *words[2:], check=False)
        assert again.returncode == 1 and "default/theirs" in again.stderr
        story.platform.kubectl("delete", "cluster", "twin", "-n", "default", "--timeout=60s")
        story.platform.kubectl("delete", "cluster", "theirs", "-n", "default", "--timeout=60s")
        binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/roost:manager"
        assert server.call("GET", binding).status == 404
        # This server has no controllers that would end a namespace.
        left = server.call("GET", "/api/v1/namespaces/roost-system")
        assert left.status == 404 or left.body["metadata"]["deletionTimestamp"]


def shown(platform: Platform) -> dict[str, Any]:
    """The status of the imported cluster."""
    return dict(platform.get("cluster", "theirs", "-n", "default").get("status") or {})


def condition(platform: Platform, kind: str) -> dict[str, str]:
    return next((c for c in shown(platform).get("conditions", []) if c["type"] == kind), {})


def names(cluster: Managed) -> set[str]:
    """Every object that somebody could miss."""
    kinds = (
        "namespaces,serviceaccounts,clusterroles,clusterrolebindings,configmaps,secrets,deployments,daemonsets,crds"
    )
    found = cluster.kubectl("get", kinds, "-A", "-o", "json").stdout
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']} {item['metadata']['uid']}"
        for item in json.loads(found)["items"]
        # Tokens of joins end by themselves.
        if not item["metadata"]["name"].startswith("bootstrap-token-")
    }


@pytest.mark.verify
def test_a_running_cluster_is_followed_and_left_as_it_was(story: Story, tmp_path: Path) -> None:
    """One that runs on machines, made elsewhere: nodes, capacity, an API that goes and comes, and detach."""
    machines = story.make_machines(2)
    elsewhere, platform = story.elsewhere(), story.platform
    elsewhere.start("1.31.4")
    elsewhere.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    platform.start("1.31.4")
    made = Managed(elsewhere, "demo")
    made.wait_available()
    checks.nodes_ready(made, count=2, version="1.31.4")
    before = names(made)
    platform.roost("import", "theirs", "--kubeconfig", str(made.kubeconfig))
    status = shown(platform)
    assert status["nodes"] == {"ready": 2, "total": 2} and status["version"] == "1.31.4"
    assert int(status["capacity"]["pods"]) == 220 and float(status["capacity"]["cpu"]) > 0
    assert {"apiserver", "ca", "front-proxy-ca"} <= {one["name"] for one in status["certificates"]}
    assert condition(platform, "Upgrades")["status"] == "True"

    machines[0].run("systemctl stop kubelet; crictl ps -q --name kube-apiserver | xargs crictl stop -t 0")
    eventually(lambda: condition(platform, "Available").get("status") == "False", timeout=90)
    said = condition(platform, "Available")
    assert said["reason"] in ("ApiUnreachable", "ApiTimeout") and machines[0].ipv4 in said["message"]
    machines[0].run("systemctl start kubelet")
    eventually(lambda: condition(platform, "Available").get("status") == "True", timeout=150)

    platform.kubectl("delete", "cluster", "theirs", "-n", "default", "--timeout=60s")
    eventually(lambda: names(made) == before, timeout=60, explain=lambda: str(names(made) ^ before))
    checks.works(made, count=2, version="1.31.4")
    elsewhere.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
