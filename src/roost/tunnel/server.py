"""The platform's end of all tunnels: who is connected, and the way to each cluster. Runs in the gateway's process.

The gateway hands over each request for `/tunnel/v1/connect` (`serve`), asks for the way to a cluster (`upstream`)
and closes what was revoked (`kick`). Who may connect is decided by the `Registrar`; that something changed is told
to `changed`. The agent opens nothing here: it answers.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from roost.api.exchange import Headers, Upstream, UpstreamUnavailable
from roost.tunnel import carrier, heads
from roost.tunnel.frames import GoAway, ProtocolError
from roost.tunnel.heads import Beat, Challenge, Hello, Reject, Welcome
from roost.tunnel.mux import Limits
from roost.tunnel.session import Session
from roost.tunnel.upstream import TunnelUpstream

HANDSHAKE_WITHIN: Final = 10.0
WAITING_AT_ONCE: Final = 256
"""Handshakes under way; more are asked to come later, so that a storm of agents can't exhaust the process."""
STALLED_EVERY: Final = 10.0
RETURNS_WITHIN: Final = 15.0
"""Seconds in which an agent is back where it only lost its gateway."""

PING: Final = 4.0
DEAD: Final = 11.0
"""A killed agent is shown within 15 s: this, and what it takes to write that down."""


@dataclass(frozen=True)
class Arrival:
    """A request for a tunnel, with the connection that it came by.

    The hub becomes the transport's protocol (`set_protocol`) and closes it; the gateway does nothing more with it.
    """

    transport: asyncio.Transport
    headers: Headers
    early: bytes = b""
    """What was already read behind the head."""
    peer: str = ""
    """Address of the other side, for people."""


@dataclass(frozen=True)
class Admitted:
    """Whose session it is."""

    cluster_id: str
    fingerprint: str
    """SHA-256 of the agent's certificate."""
    expires: float
    """Of the certificate, seconds since 1970."""


class Rejected(Exception):
    """The Registrar's no."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.message)
        self.reject = reject


class Registrar(Protocol):
    """Who may connect. Raises Rejected."""

    async def admit(self, challenge: Challenge, hello: Hello, peer: str) -> Admitted: ...

    async def renew(self, admitted: Admitted, request_pem: str) -> str:
        """A new certificate (PEM) for the same cluster."""
        ...


@dataclass(frozen=True)
class SessionInfo:
    """One tunnel, as of now."""

    cluster_id: str
    session: str
    since: float
    """Seconds since 1970."""
    last_seen: float
    """Seconds since 1970."""
    peer: str
    pod: str
    fingerprint: str
    expires: float
    agent_version: str
    kubernetes_version: str
    cluster_uid: str
    healthy: bool
    cause: str
    policy: Mapping[str, str]
    streams: int
    round_trip: float


@dataclass
class _Tunnel:
    admitted: Admitted
    hello: Hello
    session: Session
    peer: str
    since: float
    beat: Beat
    bye: str = ""
    tasks: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])


@dataclass(frozen=True)
class Loss:
    """How a cluster's last tunnel ended."""

    at: float
    cause: str


class Hub:
    def __init__(
        self,
        registrar: Registrar,
        *,
        uid: str,
        replica: str = "",
        replicas: Callable[[], int] = lambda: 1,
        changed: Callable[[str], None] = lambda _cluster: None,
        ping: float = PING,
        dead: float = DEAD,
        tunnels: int = 2,
        limits: Limits | None = None,
    ) -> None:
        """`uid`: of the platform, which an agent's signature names. `replica`: of this process."""
        self._registrar = registrar
        self._uid = uid
        self._replica = replica or secrets.token_hex(8)
        self._replicas = replicas
        self._changed = changed
        self._welcome = Welcome(ping, dead, tunnels)
        self._limits = limits
        self._tunnels: dict[str, list[_Tunnel]] = {}
        self._losses: dict[str, Loss] = {}
        self._began = time.time()
        self._waiting = 0
        self._draining = False

    # What the gateway asks.

    def upstream(self, cluster_id: str) -> Upstream | None:
        """The way to a cluster; None when no agent of it is connected here."""
        if cluster_id not in self._tunnels:
            return None
        return TunnelUpstream(lambda: self._choose(cluster_id), lambda: self._absent(cluster_id))

    def holds(self, cluster_id: str) -> bool:
        """Whether a tunnel of the cluster ends here."""
        return cluster_id in self._tunnels

    def clusters(self) -> list[str]:
        """Ids of those whose tunnels end here."""
        return list(self._tunnels)

    def sessions(self, cluster_id: str | None = None) -> list[SessionInfo]:
        tunnels = (
            [each for every in self._tunnels.values() for each in every]
            if cluster_id is None
            else self._tunnels.get(cluster_id, [])
        )
        return [_info(each) for each in tunnels]

    def loss(self, cluster_id: str) -> Loss | None:
        """How its last tunnel ended; None while one is there, or when there never was one."""
        return None if cluster_id in self._tunnels else self._losses.get(cluster_id)

    def absence(self, cluster_id: str) -> str:
        """Why there is no way to a cluster, for people."""
        loss = self.loss(cluster_id)
        if loss is None:
            return "no agent of this cluster is connected to this gateway"
        ago = max(0, round(time.time() - loss.at))
        return f"no agent of this cluster is connected; the last one was lost {ago} s ago: {loss.cause}"

    def _absent(self, cluster_id: str) -> UpstreamUnavailable:
        return UpstreamUnavailable("AgentDisconnected", self.absence(cluster_id), self.back_in(cluster_id))

    def back_in(self, cluster_id: str) -> int | None:
        """Seconds after which it is worth to ask again: an agent that was there just now may be back at once."""
        loss = self.loss(cluster_id)
        since = time.time() - (self._began if loss is None else loss.at)
        return 1 if since < RETURNS_WITHIN else None

    def kick(self, cluster_id: str, *, code: str = "revoked", message: str = "", retryable: bool = True) -> int:
        """Ends all tunnels of a cluster at once and tells the agent why. How many there were."""
        tunnels = list(self._tunnels.get(cluster_id, ()))
        for each in tunnels:
            each.session.say(Reject(code, message, retryable).document())
            each.bye = f"{code}: {message}" if message else code
            each.session.end(each.bye, code=GoAway.NORMAL)
        return len(tunnels)

    def drain(self) -> None:
        """This process ends: agents open a tunnel elsewhere first. New requests find another tunnel."""
        self._draining = True
        for every in self._tunnels.values():
            for each in every:
                each.session.mux.go_away(GoAway.DRAINING)
                each.session.flush_soon()

    async def run(self) -> None:
        """Looks for dead tunnels, until cancelled."""
        last = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(min(1.0, self._welcome.ping / 2))
            now = asyncio.get_running_loop().time()
            look_deep = now - last >= STALLED_EVERY
            last = now if look_deep else last
            for tunnel in [each for every in self._tunnels.values() for each in every]:
                session = tunnel.session
                silent = now - session.heard
                if silent > self._welcome.dead:
                    session.abort(
                        f"no sign of life for {silent:.0f} s (its pod or node is gone, or the network is cut)"
                    )
                elif look_deep:
                    session.give_up_stalled()
                    if session.mux.streams:
                        session.ping()

    async def serve(self, arrival: Arrival) -> None:
        """One tunnel from its first byte to its end. Raises carrier.Refused when the request asks for none."""
        socket = carrier.accepted(arrival.headers)
        hello: asyncio.Future[heads.Json] = asyncio.get_running_loop().create_future()
        tunnel: list[_Tunnel] = []

        def on_control(document: heads.Json) -> None:
            if tunnel:
                self._control(tunnel[0], document)
            elif not hello.done():
                hello.set_result(document)

        session = Session(socket, opens=True, on_control=on_control, limits=self._limits)
        former = arrival.transport.get_protocol()
        arrival.transport.set_protocol(session)
        session.connection_made(arrival.transport)
        if arrival.early:
            session.data_received(arrival.early)
        arrival.transport.resume_reading()
        try:
            found = await self._handshake(session, hello, arrival)
            if found is None:
                return
            tunnel.append(found)
            self._add(found)
            try:
                await session.ended
            finally:
                self._remove(found)
        finally:
            session.end("the gateway gave the tunnel up")
            # Whoever held the connection before waits to hear of its end.
            former.connection_lost(None)

    async def _handshake(
        self, session: Session, hello: asyncio.Future[heads.Json], arrival: Arrival
    ) -> _Tunnel | None:
        if self._waiting >= WAITING_AT_ONCE or self._draining:
            self._reject(session, Reject("busy", "too many agents connect at once", retry_after=5.0))
            return None
        self._waiting += 1
        try:
            challenge = Challenge(secrets.token_bytes(32), self._uid, self._replica, self._replicas(), time.time())
            session.say(challenge.document())
            async with asyncio.timeout(HANDSHAKE_WITHIN):
                await asyncio.wait((hello, session.ended), return_when=asyncio.FIRST_COMPLETED)
                if not hello.done():
                    return None
                said = Hello.read(hello.result())
                admitted = await self._registrar.admit(challenge, said, arrival.peer)
        except Rejected as rejected:
            self._reject(session, rejected.reject)
            return None
        except TimeoutError:
            session.end(f"no hello within {HANDSHAKE_WITHIN:g} s")
            return None
        except ProtocolError as error:
            session.end(f"protocol error: {error}", code=GoAway.PROTOCOL_ERROR)
            return None
        finally:
            self._waiting -= 1
        session.say(self._welcome.document())
        beat = Beat(healthy=True, cause="", kubernetes_version=said.kubernetes_version, policy=said.policy)
        return _Tunnel(admitted, said, session, arrival.peer, time.time(), beat)

    def _reject(self, session: Session, reject: Reject) -> None:
        session.say(reject.document())
        session.end(f"refused: {reject.code}")

    def _control(self, tunnel: _Tunnel, document: heads.Json) -> None:
        match document.get("say"):
            case "beat":
                beat = Beat.read(document)
                news = beat != tunnel.beat
                tunnel.beat = beat
                if news:
                    self._changed(tunnel.admitted.cluster_id)
            case "bye":
                tunnel.bye = heads.text(document, "cause", 500)
            case "renew":
                task = asyncio.get_running_loop().create_task(self._renew(tunnel, heads.text(document, "request")))
                tunnel.tasks.add(task)
                task.add_done_callback(tunnel.tasks.discard)
            case _:
                raise ProtocolError("a control document of an unknown kind")

    async def _renew(self, tunnel: _Tunnel, request_pem: str) -> None:
        try:
            certificate = await self._registrar.renew(tunnel.admitted, request_pem)
        except Rejected as rejected:
            tunnel.session.say(rejected.reject.document())
            return
        tunnel.session.say({"say": "renewed", "certificate": certificate})

    def _add(self, tunnel: _Tunnel) -> None:
        cluster = tunnel.admitted.cluster_id
        self._tunnels.setdefault(cluster, []).append(tunnel)
        self._losses.pop(cluster, None)
        self._changed(cluster)

    def _remove(self, tunnel: _Tunnel) -> None:
        cluster = tunnel.admitted.cluster_id
        others = self._tunnels.get(cluster, [])
        if tunnel in others:
            others.remove(tunnel)
        if not others:
            self._tunnels.pop(cluster, None)
            cause = tunnel.bye or tunnel.session.cause or "the gateway ended"
            self._losses[cluster] = Loss(time.time(), cause)
        self._changed(cluster)

    def _choose(self, cluster_id: str) -> Session | None:
        able = [each.session for each in self._tunnels.get(cluster_id, ()) if each.session.mux.has_room()]
        if not able:
            able = [each.session for each in self._tunnels.get(cluster_id, ())]
        return min(able, key=lambda session: len(session.mux.streams), default=None)


def _info(tunnel: _Tunnel) -> SessionInfo:
    session = tunnel.session
    return SessionInfo(
        cluster_id=tunnel.admitted.cluster_id,
        session=tunnel.hello.session,
        since=tunnel.since,
        last_seen=time.time() - (session.loop.time() - session.heard),
        peer=tunnel.peer,
        pod=tunnel.hello.pod,
        fingerprint=tunnel.admitted.fingerprint,
        expires=tunnel.admitted.expires,
        agent_version=tunnel.hello.agent_version,
        kubernetes_version=tunnel.beat.kubernetes_version,
        cluster_uid=tunnel.hello.cluster_uid,
        healthy=tunnel.beat.healthy,
        cause=tunnel.beat.cause,
        policy=tunnel.beat.policy,
        streams=len(session.mux.streams),
        round_trip=session.mux.round_trip,
    )
