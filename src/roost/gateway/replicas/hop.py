"""The hop between two gateways: a request for a cluster whose tunnels end elsewhere goes there, and no further.

The edge, which the client reached, has signed the caller in, judged and written down the request. It sends it on over
mutual TLS, with the caller's identity in one header; both keys live in their processes alone, and each side trusts
only certificates that stand in a living gateway's row. The other end carries the request into a tunnel of its
own, or refuses it: it never asks a third gateway, so there is one hop at most. Made by run.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
from typing import Any, Final, cast

from roost.api.errors import RoostError
from roost.api.exchange import Exchange, Headers, Identity, RequestHead, ResponseHead, Upstream, UpstreamUnavailable
from roost.gateway import headers as heads
from roost.gateway import relay
from roost.gateway.front import Client, Front, Request
from roost.gateway.refusal import Refusal
from roost.gateway.replicas.members import Members
from roost.gateway.replicas.rows import Row
from roost.kube.direct import Direct, reachable
from roost.kube.kubeconfig import Access
from roost.tunnel.server import Hub

HEADER: Final = b"roost-hop"
"""Who asks, and for which cluster: base64 of JSON."""
REFUSED: Final = b"roost-hop-refused"
"""On an answer of the other gateway's own."""
_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", HEADER, REFUSED})
_LARGEST: Final = 64 * 1024


class Hops:
    """Both ends: `upstream` is the edge's way on, `listen` takes what others send."""

    def __init__(self, members: Members, hub: Hub) -> None:
        self._members = members
        self._hub = hub
        self._ways: dict[str, Direct] = {}
        self._tls = _server_context(members)
        self._front = Front(self._carry, self._tls)
        members.trusted = lambda authority: self._tls.load_verify_locations(cadata=authority)

    async def listen(self, host: str) -> None:
        """On a port of its own, apart from the door for people and agents."""
        port = await self._front.listen(host, 0)
        self._members.at = f"{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self) -> None:
        await self._front.close(seconds=1.0)
        for way in self._ways.values():
            await way.close()

    def upstream(self, cluster_id: str) -> Upstream | None:
        """The way by another gateway; None where none holds a tunnel of the cluster."""
        return _Way(self, cluster_id) if self._members.holders(cluster_id) else None

    async def open(self, cluster_id: str, head: RequestHead) -> Exchange:
        """Raises UpstreamUnavailable."""
        last: UpstreamUnavailable | None = None
        headers = (*head.headers, (HEADER, _encode(cluster_id, head)))
        for row in self._members.holders(cluster_id):
            try:
                way = self._way(row)
                exchange = await way.open_own(
                    head.method, head.target, headers, content_length=head.content_length, upgrade=head.upgrade
                )
            except UpstreamUnavailable as error:
                last = UpstreamUnavailable(
                    "GatewayUnreachable", f"the gateway {row.replica}, which has its tunnel, is not reached", 2
                )
                last.__cause__ = error
            else:
                return _Hopped(exchange)
        raise last or UpstreamUnavailable("AgentDisconnected", "no gateway has a tunnel of this cluster any more", 2)

    def _way(self, row: Row) -> Direct:
        access = Access(
            f"https://{row.at}",
            ca_pem=row.authority,
            certificate_pem=self._members.pair.certificate_pem,
            key_pem=self._members.pair.key_pem,
            server_name=row.replica,
        )
        way = self._ways.get(row.replica)
        if way is None or way.server != access.server:
            try:
                way = self._ways[row.replica] = Direct(access, allowed=reachable)
            except (RoostError, ssl.SSLError, ValueError) as error:
                raise UpstreamUnavailable("GatewayUnreachable", f"its row can't be used: {error}") from error
        return way

    async def _carry(self, request: Request, client: Client) -> None:
        """One request that another gateway sent. Raises Refusal."""
        if not client.certificate or not self._members.by_certificate(client.certificate):
            raise Refusal(403, "only gateways of this platform ask here")
        cluster_id, head = _decode(request)
        # Only what ends here: a request never hops twice.
        upstream = self._hub.upstream(cluster_id)
        try:
            if upstream is None:
                raise UpstreamUnavailable(
                    "AgentDisconnected", self._hub.absence(cluster_id), self._hub.back_in(cluster_id)
                )
            exchange = _Cleaned(await upstream.open(head))
            has_body = head.content_length != 0
            await relay.Relay(client, exchange, upgrade=head.upgrade, has_body=has_body).run()
        except UpstreamUnavailable as error:
            document = {"reason": error.reason, "message": error.message, "retryAfter": error.retry_after}
            await client.answer(503, [(REFUSED, b"1")], json.dumps(document).encode())


class _Way:
    """Upstream by whichever gateway has a tunnel now."""

    def __init__(self, hops: Hops, cluster_id: str) -> None:
        self._hops = hops
        self._cluster_id = cluster_id

    async def open(self, head: RequestHead) -> Exchange:
        return await self._hops.open(self._cluster_id, head)


class _Passed:
    """An exchange, passed on."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def write(self, data: bytes) -> None:
        await self._exchange.write(data)

    async def write_eof(self) -> None:
        await self._exchange.write_eof()

    async def head(self) -> ResponseHead:
        return await self._exchange.head()

    async def read(self, limit: int = 65536) -> bytes:
        return await self._exchange.read(limit)

    async def abort(self) -> None:
        await self._exchange.abort()


class _Cleaned(_Passed):
    """At the far end: a cluster's answer must not look like one of a gateway."""

    async def head(self) -> ResponseHead:
        found = await self._exchange.head()
        kept = tuple(pair for pair in found.headers if not pair[0].lower().startswith(HEADER))
        return ResponseHead(found.status, found.reason, kept)


class _Hopped(_Passed):
    """At the edge: a refusal of the other gateway is one of the way, and not the cluster's answer."""

    async def head(self) -> ResponseHead:
        found = await self._exchange.head()
        if heads.value_of(found.headers, REFUSED) is None:
            return found
        body = b""
        while len(body) < _LARGEST and (piece := await self._exchange.read()):
            body += piece
        try:
            said = cast("dict[str, Any]", json.loads(body))
            raise UpstreamUnavailable(
                str(said["reason"]), str(said["message"]), cast("int | None", said["retryAfter"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UpstreamUnavailable("GatewayUnreachable", "the other gateway's answer can't be read") from error


def _encode(cluster_id: str, head: RequestHead) -> bytes:
    identity = head.identity
    document = {
        "cluster": cluster_id,
        "user": identity.user,
        "uid": identity.uid,
        "groups": list(identity.groups),
        "extra": {key: list(values) for key, values in identity.extra.items()},
        "audit": head.audit_id,
    }
    return base64.b64encode(json.dumps(document).encode())


def _decode(request: Request) -> tuple[str, RequestHead]:
    """Raises Refusal 400."""
    try:
        found = cast(
            "dict[str, Any]",
            json.loads(base64.b64decode(heads.value_of(request.headers, HEADER) or b"", validate=True)),
        )
        identity = Identity(
            str(found["user"]),
            str(found["uid"]),
            tuple(str(group) for group in found["groups"]),
            {str(key): tuple(map(str, values)) for key, values in found["extra"].items()},
        )
        cluster_id, audit_id = str(found["cluster"]), str(found["audit"])
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(400, "what a gateway sends names who asks, and for which cluster") from error
    headers: Headers = tuple(pair for pair in request.headers if pair[0].lower() not in _FRAMING)
    head = RequestHead(
        request.method,
        request.target.decode("ascii"),
        headers,
        identity,
        audit_id,
        upgrade=request.upgrade is not None,
        content_length=request.content_length,
    )
    return cluster_id, head


def _server_context(members: Members) -> ssl.SSLContext:
    """Takes nobody until `trusted` has told of somebody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = ssl.CERT_REQUIRED
    # ssl reads keys from paths only; memfd keeps this one off the disk.
    descriptor = os.memfd_create("gateway-hop", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, f"{members.pair.certificate_pem.rstrip()}\n{members.pair.key_pem.reveal()}".encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
