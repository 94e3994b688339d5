"""An imported cluster, from the given credential to detach, on two real API servers: the platform's and its own."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.build import programs
from roost.api import conditions as c
from roost.api.names import FORCE_REMOVAL_ANNOTATION
from roost.controllers import wiring
from roost.kube import observe
from roost.kube.direct import reachable
from roost.kube.guarded import Policy
from roost.providers.imported import checks
from tests.contract.controllers.conftest import Platform
from tests.contract.imported.conftest import Target, settle
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.anyio, pytest.mark.programs]
OTHER = "1.28.15"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def target(apiserver: Callable[[str], ApiServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    server = apiserver(OTHER)
    for name in ("kube-system", "theirs"):
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    with (tmp_path_factory.mktemp("manager") / "log").open("wb") as log:
        manager = subprocess.Popen(
            [
                programs.path("kube-controller-manager", OTHER),
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
        settle(made)
        yield made
    finally:
        manager.terminate()
        manager.wait()


@pytest.fixture
def on_loopback(monkeypatch: pytest.MonkeyPatch, api: ApiServer) -> None:
    """The servers of these tests listen where no cluster may be."""
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
    monkeypatch.setattr(wiring, "dialling_policy", lambda _endpoint, _hosts: Policy(allowed=reachable))


def credential(token: str) -> Json:
    data = {"token": base64.b64encode(token.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "given"}, "type": "Opaque", "data": data}


def imported(target: Target, name: str = "theirs", **changes: Any) -> Json:
    wish = {"server": target.server.url, "ca": target.server.ca.read_text(), "credential": {"name": "given"}}
    return {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"imported": {**wish, **changes}},
    }


@pytest.mark.usefixtures("on_loopback")
async def test_taken_in_followed_and_let_go(platform: Platform, target: Target) -> None:
    before = target.everything()
    token = target.server.tokens["admin"]
    async with platform.controllers():
        await platform.apply(credential(token), imported(target))
        await platform.until(lambda: platform.phase("theirs") == "Running", seconds=40)
        found = platform.get("Cluster", "theirs")
        assert found is not None
        status = found["status"]
        said = {item["type"]: item["status"] for item in status["conditions"]}
        assert said == dict.fromkeys([*c.IMPORT_CHECKS, c.AVAILABLE], "True")
        assert (status["version"], status["endpoint"]) == (OTHER, target.server.url)
        assert status["uid"] == target.server.call("GET", "/api/v1/namespaces/kube-system").body["metadata"]["uid"]
        assert status["nodes"] == {"ready": 0, "total": 0} and status["capacity"]["cpu"] == "0"
        assert [each["name"] for each in status["certificates"]][0:1] == ["apiserver"]
        # The given credential is erased, and roost's own is another one.
        given = platform.get("Secret", "given")
        assert given is not None and not given.get("data")
        kept = platform.get("Secret", "theirs-kubeconfig")
        assert kept is not None
        text = base64.b64decode(kept["data"]["value"]).decode()
        assert token not in text and target.server.url in text
        assert token not in str(found)

        # The same cluster a second time is refused, and named.
        await platform.apply(credential(token), imported(target, "twin"))
        await platform.until(
            lambda: platform.condition("Cluster", "twin", c.IDENTITY_UNIQUE).get("status") == "False"
        )
        twin = platform.condition("Cluster", "twin", c.IDENTITY_UNIQUE)
        assert twin["reason"] == "ClusterKnown" and f"{platform.namespace}/theirs" in twin["message"]
        await platform.delete("Cluster", "twin")
        await platform.until(lambda: platform.get("Cluster", "twin") is None)

        await platform.delete("Cluster", "theirs")
        await platform.until(lambda: platform.get("Cluster", "theirs") is None, seconds=30)
        assert platform.get("Secret", "theirs-kubeconfig") is None
    for _ in range(100):
        if target.everything() == before:
            break
        await asyncio.sleep(0.2)
    after = target.everything()
    assert {key for key in {*before, *after} if before.get(key) != after.get(key)} == set()


@pytest.mark.usefixtures("on_loopback")
@pytest.mark.parametrize(
    ("changes", "condition", "reason"),
    [
        ({"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, c.PARSED, "CAInvalid"),
        ({"server": "https://169.254.169.254"}, c.ADDRESS_ALLOWED, "AddressNotAllowed"),
        ({"tlsServerName": "another.example.com"}, c.TLS_VERIFIED, "CertificateName"),
    ],
)
async def test_what_can_not_be_imported_says_why_and_nothing_is_kept(
    platform: Platform, target: Target, changes: Json, condition: str, reason: str
) -> None:
    before = target.everything()
    async with platform.controllers():
        await platform.apply(credential(target.server.tokens["admin"]), imported(target, **changes))
        await platform.until(lambda: platform.condition("Cluster", "theirs", condition).get("status") == "False")
        said = platform.condition("Cluster", "theirs", condition)
        assert said["reason"] == reason
        available = platform.condition("Cluster", "theirs", c.AVAILABLE)
        assert (available["status"], available["reason"]) == ("False", reason)
        assert platform.get("Secret", "theirs-kubeconfig") is None
        await platform.delete("Cluster", "theirs")
        await platform.until(lambda: platform.get("Cluster", "theirs") is None)
    assert target.everything() == before


@pytest.mark.usefixtures("on_loopback")
async def test_one_that_does_not_answer_is_let_go_only_when_told_to(platform: Platform, target: Target) -> None:
    async with platform.controllers():
        await platform.apply(credential(target.server.tokens["admin"]), imported(target))
        await platform.until(lambda: platform.phase("theirs") == "Running", seconds=40)
        kept = platform.get("Secret", "theirs-kubeconfig")
        assert kept is not None
        text = base64.b64decode(kept["data"]["value"]).decode()
        port = target.server.url.rsplit(":", 1)[1]
        away = base64.b64encode(text.replace(port, "1").encode()).decode()
        await platform.patch("Secret", "theirs-kubeconfig", {"data": {"value": away}})
        await platform.delete("Cluster", "theirs")
        await platform.until(
            lambda: platform.condition("Cluster", "theirs", c.DELETING).get("reason") == "ApiUnreachable"
        )
        said = platform.condition("Cluster", "theirs", c.DELETING)["message"]
        assert ":1" in said and FORCE_REMOVAL_ANNOTATION in said
        await platform.patch("Cluster", "theirs", {"metadata": {"annotations": {FORCE_REMOVAL_ANNOTATION: "true"}}})
        await platform.until(lambda: platform.get("Cluster", "theirs") is None, seconds=30)
    target.server.call("DELETE", "/api/v1/namespaces/roost-system")
    target.server.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/roost:manager")


@pytest.mark.usefixtures("on_loopback")
@pytest.mark.parameter("spec.imported.server", "spec.imported.ca", "spec.imported.tlsServerName")
@pytest.mark.changes("spec.imported.server", "spec.imported.ca", "spec.imported.tlsServerName")
async def test_it_is_followed_at_another_address_where_the_same_cluster_answers(
    platform: Platform, target: Target
) -> None:
    """Without a fresh credential: roost's own access goes along. Another cluster's address is refused."""

    def kept() -> str:
        return base64.b64decode((platform.get("Secret", "theirs-kubeconfig") or {})["data"]["value"]).decode()

    async with platform.controllers():
        await platform.apply(credential(target.server.tokens["admin"]), imported(target))
        await platform.until(lambda: platform.phase("theirs") == "Running", seconds=40)
        elsewhere = target.server.url.replace("127.0.0.1", "localhost")
        await platform.patch("Cluster", "theirs", {"spec": {"imported": {"server": elsewhere}}})
        await platform.until(
            lambda: (platform.get("Cluster", "theirs") or {})["status"]["endpoint"] == elsewhere, seconds=40
        )
        assert platform.phase("theirs") == "Running" and elsewhere in kept()
        name = {"server": target.server.url, "tlsServerName": "localhost"}
        await platform.patch("Cluster", "theirs", {"spec": {"imported": name}})
        await platform.until(lambda: "tls-server-name: localhost" in kept(), seconds=40)

        other = {"server": platform.api.url, "ca": platform.api.ca.read_text(), "tlsServerName": None}
        await platform.patch("Cluster", "theirs", {"spec": {"imported": other}})

        def available() -> Json:
            return platform.condition("Cluster", "theirs", c.AVAILABLE)

        await platform.until(lambda: available().get("status") == "False", seconds=40)
        assert available()["reason"] in {"CredentialNotAccepted", "ClusterReplaced"}
        assert platform.api.url not in kept(), "what is kept leads to the cluster that was imported"
        back = {"server": target.server.url, "ca": target.server.ca.read_text()}
        await platform.patch("Cluster", "theirs", {"spec": {"imported": back}})
        await platform.until(lambda: available().get("status") == "True", seconds=40)
        await platform.delete("Cluster", "theirs")
        await platform.until(lambda: platform.get("Cluster", "theirs") is None, seconds=30)


@pytest.mark.usefixtures("on_loopback")
@pytest.mark.changes(
    "spec.imported.credential",
    "spec.imported.profile",
    "spec.imported.allowUnsupportedVersion",
    "spec.imported.takeover",
)
async def test_what_stands_in_the_way_is_allowed_later_and_a_fresh_credential_brings_another_profile(
    platform: Platform, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The range of versions is moved, since no API server outside of it can be had here."""
    monkeypatch.setattr(observe, "SUPPORTED", ((1, 20), (1, int(OTHER.split(".")[1]) - 1)))
    namespace = {
        "metadata": {"name": "roost-system", "annotations": {checks.PLATFORM_ANNOTATION: "another-platform"}}
    }
    where = "/api/v1/namespaces/roost-system"
    await platform.until(lambda: target.server.call("GET", where).status == 404)
    assert target.server.call("POST", "/api/v1/namespaces", namespace).status == 201
    binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/roost:manager"

    def role() -> str:
        return str((target.server.call("GET", binding).body.get("roleRef") or {}).get("name"))

    async with platform.controllers():
        await platform.apply(credential(target.server.tokens["admin"]), imported(target))

        def refused(kind: str) -> bool:
            return platform.condition("Cluster", "theirs", kind).get("status") == "False"

        await platform.until(lambda: refused(c.NOT_MANAGED_ELSEWHERE) and refused(c.VERSION_SUPPORTED), seconds=40)
        await platform.patch("Cluster", "theirs", {"spec": {"imported": {"takeover": True}}})
        await platform.until(lambda: not refused(c.NOT_MANAGED_ELSEWHERE), seconds=40)
        assert refused(c.VERSION_SUPPORTED) and platform.get("Secret", "theirs-kubeconfig") is None
        await platform.patch("Cluster", "theirs", {"spec": {"imported": {"allowUnsupportedVersion": True}}})
        await platform.until(lambda: platform.phase("theirs") == "Running", seconds=40)
        assert role() == "cluster-admin"

        again = credential(target.server.tokens["admin"])
        again["metadata"]["name"] = "again"
        await platform.apply(again)
        wish = {"credential": {"name": "again"}, "profile": "Observe"}
        await platform.patch("Cluster", "theirs", {"spec": {"imported": wish}})
        await platform.until(lambda: role() == "roost:manager", seconds=40)
        await platform.until(lambda: not (platform.get("Secret", "again") or {}).get("data"), seconds=20)
        assert platform.phase("theirs") == "Running"
        await platform.delete("Cluster", "theirs")
        await platform.until(lambda: platform.get("Cluster", "theirs") is None, seconds=30)
    target.server.call("DELETE", "/api/v1/namespaces/roost-system")
