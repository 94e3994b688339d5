"""The controllers of the smaller kinds, on an API in memory and in virtual time."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from roost.api.errors import PermanentFailure
from roost.api.names import PUBLIC_REGISTRY_CREDENTIAL, SYSTEM_NAMESPACE
from roost.api.v1alpha1.machine import MachineFacts
from roost.controllers import machinecheck
from roost.controllers.annotations import missing_annotations
from roost.controllers.cloudcredential import PUBLIC, expiry
from roost.controllers.kinds import CLOUD_CREDENTIAL, CLUSTER, FEATURE_GATE, MACHINE_CHECK, MACHINE_DRAFT, PROJECT
from roost.controllers.project import named
from roost.controllers.runtime.api import Object, Ref
from roost.providers.onprem.checking import Checked
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.preflight.report import Finding
from tests.unit.controllers.scripted import cluster, machine, secret
from tests.unit.controllers.virtual_time import now
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio
API = "cluster.alauda.io/v1alpha1"


def obj(kind: str, name: str, spec: Object, namespace: str = "ns", **more: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def status(world: World, ref: Ref) -> Object:
    found: Object = world.api.objects[ref].get("status") or {}
    return found


async def test_gates_and_the_public_credential_exist_from_the_first_start(world: World) -> None:
    async with world.controllers():
        await asyncio.sleep(3)
        gate = world.api.objects[Ref(FEATURE_GATE, "", "cri-docker")]
        assert gate["spec"] == {"enabled": False}
        said = status(world, PUBLIC)
        assert said["valid"] is False
        assert said["conditions"][0]["reason"] == "CredentialEmpty"
        assert f"create secret generic {PUBLIC_REGISTRY_CREDENTIAL}" in said["message"]


async def test_a_gate_that_somebody_enabled_stays_enabled(world: World) -> None:
    world.api.put(FEATURE_GATE, obj("FeatureGate", "cri-docker", {"enabled": True}, namespace=""))
    async with world.controllers():
        await asyncio.sleep(3)
        assert world.api.objects[Ref(FEATURE_GATE, "", "cri-docker")]["spec"] == {"enabled": True}


def token(**claims: object) -> str:
    parts: tuple[dict[str, object], ...] = ({"alg": "none"}, claims, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def upload(text: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": PUBLIC_REGISTRY_CREDENTIAL, "namespace": SYSTEM_NAMESPACE},
        "type": "Opaque",
        "data": {"credential.json": base64.b64encode(text.encode()).decode()},
    }


async def test_an_upload_makes_it_valid_until_it_expires_and_never_shows_it(world: World) -> None:
    soon = int((now() + timedelta(hours=3)).timestamp())
    file = {"address": "public.example.com/org", "user": "org", "token": token(exp=soon)}
    async with world.controllers():
        await asyncio.sleep(3)
        world.apply(upload("nonsense"))
        await asyncio.sleep(3)
        assert status(world, PUBLIC)["conditions"][0]["reason"] == "CredentialInvalid"
        world.apply(upload(json.dumps(file)))
        await asyncio.sleep(3)
        said = status(world, PUBLIC)
        assert (said["valid"], said["address"]) == (True, "public.example.com/org")
        assert said["expires"].startswith("2026-01-01T0")
        assert file["token"] not in json.dumps(said)
        await asyncio.sleep(4 * 3600)
        assert status(world, PUBLIC)["conditions"][0]["reason"] == "CredentialExpired"
        assert "upload a new file" in status(world, PUBLIC)["message"]


async def test_the_public_credential_names_the_clusters_that_use_it(world: World) -> None:
    wish = cluster()
    wish["spec"]["onPremises"]["registry"] = {"type": "Public"}
    async with world.controllers():
        world.apply(wish)
        await asyncio.sleep(3)
        assert status(world, PUBLIC)["usedBy"] == [{"namespace": "ns", "name": "demo"}]


@pytest.mark.parametrize("text", ["", "a.b.c", "a.b", token(), token(exp="soon"), token(exp=True), token(exp=2**60)])
def test_tokens_that_tell_no_time(text: str) -> None:
    assert expiry(text) is None


def draft(name: str, owner: str) -> Object:
    return obj("MachineDraft", name, {"owner": owner, "machines": [{"name": "n1"}]})


async def test_the_most_recent_draft_of_each_user_is_kept(world: World) -> None:
    async with world.controllers():
        for name, owner in (("a", "alice"), ("b", "bob"), ("c", "alice")):
            world.api.put(MACHINE_DRAFT, draft(name, owner))
            await asyncio.sleep(2)
        left = {ref.name for ref in world.api.objects if ref.resource == MACHINE_DRAFT}
        assert left == {"b", "c"}


def question(**more: Any) -> Object:
    ssh = {"address": "192.168.10.11", "credential": {"name": "ssh"}}
    return obj("MachineCheck", "q", {"ssh": ssh, "keepSeconds": 60, **more})


CHECK = Ref(MACHINE_CHECK, "ns", "q")


async def test_a_check_is_answered_and_goes_after_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[MachineInput] = []

    async def check(_connect: object, machine: MachineInput, **_more: object) -> Checked:
        asked.append(machine)
        return Checked(MachineFacts(hostname="n1"), "ssh-ed25519 AAAA", ())

    monkeypatch.setattr(machinecheck, "check", check)
    async with world.controllers():
        world.apply(secret(name="ssh"))
        world.api.put(MACHINE_CHECK, question())
        await asyncio.sleep(5)
        said = status(world, CHECK)
        assert (said["ok"], said["hostKey"], said["facts"]["hostname"]) == (True, "ssh-ed25519 AAAA", "n1")
        assert {item["type"]: item["status"] for item in said["conditions"]} == {
            "Reachable": "True",
            "Checked": "True",
        }
        assert asked[0].target.address == "192.168.10.11"
        assert world.dropped == ["check q"]
        await asyncio.sleep(70)
        assert CHECK not in world.api.objects
    assert len(asked) == 1


async def test_a_check_says_what_stands_in_the_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(*_asked: object, **_more: object) -> Checked:
        finding = Finding("q", "MemorySmall", "too little memory", "512 MiB", "Add memory")
        return Checked(MachineFacts(), "k", (finding,))

    monkeypatch.setattr(machinecheck, "check", check)
    async with world.controllers():
        world.apply(secret(name="ssh"))
        world.api.put(MACHINE_CHECK, question())
        await asyncio.sleep(5)
        said = status(world, CHECK)
        assert (said["ok"], said["reason"]) == (False, "MemorySmall")
        assert said["message"] == "q: MemorySmall: too little memory (512 MiB). Add memory"


async def test_a_check_that_cannot_sign_in_names_the_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(*_asked: object, **_more: object) -> Checked:
        raise PermanentFailure("AuthenticationFailed", "q: 192.168.10.11 refused the key of root")

    monkeypatch.setattr(machinecheck, "check", check)
    async with world.controllers():
        world.apply(secret(name="ssh"))
        world.api.put(MACHINE_CHECK, question())
        await asyncio.sleep(5)
        said = status(world, CHECK)
        assert (said["ok"], said["reason"]) == (False, "AuthenticationFailed")
        assert [item["type"] for item in said["conditions"]] == ["Reachable"]


async def test_a_check_without_its_secret(world: World) -> None:
    async with world.controllers():
        world.api.put(MACHINE_CHECK, question())
        await asyncio.sleep(5)
        assert "ok" not in status(world, CHECK), "it may come in the same file"
        await asyncio.sleep(10)
        assert status(world, CHECK)["reason"] == "SecretMissing"


async def test_a_cluster_joins_its_project_once_it_is_available(world: World) -> None:
    """By its own spec.project, and stays when it is ill for a while."""
    wish = cluster()
    wish["spec"]["project"] = "shop"
    project = Ref(PROJECT, "", "shop")
    async with world.controllers():
        world.api.put(PROJECT, obj("Project", "shop", {}, namespace=""))
        world.apply(wish)
        await asyncio.sleep(3)
        assert status(world, project)["clusters"] == [
            {"namespace": "ns", "name": "demo", "joined": False, "message": "it joins once it is Available"}
        ]
        world.apply(secret(), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(30)
        assert status(world, project)["clusters"] == [{"namespace": "ns", "name": "demo", "joined": True}]
        assert status(world, project)["conditions"][0]["status"] == "True"


def test_clusters_of_a_project_are_listed_once() -> None:
    wishing = [obj("Cluster", "demo", {"project": "shop"}), obj("Cluster", "other", {"project": "shop"})]
    project = obj("Project", "shop", {"clusters": [{"namespace": "ns", "name": "demo"}]}, namespace="")
    assert named(project, wishing) == [("ns", "demo"), ("ns", "other")]


@pytest.mark.parameter("spec.annotations")
async def test_annotations_are_copied_to_the_metadata_and_put_back(world: World) -> None:
    wish = cluster()
    wish["spec"]["annotations"] = {"cpaas.io/platform-url": "https://platform.example.com"}
    demo = Ref(CLUSTER, "ns", "demo")
    async with world.controllers():
        world.apply(wish)
        await asyncio.sleep(3)
        found = world.api.objects[demo]["metadata"]["annotations"]
        assert found["cpaas.io/platform-url"] == "https://platform.example.com"
        await world.api.merge(demo, {"metadata": {"annotations": {"cpaas.io/platform-url": "https://other"}}})
        await asyncio.sleep(3)
        found = world.api.objects[demo]["metadata"]["annotations"]
        assert found["cpaas.io/platform-url"] == "https://platform.example.com"


def test_annotations_that_are_there_are_left_alone() -> None:
    there = obj("Cluster", "demo", {"annotations": {"a": "b"}}, annotations={"a": "b", "c": "d"})
    assert missing_annotations(there) == {}
    assert CLOUD_CREDENTIAL.kind == "CloudCredential"
