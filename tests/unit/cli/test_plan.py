"""`roost plan` knows where the images come from as the controllers do."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from roost.api.errors import PermanentFailure, RoostError
from roost.api.masked import Masked
from roost.api.v1alpha1.onpremises import Registry, RegistryType
from roost.bundle import pulling
from roost.cli.plan import Sources, Wish
from roost.controllers import registries
from roost.providers.onprem.context import RegistrySource

pytestmark = pytest.mark.anyio
OWN = RegistrySource("192.0.2.1:7501", "CA")
CLUSTER: dict[str, Any] = {
    "metadata": {"name": "demo", "namespace": "ns", "annotations": {"cluster.alauda.io/id": "abc"}},
    "spec": {"onPremises": {}},
}


class PlatformWith:
    """What the platform's API holds, by path."""

    def __init__(self, **objects: Any) -> None:
        self.objects = {key.replace("__", "/"): value for key, value in objects.items()}

    def get(self, path: str) -> Any:
        found = next((value for key, value in self.objects.items() if path.endswith(key)), None)
        if found is None:
            raise RoostError("NotFound", f"{path} not found")
        return found


def opaque(name: str, kind: str = "Opaque", **data: str) -> dict[str, Any]:
    encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name}, "type": kind, "data": encoded}


def sources(*secrets: dict[str, Any], platform: Any = None, key: Masked | None = None) -> Sources:
    wish = Wish(CLUSTER, [], {secret["metadata"]["name"]: secret for secret in secrets})
    return Sources(wish, OWN, key, platform)


async def found(given: Sources, **registry: Any) -> RegistrySource | None:
    return await registries.source(given, CLUSTER, Registry.model_validate(registry))


async def test_the_platforms_own() -> None:
    assert await found(sources()) == OWN


async def test_a_private_registry_with_the_secret_of_the_file_or_of_the_platform() -> None:
    pull = opaque("pull", "kubernetes.io/basic-auth", username="robot", password="first")
    wish = {"type": "Private", "address": "images.example.com", "credential": {"name": "pull"}}
    expected = RegistrySource(
        "images.example.com", "", "robot", Masked("first"), RegistryType.PRIVATE, programs=False
    )
    assert await found(sources(pull), **wish) == expected
    there = PlatformWith(**{"namespaces/ns/secrets/pull": pull})
    assert await found(sources(platform=there), **wish) == expected
    with pytest.raises(PermanentFailure, match="Secret ns/pull does not exist"):
        await found(sources(), **wish)


async def test_the_external_name_with_the_password_of_this_cluster() -> None:
    key = Masked("k" * 32)
    source = await found(sources(key=key), type="BuiltIn", address="registry.example.com")
    assert source is not None and source.address == "registry.example.com"
    assert source.password is not None and source.password == pulling.password(key, "abc")
    with pytest.raises(PermanentFailure, match="serves no machines"):
        await found(sources(), type="BuiltIn", address="registry.example.com")


async def test_the_public_registry_as_it_was_uploaded() -> None:
    file = json.dumps({"address": "public.example.com", "user": "org", "token": "t"})
    credential = {"spec": {"secret": {"name": "public-registry-credential"}}}
    there = PlatformWith(
        **{
            "cloudcredentials/public-registry-credential": credential,
            "secrets/public-registry-credential": opaque("public-registry-credential", credential_json=file),
        }
    )
    source = await found(sources(platform=there), type="Public")
    assert source is not None and (source.address, source.username) == ("public.example.com", "org")
    for platform in (None, PlatformWith()):
        with pytest.raises(PermanentFailure, match="there is no CloudCredential"):
            await found(sources(platform=platform), type="Public")
