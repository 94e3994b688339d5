"""Each request's way: judged, signed in, allowed, carried, written down. The one place that knows the order.

Called by the front. Long exchanges are known here, so that a sign-out, a right that is taken away or the end of a
user ends them, too.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from roost.api.exchange import Exchange, Identity, RequestHead, Upstream, UpstreamUnavailable
from roost.gateway import acting, asgi, audit, authorise, paths, relay, requestinfo
from roost.gateway import headers as heads
from roost.gateway.audit import AuditLog
from roost.gateway.authenticate import Authenticator, Caller
from roost.gateway.authorise import Authoriser
from roost.gateway.clusters import Clusters, Known
from roost.gateway.front import Client, ClientGone, Request
from roost.gateway.paths import Target
from roost.gateway.records import Record, User, secret_name
from roost.gateway.refusal import Refusal
from roost.gateway.requestinfo import RequestInfo
from roost.gateway.static import Files
from roost.gateway.store import Store

RECHECK_SECONDS: Final = 10.0
PER_SESSION: Final = 600
"""Exchanges at once of one sign-in."""

TunnelDoor = Callable[[Request, Client, Target], Awaitable[int]]


@dataclass
class Seen:
    """What is known of a request so far; the audit log's."""

    request: Request
    began: float
    audit_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    caller: Caller | None = None
    target: Target | None = None
    info: RequestInfo | None = None
    role: str = ""
    acting: Identity | None = None
    """Whom the caller acts as (--as)."""
    code: int = 0
    message: str = ""
    sent: int = 0
    received: int = 0


@dataclass(eq=False)
class _Active:
    """An exchange under way."""

    caller: Caller
    cluster: Known | None
    relay: relay.Relay
    began: float


class Dispatch:
    def __init__(
        self,
        *,
        authenticator: Authenticator,
        authoriser: Authoriser,
        clusters: Clusters,
        store: Store,
        platform: Upstream,
        log: AuditLog,
        files: Files,
        own: asgi.Application,
        tunnel: TunnelDoor | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._authoriser = authoriser
        self._clusters = clusters
        self._store = store
        self._platform = platform
        self._log = log
        self._files = files
        self._own = own
        self._tunnel = tunnel
        self.active: set[_Active] = set()
        """Exchanges under way."""
        self._under_way: Counter[str] = Counter()
        """How many there are of each sign-in."""
        self._ending: set[asyncio.Task[None]] = set()
        store.on_change(self._changed)
        clusters.gone = self._let_go

    async def handle(self, request: Request, client: Client) -> None:
        """One request, to its end. Refusals are raised for the front to answer, and written down first."""
        seen = Seen(request, time.time())
        try:
            target = seen.target = paths.judge(request.target)
            match target.door:
                case "platform" | "cluster":
                    await self._api(seen, client, target)
                case "own":
                    seen.code = await self._endpoint(seen, client, target)
                case "tunnel":
                    if self._tunnel is None:
                        raise Refusal(404, "no tunnels are taken here")
                    seen.code = await self._tunnel(request, client, target)
                case "console" | "root":
                    seen.code = await self._files.answer(request, client, target)
        except Refusal as refusal:
            seen.code, seen.message = refusal.code, refusal.message
            raise
        except UpstreamUnavailable as error:
            refusal = Refusal(503, error.message, cause=error.reason, retry_after=error.retry_after)
            seen.code, seen.message = refusal.code, refusal.message
            raise refusal from error
        finally:
            if _is_written(seen):
                self._write(seen, "ResponseComplete")

    async def recheck(self) -> None:
        """For ever: long exchanges end with the session or the right that they began with."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            now = time.time()
            for active in list(self.active):
                if now - active.began >= RECHECK_SECONDS and not await self._may_go_on(active, now):
                    await active.relay.end()

    async def _may_go_on(self, active: _Active, now: float) -> bool:
        caller = active.caller
        if caller.how in {"session", "cookie"}:
            session = self._store.session(caller.session)
            if session is not None and now >= session.expires:
                return False
        elif caller.how == "token" and now >= caller.expires:
            return False
        if active.cluster is None:
            return True
        try:
            await self._authoriser.role_in(caller, active.cluster.namespace, active.cluster.name)
        except Refusal:
            return False
        except Exception:
            # The platform's API is away: what was allowed goes on.
            return True
        return True

    async def _api(self, seen: Seen, client: Client, target: Target) -> None:
        request = seen.request
        upgrade = request.upgrade is not None
        caller = seen.caller = await self._authenticator.caller(request.method, request.headers, upgrade=upgrade)
        info = seen.info = requestinfo.parse(request.method, target.segments, target.query, upgrade=upgrade)
        headers = heads.onward(request.headers, upgrade=upgrade, client=request.address)
        asked = acting.wanted(request.headers)
        known: Known | None = None
        identity: Identity = caller.identity
        upstream = self._platform
        if target.door == "cluster":
            known = await self._clusters.find(target.namespace, target.cluster)
            if known.deleting and known.attached and not caller.is_platform:
                raise Refusal(410, f"the cluster {known.namespace}/{known.name} is being let go", cause="Detaching")
            role = await self._authoriser.role_in(caller, known.namespace, known.name)
            seen.role = role
            identity = authorise.in_cluster(caller, role)
            upstream = await self._clusters.upstream(known)
        if self._under_way[caller.session] >= PER_SESSION:
            raise Refusal(429, f"{PER_SESSION} requests of this sign-in are under way already", retry_after=1)
        if asked is not None:
            identity = seen.acting = await acting.allowed(
                upstream, identity, asked, session=caller.session, audit_id=seen.audit_id
            )
        if upgrade and request.method == "GET" and (info.streams or info.proxies):
            await authorise.need_streaming(upstream, identity, info, audit_id=seen.audit_id)
        head = RequestHead(
            request.method,
            target.onward,
            (*headers, (b"Audit-Id", seen.audit_id.encode())),
            identity,
            seen.audit_id,
            upgrade=upgrade,
            content_length=request.content_length,
        )
        if info.is_long or upgrade:
            self._write(seen, "RequestReceived")
        await self._carry(seen, client, await upstream.open(head), known, upgrade=upgrade)

    async def _carry(
        self, seen: Seen, client: Client, exchange: Exchange, known: Known | None, *, upgrade: bool
    ) -> None:
        assert seen.caller is not None
        carrier = relay.Relay(client, exchange, upgrade=upgrade, has_body=seen.request.content_length != 0)
        active = _Active(seen.caller, known, carrier, seen.began)
        self.active.add(active)
        session = seen.caller.session
        self._under_way[session] += 1
        try:
            await carrier.run()
        except ClientGone:
            seen.message = "the client left, or its session ended"
            raise
        finally:
            self.active.discard(active)
            self._under_way[session] -= 1
            if not self._under_way[session]:
                del self._under_way[session]
            seen.code = seen.code or carrier.carried.status
            seen.sent, seen.received = carrier.carried.sent, carrier.carried.received

    async def _endpoint(self, seen: Seen, client: Client, target: Target) -> int:
        if acting.wanted(seen.request.headers) is not None:
            raise Refusal(403, "here one acts as oneself alone; leave out --as", cause="ImpersonationRefused")
        return await asgi.answer(self._own, seen.request, client, target, state={"seen": seen})

    def _changed(self, name: str, record: Record | None) -> None:
        """Ends what belongs to a session, token, user or provider that is gone."""
        if record is not None and not (isinstance(record, User) and record.disabled):
            return
        self._end(lambda active: name in _depends_on(active.caller))

    def _let_go(self, namespace: str, name: str) -> None:
        """Nothing goes on in a cluster that the platform no longer knows, whatever the cluster itself would allow."""
        self._end(
            lambda active: (
                active.cluster is not None and (active.cluster.namespace, active.cluster.name) == (namespace, name)
            )
        )

    def _end(self, chosen: Callable[[_Active], bool]) -> None:
        for active in list(self.active):
            if chosen(active):
                task = asyncio.create_task(active.relay.end())
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    def _write(self, seen: Seen, stage: str) -> None:
        self._log.write(describe(seen, stage=stage, at=time.time()))


def _depends_on(caller: Caller) -> frozenset[str]:
    """Names of the Secrets without which the caller is nobody."""
    if caller.is_platform:
        return frozenset()
    kind = "token" if caller.how == "token" else "session"
    provider, mark, _ = caller.name.partition(":")
    by = secret_name("provider", provider) if mark else secret_name("user", caller.name)
    return frozenset({secret_name(kind, caller.session), by})


def describe(seen: Seen, *, stage: str, at: float) -> dict[str, Any]:
    """The audit event of a request."""
    request, target, info, caller = seen.request, seen.target, seen.info, seen.caller
    notes: dict[str, str] = {}
    if target is not None and target.door == "cluster":
        notes[audit.CLUSTER] = f"{target.namespace}/{target.cluster}"
    if seen.role:
        notes[audit.ROLE] = seen.role
    if caller is not None and caller.session:
        notes[audit.SESSION] = caller.session
    if stage == "ResponseComplete":
        notes |= {audit.SENT: str(seen.sent), audit.RECEIVED: str(seen.received)}
    named: dict[str, str] = {}
    if info is not None and info.resource:
        named = {
            "resource": info.resource,
            "namespace": info.namespace,
            "name": info.name,
            "apiGroup": info.group,
            "apiVersion": info.version,
            "subresource": info.subresource,
        }
    agent = next((value for name, value in request.headers if name.lower() == b"user-agent"), b"")
    return audit.event(
        audit_id=seen.audit_id,
        stage=stage,
        uri=target.raw if target is not None else "",
        verb=info.verb if info is not None else request.method.lower(),
        user=caller.identity.user if caller is not None else "system:anonymous",
        groups=caller.identity.groups if caller is not None else (),
        address=request.address,
        agent=agent.decode("latin-1"),
        began=seen.began,
        at=at,
        code=seen.code if stage == "ResponseComplete" else 0,
        message=seen.message,
        acting_as=(seen.acting.user, seen.acting.groups) if seen.acting is not None else None,
        object_ref={key: value for key, value in named.items() if value},
        annotations=notes,
    )


def _is_written(seen: Seen) -> bool:
    """Every request to a cluster, every change of the platform, every refusal; not the console's files and reads."""
    target, info = seen.target, seen.info
    if target is None:
        return True
    if target.door == "cluster":
        return True
    if seen.code >= 400 and target.door != "console":
        return seen.code != 401 or target.door == "platform" or seen.request.method != "GET"
    if target.door == "platform":
        return info is not None and not info.reads
    return target.door == "own" and seen.request.method not in {"GET", "HEAD", "OPTIONS"}
