"""What the Cluster `global` says of the registry's external name."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from pathlib import Path

import pytest

from roost.api import conditions as c
from roost.bundle import external
from roost.controllers.globalcluster import REF
from roost.controllers.runtime.clock import parse
from roost.kube import pki
from roost.kube.resources import SECRET
from roost.providers.onprem.context import RegistrySource
from tests.unit.controllers.virtual_time import now
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio


async def test_its_certificate_is_followed_without_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.registry = RegistrySource("192.168.77.1:7501", "CA")
    world.pushed.write_text("{}")
    meta = {"name": external.INGRESS_NAME, "namespace": external.NAMESPACE}

    def give(days: int) -> None:
        authority = pki.create_authority("test", now=now())
        profile = pki.Profile("r", "server", hosts=("registry.example.com",))
        leaf = pki.issue(authority, profile, now=now(), life=timedelta(days=days))
        pair = {"tls.crt": leaf.certificate_pem, "tls.key": leaf.key_pem.reveal()}
        data = {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()}
        world.api.put(
            SECRET,
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": external.SECRET_NAME, "namespace": external.NAMESPACE},
                "type": "kubernetes.io/tls",
                "data": data,
            },
        )

    async with world.controllers():
        await asyncio.sleep(5)
        assert world.api.condition(REF, c.REGISTRY_ADDRESS_READY) is None
        spec = {"rules": [{"host": "registry.example.com"}]}
        world.api.put(external.INGRESS, {"metadata": meta, "spec": spec})
        for days, expected in ((20, "RegistryCertificateExpiring"), (300, c.SUCCEEDED)):
            give(days)
            await asyncio.sleep(70)
            said = world.api.condition(REF, c.REGISTRY_ADDRESS_READY)
            assert said is not None and (said["status"], said["reason"]) == ("True", expected)
            (told,) = world.api.objects[REF]["status"]["certificates"]
            assert told["name"] == external.SECRET_NAME
            left = parse(told["expires"]) - now()
            assert timedelta(days=days) - timedelta(minutes=2) < left < timedelta(days=days)
        world.api.put(external.INGRESS, {"metadata": meta, "spec": {"rules": [{"host": "192.168.77.1"}]}})
        await asyncio.sleep(70)
        said = world.api.condition(REF, c.REGISTRY_ADDRESS_READY)
        assert said is not None and (said["status"], said["reason"]) == ("False", "RegistryAddressTaken")
