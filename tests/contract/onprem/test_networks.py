"""What roost makes of each network plugin's manifest is accepted whole by a real API server, and applied once."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roost.api.masked import Masked
from roost.kube.client import connect
from roost.providers.onprem import cluster_annotations, nodes
from roost.providers.onprem.context import Context
from roost.providers.onprem.network import bridges, install, plugins
from tests.fixtures.apiserver import ApiServer
from tests.unit.onprem import made

FOLDER = Path(__file__).parents[2] / "fixtures" / "networks"
DUAL = {"podCIDR": "10.16.0.0/16,fd00:16::/64", "serviceCIDR": "10.96.0.0/12,fd00:96::/112", "ipFamily": "DualStack"}
CASES: dict[str, dict[str, Any]] = {
    "calico": {"plugin": "Calico", **DUAL},
    "overlay": {"plugin": "KubeOVN", "joinCIDR": "100.65.0.0/16"},
    "underlay": {
        "plugin": "KubeOVN",
        "transmitMode": "Underlay",
        "nic": "eth1",
        "gateway": "10.16.0.1",
        "vlanID": 7,
        "reservedIPs": ["10.16.0.2..10.16.0.9"],
    },
}
pytestmark = [pytest.mark.programs, pytest.mark.anyio]


def context(network: dict[str, Any], path: Path) -> Context:
    """A bundle whose manifests are the stand-ins."""
    wanted = made.spec(network=network)
    manifests: dict[str, str] = {}
    for name in ("calico", "kube-ovn"):
        digest = made.digest(name)
        (path / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (path / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(
            (FOLDER / f"{name}.yaml").read_bytes()
        )
        manifests[name] = digest
    ctx = made.context(made.CP, spec_=wanted)
    return replace(ctx, bundle=replace(ctx.bundle, path=path, manifests=manifests))


def kubeconfig(server: ApiServer) -> str:
    """With the CA in it: roost reads no other files."""
    authority = base64.b64encode(server.ca.read_bytes()).decode()
    return server.kubeconfig.read_text().replace(
        f"certificate-authority: {server.ca}", f"certificate-authority-data: {authority}"
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", ["1.28.15", "1.31.4"])
@pytest.mark.parameter(
    "spec.onPremises.network.plugin",
    "spec.onPremises.network.transmitMode",
    "spec.onPremises.network.joinCIDR",
    "spec.onPremises.network.gateway",
    "spec.onPremises.network.vlanID",
    "spec.onPremises.network.reservedIPs",
    "spec.onPremises.network.nic",
    "Machine:spec.nic",
)
async def test_the_api_server_takes_every_object(
    apiserver: Callable[[str], ApiServer], tmp_path: Path, case: str, version: str
) -> None:
    server = apiserver(version)
    ctx = context(CASES[case], tmp_path)
    client = connect(Masked(kubeconfig(server)))
    try:
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
        await install.install(ctx, client)
        plugin = plugins.of(ctx)
        assert plugin is not None
        path = f"/apis/apps/v1/namespaces/{plugin.namespace}/daemonsets/{plugin.daemon_set}"
        first = server.call("GET", path).body
        assert install.DIGEST_ANNOTATION in first["metadata"]["annotations"]
        await install.install(ctx, client)
        again = server.call("GET", path).body
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    finally:
        await client.close()


def may_read(server: ApiServer, user: str, groups: list[str]) -> bool:
    asked = {"namespace": "kube-system", "verb": "get", "resource": "configmaps", "name": cluster_annotations.NAME}
    review = {"spec": {"user": user, "groups": groups, "resourceAttributes": asked}}
    return bool(
        server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review).body["status"]["allowed"]
    )


@pytest.mark.parameter("spec.annotations")
async def test_the_clusters_annotations_are_there_for_its_components(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    server = apiserver("1.31.4")
    ctx = context({"plugin": "Custom"}, tmp_path)
    given = {"cpaas.io/platform-url": "https://platform.example.com", "team": "blue"}
    ctx = replace(ctx, spec=ctx.spec.model_copy(update={"annotations": given}))
    client = connect(Masked(kubeconfig(server)))
    path = f"/api/v1/namespaces/kube-system/configmaps/{cluster_annotations.NAME}"
    try:
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
        await cluster_annotations.publish(ctx, client)
        first = server.call("GET", path).body
        assert first["data"] == {"cpaas.io__platform-url": "https://platform.example.com", "team": "blue"}
        assert first["metadata"]["annotations"]["cpaas.io/platform-url"] == "https://platform.example.com"
        assert may_read(server, "system:serviceaccount:shop:web", ["system:serviceaccounts"])
        assert not may_read(server, "somebody", [])
        await cluster_annotations.publish(ctx, client)
        assert server.call("GET", path).body["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    finally:
        await client.close()


@pytest.mark.parameter("Machine:spec.nic", "Machine:spec.bridgeNetwork")
async def test_devices_of_machines_are_entered_in_their_bridge_networks(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    server = apiserver("1.31.4")
    spec = made.W1.spec.model_copy(update={"nic": "eth2", "bridge_network": "lab-net"})
    ctx = replace(context(CASES["underlay"], tmp_path), machines=(made.CP, replace(made.W1, spec=spec)))
    now = datetime.datetime.now(datetime.UTC)
    found = [nodes.Node("w1", True, "", "1.31.4", frozenset({"10.200.0.12"}), now)]
    client = connect(Masked(kubeconfig(server)))
    path = "/apis/kubeovn.io/v1/provider-networks"
    try:
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
        await install.install(ctx, client)
        await bridges.keep(ctx, client, found)
        assert "BridgeNetworkMissing" in ctx.report.events  # type: ignore[attr-defined]
        body = {
            "apiVersion": "kubeovn.io/v1",
            "kind": "ProviderNetwork",
            "metadata": {"name": "lab-net"},
            "spec": {"defaultInterface": "eth1", "customInterfaces": [{"interface": "eth2", "nodes": ["other"]}]},
        }
        assert server.call("POST", path, body).status == 201
        await bridges.keep(ctx, client, found)
        first = server.call("GET", f"{path}/lab-net").body
        assert first["spec"]["customInterfaces"] == [{"interface": "eth2", "nodes": ["other", "w1"]}]
        await bridges.keep(ctx, client, found)
        assert server.call("GET", f"{path}/lab-net").body["metadata"] == first["metadata"]
    finally:
        await client.close()
