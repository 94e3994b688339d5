"""One gateway for all tests of this folder, before a platform and a managed cluster of real API servers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.gateway.running import Running, fill
from tests.fixtures.apiserver import ApiServer

PLATFORM, TARGET = "1.31.4", "1.28.15"


@pytest.fixture(scope="session")
def platform(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    server = apiserver(PLATFORM)
    fill(server)
    return server


@pytest.fixture(scope="session")
def target(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    return apiserver(TARGET)


def cluster(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"version": "1.28.15", "onPremises": {"controlPlaneEndpoint": {"host": "10.0.0.10"}}},
    }


def attach(platform: ApiServer, name: str, target: ApiServer) -> None:
    """A Cluster whose kubeconfig leads to the target."""
    base = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters"
    answer = platform.apply(cluster(name), f"{base}/{name}")
    assert answer.status in {200, 201}, answer
    text = target.kubeconfig.read_text()
    import yaml

    document = yaml.safe_load(text)
    entry = document["clusters"][0]["cluster"]
    ca = Path(entry.pop("certificate-authority")).read_bytes()
    entry["certificate-authority-data"] = base64.b64encode(ca).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}-kubeconfig", "namespace": "default"},
        "data": {"value": base64.b64encode(yaml.safe_dump(document).encode()).decode()},
    }
    answer = platform.apply(secret, f"/api/v1/namespaces/default/secrets/{name}-kubeconfig")
    assert answer.status in {200, 201}, answer


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, platform: ApiServer, target: ApiServer) -> Iterator[Running]:
    attach(platform, "demo", target)
    running = Running(tmp_path_factory.mktemp("gateway"), platform)
    running.start()
    token = running.sign_in()["accessToken"]
    assert running.call("GET", "/clusters/default/demo/version", token=token).status == 200
    # What a controller manager would make of the aggregated role.
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    filled = target.call(
        "PATCH",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/roost:viewer",
        {"rules": rules},
        content_type="application/merge-patch+json",
    )
    assert filled.status == 200, filled
    yield running
    running.stop()


@pytest.fixture(scope="session")
def admin(gateway: Running) -> str:
    """An administrator's access token."""
    return gateway.sign_in()["accessToken"]
