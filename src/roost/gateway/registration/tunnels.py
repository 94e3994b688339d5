"""Everything about tunnels in one gateway process: the hub, who may connect, what is shown, and the two addresses.

`/tunnel/v1/connect` takes WebSockets of agents, `/tunnel/v1/csr` exchanges a token for a certificate. Made by `run`;
`dispatch` calls `door`, `clusters` asks `hub` for the way to a cluster.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final, cast

from roost.api.exchange import Upstream
from roost.gateway import headers as heads
from roost.gateway.front import Client, Request
from roost.gateway.paths import Target
from roost.gateway.refusal import Refusal
from roost.gateway.registration.registrar import Authority, Registrar
from roost.gateway.registration.reporting import Reporter
from roost.gateway.replicas.hop import Hops
from roost.gateway.replicas.members import Members
from roost.gateway.throttle import Throttle
from roost.kube.lean import Lean
from roost.tunnel import carrier
from roost.tunnel.server import Arrival, Hub, Rejected

CSR: Final = "/tunnel/v1/csr"
LARGEST_BODY: Final = 16 * 1024
TIDY_SECONDS: Final = 3600.0
FAILURES: Final = 20
"""Of one address, before it has to wait."""
_LOG: Final = logging.getLogger("roost.gateway")
_CODES: Final = {"busy": 503, "expired": 403, "detached": 410, "uid_mismatch": 409}


class Tunnels:
    def __init__(
        self,
        api: Lean,
        authority: Authority,
        *,
        hops: str | None = None,
        doors: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """`hops`: address on which other gateways are listened to; None: this one is alone. `doors`: host:port where
        agents reach this one."""
        self.registrar = Registrar(api, authority)
        uid = hashlib.sha256(authority.certificate_pem.encode()).hexdigest()[:32]
        replica = secrets.token_hex(8)
        self.hub = Hub(self.registrar, uid=uid, replica=replica, replicas=self._replicas, changed=self._changed)
        self.members: Members | None = None
        self._hops: Hops | None = None
        self._hops_host = hops
        if hops is not None:
            self.members = Members(api, replica, held=self.hub.clusters, doors=doors, changed=self._show)
            self._hops = Hops(self.members, self.hub)
        self._reporter = Reporter(api, self.registrar, self.hub, self.members)
        self.registrar.changed = self._changed
        self.registrar.revoked = self._revoked
        self._by_address = Throttle(FAILURES)

    def upstream(self, cluster_id: str) -> Upstream | None:
        """The way to a cluster by a tunnel that ends here, else by the gateway at which one does."""
        found = self.hub.upstream(cluster_id)
        return found if found is not None or self._hops is None else self._hops.upstream(cluster_id)

    def back_in(self, cluster_id: str) -> int | None:
        """Seconds after which its agent may be there again; None where nobody knows."""
        return self.hub.back_in(cluster_id)

    async def start(self) -> None:
        """Listens to other gateways, before they hear of this one."""
        if self._hops is not None and self._hops_host is not None:
            await self._hops.listen(self._hops_host)

    async def close(self) -> None:
        if self._hops is not None:
            await self._hops.close()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            if self.members is not None:
                group.create_task(self.members.run())
            group.create_task(self.registrar.run())
            group.create_task(self._reporter.run())
            group.create_task(self.hub.run())
            group.create_task(self._tidy())

    async def door(self, request: Request, client: Client, target: Target) -> int:
        """One request below /tunnel/v1. Raises Refusal."""
        if target.raw == carrier.PATH:
            return await self._connect(request, client)
        if target.raw == CSR:
            return await self._enrol(request, client)
        raise Refusal(404, "there is nothing here")

    async def _connect(self, request: Request, client: Client) -> int:
        if request.method != "GET" or request.upgrade is None:
            raise Refusal(400, "this address takes WebSockets of agents", cause="UpgradeRefused")
        transport, early = client.hand_over()
        try:
            await self.hub.serve(Arrival(transport, request.headers, early, request.address))
        except carrier.Refused as refused:
            client.started = False
            raise Refusal(400, str(refused), cause="UpgradeRefused") from refused
        return 101

    async def _enrol(self, request: Request, client: Client) -> int:
        if request.method != "POST":
            raise Refusal(405, "certificates are asked for by POST")
        now = asyncio.get_running_loop().time()
        wait = self._by_address.wait(request.address, now=now)
        if wait > 0:
            raise Refusal(429, "too many refused tokens from this address", retry_after=int(wait) + 1)
        body = b""
        while piece := await client.read():
            body += piece
            if len(body) > LARGEST_BODY:
                raise Refusal(413, f"a request for a certificate has at most {LARGEST_BODY} bytes")
        token, asked, cluster_uid = _read(request, body)
        try:
            certificate = await self.registrar.enrol(token, asked, cluster_uid, request.address)
        except Rejected as rejected:
            reject = rejected.reject
            if reject.code == "bad_token":
                self._by_address.failed(request.address, now=now)
            document = Refusal(_CODES.get(reject.code, 403), reject.message).document()
            document["details"] = {**cast("dict[str, Any]", document.get("details") or {}), "code": reject.code}
            answer = json.dumps(document).encode()
            await client.answer(int(document["code"]), [(b"Content-Type", b"application/json")], answer)
            return int(document["code"])
        answer = json.dumps({"certificate": certificate}).encode()
        await client.answer(200, [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")], answer)
        return 200

    def _replicas(self) -> int:
        return self.members.count() if self.members is not None else 1

    def _changed(self, cluster_id: str) -> None:
        if self.members is not None:
            self.members.touched()
        self._show(cluster_id)

    def _show(self, cluster_id: str) -> None:
        self._reporter.changed(cluster_id)

    def _revoked(self, cluster_id: str, code: str, message: str) -> None:
        ended = self.hub.kick(cluster_id, code=code, message=message, retryable=code == "revoked")
        if ended:
            _LOG.info("%d tunnels of %s ended: %s", ended, cluster_id, message)
        self._changed(cluster_id)

    async def _tidy(self) -> None:
        await self.registrar.synced.wait()
        while True:
            try:
                await self.registrar.tidy()
            except Exception as error:
                _LOG.warning("expired registration tokens not deleted: %s", error)
            await asyncio.sleep(TIDY_SECONDS)


def _read(request: Request, body: bytes) -> tuple[str, str, str]:
    """Token, signing request, uid of the cluster."""
    scheme, _, token = (heads.value_of(request.headers, b"authorization") or b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "the registration token is missing")
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "the body is no JSON", cause="BodyInvalid") from error
    if not isinstance(found, dict):
        raise Refusal(400, "the body is no JSON object", cause="BodyInvalid")
    fields = cast("dict[str, object]", found)
    asked, uid = fields.get("request"), fields.get("clusterUID")
    if not isinstance(asked, str) or not isinstance(uid, str) or not 0 < len(uid) <= 64:
        raise Refusal(422, "request (PEM) and clusterUID are needed", cause="BodyInvalid")
    return token.strip(), asked, uid
