"""The webhook without a server: requests, answers, secrets, and what was just admitted."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from roost.admission.configuration import manifests, webhook_configuration
from roost.admission.review import LONGEST_WARNING, NotAReview, review, shortened
from roost.admission.secrets import Author
from roost.admission.view import View
from roost.api.names import ADMISSION_USER, CONTROLLERS_USER
from roost.api.registry import KINDS
from roost.api.validation.world import KnownSecret

Json = dict[str, Any]
API = "cluster.alauda.io/v1alpha1"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FakeAccess:
    """Lets everybody get the Secrets that it has, but for those of `closed`."""

    def __init__(self, secrets: dict[str, KnownSecret] | None = None, closed: set[str] | None = None) -> None:
        self.secrets = secrets or {}
        self.closed = closed or set()
        self.asked: list[tuple[str, str]] = []
        self.read_names: list[str] = []

    async def may_get(self, author: Author, namespace: str, name: str) -> bool:
        self.asked.append((author.name, name))
        return name not in self.closed

    async def may_see(self, author: Author, namespace: str, cluster: str) -> bool:
        self.asked.append((author.name, f"{namespace}/{cluster}"))
        return cluster not in self.closed

    async def read(self, namespace: str, name: str) -> KnownSecret | None:
        self.read_names.append(name)
        return self.secrets.get(name)


def machine(name: str, address: str, **ssh: object) -> Json:
    return {
        "apiVersion": API,
        "kind": "Machine",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "clusterName": "demo",
            "role": "Worker",
            "addresses": {"ipv4": address},
            "ssh": {"credential": {"name": "ssh"}, **ssh},
        },
    }


def asked(new: Json | None, old: Json | None = None, *, operation: str = "CREATE", dry: bool = False) -> Json:
    document: Json = new or old or {}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u-1",
            "kind": {"group": "cluster.alauda.io", "version": "v1alpha1", "kind": document["kind"]},
            "operation": operation,
            "namespace": "default",
            "name": document["metadata"]["name"],
            "userInfo": {"username": "alice", "groups": ["team"]},
            "object": new,
            "oldObject": old,
            "dryRun": dry,
        },
    }


GOOD = {"ssh": KnownSecret("kubernetes.io/ssh-auth", frozenset({"ssh-privatekey"}))}


async def test_allowed_with_warnings() -> None:
    answer = await review(asked(machine("n1", "192.168.10.11")), View(), FakeAccess(GOOD))
    assert answer["response"]["uid"] == "u-1"
    assert answer["response"]["allowed"] is True
    assert any("there is no Cluster demo" in warning for warning in answer["response"]["warnings"])


async def test_refused_as_the_api_server_refuses() -> None:
    answer = await review(asked(machine("n1", "127.0.0.1")), View(), FakeAccess(GOOD))
    status = answer["response"]["status"]
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"]["causes"][0]["field"] == "spec.addresses.ipv4"
    assert "spec.addresses.ipv4: 127.0.0.1 is a loopback address" in status["message"]


@pytest.mark.parametrize("body", [None, [], {}, {"apiVersion": "admission.k8s.io/v1", "request": {"kind": {}}}])
async def test_what_is_no_review(body: object) -> None:
    with pytest.raises(NotAReview):
        await review(body, View(), FakeAccess())


async def test_access_is_asked_when_a_secret_or_its_target_changes() -> None:
    old = machine("n1", "192.168.10.11")
    for new, questions in (
        (machine("n1", "192.168.10.11", port=2222), 1),
        (machine("n1", "192.168.10.12"), 1),
        (machine("n1", "192.168.10.11", user="admin"), 1),
        (machine("n1", "192.168.10.11", proxy={"address": "10.0.0.1:1080", "credential": {"name": "p"}}), 2),
        (old, 0),
    ):
        access = FakeAccess(GOOD)
        await review(asked(new, old, operation="UPDATE"), View(), access)
        assert len(access.asked) == questions


async def test_a_closed_secret_is_neither_read_nor_described() -> None:
    access = FakeAccess({"ssh": KnownSecret("Opaque", frozenset())}, closed={"ssh"})
    answer = await review(asked(machine("n1", "192.168.10.11")), View(), access)
    causes = answer["response"]["status"]["details"]["causes"]
    assert [cause["reason"] for cause in causes] == ["FieldValueForbidden"]
    assert "Opaque" not in str(answer)
    assert access.read_names == []


async def test_what_is_being_deleted_asks_nothing() -> None:
    going = machine("n1", "nonsense")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    access = FakeAccess(closed={"ssh"})
    answer = await review(asked(going, going, operation="UPDATE"), View(), access)
    assert answer["response"]["allowed"] is True
    assert access.asked == []


async def test_deletion_of_the_platform() -> None:
    stored = {"kind": "Cluster", "metadata": {"name": "global", "namespace": "roost-system"}}
    answer = await review(asked(None, stored, operation="DELETE"), View(), FakeAccess())
    assert answer["response"]["status"]["code"] == 403


async def test_admitted_counts_until_it_is_seen_or_forgotten() -> None:
    view = View(unconfirmed_seconds=0)
    await review(asked(machine("n1", "192.168.10.11"), dry=True), view, FakeAccess(GOOD))
    assert list(view.machines()) == []
    await review(asked(machine("n1", "192.168.10.11")), view, FakeAccess(GOOD))
    twin = await review(asked(machine("n2", "192.168.10.11")), view, FakeAccess(GOOD))
    assert twin["response"]["allowed"] is False
    for _ in range(3):
        await asyncio.sleep(0)
    assert list(view.machines()) == [], "nobody confirmed it"


async def test_seen_stays_and_an_unconfirmed_change_is_taken_back() -> None:
    view = View(unconfirmed_seconds=0)
    view.see("Machine", machine("n1", "192.168.10.11"))
    view.admit("Machine", machine("n1", "192.168.10.99"))
    assert [known.ipv4 for known in view.machines()] == ["192.168.10.99"]
    for _ in range(3):
        await asyncio.sleep(0)
    assert [known.ipv4 for known in view.machines()] == ["192.168.10.11"]
    view.see("Machine", machine("n1", "192.168.10.11"), deleted=True)
    assert list(view.machines()) == []


async def test_releases() -> None:
    view = View()
    assert view.releases() is None
    view.see("KubernetesRelease", {"metadata": {"name": "a"}, "spec": {"version": "1.31.4"}})
    assert view.releases() == {"1.31.4"}


async def test_thousands_of_machines_are_judged_in_milliseconds() -> None:
    view = View()
    for number in range(9000):
        document = machine(f"m{number}", f"10.{200 + number // 65536}.{number // 256 % 256}.{number % 256}")
        document["spec"]["clusterName"] = f"c{number // 3}"
        view.see("Machine", document)
    began = time.perf_counter()
    answer = await review(asked(machine("n1", "192.168.10.11")), view, FakeAccess(GOOD))
    assert answer["response"]["allowed"] is True
    assert time.perf_counter() - began < 0.5


def test_warnings_are_short() -> None:
    assert len(shortened("x" * 1000)) == LONGEST_WARNING


def test_configuration_covers_every_kind_and_exempts_roost() -> None:
    webhook = webhook_configuration("PEM", 7444)["webhooks"][0]
    assert webhook["rules"][0]["resources"] == [kind.plural for kind in KINDS]
    assert all("/" not in resource for resource in webhook["rules"][0]["resources"]), "never their status"
    expression = webhook["matchConditions"][0]["expression"]
    assert CONTROLLERS_USER in expression
    assert ADMISSION_USER in expression
    assert webhook["failurePolicy"] == "Fail"
    names = [item["metadata"]["name"] for item in manifests("PEM", 7444)]
    assert names == ["roost-no-nodes", "roost-no-nodes", "roost-platform-cluster", "roost-platform-cluster", "roost"]


def of_kind(kind: str, spec: Json) -> Json:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": "x", "namespace": "default"}, "spec": spec}


IMPORTED: Json = {"server": "https://10.0.0.1:6443", "credential": {"name": "login"}}
PRIVATE: Json = {"type": "Private", "address": "r.example.com", "credential": {"name": "pull"}}
ON_PREMISES: Json = {"controlPlaneEndpoint": {"host": "192.168.10.11"}, "registry": PRIVATE}


@pytest.mark.parametrize(
    ("kind", "spec", "secret", "path"),
    [
        ("Cluster", {"imported": IMPORTED}, "login", "spec.imported.credential.name"),
        (
            "Cluster",
            {"version": "1.31.4", "onPremises": ON_PREMISES},
            "pull",
            "spec.onPremises.registry.credential.name",
        ),
        (
            "MachineCheck",
            {"ssh": {"address": "192.168.10.11", "credential": {"name": "ssh"}}},
            "ssh",
            "spec.ssh.credential.name",
        ),
        ("CloudCredential", {"type": "PublicRegistry", "secret": {"name": "file"}}, "file", "spec.secret.name"),
    ],
)
async def test_every_secret_is_asked_for(kind: str, spec: Json, secret: str, path: str) -> None:
    """Without that, an imported cluster or a registry of one's own would collect what one can't read."""
    access = FakeAccess(closed={secret})
    answer = await review(asked(of_kind(kind, spec)), View(), access)
    causes = answer["response"]["status"]["details"]["causes"]
    assert path in [cause["field"] for cause in causes]
    assert access.asked == [("alice", secret)] and access.read_names == []


async def test_another_server_asks_for_the_secret_again() -> None:
    old = of_kind("Cluster", {"imported": IMPORTED})
    for new, questions in (
        (of_kind("Cluster", {"imported": {**IMPORTED, "server": "https://10.0.0.2:6443"}}), 1),
        (of_kind("Cluster", {"imported": {**IMPORTED, "tlsServerName": "x"}}), 1),
        (of_kind("Cluster", {"imported": IMPORTED, "displayName": "x"}), 0),
    ):
        access = FakeAccess()
        await review(asked(new, old, operation="UPDATE"), View(), access)
        assert len(access.asked) == questions


async def test_a_linked_cluster_is_one_that_the_author_may_use() -> None:
    monitoring = {"type": "VictoriaMetrics", "deployment": "AgentOnly"}
    link = {**monitoring, "linkedCluster": {"namespace": "ops", "name": "full"}}
    wish = of_kind(
        "Cluster",
        {"version": "1.31.4", "onPremises": {"controlPlaneEndpoint": {"host": "a.b"}, "monitoring": link}},
    )
    access = FakeAccess(closed={"full"})
    answer = await review(asked(wish), View(), access)
    causes = answer["response"]["status"]["details"]["causes"]
    assert [cause["field"] for cause in causes] == ["spec.onPremises.monitoring.linkedCluster"]
    assert "ask for the permission" in causes[0]["message"]
    assert access.asked == [("alice", "ops/full")]


async def test_a_draft_is_written_in_its_authors_name() -> None:
    own = await review(asked(of_kind("MachineDraft", {"owner": "alice"})), View(), FakeAccess())
    assert own["response"]["allowed"] is True
    other = await review(asked(of_kind("MachineDraft", {"owner": "bob"})), View(), FakeAccess())
    assert other["response"]["status"]["details"]["causes"][0]["field"] == "spec.owner"


async def test_docker_and_public_open_with_what_the_platform_has() -> None:
    wish = of_kind(
        "Cluster",
        {
            "version": "1.31.4",
            "onPremises": {
                "controlPlaneEndpoint": {"host": "api.example.com"},
                "runtime": {"type": "Docker"},
                "registry": {"type": "Public"},
            },
        },
    )
    view = View()
    answer = await review(asked(wish, dry=True), view, FakeAccess())
    fields = {cause["field"] for cause in answer["response"]["status"]["details"]["causes"]}
    assert fields == {"spec.onPremises.runtime.type", "spec.onPremises.registry.type"}
    view.see("FeatureGate", {"metadata": {"name": "cri-docker"}, "spec": {"enabled": True}})
    place = {"name": "public-registry-credential", "namespace": "roost-system"}
    view.see("CloudCredential", {"metadata": place, "status": {"valid": True}})
    answer = await review(asked(wish, dry=True), view, FakeAccess())
    assert answer["response"]["allowed"] is True
