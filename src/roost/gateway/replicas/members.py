"""Who else is a gateway now, and which of them holds a cluster's tunnels. Made by run; asked by hop and reporting.

Each gateway writes its row every few seconds and watches those of the others. That a row is alive is judged by when
this process last saw it change, so that clocks need not agree.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from roost.api.errors import RoostError
from roost.api.names import SYSTEM_NAMESPACE
from roost.gateway.replicas import rows
from roost.gateway.replicas.rows import Holding, Row
from roost.kube import pki
from roost.kube.lean import ApiAnswer, Lean
from roost.tunnel.server import Loss

BEAT_SECONDS: Final = 4.0
ALIVE_SECONDS: Final = 13.0
"""Without a sign of life, three of which are due in this time."""
OLD_SECONDS: Final = 60.0
"""By its own stamp: a row that is older when it is first seen was left by a gateway that was killed."""
PUBLISH_SECONDS: Final = 1.0
KEY_LIFE: Final = timedelta(days=3650)
_MAPS: Final = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps"
_LOG: Final = logging.getLogger("roost.gateway")


@dataclass
class _Known:
    row: Row
    seen: float
    """When it last changed, by this process's monotonic clock."""
    clusters: frozenset[str] = frozenset()


class Members:
    """`held` gives the clusters whose tunnels end here; `changed` is told of those that others took up or lost."""

    def __init__(
        self,
        api: Lean,
        replica: str,
        *,
        held: Callable[[], Iterable[str]],
        doors: Callable[[], tuple[str, ...]],
        changed: Callable[[str], None],
    ) -> None:
        self._api = api
        self.replica: Final = replica
        self._held = held
        self._doors = doors
        self._changed = changed
        authority = pki.create_authority(f"roost-gateway-{replica}", now=pki.utc_now(), life=KEY_LIFE)
        self._authority_pem: Final = authority.certificate_pem
        profile = pki.Profile(replica, "both", hosts=(replica,))
        self.pair: Final = pki.issue(authority, profile, now=pki.utc_now(), life=KEY_LIFE)
        """Key and certificate towards other gateways. They never leave this process."""
        self.at = ""
        """Where this one takes requests of others; set before run."""
        self.trusted: Callable[[str], None] = lambda _authority_pem: None
        """Told of each other gateway's CA."""
        self._known: dict[str, _Known] = {}
        self._waiting: dict[str, frozenset[str]] = {}
        """Clusters of replicas whose own row has not come yet."""
        self._losses: dict[str, Loss] = {}
        self._published: frozenset[str] | None = None
        self._touched = asyncio.Event()

    # What others ask.

    def count(self) -> int:
        """Gateways that are alive, this one among them."""
        return 1 + len(self._alive())

    def holders(self, cluster_id: str) -> list[Row]:
        """Other gateways at which the cluster's tunnels end."""
        return [each.row for each in self._alive() if cluster_id in each.clusters]

    def by_certificate(self, certificate: bytes) -> str:
        """The replica that a certificate (DER) is of; empty for one of nobody that is alive."""
        fingerprint = hashlib.sha256(certificate).hexdigest()
        return next((each.row.replica for each in self._alive() if each.row.fingerprint == fingerprint), "")

    def doors(self) -> tuple[str, ...]:
        """host:port of the other gateways."""
        return tuple(door for each in self._alive() for door in each.row.doors)

    def loss(self, cluster_id: str) -> Loss | None:
        """How its tunnels at another gateway ended, where that gateway ended with them."""
        return self._losses.get(cluster_id)

    def touched(self) -> None:
        """A tunnel came or went here."""
        self._touched.set()

    # What run does.

    async def run(self) -> None:
        """For ever; takes its rows away at the end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._beat())
                group.create_task(self._publish())
                group.create_task(self._sweep())
        finally:
            await asyncio.shield(self._withdraw())

    async def _follow(self) -> None:
        async for kind, item in self._api.follow(_MAPS, selector=rows.LABEL):
            if kind != "SYNCED":
                self._heard(kind, rows.decode(item) if kind != "DELETED" else None, item)

    def _heard(self, kind: str, record: Row | Holding | None, item: dict[str, Any]) -> None:
        name, replica = str(item["metadata"]["name"]), str(item["metadata"]["labels"][rows.LABEL])
        if replica == self.replica:
            if kind == "DELETED":
                # Others took this process for dead; it is not.
                self._published = None
                self._touched.set()
            return
        if kind == "DELETED":
            if name.startswith("gateway-replica-"):
                self._drop(replica)
            return
        if isinstance(record, Row):
            self._take(record)
        elif isinstance(record, Holding):
            self._hold(record)

    def _take(self, row: Row) -> None:
        known = self._known.get(row.replica)
        if known is None:
            if time.time() - row.renewed > OLD_SECONDS:
                return
            _LOG.info("another gateway is there: %s at %s", row.replica, row.at)
            known = self._known[row.replica] = _Known(row, time.monotonic())
            self.trusted(row.authority)
            self._hold(Holding(row.replica, self._waiting.pop(row.replica, frozenset())))
            self._published = None
            self._touched.set()
        if row.renewed != known.row.renewed:
            known.seen = time.monotonic()
        known.row = row

    def _hold(self, holding: Holding) -> None:
        known = self._known.get(holding.replica)
        if known is None:
            self._waiting[holding.replica] = holding.clusters
            return
        news, known.clusters = known.clusters ^ holding.clusters, holding.clusters
        for cluster_id in news:
            self._losses.pop(cluster_id, None)
            self._changed(cluster_id)

    def _drop(self, replica: str) -> None:
        self._waiting.pop(replica, None)
        known = self._known.pop(replica, None)
        if known is None:
            return
        _LOG.warning("the gateway %s is gone", replica)
        for cluster_id in known.clusters:
            self._losses[cluster_id] = Loss(time.time(), f"the gateway {replica}, where it ended, is gone")
            self._changed(cluster_id)

    async def _beat(self) -> None:
        while True:
            row = Row(
                self.replica,
                self.at,
                self._authority_pem,
                hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.pair.certificate_pem)).hexdigest(),
                self._doors(),
                time.time(),
            )
            await self._write(row)
            await asyncio.sleep(BEAT_SECONDS)

    async def _publish(self) -> None:
        """The clusters held here, to whoever is there to read them."""
        while True:
            await self._touched.wait()
            self._touched.clear()
            held = frozenset(self._held())
            if self._known and held != self._published:
                if await self._write(Holding(self.replica, held)):
                    self._published = held
                else:
                    self._touched.set()
            await asyncio.sleep(PUBLISH_SECONDS)

    async def _sweep(self) -> None:
        """Those that fell silent; the rows that they left are deleted."""
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for replica, known in list(self._known.items()):
                if now - known.seen > ALIVE_SECONDS:
                    self._drop(replica)
                    await self._delete(known.row)

    async def _write(self, record: Row | Holding) -> bool:
        try:
            await self._api.apply(f"{_MAPS}/{rows.name_of(record)}", rows.encode(record), manager="roost-gateway")
        except (RoostError, TimeoutError) as error:
            _LOG.warning("what this gateway tells the others was not written: %s", error)
            return False
        return True

    async def _withdraw(self) -> None:
        await self._delete(Row(self.replica, "", "", "", (), 0.0))

    async def _delete(self, row: Row) -> None:
        for record in (row, Holding(row.replica, frozenset())):
            try:
                await self._api.call("DELETE", f"{_MAPS}/{rows.name_of(record)}")
            except (RoostError, TimeoutError, OSError) as error:
                if not (isinstance(error, ApiAnswer) and error.code == 404):
                    _LOG.info("the row of the gateway %s was not deleted: %s", row.replica, error)

    def _alive(self) -> list[_Known]:
        return list(self._known.values())
