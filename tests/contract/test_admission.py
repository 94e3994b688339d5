"""The webhook and the policies against a real API server: field paths, warnings, identities, and no dead ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.build import programs
from roost.admission.configuration import manifests
from roost.api.crds import crd_manifests
from roost.api.registry import KINDS
from roost.kube.resources import BUILT_IN, ResourceType
from tests.fixtures.apiserver import Answer, ApiServer, free_port, make_leaf
from tests.unit.api.conftest import API, Json, edited

pytestmark = pytest.mark.programs

VERSION = "1.31.4"
NAMESPACE = "webhook"
SERVE = """
import sys
from pathlib import Path
from roost.admission.server import serve
kubeconfig, certificate, key, ready, served = map(Path, sys.argv[2:])
serve(kubeconfig=kubeconfig, certificate=certificate, key=key, port=int(sys.argv[1]), ready=ready, served=served)
"""
PLURALS = {
    "CustomResourceDefinition": "apiextensions.k8s.io/v1/customresourcedefinitions",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "ValidatingAdmissionPolicy": "admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "ClusterRole": "rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1/clusterrolebindings",
}


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Platform:
    server: ApiServer
    process: subprocess.Popen[bytes]
    directory: Path

    def url(self, document: Json) -> str:
        resource: ResourceType = BUILT_IN[document["apiVersion"], document["kind"]]
        namespace = document["metadata"].get("namespace", NAMESPACE)
        return resource.path(namespace=namespace, name=document["metadata"]["name"])

    def apply(self, document: Json, *, user: str = "admin", dry: bool = False) -> Answer:
        return self.server.apply(document, self.url(document), user=user, query="&dryRun=All" if dry else "")

    def delete(self, document: Json, *, user: str = "admin") -> Answer:
        return self.server.call("DELETE", self.url(document), user=user)

    def clear(self) -> None:
        for plural in ("machines", "clusters", "plans"):
            collection = f"/apis/{API}/namespaces/{NAMESPACE}/{plural}"
            for item in self.server.call("GET", collection).body["items"]:
                finalizers = {"metadata": {"finalizers": None}}
                path = f"{collection}/{item['metadata']['name']}"
                self.server.call("PATCH", path, finalizers, content_type="application/merge-patch+json")
                self.server.call("DELETE", path)
        self.server.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets")


def wait(what: str, check: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def role(name: str, user: str, rules: list[Json]) -> list[Json]:
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        },
    ]


ALL_KINDS: list[Json] = [{"apiGroups": ["cluster.alauda.io"], "resources": ["*"], "verbs": ["*"]}]
READ_SECRETS: list[Json] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["ssh"]}]
ADMISSION: list[Json] = [
    {"apiGroups": ["cluster.alauda.io"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]


@pytest.fixture(scope="module")
def running(apiserver: Callable[[str], ApiServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    server = apiserver(VERSION)
    directory = tmp_path_factory.mktemp("webhook")
    leaf, port, ready = make_leaf(directory), free_port(), directory / "ready"
    objects = [
        *crd_manifests(),
        *role("admission", "system:roost:admission", ADMISSION),
        *role("controllers", "system:roost:controllers", ALL_KINDS),
        *role("alice", "alice", ALL_KINDS + READ_SECRETS),
        *role("bob", "bob", ALL_KINDS),
    ]
    for item in objects:
        assert server.apply(item, f"/apis/{PLURALS[item['kind']]}/{item['metadata']['name']}").status in {200, 201}
    for namespace in (NAMESPACE, "roost-system"):
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    kinds = [kind.plural for kind in KINDS]
    wait("the CRDs are served", lambda: all(server.call("GET", f"/apis/{API}/{one}").status == 200 for one in kinds))
    platform_cluster = {
        "apiVersion": API,
        "kind": "Cluster",
        "metadata": {"name": "global", "namespace": "roost-system"},
        "spec": {"global": {}},
    }
    release = {
        "apiVersion": API,
        "kind": "KubernetesRelease",
        "metadata": {"name": "v1.31.4"},
        "spec": {"version": "1.31.4"},
    }
    served = directory / "served"
    arguments = [port, server.kubeconfig_of("system:roost:admission"), leaf.certificate, leaf.key, ready, served]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", SERVE, *map(str, arguments)], stderr=log)
        try:
            wait("the webhook listens", lambda: listens(port))
            assert not ready.exists(), "it asks nothing before the API serves roost's kinds"
            served.touch()
            wait("the webhook is ready", ready.exists)
            platform = Platform(server, process, directory)
            for item in manifests(leaf.ca.read_text(), port):
                path = f"/apis/{PLURALS[item['kind']]}/{item['metadata']['name']}"
                answer = server.apply(item, path)
                assert answer.status in {200, 201}, answer.body
            for item in (platform_cluster, release):
                answer = platform.apply(item, user="system:roost:controllers")
                assert answer.status in {200, 201}, answer.body
            pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
            wait(
                "policies hold",
                lambda: server.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", pod).status == 403,
            )
            yield platform
        finally:
            process.terminate()
            assert process.wait(15) == 0, (directory / "log").read_text()
            assert not ready.exists()
            for item in manifests("", port):
                server.call("DELETE", f"/apis/{PLURALS[item['kind']]}/{item['metadata']['name']}")


@pytest.fixture
def platform(running: Platform) -> Iterator[Platform]:
    yield running
    running.clear()


CLUSTER: Json = {
    "apiVersion": API,
    "kind": "Cluster",
    "metadata": {"name": "demo", "namespace": NAMESPACE},
    "spec": {"version": "1.31.4", "onPremises": {"controlPlaneEndpoint": {"host": "192.168.10.11"}}},
}
MACHINE: Json = {
    "apiVersion": API,
    "kind": "Machine",
    "metadata": {"name": "node1", "namespace": NAMESPACE},
    "spec": {
        "clusterName": "demo",
        "role": "ControlPlane",
        "addresses": {"ipv4": "192.168.10.11"},
        "ssh": {"credential": {"name": "ssh"}},
    },
}
SECRET: Json = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "ssh", "namespace": NAMESPACE},
    "type": "kubernetes.io/ssh-auth",
    "stringData": {"ssh-privatekey": "x"},
}


def causes(answer: Answer) -> dict[str, str]:
    return {cause["field"]: cause["message"] for cause in answer.body["details"]["causes"]}


def test_errors_with_field_paths_and_what_would_be_right(platform: Platform) -> None:
    bad = edited(
        CLUSTER,
        spec__version="1.30.4",
        spec__onPremises__network={"podCIDR": "10.16.0.1/16", "ipsPerNode": 100},
        spec__onPremises__kubeletExtraArgs={"--max-pods": "1"},
    )
    answer = platform.apply(bad)
    assert answer.status == 422
    assert answer.body["reason"] == "Invalid"
    found = causes(answer)
    assert "here are 1.31.4" in found["spec.version"]
    assert "the network is 10.16.0.0/16" in found["spec.onPremises.network.podCIDR"]
    assert "write 64 or 128" in found["spec.onPremises.network.ipsPerNode"]
    assert "without dashes" in found["spec.onPremises.kubeletExtraArgs[--max-pods]"]


def test_warnings_reach_the_client(platform: Platform) -> None:
    answer = platform.apply(CLUSTER)
    assert answer.status == 201
    assert any("room for 256 nodes" in warning for warning in answer.warnings)
    assert any("no Machine with role ControlPlane" in warning for warning in answer.warnings)
    assert any("no Secret ssh" in warning for warning in platform.apply(MACHINE).warnings)


def test_kubectl_prints_the_causes(platform: Platform, tmp_path: Path) -> None:
    import json

    file = tmp_path / "bad.json"
    file.write_text(json.dumps(edited(CLUSTER, spec__onPremises__network={"podCIDR": "10.16.0.1/16"})))
    kubectl = [programs.path("kubectl", VERSION), "--kubeconfig", platform.server.kubeconfig]
    run = subprocess.run([*kubectl, "apply", "-f", file], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "spec.onPremises.network.podCIDR" in run.stderr
    assert "the network is 10.16.0.0/16" in run.stderr


def test_what_was_just_admitted_counts_at_once(platform: Platform) -> None:
    """No wait between the two: the watch may not have brought the first one yet."""
    assert platform.apply(MACHINE).status == 201
    twin = edited(MACHINE, metadata__name="node2", spec__role="Worker")
    answer = platform.apply(twin)
    assert answer.status == 422
    assert "Machine node1" in causes(answer)["spec.addresses.ipv4"]


def test_a_dry_run_leaves_no_trace(platform: Platform) -> None:
    assert platform.apply(MACHINE, dry=True).status == 201
    assert platform.apply(edited(MACHINE, metadata__name="node2")).status == 201


def test_either_order_of_creation(platform: Platform) -> None:
    inside = edited(MACHINE, spec__addresses__ipv4="10.16.0.7", spec__role="Worker")
    assert platform.apply(inside).status == 201
    answer = platform.apply(CLUSTER)
    assert "contains the address of Machine node1" in causes(answer)["spec.onPremises.network.podCIDR"]
    platform.clear()
    assert platform.apply(CLUSTER).status == 201
    assert "lies in the cluster's podCIDR" in causes(platform.apply(inside))["spec.addresses.ipv4"]


def test_secret_of_the_wrong_type(platform: Platform) -> None:
    platform.apply(edited(SECRET, type="Opaque"))
    assert "has type Opaque" in causes(platform.apply(MACHINE))["spec.ssh.credential.name"]


def test_only_who_may_get_a_secret_may_name_it(platform: Platform) -> None:
    platform.apply(SECRET)
    answer = platform.apply(MACHINE, user="bob")
    assert answer.status == 422
    assert "ask for the permission «get» on secrets ssh" in causes(answer)["spec.ssh.credential.name"]
    assert platform.apply(MACHINE, user="alice").status == 201
    redirected = edited(MACHINE, spec__ssh__address="203.0.113.66")
    assert "spec.ssh.credential.name" in causes(platform.apply(redirected, user="bob"))
    moved = edited(MACHINE, spec__addresses__ipv4="203.0.113.66")
    assert "spec.ssh.credential.name" in causes(platform.apply(moved, user="bob"))
    renamed = edited(MACHINE, spec__displayName="First")
    assert platform.apply(renamed, user="bob").status == 200


def test_whether_a_secret_exists_is_not_told(platform: Platform) -> None:
    absent = platform.apply(MACHINE, user="bob").body["message"]
    platform.apply(SECRET)
    assert platform.apply(MACHINE, user="bob").body["message"] == absent


@pytest.mark.parameter("spec.onPremises.runtime.type")
def test_docker_opens_with_its_gate(platform: Platform) -> None:
    docker = edited(CLUSTER, metadata__name="docker", spec__onPremises__runtime={"type": "Docker"})
    refused = causes(platform.apply(docker))["spec.onPremises.runtime.type"]
    assert "kubectl patch featuregate cri-docker" in refused
    gate = {
        "apiVersion": CLUSTER["apiVersion"],
        "kind": "FeatureGate",
        "metadata": {"name": "cri-docker"},
        "spec": {"enabled": True},
    }
    url = "/apis/cluster.alauda.io/v1alpha1/featuregates/cri-docker"
    # Made here, or by a test before on the same server.
    assert platform.server.apply(gate, url).status in {200, 201}
    deadline = time.monotonic() + 10
    while platform.apply(docker).status != 201:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    unknown = edited(gate, metadata__name="cri-dockr")
    answer = platform.server.apply(unknown, url.replace("docker", "dockr"))
    assert "write cri-docker" in causes(answer)["metadata.name"]


def test_nothing_else_collects_a_secret_of_others(platform: Platform) -> None:
    """Whoever may not get a Secret may have it sent neither to a server nor to a machine of their own."""
    platform.apply(SECRET)
    namespace = CLUSTER["metadata"]["namespace"]

    def made(kind: str, spec: Json) -> Json:
        metadata = {"name": "collector", "namespace": namespace}
        return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}

    server = {"server": "https://203.0.113.66:6443", "credential": {"name": "ssh"}}
    ssh = {"address": "203.0.113.66", "credential": {"name": "ssh"}}
    for document, path in (
        (made("Cluster", {"imported": server}), "spec.imported.credential.name"),
        (made("MachineCheck", {"ssh": ssh}), "spec.ssh.credential.name"),
    ):
        assert "ask for the permission «get» on secrets ssh" in causes(platform.apply(document, user="bob"))[path]
    assert platform.apply(made("MachineCheck", {"ssh": ssh}), user="alice").status == 201


@pytest.mark.parameter(
    "spec.onPremises.monitoring.type",
    "spec.onPremises.monitoring.deployment",
    "spec.onPremises.monitoring.linkedCluster",
    "spec.onPremises.monitoring.machines",
)
def test_monitoring_links_to_a_cluster_that_the_author_may_use(platform: Platform) -> None:
    """Stored as it is given, for the monitoring plugin; whoever may not get the other Cluster is refused."""
    full = {"type": "VictoriaMetrics", "deployment": "Full", "machines": ["node1"]}
    answer = platform.apply(edited(CLUSTER, metadata__name="full", spec__onPremises__monitoring=full))
    assert answer.status == 201 and answer.body["spec"]["onPremises"]["monitoring"] == full
    link = {"type": "VictoriaMetrics", "deployment": "AgentOnly", "linkedCluster": {"name": "full"}}
    linked = edited(CLUSTER, metadata__name="agent", spec__onPremises__monitoring=link)
    linked["spec"]["onPremises"]["controlPlaneEndpoint"]["host"] = "192.168.10.12"
    writes: list[Json] = [
        {"apiGroups": ["cluster.alauda.io"], "resources": ["clusters"], "verbs": ["create", "patch"]}
    ]
    for item in role("carol", "carol", writes):
        path = f"/apis/{PLURALS[item['kind']]}/{item['metadata']['name']}"
        assert platform.server.apply(item, path).status in {200, 201}
    wait("carol may write", lambda: platform.apply(linked, user="carol").status != 403)
    refused = causes(platform.apply(linked, user="carol"))["spec.onPremises.monitoring.linkedCluster"]
    assert "you may not get the Cluster full" in refused
    assert platform.apply(linked, user="alice").status == 201


@pytest.mark.parameter("spec.annotations")
def test_a_foreign_platform_url_is_warned_of(platform: Platform) -> None:
    """Against what the gateway wrote on the Cluster `global`."""
    where = f"/apis/{API}/namespaces/roost-system/clusters/global/status"
    status = {"status": {"addresses": ["192.0.2.1:7447"]}}
    written = platform.server.call("PATCH", where, status, content_type="application/merge-patch+json")
    assert written.status == 200, written.body
    wish = edited(CLUSTER, spec__annotations={"cpaas.io/platform-url": "https://192.0.2.9:7447"})

    def warned() -> bool:
        return any("roost address add 192.0.2.9:7447" in text for text in platform.apply(wish, dry=True).warnings)

    wait("the webhook has heard of the address", warned)
    right = edited(CLUSTER, spec__annotations={"cpaas.io/platform-url": "https://192.0.2.1:7447"})
    assert not any("platform-url" in text for text in platform.apply(right, dry=True).warnings)


def test_frozen_once_initialised(platform: Platform) -> None:
    platform.apply(CLUSTER)
    other = edited(CLUSTER, spec__onPremises__nodeName="IP")
    assert platform.apply(other).status == 200
    status = edited(
        CLUSTER,
        status={
            "conditions": [
                {
                    "type": "ControlPlaneInitialized",
                    "status": "True",
                    "reason": "Succeeded",
                    "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ]
        },
        spec=None,
    )
    url = platform.url(CLUSTER)
    controllers = "system:roost:controllers"
    assert platform.server.apply(status, f"{url}/status", user=controllers).status == 200
    answer = platform.apply(CLUSTER)
    message = causes(answer)["spec.onPremises.nodeName"]
    assert "can't be changed any more (ControlPlaneInitialized)" in message
    assert "create it again with the other choice" in message
    assert platform.apply(edited(other, spec__paused=True)).status == 200
    assert platform.server.apply(CLUSTER, url, user=controllers).status == 200


def test_the_platform_is_read_only(platform: Platform) -> None:
    path = f"/apis/{API}/namespaces/roost-system/clusters"
    answer = platform.server.call("DELETE", f"{path}/global")
    assert answer.status == 403
    assert "stands for the platform itself" in answer.body["message"]
    assert platform.server.call("DELETE", path).status == 403
    assert platform.server.call("GET", f"{path}/global").status == 200
    named = {"metadata": {"name": "global", "namespace": "roost-system"}}
    renamed = edited({"apiVersion": API, "kind": "Cluster", **named}, spec={"global": {}, "displayName": "mine"})
    answer = platform.apply(renamed)
    assert causes(answer).keys() == {"spec.global"}
    assert platform.apply(renamed, user="system:roost:controllers").status == 200


def test_only_roost_writes_plans_and_releases(platform: Platform) -> None:
    plan = {
        "apiVersion": API,
        "kind": "Plan",
        "metadata": {"name": "p", "namespace": NAMESPACE},
        "spec": {"clusterName": "demo", "hash": "abc"},
    }
    answer = platform.apply(plan)
    assert answer.status == 403
    assert "write its hash into spec.approvedPlan" in answer.body["message"]
    assert platform.apply(plan, user="system:roost:controllers").status == 201
    assert platform.delete(plan).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/namespaces/default/pods", {"spec": {"containers": [{"name": "c", "image": "i"}]}}),
        (
            "/apis/apps/v1/namespaces/default/deployments",
            {
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {
                        "metadata": {"labels": {"a": "b"}},
                        "spec": {"containers": [{"name": "c", "image": "i"}]},
                    },
                }
            },
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}},
        ),
    ],
)
def test_workload_kinds_are_refused(platform: Platform, path: str, body: Json) -> None:
    answer = platform.server.call("POST", path, {"metadata": {"name": "x"}, **body})
    assert answer.status == 403
    assert "global has no nodes in this form" in answer.body["message"]


def test_a_dead_webhook_keeps_nothing_from_being_deleted(platform: Platform) -> None:
    """Runs with the process stopped: it does not answer, as in the worst case."""
    held = edited(CLUSTER, metadata__finalizers=["cluster.alauda.io/cleanup"])
    platform.apply(held)
    os.kill(platform.process.pid, signal.SIGSTOP)
    try:
        assert platform.server.call("DELETE", platform.url(CLUSTER)).status == 200
        merge: dict[str, Any] = {"metadata": {"finalizers": None}}
        answer = platform.server.call(
            "PATCH", platform.url(CLUSTER), merge, content_type="application/merge-patch+json"
        )
        assert answer.status == 200
        assert platform.server.call("GET", platform.url(CLUSTER)).status == 404
        refused = platform.apply(CLUSTER)
        assert refused.status == 500
        assert "validate.cluster.alauda.io" in refused.body["message"]
    finally:
        os.kill(platform.process.pid, signal.SIGCONT)
    wait("it answers again", lambda: platform.apply(CLUSTER).status == 201)


def test_memory_is_small(platform: Platform) -> None:
    for number in range(60):
        address = {"spec__addresses__ipv4": f"192.168.11.{number + 1}", "spec__role": "Worker"}
        platform.apply(edited(MACHINE, metadata__name=f"m{number}", **address))
    status = Path(f"/proc/{platform.process.pid}/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0]) // 1024
    print(f"webhook: {resident} MiB resident")
    assert resident < 120
