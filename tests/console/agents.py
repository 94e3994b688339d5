"""An agent as its pod would run it, beside a real API server: the process, with what the manifest mounts for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import yaml

from tests.fixtures.apiserver import ApiServer, stop


def apply(server: ApiServer, manifest: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What `kubectl apply` of the manifest does in the cluster, but for its pods: no node is there."""
    documents = [each for each in yaml.safe_load_all(manifest) if each]
    for each in documents:
        if each["kind"] == "Deployment":
            continue
        answer = server.apply(each, _path(each))
        assert answer.status in {200, 201}, (each["kind"], answer)
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def _path(document: dict[str, Any]) -> str:
    group = document["apiVersion"]
    meta = document["metadata"]
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    kind = document["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    inside = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
    return f"{root}{inside}/{plural}/{meta['name']}"


@contextlib.contextmanager
def agent(server: ApiServer, directory: Path, manifest: str, health: int) -> Generator[subprocess.Popen[bytes]]:
    """Runs until the context ends; `health` is the port of its probe."""
    found = apply(server, manifest)
    for name in ("config", "token", "account"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "config/config.json").write_text(found["ConfigMap", "roost-agent-config"]["data"]["config.json"])
    (directory / "token/token").write_text(found["Secret", "roost-agent-token"]["stringData"]["token"])
    (directory / "account/token").write_text(server.tokens["admin"])
    (directory / "account/namespace").write_text("roost-agent")
    (directory / "account/ca.crt").write_text(server.ca.read_text())
    environment = {
        **os.environ,
        "ROOST_AGENT_CONFIG": str(directory),
        "ROOST_AGENT_ACCOUNT": str(directory / "account"),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": server.url.rsplit(":", 1)[1],
        "ROOST_AGENT_HEALTH_PORT": str(health),
        "HOSTNAME": "roost-agent-1",
    }
    with (directory / "agent.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "roost.tunnel.agent"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            stop(process)
