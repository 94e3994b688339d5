"""The CRDs on real API servers: accepted as structural, explained, and their CEL heard."""

from __future__ import annotations

import copy
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.build import programs
from roost.api.crds import crd_manifests
from tests.fixtures.apiserver import Answer, ApiServer
from tests.unit.api.test_changes import CASES, with_value
from tools import parameters

pytestmark = pytest.mark.programs

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
API = "/apis/cluster.alauda.io/v1alpha1/namespaces/default"
VERSIONS = ["1.28.15", "1.31.4"]

CLUSTER: dict[str, Any] = {
    "apiVersion": "cluster.alauda.io/v1alpha1",
    "kind": "Cluster",
    "metadata": {"name": "demo"},
    "spec": {"version": "1.31.4", "onPremises": {"controlPlaneEndpoint": {"host": "192.168.10.11"}}},
}
MACHINE: dict[str, Any] = {
    "apiVersion": "cluster.alauda.io/v1alpha1",
    "kind": "Machine",
    "metadata": {"name": "node1"},
    "spec": {
        "clusterName": "demo",
        "role": "ControlPlane",
        "addresses": {"ipv4": "192.168.10.11"},
        "ssh": {"credential": {"name": "ssh"}},
    },
}


@pytest.fixture(params=VERSIONS, scope="module")
def server(request: pytest.FixtureRequest, apiserver: Callable[[str], ApiServer]) -> ApiServer:
    server = apiserver(request.param)
    for manifest in crd_manifests():
        answer = server.apply(manifest, f"{CRDS}/{manifest['metadata']['name']}")
        assert answer.status in {200, 201}, answer.body
    for manifest in crd_manifests():
        conditions = _established(server, manifest["metadata"]["name"])
        assert conditions.get("NonStructuralSchema", "False") == "False"
    _served(server)
    return server


def _established(server: ApiServer, name: str) -> dict[str, str]:
    deadline = time.monotonic() + 20
    while True:
        conditions = {
            c["type"]: c["status"]
            for c in server.call("GET", f"{CRDS}/{name}").body.get("status", {}).get("conditions", [])
        }
        if conditions.get("Established") == "True":
            return conditions
        assert time.monotonic() < deadline, conditions
        time.sleep(0.1)


def _served(server: ApiServer) -> None:
    """Established comes a moment before the handler serves."""
    deadline = time.monotonic() + 20
    while server.call("GET", f"{API}/machines").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def changed(document: dict[str, Any], *path: str, value: object) -> dict[str, Any]:
    """A copy with one field set, or dropped when the value is None."""
    copied = copy.deepcopy(document)
    node = copied
    for step in path[:-1]:
        node = node.setdefault(step, {})
    if value is None:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value
    return copied


def create(server: ApiServer, plural: str, document: dict[str, Any], query: str = "") -> Answer:
    return server.call("POST", f"{API}/{plural}?fieldValidation=Strict{query}", document)


@pytest.fixture
def clean(server: ApiServer) -> ApiServer:
    for plural in ("clusters", "machines"):
        server.call("DELETE", f"{API}/{plural}")
    return server


def test_crds_are_accepted_a_second_time_without_a_change(server: ApiServer) -> None:
    for manifest in crd_manifests():
        path = f"{CRDS}/{manifest['metadata']['name']}"
        before = server.call("GET", path).body["metadata"]["generation"]
        assert server.apply(manifest, path).status == 200
        assert server.call("GET", path).body["metadata"]["generation"] == before


def test_no_field_that_the_server_drops(server: ApiServer) -> None:
    """What the server stores says what the manifest says (it drops what it does not know)."""
    for manifest in crd_manifests():
        stored = server.call("GET", f"{CRDS}/{manifest['metadata']['name']}").body
        ours = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        assert stored["spec"]["versions"][0]["schema"]["openAPIV3Schema"] == ours


def test_defaults_are_filled_in(clean: ApiServer) -> None:
    answer = create(clean, "clusters", CLUSTER)
    assert answer.status == 201, answer.body
    network = answer.body["spec"]["onPremises"]["network"]
    assert network["podCIDR"] == "10.16.0.0/16"
    assert network["plugin"] == "Flannel"
    assert answer.body["spec"]["onPremises"]["controlPlaneEndpoint"]["port"] == 6443
    machine = create(clean, "machines", MACHINE)
    assert machine.body["spec"]["ssh"]["user"] == "root"


@pytest.mark.parametrize(
    ("document", "plural", "field", "words"),
    [
        (changed(CLUSTER, "spec", "onPremises", value=None), "clusters", "spec", "exactly one of"),
        (changed(CLUSTER, "spec", "global", value={}), "clusters", "spec", "exactly one of"),
        (changed(CLUSTER, "spec", "registered", value={}), "clusters", "spec", "exactly one of"),
        (changed(CLUSTER, "spec", "version", value=None), "clusters", "spec", "version is required"),
        (
            changed(CLUSTER, "spec", "version", value="v1.31.4"),
            "clusters",
            "spec.version",
            "without v, such as 1.31.4",
        ),
        (changed(CLUSTER, "spec", "approval", value="Maybe"), "clusters", "spec.approval", "Unsupported value"),
        (changed(CLUSTER, "metadata", "name", value="a.b"), "clusters", "", "DNS label"),
        (changed(MACHINE, "metadata", "name", value="n" * 64), "machines", "", "at most 63"),
        (changed(MACHINE, "spec", "role", value=None), "machines", "spec.role", "Required value"),
        (changed(MACHINE, "spec", "ssh", "port", value=0), "machines", "spec.ssh.port", "greater than or equal to 1"),
    ],
)
def test_bad_objects_are_refused_with_the_field(
    clean: ApiServer, document: dict[str, Any], plural: str, field: str, words: str
) -> None:
    answer = create(clean, plural, document)
    assert answer.status == 422, answer.body
    causes = answer.body["details"]["causes"]
    assert any(words in cause["message"] for cause in causes), causes
    assert any(cause["field"].startswith(field) for cause in causes), causes


def test_unknown_fields_are_refused_in_strict_mode(clean: ApiServer) -> None:
    answer = create(clean, "clusters", changed(CLUSTER, "spec", "dispalyName", value="x"))
    assert answer.status == 400
    assert "dispalyName" in answer.body["message"]


def test_cluster_name_of_a_machine_is_frozen_by_cel(clean: ApiServer) -> None:
    assert create(clean, "machines", MACHINE).status == 201
    answer = clean.apply(changed(MACHINE, "spec", "clusterName", value="other"), f"{API}/machines/node1")
    assert answer.status == 422
    cause = answer.body["details"]["causes"][0]
    assert cause["field"] == "spec.clusterName"
    assert "can't move to another Cluster" in cause["message"]


def test_the_way_of_a_cluster_is_frozen_by_cel(clean: ApiServer) -> None:
    assert create(clean, "clusters", CLUSTER).status == 201
    both = changed(changed(CLUSTER, "spec", "onPremises", value=None), "spec", "global", value={})
    answer = clean.call(
        "PATCH",
        f"{API}/clusters/demo",
        {"spec": {"onPremises": None, "global": {}}},
        content_type="application/merge-patch+json",
    )
    assert both["spec"]["global"] == {}
    assert answer.status == 422
    assert "can't be changed; create another" in answer.body["message"]


IMMUTABLE: list[tuple[tuple[str, ...], Any]] = [
    (("network", "plugin"), "Calico"),
    (("network", "ipFamily"), "IPv6"),
    (("network", "podCIDR"), "10.20.0.0/16"),
    (("network", "serviceCIDR"), "10.96.0.0/16"),
    (("network", "ipsPerNode"), 128),
    (("network", "dnsDomain"), "other.local"),
    (("network", "transmitMode"), "Overlay"),
    (("network", "joinCIDR"), "100.65.0.0/16"),
    (("network", "gateway"), "10.16.0.1"),
    (("network", "vlanID"), 7),
    (("network", "reservedIPs"), ["10.16.0.9"]),
    (("network", "nic"), "eth1"),
    (("dockerExtraArgs",), {"debug": "true"}),
    (("kubeletExtraArgs",), {"v": "4"}),
    (("controllerManagerExtraArgs",), {"v": "4"}),
    (("schedulerExtraArgs",), {"v": "4"}),
    (("apiServerExtraArgs",), {"v": "4"}),
    (("publicAlternativeNames",), ["api.example.com"]),
]


def test_network_extension_parameters_and_annotations_are_frozen_by_cel(clean: ApiServer) -> None:
    """Also where the field was not given before: a rule on a field alone would not be asked then."""
    assert create(clean, "clusters", CLUSTER).status == 201
    cases = [(("spec", "onPremises", *path), value) for path, value in IMMUTABLE]
    for path, value in [*cases, (("spec", "annotations"), {"example.com/a": "b"})]:
        answer = clean.apply(changed(CLUSTER, *path, value=value), f"{API}/clusters/demo")
        assert answer.status == 422, (path, answer.body)
        causes = answer.body["details"]["causes"]
        assert any(".".join(path).startswith(cause["field"]) for cause in causes), causes
        assert "delete the cluster and create it again" in answer.body["message"]


def test_server_side_apply_and_dry_run(clean: ApiServer) -> None:
    path = f"{API}/clusters/demo"
    assert clean.apply(CLUSTER, path, query="&dryRun=All").status == 201
    assert clean.call("GET", path).status == 404
    assert clean.apply(CLUSTER, path).status == 201
    assert (
        clean.apply(changed(CLUSTER, "spec", "displayName", value="Demo"), path).body["metadata"]["generation"] == 2
    )


def test_conditions_are_a_map_that_two_writers_share(clean: ApiServer) -> None:
    clean.apply(CLUSTER, f"{API}/clusters/demo")

    def write(manager: str, condition: str) -> Answer:
        status = {
            "conditions": [
                {
                    "type": condition,
                    "status": "True",
                    "reason": "Succeeded",
                    "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ]
        }
        body = {
            "apiVersion": CLUSTER["apiVersion"],
            "kind": "Cluster",
            "metadata": {"name": "demo"},
            "status": status,
        }
        return clean.call(
            "PATCH",
            f"{API}/clusters/demo/status?fieldManager={manager}&force=true",
            body,
            content_type="application/apply-patch+yaml",
        )

    assert write("one", "Validated").status == 200
    answer = write("two", "Available")
    assert {c["type"] for c in answer.body["status"]["conditions"]} == {"Validated", "Available"}


def test_explain_and_categories(clean: ApiServer) -> None:
    kubectl = [programs.path("kubectl", clean.version), "--kubeconfig", clean.kubeconfig]

    def run(*words: str) -> str:
        return subprocess.run([*kubectl, *words], capture_output=True, text=True, check=True).stdout

    create(clean, "clusters", CLUSTER)
    text = run("explain", "cluster.spec.onPremises.network")
    assert "podCIDR" in text
    assert "Addresses of Pods (cluster CIDR" in text
    assert "power of two" in text
    assert "cluster.cluster.alauda.io/demo" in run("get", "roost", "-o", "name")
    assert "VERSION" in run("get", "cl")


NEVER = [path for path, row in dict(parameters.rows()).items() if row.frozen is not None and row.frozen.after is None]


@pytest.mark.parametrize("path", NEVER)
def test_what_never_changes_is_refused_by_the_api_server_itself(clean: ApiServer, path: str) -> None:
    """CEL, without the webhook: the reason is the model's own."""
    stored, value = CASES[path]
    plural = f"{stored['kind'].lower()}s"
    stored = {**stored, "metadata": {"name": stored["metadata"]["name"]}}
    answer = create(clean, plural, stored)
    assert answer.status == 201, answer.body
    spec = with_value(stored, path, value)["spec"]
    where = f"{API}/{plural}/{stored['metadata']['name']}"
    refused = clean.call("PATCH", where, {"spec": spec}, content_type="application/merge-patch+json")
    assert refused.status == 422, refused.body
    frozen = dict(parameters.rows())[path].frozen
    assert frozen.because in refused.body["message"]
    assert path.removeprefix("Machine:").startswith(refused.body["details"]["causes"][0]["field"])
