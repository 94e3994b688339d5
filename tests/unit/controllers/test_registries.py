"""Which registry a Cluster's machines pull from: what the provider is handed, and what is said where it can't be."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from roost.api import conditions as c
from roost.api.masked import Masked
from roost.api.names import SYSTEM_NAMESPACE
from roost.api.v1alpha1.cluster import RegistryType
from roost.bundle import pulling
from roost.controllers.runtime.api import Object, Ref
from roost.kube.resources import ROOST
from roost.providers.onprem.context import RegistrySource
from tests.unit.controllers.scripted import cluster, machine, secret
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio
CREDENTIAL = ROOST["CloudCredential"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def with_registry(**registry: Any) -> Object:
    obj = cluster()
    obj["spec"]["onPremises"]["registry"] = registry
    return obj


def registries(world: World) -> list[RegistrySource | None]:
    """What each reconcile was handed."""
    return [ctx.registry for ctx in world.provider.contexts]


def opaque(name: str, namespace: str, kind: str, **data: str) -> Object:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": kind,
        "data": encoded,
    }


def docker(password: str) -> Object:
    text = json.dumps({"auths": {"images.example.com": {"username": "robot", "password": password}}})
    return opaque("pull", "ns", "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": text})


PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def file(token: str) -> str:
    return json.dumps({"address": "public.example.com/org", "user": "org", "token": token, "ca": "PEM"})


async def test_a_private_registry_is_signed_in_to_and_follows_its_secret(world: World) -> None:
    """It needs no push into roost's own, and another password reaches a cluster that runs."""
    world.registry = RegistrySource("192.168.77.1:7501", "CA")
    async with world.controllers():
        wish = with_registry(type="Private", address="images.example.com/k8s", credential={"name": "pull"}, ca=PEM)
        world.apply(secret(), docker("first"), wish, machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(30)
        assert world.said("Cluster", "demo", c.AVAILABLE) == ("True", c.SUCCEEDED)
        assert registries(world) == [
            RegistrySource("images.example.com/k8s", PEM, "robot", Masked("first"), RegistryType.PRIVATE, False)
        ]
        world.apply(docker("second"))
        await asyncio.sleep(5)
        last = registries(world)[-1]
        assert last is not None and last.password == Masked("second")
        assert len(registries(world)) == 2
        assert world.provider.contexts[-1].settled == frozenset()


@pytest.mark.parametrize(
    ("found", "condition", "reason"),
    [
        (None, c.VALIDATED, "ReferenceMissing"),
        (opaque("pull", "ns", "Opaque", token="x"), c.VALIDATED, "Invalid"),
        (
            opaque("pull", "ns", "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": '{"auths": {}}'}),
            c.PREFLIGHT_PASSED,
            "RegistryCredentialUnreadable",
        ),
    ],
)
async def test_a_credential_that_is_none_is_named_before_a_machine_is_asked(
    world: World, found: Object | None, condition: str, reason: str
) -> None:
    async with world.controllers():
        wish = with_registry(type="Private", address="images.example.com", credential={"name": "pull"})
        world.apply(secret(), wish, machine("m1", 11, role="ControlPlane"), *([found] if found else []))
        await asyncio.sleep(10)
        said = world.api.condition(Ref(ROOST["Cluster"], "ns", "demo"), condition)
        assert said is not None and said["status"] != "True" and said["reason"] == reason
        assert "pull" in said["message"]
        assert world.provider.log == []
        world.apply(docker("right"))
        await asyncio.sleep(10)
        assert world.provider.log == ["reconcile m1"]


async def test_an_upload_reaches_every_cluster_of_the_public_registry(world: World) -> None:
    async with world.controllers():
        world.apply(secret(), with_registry(type="Public"), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(10)
        said = world.api.condition(Ref(ROOST["Cluster"], "ns", "demo"), c.PREFLIGHT_PASSED)
        assert said is not None and said["reason"] == "PublicRegistryMissing"
        assert "--from-file=credential.json=FILE" in said["message"]
        world.api.put(
            CREDENTIAL,
            {
                "apiVersion": CREDENTIAL.api_version,
                "kind": "CloudCredential",
                "metadata": {"name": "public-registry-credential", "namespace": SYSTEM_NAMESPACE},
                "spec": {"type": "PublicRegistry", "secret": {"name": "upload"}},
            },
        )
        for token in ("first", "second"):
            world.apply(opaque("upload", SYSTEM_NAMESPACE, "Opaque", **{"credential.json": file(token)}))
            await asyncio.sleep(10)
            assert registries(world)[-1] == RegistrySource(
                "public.example.com/org", "PEM", "org", Masked(token), RegistryType.PUBLIC, False
            )
        assert len(registries(world)) == 2


async def test_the_external_name_of_the_own_registry_has_a_password_for_each_cluster(world: World) -> None:
    world.registry = RegistrySource("192.168.77.1:7501", "CA")
    world.pushed.write_text('{"1.31.4": "sha256:1.31.4"}')
    world.pull_key = Masked("key")
    async with world.controllers():
        wish = with_registry(type="BuiltIn", address="registry.example.com:8443")
        world.apply(secret(), wish, machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(30)
        found = registries(world)[-1]
        assert found is not None and found.password is not None
        assert (found.address, found.kind, found.programs) == (
            "registry.example.com:8443",
            RegistryType.BUILT_IN,
            False,
        )
        assert pulling.verify(Masked("key"), found.username, found.password.reveal())
        assert not pulling.verify(Masked("key"), "cluster-another", found.password.reveal())
        assert not pulling.verify(Masked("key"), "root", found.password.reveal())
        assert not pulling.verify(Masked("other"), found.username, found.password.reveal())


async def test_without_a_wish_it_is_the_platforms_own(world: World) -> None:
    world.registry = RegistrySource("192.168.77.1:7501", "CA")
    world.pushed.write_text('{"1.31.4": "sha256:1.31.4"}')
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(30)
        assert registries(world) == [world.registry]
