"""A registered cluster on another network dials the address that its Cluster names, before the platform's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from roost.api.names import ID_ANNOTATION
from roost.providers.registered import creating, manifest
from roost.providers.registered.manifest import Wish

pytestmark = pytest.mark.anyio


class Platform:
    def __init__(self, annotations: dict[str, str], **registered: str) -> None:
        self.cluster = {
            "metadata": {"name": "edge", "annotations": {ID_ANNOTATION: "c0ffee"}},
            "spec": {"registered": registered, "annotations": annotations},
        }

    async def get(self, path: str) -> dict[str, Any]:
        assert path.endswith("/clusters/edge")
        return self.cluster

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {}


async def asleep(_seconds: float) -> None:
    raise AssertionError("nothing to wait for")


async def urls(monkeypatch: pytest.MonkeyPatch, annotations: dict[str, str], *own: str) -> tuple[str, ...]:
    seen: list[Wish] = []

    def text(wish: Wish) -> str:
        seen.append(wish)
        return json.dumps(wish.urls)

    monkeypatch.setattr(manifest, "text", text)
    asked = creating.Registration("default", "edge", own, "PEM", "admin")
    await creating.create(Platform(annotations), asked, sleep=asleep)
    return seen[0].urls


@pytest.mark.parameter("spec.annotations")
async def test_the_annotation_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"cpaas.io/platform-url": "https://platform.example.com/"}
    found = await urls(monkeypatch, named, "https://10.0.0.1:7443")
    assert found == ("https://platform.example.com", "https://10.0.0.1:7443")


async def test_it_is_enough_where_the_platform_has_no_address_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await urls(monkeypatch, {"cpaas.io/platform-url": "https://p.example.com"}) == ("https://p.example.com",)


async def test_without_it_the_platforms_own_address_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await urls(monkeypatch, {}, "https://10.0.0.1:7443") == ("https://10.0.0.1:7443",)


@pytest.mark.parameter("spec.registered.profile")
@pytest.mark.parametrize(
    ("given", "asked", "used"), [("Observe", None, "Observe"), ("Observe", "Operate", "Operate")]
)
async def test_the_profile_is_the_clusters_unless_another_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, given: str, asked: Any, used: str
) -> None:
    seen: list[Wish] = []

    def text(wish: Wish) -> str:
        seen.append(wish)
        return ""

    monkeypatch.setattr(manifest, "text", text)
    wish = creating.Registration("default", "edge", ("https://10.0.0.1:7443",), "PEM", "admin", profile=asked)
    await creating.create(Platform({}, profile=given), wish, sleep=asleep)
    assert seen[0].profile == used
