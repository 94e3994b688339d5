"""What a working cluster must be able to do, asked through kubectl as its user would."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from harness import PROBE_IMAGE, Managed, eventually

IMAGE = PROBE_IMAGE
"""Small test image of the lab's mirror; it comes with the bundle as a test image."""


def probe_manifest(nodes: list[str]) -> str:
    """A web server Pod on each node (tainted ones too), one Service over all of them."""
    pods: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"probe-{n}", "labels": {"app": "probe"}},
            "spec": {
                "nodeName": node,
                "terminationGracePeriodSeconds": 1,
                "tolerations": [{"operator": "Exists"}],
                "containers": [
                    {
                        "name": "web",
                        "image": IMAGE,
                        "command": [
                            "sh",
                            "-c",
                            f"mkdir /www && echo probe-{n} >/www/index.html && "
                            "echo started && exec httpd -f -p 8080 -h /www",
                        ],
                    }
                ],
            },
        }
        for n, node in enumerate(nodes)
    ]
    service: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "probe"},
        "spec": {
            "selector": {"app": "probe"},
            "ports": [{"port": 80, "targetPort": 8080}],
            "ipFamilyPolicy": "PreferDualStack",
        },
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, service]})


def nodes_ready(cluster: Managed, *, count: int, version: str) -> None:
    """Every Node is Ready and runs the right version."""

    def ask() -> bool:
        nodes = cluster.get("nodes")["items"]
        ready = [
            n for n in nodes if any(c["type"] == "Ready" and c["status"] == "True" for c in n["status"]["conditions"])
        ]
        versions = {n["status"]["nodeInfo"]["kubeletVersion"] for n in nodes}
        return len(nodes) == len(ready) == count and versions == {f"v{version}"}

    eventually(ask, timeout=60, explain=lambda: cluster.kubectl("get", "nodes", "-o", "wide", check=False).stdout)


def pods_reach_each_other(cluster: Managed, *, domain: str = "cluster.local") -> None:
    """By Pod address and Service address of each family and by DNS name, from every node to every node."""
    names = [n["metadata"]["name"] for n in cluster.get("nodes")["items"]]
    cluster.kubectl("apply", "-f", "-", stdin=probe_manifest(names))
    cluster.kubectl("wait", "pod", "-l", "app=probe", "--for=condition=Ready", "--timeout=120s", timeout=130)
    pods = cluster.get("pods", "-l", "app=probe")["items"]
    addresses = [(p["metadata"]["name"], ip["ip"]) for p in pods for ip in p["status"]["podIPs"]]
    assert len(pods) == len(names)
    services = cluster.get("service", "probe")["spec"]["clusterIPs"]
    assert len(addresses) == len(pods) * len(services), "a Pod has an address of each family of the cluster"
    urls = [f"http://{host(address)}:8080/" for _, address in addresses]
    urls += [f"http://{host(address)}/" for address in services]
    urls.append(f"http://probe.default.svc.{domain}/")
    for source in {name for name, _ in addresses}:
        answers = fetch(cluster, source, urls)
        assert answers[: len(addresses)] == [name for name, _ in addresses]
        assert all(answer.startswith("probe-") for answer in answers[len(addresses) :])


def host(address: str) -> str:
    """As it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def fetch(cluster: Managed, pod: str, urls: list[str]) -> list[str]:
    """What each URL answers to the Pod, in one exec; asked again until all answer."""
    # The static wget of the test image has no timeout of its own that works.
    script = " && ".join(f"timeout 5 wget -q -O- {url}" for url in urls)

    def ask() -> list[str]:
        return cluster.kubectl("exec", pod, "--", "sh", "-c", script).stdout.split()

    return eventually(ask, timeout=60)


def exec_logs_and_port_forward_work(cluster: Managed) -> None:
    """On every node, since each kubelet has a serving certificate of its own."""
    for pod in cluster.get("pods", "-l", "app=probe")["items"]:
        name = pod["metadata"]["name"]
        assert cluster.kubectl("exec", name, "--", "echo", "hello").stdout.strip() == "hello"
        assert "started" in cluster.kubectl("logs", name).stdout
        assert port_forward(cluster, name) == name


def port_forward(cluster: Managed, pod: str) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program = next((cluster.platform.data_dir / "programs").rglob("kubectl"), None)
    assert program is not None, "no kubectl among the platform's programs"
    forward = subprocess.Popen(
        [str(program), "--kubeconfig", str(cluster.kubeconfig), "port-forward", f"pod/{pod}", f"{port}:8080"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:

        def ask() -> str:
            with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                body = b""
                while chunk := connection.recv(4096):
                    body += chunk
            return body.decode().split("\r\n\r\n", 1)[1].strip()

        deadline = time.monotonic() + 20
        while True:
            try:
                return ask()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
    finally:
        forward.terminate()
        forward.wait(10)


def remove_probes(cluster: Managed) -> None:
    cluster.kubectl("delete", "pod,service", "-l", "app=probe", "--wait=true", "--timeout=60s", check=False)
    cluster.kubectl("delete", "service", "probe", "--ignore-not-found")


def works(cluster: Managed, *, count: int, version: str, domain: str = "cluster.local") -> None:
    """All of the above."""
    nodes_ready(cluster, count=count, version=version)
    pods_reach_each_other(cluster, domain=domain)
    exec_logs_and_port_forward_work(cluster)
    remove_probes(cluster)


def acts(cluster: Managed) -> dict[str, int]:
    """The engine's own record: changing acts per machine."""
    machines = cluster.platform.get("machines", "-n", cluster.namespace)["items"]
    return {
        m["metadata"]["name"]: int(m.get("status", {}).get("acts", {}).get("count", 0))
        for m in machines
        if m["spec"]["clusterName"] == cluster.name
    }


def kubeconfig_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777
