"""Decides who may connect, from a watch of Clusters and of the registrations in the system namespace.

Implements `tunnel.server.Registrar`. Also hears of Clusters that were revoked or deleted, and has their tunnels ended
at once. Every replica of the gateway does the same from the same objects. Called by `tunnels`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from roost.api.conditions import REGISTERED
from roost.api.masked import Masked
from roost.api.names import GROUP, ID_ANNOTATION, SYSTEM_NAMESPACE, VERSION
from roost.kube import pki
from roost.kube.lean import ApiAnswer, Lean
from roost.providers.registered import judging, records
from roost.providers.registered.judging import KnownCluster
from roost.providers.registered.records import StateRecord, TokenRecord, Tombstone
from roost.providers.registered.showing import Waiting
from roost.tunnel import proof
from roost.tunnel.heads import Challenge, Hello, Reject
from roost.tunnel.server import Admitted, Rejected

Json = dict[str, Any]
_SECRETS: Final = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"
_MERGE: Final = "application/merge-patch+json"
TOKEN_KEPT: Final = 86400.0
"""An expired token is known this long, so that its agent hears «expired» and not «unknown»."""
_LOG: Final = logging.getLogger("roost.gateway")


@dataclass(frozen=True)
class Authority:
    """The CA that signs agents' certificates, and nothing else."""

    certificate_pem: str
    key_pem: Masked


@dataclass(frozen=True)
class Object:
    """A Cluster as it is watched."""

    cluster: KnownCluster
    uid: str
    generation: int
    status: Json


class Registrar:
    """`revoked(id, code, message)` ends the tunnels of a cluster; `changed(id)` has it shown anew."""

    def __init__(self, api: Lean, authority: Authority) -> None:
        self._api = api
        self._authority = authority
        self._objects: dict[str, Object] = {}
        """Registered Clusters by id."""
        self._uids: dict[str, str] = {}
        """Every Cluster's uid of kube-system, as its status has it, by namespace/name."""
        self._titles: dict[str, set[str]] = {}
        """The same from the uid to whoever has it: asked at each connection, so not by looking through all."""
        self._registered_as: dict[str, set[str]] = {}
        """Ids of the registrations of each uid."""
        self._states: dict[str, StateRecord] = {}
        self._tokens: dict[str, TokenRecord] = {}
        self._tombstones: dict[str, Tombstone] = {}
        self.waiting: dict[str, Waiting] = {}
        """The last agent of a cluster that was turned away, until one is let in."""
        self.alerts: dict[str, str] = {}
        """What an administrator should know, by cluster."""
        self.revoked: Callable[[str, str, str], object] = lambda _cluster, _code, _message: None
        self.changed: Callable[[str], object] = lambda _cluster: None
        self.synced = asyncio.Event()
        self._clusters_synced = asyncio.Event()
        self._records_synced = asyncio.Event()

    def object(self, cluster_id: str) -> Object | None:
        return self._objects.get(cluster_id)

    def ids(self) -> list[str]:
        return list(self._objects)

    def is_registered(self, cluster_id: str) -> bool:
        return cluster_id in self._states

    async def run(self) -> None:
        """Follows both, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_clusters())
            group.create_task(self._follow_records())

    # tunnel.server.Registrar.

    async def admit(self, challenge: Challenge, hello: Hello, peer: str) -> Admitted:
        await self._ready()
        try:
            found = proof.examine(hello.certificate, self._authority.certificate_pem, now=pki.utc_now())
            proof.verify(hello.certificate, hello.signature, challenge.signed(hello.session))
        except proof.ProofRefused as error:
            raise Rejected(Reject(error.code, str(error), retry_after=30.0)) from error
        cluster_id = found.cluster_id
        known = self._objects.get(cluster_id)
        reject = judging.admit(
            known.cluster if known is not None else None,
            self._states.get(cluster_id),
            key=found.key,
            cluster_uid=hello.cluster_uid,
            tombstone=cluster_id in self._tombstones,
            holder=self._holder(cluster_id, hello.cluster_uid),
        )
        if reject is not None:
            if known is not None:
                self.waiting[cluster_id] = Waiting(reject, peer, time.time(), found.key)
                self.changed(cluster_id)
            raise Rejected(reject)
        self.waiting.pop(cluster_id, None)
        return Admitted(cluster_id, found.fingerprint, found.expires.timestamp())

    async def renew(self, admitted: Admitted, request_pem: str) -> str:
        state = self._states.get(admitted.cluster_id)
        try:
            key = proof.key_of_request(request_pem)
        except proof.ProofRefused as error:
            raise Rejected(Reject(error.code, str(error))) from error
        if state is None or key != state.key:
            raise Rejected(Reject("revoked", "a certificate is renewed for the registered key only"))
        return self._issue(admitted.cluster_id, request_pem)

    # The endpoint for certificates.

    async def enrol(self, token: str, request_pem: str, cluster_uid: str, peer: str) -> str:
        """A token for a certificate (PEM). Raises Rejected."""
        await self._ready()
        parts = records.split(token)
        record = await self._token(parts[0]) if parts is not None else None
        try:
            key = proof.key_of_request(request_pem)
        except proof.ProofRefused as error:
            raise Rejected(Reject(error.code, str(error), retryable=False)) from error
        cluster_id = record.cluster_id if record is not None else ""
        known = self._objects.get(cluster_id)
        reject = judging.enrol(
            record,
            known.cluster if known is not None else None,
            secret=parts[1] if parts is not None else "",
            key=key,
            cluster_uid=cluster_uid,
            now=time.time(),
            holder=self._holder(cluster_id, cluster_uid),
        )
        if reject is not None:
            self._turned_away(record, known, reject, key, peer, parts[1] if parts is not None else "")
            raise Rejected(reject)
        assert record is not None
        if not record.key and not await self._bind(record, key):
            raise Rejected(Reject("busy", "the token is being exchanged by another agent", retry_after=2.0))
        certificate = self._issue(cluster_id, request_pem)
        await self._write(StateRecord(cluster_id, key, cluster_uid, time.time()))
        self.waiting.pop(cluster_id, None)
        self.changed(cluster_id)
        _LOG.info("cluster %s registered from %s, key %s", record.cluster, peer, judging.short(key))
        return certificate

    def _turned_away(
        self, record: TokenRecord | None, known: Object | None, reject: Reject, key: str, peer: str, secret: str
    ) -> None:
        """A right token with a wrong key was stolen, or applied in two clusters: people must hear of it."""
        if record is None or known is None or not records.fits(record, secret):
            return
        if record.key and record.key != key:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
            self.alerts[record.cluster_id] = (
                f"at {when} UTC the registration token was presented again, with another key, from {peer}"
            )
            _LOG.warning("the used token of %s was presented with another key from %s", record.cluster, peer)
        self.waiting[record.cluster_id] = Waiting(reject, peer, time.time(), key)
        self.changed(record.cluster_id)

    def _issue(self, cluster_id: str, request_pem: str) -> str:
        try:
            return proof.issue(
                self._authority.certificate_pem,
                self._authority.key_pem.reveal(),
                request_pem,
                cluster_id=cluster_id,
                now=pki.utc_now(),
            )
        except proof.ProofRefused as error:
            raise Rejected(Reject(error.code, str(error), retryable=False)) from error

    async def _token(self, number: str) -> TokenRecord | None:
        """From the API itself: a token must not be exchanged twice because a watch lags."""
        try:
            found = records.decode(await self._api.call("GET", f"{_SECRETS}/{records.secret_name('token', number)}"))
        except ApiAnswer as answer:
            if answer.code in {400, 404}:
                return None
            raise
        return found if isinstance(found, TokenRecord) else None

    async def _bind(self, record: TokenRecord, key: str) -> bool:
        """Writes down which key the token was exchanged for. False: another agent was faster."""
        name = records.name_of(record)
        current = await self._api.call("GET", f"{_SECRETS}/{name}")
        found = records.decode(current)
        if not isinstance(found, TokenRecord) or found.key not in {"", key}:
            return False
        patch = {
            "metadata": {"resourceVersion": current["metadata"]["resourceVersion"]},
            "data": records.encode(replace(record, key=key))["data"],
        }
        try:
            await self._api.call("PATCH", f"{_SECRETS}/{name}", patch, content_type=_MERGE)
        except ApiAnswer as answer:
            if answer.code == 409:
                return False
            raise
        return True

    async def _write(self, record: StateRecord) -> None:
        document = records.encode(record)
        try:
            await self._api.call("POST", _SECRETS, document)
        except ApiAnswer as answer:
            if answer.code != 409:
                raise
            patch = {"data": document["data"]}
            await self._api.call("PATCH", f"{_SECRETS}/{records.name_of(record)}", patch, content_type=_MERGE)
        self._keep(record)

    async def tidy(self) -> None:
        """Deletes tokens that ended long ago."""
        for record in list(self._tokens.values()):
            if time.time() > record.expires + TOKEN_KEPT:
                try:
                    await self._api.call("DELETE", f"{_SECRETS}/{records.name_of(record)}")
                except ApiAnswer as answer:
                    if answer.code != 404:
                        raise

    def _holder(self, cluster_id: str, cluster_uid: str) -> str:
        """Title of another Cluster that is the same cluster; empty when there is none."""
        known = self._objects.get(cluster_id)
        own = known.cluster.title if known is not None else ""
        others = self._titles.get(cluster_uid, set()) - {own} if cluster_uid else set[str]()
        for other_id in self._registered_as.get(cluster_uid, ()):
            other = self._objects.get(other_id)
            if other is not None and other_id != cluster_id:
                others.add(other.cluster.title)
        return min(others, default="")

    def _name(self, title: str, uid: str) -> None:
        """Keeps which uid a Cluster has, both ways."""
        former = self._uids.pop(title, "")
        if former:
            self._titles[former].discard(title)
            if not self._titles[former]:
                del self._titles[former]
        if uid:
            self._uids[title] = uid
            self._titles.setdefault(uid, set()).add(title)

    def _keep(self, state: StateRecord) -> None:
        """A registration anew, with another key, ends what the former key opened: it may be stolen."""
        former = self._states.get(state.cluster_id)
        self._drop(state.cluster_id)
        self._states[state.cluster_id] = state
        self._registered_as.setdefault(state.cluster_uid, set()).add(state.cluster_id)
        if former is not None and former.key != state.key:
            self.revoked(state.cluster_id, "revoked", "the cluster was registered anew, with another key")

    def _drop(self, cluster_id: str) -> None:
        former = self._states.pop(cluster_id, None)
        if former is not None:
            self._registered_as[former.cluster_uid].discard(cluster_id)
            if not self._registered_as[former.cluster_uid]:
                del self._registered_as[former.cluster_uid]

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self._clusters_synced.wait()
                await self._records_synced.wait()
        except TimeoutError as error:
            raise Rejected(Reject("busy", "the gateway does not know its clusters yet", retry_after=2.0)) from error

    async def _follow_clusters(self) -> None:
        async for kind, item in self._api.follow(f"/apis/{GROUP}/{VERSION}/clusters"):
            if kind == "SYNCED":
                self._clusters_synced.set()
                if self._records_synced.is_set():
                    self.synced.set()
                continue
            self._heard(kind, item)

    def _heard(self, kind: str, item: Json) -> None:
        metadata = cast("Json", item["metadata"])
        title = f"{metadata.get('namespace', '')}/{metadata['name']}"
        if kind == "DELETED":
            self._name(title, "")
            gone = next((key for key, each in self._objects.items() if each.uid == metadata.get("uid")), None)
            if gone is not None:
                del self._objects[gone]
                self.revoked(gone, "detached", "the cluster was deleted on the platform")
            return
        status = cast("Json", item.get("status") or {})
        self._name(title, str(status.get("uid") or ""))
        found = _known(item)
        if found is None:
            return
        former = self._objects.get(found.cluster.id)
        self._objects[found.cluster.id] = found
        if found.cluster.accepted is False and (former is None or former.cluster.accepted is not False):
            self.revoked(found.cluster.id, "revoked", "spec.registered.accepted is false")
        if former is None or former.cluster != found.cluster:
            self.changed(found.cluster.id)

    async def _follow_records(self) -> None:
        async for kind, item in self._api.follow(_SECRETS, selector=records.LABEL):
            if kind == "SYNCED":
                self._records_synced.set()
                if self._clusters_synced.is_set():
                    self.synced.set()
                continue
            name = str(item["metadata"]["name"])
            if kind == "DELETED":
                for kept in (self._tokens, self._tombstones):
                    for key in [key for key, each in kept.items() if records.name_of(each) == name]:
                        del kept[key]
                for key in [key for key, each in self._states.items() if records.name_of(each) == name]:
                    self._drop(key)
                continue
            record = records.decode(item)
            if isinstance(record, TokenRecord):
                self._tokens[record.id] = record
            elif isinstance(record, StateRecord):
                self._keep(record)
                self.changed(record.cluster_id)
            elif isinstance(record, Tombstone):
                self._tombstones[record.cluster_id] = record


def _known(item: Json) -> Object | None:
    """None for a Cluster that is not registered, or that has no id yet."""
    metadata = cast("Json", item["metadata"])
    spec = cast("Json", item.get("spec") or {})
    registered = cast("Json | None", spec.get("registered"))
    cluster_id = str(cast("Json", metadata.get("annotations") or {}).get(ID_ANNOTATION) or "")
    if registered is None or not cluster_id:
        return None
    return Object(
        KnownCluster(
            id=cluster_id,
            namespace=str(metadata.get("namespace") or ""),
            name=str(metadata["name"]),
            deleting=metadata.get("deletionTimestamp") is not None,
            manual=registered.get("approval") == "Manual",
            accepted=cast("bool | None", registered.get("accepted")),
            expected_uid=str(registered.get("expectedUID") or ""),
        ),
        uid=str(metadata.get("uid") or ""),
        generation=int(metadata.get("generation") or 0),
        status=_told(cast("Json", item.get("status") or {})),
    )


def _told(status: Json) -> Json:
    """What the gateway itself wrote there; thousands of whole statuses would be the gateway's largest part."""
    conditions = cast("list[Json]", status.get("conditions") or [])
    found: Json = {"conditions": [each for each in conditions if each.get("type") in REGISTERED]}
    if "agent" in status:
        found["agent"] = status["agent"]
    return found
