"""Imported and registered clusters, and the smaller kinds: which field, and what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from roost.api.validation.findings import Verdict
from roost.api.validation.judge import RULES, validate
from roost.api.validation.smallkinds import check_owner
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import Json, edited

API = "cluster.alauda.io/v1alpha1"


def made(kind: str, spec: Json | None, name: str = "x", **more: object) -> Json:
    body: Json = {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": "default"}, **more}
    return body if spec is None else {**body, "spec": spec}


def judge(document: Json, *others: Json, **world: Any) -> Verdict:
    return validate(str(document["kind"]), document, None, MemoryWorld.of(others, **world))


def found(verdict: Verdict) -> dict[str, str]:
    return {error.path: error.message for error in verdict.errors}


IMPORTED = {"server": "https://10.0.0.1:6443", "credential": {"name": "login"}}


def imported(**changes: object) -> Json:
    return made("Cluster", {"imported": {**IMPORTED, **changes}})


def login(*keys: str, kind: str = "Opaque") -> Json:
    metadata = {"name": "login", "namespace": "default"}
    return {"kind": "Secret", "metadata": metadata, "type": kind, "data": dict.fromkeys(keys, "eA==")}


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("http://10.0.0.1:6443", "write https://10.0.0.1:6443"),
        ("10.0.0.1:6443", "is not the URL of an API"),
        ("https://", "is not the URL of an API"),
        ("https://10.0.0.1:99999", "is not the URL of an API"),
        ("https://10.0.0.1:6443/?x=y", "write one such as https://10.0.0.1:6443/"),
        ("https://127.0.0.1:6443", "loopback"),
        ("https://[::1]:6443", "loopback"),
        ("https://[::ffff:127.0.0.1]:6443", "reserved"),
        ("https://localhost:6443", "names the machine itself"),
        ("https://169.254.169.254", "link-local"),
        ("https://0.0.0.0:6443", "unspecified"),
    ],
)
@pytest.mark.parameter("spec.imported.server")
def test_server_of_an_imported_cluster(server: str, words: str) -> None:
    assert words in found(judge(imported(server=server)))["spec.imported.server"]


@pytest.mark.parameter("spec.imported.server")
def test_a_password_in_the_url_is_not_repeated(cluster: Json) -> None:
    errors = judge(imported(server="https://admin:hunter2@10.0.0.1:6443")).errors
    assert errors[0].reason == "FieldValueForbidden"
    assert "hunter2" not in str(errors[0]) + errors[0].text("zh")


@pytest.mark.parametrize("server", ["https://10.0.0.1:6443", "https://api.example.com/k8s/c-1", "https://[fd00::1]"])
def test_servers_that_pass(server: str) -> None:
    assert judge(imported(server=server), login("token")).errors == []


@pytest.mark.parameter("spec.imported.credential.name", "spec.imported.ca", "spec.imported.tlsServerName")
def test_what_an_imported_cluster_names() -> None:
    assert (
        "Opaque"
        in found(judge(imported(), login("token", kind="kubernetes.io/tls")))["spec.imported.credential.name"]
    )
    assert (
        "neither the key token nor kubeconfig"
        in found(judge(imported(), login("x")))["spec.imported.credential.name"]
    )
    assert "write the URL" in found(judge(imported(server=None), login("token")))["spec.imported.server"]
    assert judge(imported(server=None), login("kubeconfig")).errors == []
    absent = judge(imported(), secrets_complete=True).errors
    assert [(error.path, error.reason) for error in absent] == [
        ("spec.imported.credential.name", "FieldValueNotFound")
    ]
    assert "PEM" in found(judge(imported(ca="x")))["spec.imported.ca"]
    assert list(found(judge(imported(tlsServerName="a_b")))) == ["spec.imported.tlsServerName"]


@pytest.mark.parameter("spec.version")
def test_a_version_cannot_be_asked_of_what_exists() -> None:
    wish = edited(imported(), spec__version="1.31.4")
    assert "status.version" in found(judge(wish))["spec.version"]


@pytest.mark.parameter("spec.registered.approval", "spec.registered.accepted")
def test_registered_clusters() -> None:
    assert judge(made("Cluster", {"registered": {}})).errors == []
    assert judge(made("Cluster", {"registered": {"approval": "Manual", "accepted": True}})).errors == []
    early = made("Cluster", {"registered": {"accepted": True}})
    assert "only for approval Manual" in found(judge(early))["spec.registered.accepted"]


def test_no_machine_joins_an_attached_cluster(machine: Any) -> None:
    attached = edited(imported(), metadata__name="demo")
    assert "not made of Machines" in found(judge(machine("n", "192.168.10.12"), attached))["spec.clusterName"]


def test_the_way_stays(cluster: Json) -> None:
    old = imported()
    new = made("Cluster", {"registered": {}})
    errors = validate("Cluster", new, old, MemoryWorld()).errors
    assert [error.path for error in errors] == ["spec"] and "create another Cluster" in errors[0].message


SSH = {"address": "192.168.10.11", "credential": {"name": "ssh"}}


def test_a_check_needs_an_address_and_follows_the_rules_of_access(secret: Json) -> None:
    assert judge(made("MachineCheck", {"ssh": SSH}), secret).errors == []
    nowhere = made("MachineCheck", {"ssh": {"credential": {"name": "ssh"}}})
    assert "is required" in found(judge(nowhere))["spec.ssh.address"]
    wrong = made(
        "MachineCheck", {"ssh": {**SSH, "hostKeys": ["ssh-rsa not-base64"]}, "addresses": {"ipv4": "127.0.0.1"}}
    )
    assert set(found(judge(wrong))) == {"spec.ssh.hostKeys[0]", "spec.addresses.ipv4"}


@pytest.mark.parametrize(
    ("machine", "path"),
    [
        ({"displayName": "password=x"}, "displayName"),
        ({"ssh": {"user": "root\nBEGIN"}}, "ssh.user"),
        ({"ssh": {"address": "-----BEGIN OPENSSH PRIVATE KEY-----"}}, "ssh.address"),
        ({"labels": {"a": "token:x"}}, "labels.a"),
        ({"ssh": {"hostKeys": ["-----BEGIN PRIVATE KEY-----"]}}, "ssh.hostKeys[0]"),
    ],
)
def test_a_draft_holds_no_secret(machine: Json, path: str) -> None:
    errors = judge(made("MachineDraft", {"owner": "alice", "machines": [machine]})).errors
    assert [error.path for error in errors] == [f"spec.machines[0].{path}"]
    assert "BEGIN" not in str(errors[0])


def test_a_draft_may_be_as_unfinished_as_its_form() -> None:
    half = {"name": "", "addresses": {}, "ssh": {"port": 0, "user": "", "credential": {"name": "ssh"}}}
    assert judge(made("MachineDraft", {"owner": "alice", "machines": [half, {}]})).errors == []


@pytest.mark.parametrize("field", ["password", "privateKey"])
def test_a_draft_has_no_field_for_a_secret(field: str) -> None:
    errors = judge(made("MachineDraft", {"owner": "a", "machines": [{"ssh": {field: "x"}}]})).errors
    assert "is not a known field" in errors[0].message


def test_a_draft_belongs_to_its_author() -> None:
    assert check_owner("alice", "alice") == []
    assert "a draft belongs to whoever writes it: alice" in check_owner("bob", "alice")[0].message


def test_gates_have_known_names() -> None:
    assert judge(made("FeatureGate", None, name="cri-docker")).errors == []
    assert (
        "write cri-docker" in found(judge(made("FeatureGate", {"enabled": True}, name="cri-dockr")))["metadata.name"]
    )


def available(name: str) -> Json:
    conditions = [{"type": "Available", "status": "True"}]
    return made("Cluster", {"registered": {}}, name=name, status={"conditions": conditions})


def test_a_project_takes_clusters_once_they_are_available() -> None:
    def project(*names: str) -> Json:
        return made("Project", {"clusters": [{"namespace": "default", "name": name} for name in names]})

    early = made("Cluster", {"registered": {}}, name="early")
    assert judge(project("ready"), available("ready")).errors == []
    assert "not Available yet" in found(judge(project("early"), early))["spec.clusters[0]"]
    assert "create it first" in found(judge(project("gone")))["spec.clusters[0]"]
    assert "stands there twice" in found(judge(project("ready", "ready"), available("ready")))["spec.clusters[1]"]


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ({"role": "Admin"}, "either user or group"),
        ({"user": "a", "group": "b", "role": "Admin"}, "either user or group"),
        ({"group": "system:masters", "role": "Admin"}, "Kubernetes' own"),
    ],
)
def test_members(member: Json, words: str) -> None:
    assert words in found(judge(made("Project", {"members": [member]})))["spec.members[0]"]


def test_a_member_is_there_once() -> None:
    twice = [{"user": "a", "role": "Admin"}, {"user": "a", "role": "Viewer"}]
    assert list(found(judge(made("Project", {"members": twice})))) == ["spec.members[1]"]
    assert judge(made("Project", None)).errors == []


def test_credentials_wait_for_their_secret() -> None:
    public = made("CloudCredential", {"type": "PublicRegistry", "secret": {"name": "login"}})
    verdict = judge(public, secrets_complete=True)
    assert verdict.errors == []
    assert [notice.path for notice in verdict.notices] == ["spec.secret.name"]
    aws = edited(public, spec__type="AWS")
    assert "has no key region" in str(judge(aws, login("accessKeyID", "secretAccessKey")).errors[0])
    assert "can't be changed" in str(validate("CloudCredential", aws, public, MemoryWorld()).errors[0])


def test_every_kind_has_rules() -> None:
    from roost.api.registry import KINDS

    assert {kind.name for kind in KINDS} == set(RULES)
