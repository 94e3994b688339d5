"""What exists on the platform, kept up to date by watches: the World of the rules inside the webhook.

A watch is some milliseconds late, and two requests may be judged at once; so what was admitted is
taken into the view at once, and taken out again when no watch confirms it (a later step refused it).
Only the facts that rules compare are kept, and nothing of Secrets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, cast

from roost.api.validation.world import (
    Json,
    KnownCluster,
    KnownCredential,
    KnownGate,
    KnownMachine,
    KnownProject,
    KnownSecret,
    key_of,
    known_cluster,
    known_credential,
    known_gate,
    known_machine,
    known_project,
)
from roost.kube.client import Client
from roost.kube.resources import ROOST
from roost.kube.watch import EventType, list_and_watch

UNCONFIRMED_SECONDS: Final = 10.0
"""How long something admitted counts as existing without having been seen."""

Key = tuple[str, str, str]
_FACTS: Final[dict[str, Callable[[Json], object]]] = {
    "Cluster": known_cluster,
    "Machine": known_machine,
    "FeatureGate": known_gate,
    "CloudCredential": known_credential,
    "Project": known_project,
    "KubernetesRelease": lambda document: cast("Json", document.get("spec") or {}).get("version"),
}


class View:
    """Clusters, Machines and releases of the whole platform."""

    def __init__(self, *, unconfirmed_seconds: float = UNCONFIRMED_SECONDS) -> None:
        self._facts: dict[Key, object] = {}
        self._unconfirmed: dict[Key, asyncio.TimerHandle] = {}
        self._seconds = unconfirmed_seconds
        self._waiting = set(_FACTS)
        self.synced = asyncio.Event()

    async def follow(self, client: Client) -> None:
        """Watches all kinds, for ever."""
        async with asyncio.TaskGroup() as group:
            for kind in _FACTS:
                group.create_task(self._follow(client, kind), name=f"watch {kind}")

    async def _follow(self, client: Client, kind: str) -> None:
        async for event, item in list_and_watch(client, ROOST[kind]):
            if event is EventType.SYNCED:
                self._waiting.discard(kind)
                if not self._waiting:
                    self.synced.set()
            else:
                self.see(kind, item, deleted=event is EventType.DELETED)

    def see(self, kind: str, document: Json, *, deleted: bool = False) -> None:
        """One object as the API server stores it."""
        key = (kind, *key_of(document))
        waiting = self._unconfirmed.pop(key, None)
        if waiting is not None:
            waiting.cancel()
        if deleted:
            self._facts.pop(key, None)
        else:
            self._facts[key] = _FACTS[kind](document)

    def admit(self, kind: str, document: Json) -> None:
        """One object that was just allowed and will probably be stored."""
        if kind not in _FACTS:
            return
        key = (kind, *key_of(document))
        waiting = self._unconfirmed.pop(key, None)
        if waiting is not None:
            waiting.cancel()
        before = self._facts.get(key)
        self._facts[key] = _FACTS[kind](document)
        loop = asyncio.get_running_loop()
        self._unconfirmed[key] = loop.call_later(self._seconds, self._forget, key, before)

    def _forget(self, key: Key, before: object | None) -> None:
        del self._unconfirmed[key]
        if before is None:
            self._facts.pop(key, None)
        else:
            self._facts[key] = before

    def clusters(self) -> Iterable[KnownCluster]:
        return [fact for fact in self._facts.values() if isinstance(fact, KnownCluster)]

    def machines(self) -> Iterable[KnownMachine]:
        return [fact for fact in self._facts.values() if isinstance(fact, KnownMachine)]

    def releases(self) -> Collection[str] | None:
        """None while there are none: they are written some seconds after the first start."""
        return {fact for fact in self._facts.values() if isinstance(fact, str)} or None

    def gate(self, name: str) -> bool:
        return KnownGate(name, enabled=True) in self._facts.values()

    def credential(self, namespace: str, name: str) -> bool:
        return KnownCredential(namespace, name, valid=True) in self._facts.values()

    def project(self, name: str) -> bool:
        return KnownProject(name) in self._facts.values()


class Seen:
    """A View together with the Secrets of one request: the World that one verdict is made in."""

    complete = False
    secrets_complete = False

    def __init__(self, view: View, secrets: dict[tuple[str, str], KnownSecret]) -> None:
        self._view = view
        self._secrets = secrets

    def clusters(self) -> Iterable[KnownCluster]:
        return self._view.clusters()

    def machines(self) -> Iterable[KnownMachine]:
        return self._view.machines()

    def releases(self) -> Collection[str] | None:
        return self._view.releases()

    def gate(self, name: str) -> bool | None:
        return self._view.gate(name)

    def credential(self, namespace: str, name: str) -> bool | None:
        return self._view.credential(namespace, name)

    def project(self, name: str) -> bool | None:
        return self._view.project(name)

    def secret(self, namespace: str, name: str) -> KnownSecret | None:
        return self._secrets.get((namespace, name))


def spec_of(document: Json | None) -> dict[str, Any]:
    """The spec of an object, or nothing."""
    spec = (document or {}).get("spec")
    return cast("dict[str, Any]", spec) if isinstance(spec, dict) else {}
