"""Real API servers as clusters to import, with the controllers that take away what was deleted there."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.build import programs
from roost.api.masked import Masked
from roost.kube.direct import reachable
from roost.kube.guarded import Policy
from roost.providers.imported.given import Given
from tests.fixtures.apiserver import ApiServer

POLICY = Policy(allowed=reachable)
"""The servers of these tests listen on loopback."""
VERSIONS = ("1.31.4", "1.28.15")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Target:
    """A cluster with somebody's things in it."""

    server: ApiServer

    def given(self, user: str = "admin", **changes: Any) -> Given:
        values: dict[str, Any] = {
            "server": self.server.url,
            "ca_pem": self.server.ca.read_text(),
            "token": Masked(self.server.tokens[user]),
        }
        return Given(**{**values, **changes})

    def everything(self) -> dict[str, Any]:
        """Every object of the cluster that somebody could miss, without what changes by itself."""
        found: dict[str, Any] = {}
        paths = ["/api/v1"] + [
            f"/apis/{group['preferredVersion']['groupVersion']}"
            for group in self.server.call("GET", "/apis").body["groups"]
        ]
        for path in paths:
            for resource in self.server.call("GET", path).body["resources"]:
                if "list" not in resource["verbs"] or resource["name"] in ("events", "leases"):
                    continue
                listed = self.server.call("GET", f"{path}/{resource['name']}").body
                for item in listed.get("items") or []:
                    meta = item["metadata"]
                    item["metadata"] = {
                        k: v for k, v in meta.items() if k not in ("managedFields", "resourceVersion")
                    }
                    found[f"{path}/{resource['name']}/{meta.get('namespace', '')}/{meta['name']}"] = json.dumps(
                        item, sort_keys=True
                    )
        return found


@pytest.fixture(scope="session", params=VERSIONS)
def target(
    apiserver: Callable[[str], ApiServer], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    server = apiserver(request.param)
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "theirs", "labels": {"a": "b"}}})
    log = (tmp_path_factory.mktemp("manager") / "log").open("wb")
    manager = subprocess.Popen(
        [
            programs.path("kube-controller-manager", request.param),
            f"--kubeconfig={server.kubeconfig}",
            "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    made = Target(server)
    try:
        # The server is shared: tests before may have left what a platform puts into a cluster.
        server.call("DELETE", "/api/v1/namespaces/roost-system")
        deadline = time.monotonic() + 60
        while server.call("GET", "/api/v1/namespaces/roost-system").status != 404:
            assert time.monotonic() < deadline, "the namespace roost-system does not go"
            time.sleep(0.2)
        settle(made)
        yield made
    finally:
        manager.terminate()
        manager.wait()
        log.close()


def settle(target: Target) -> None:
    """Until every namespace has what Kubernetes puts there, and nothing changes any more."""
    deadline = time.monotonic() + 60
    last: dict[str, Any] = {}
    while time.monotonic() < deadline:
        found = target.everything()
        if found == last and sum(key.endswith("serviceaccounts/theirs/default") for key in found):
            return
        last = found
        time.sleep(1.5)
    raise AssertionError("the cluster does not come to rest")
