"""One tunnel of the agent: dial, prove who it is, carry what comes, beat; and dial again when it broke.

Called by `agent.Agent`, which holds as many as the platform wishes.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from roost.tunnel import carrier, heads, proof
from roost.tunnel.agent.dial import NoWay, Way
from roost.tunnel.agent.enrol import Identity
from roost.tunnel.frames import ProtocolError
from roost.tunnel.heads import Beat, Challenge, Hello, Reject, Welcome
from roost.tunnel.session import Channel, Session

FIRST_DELAY: Final = 1.0
GROWTH: Final = 1.5
LONGEST_DELAY: Final = 60.0
STABLE_AFTER: Final = 60.0
HANDSHAKE_WITHIN: Final = 15.0
CLOCK_SKEW_MOST: Final = 300.0
RENEW_BELOW: Final = 0.25
"""Of the certificate's life that is left; each agent picks its own moment below that."""


class Refused(Exception):
    """The platform refused the session."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.message)
        self.reject = reject


class Owner(Protocol):
    """What a link needs to know, and to tell."""

    def identity(self) -> Identity: ...

    def way(self) -> Way: ...

    def hello(self, challenge: Challenge, session: str) -> Hello: ...

    def beat(self) -> Beat: ...

    def carry(self, channel: Channel) -> None: ...

    def refused(self, reject: Reject) -> None: ...

    async def renewed(self, certificate: str) -> None: ...

    def log(self, what: str, **facts: object) -> None: ...


@dataclass
class Backoff:
    """Full jitter: anything between nothing and a limit that grows, so that thousands do not come at once."""

    draw: Callable[[], float] = random.random
    limit: float = FIRST_DELAY

    def next(self, at_least: float = 0.0) -> float:
        delay = max(at_least, self.draw() * self.limit)
        self.limit = min(LONGEST_DELAY, self.limit * GROWTH)
        return delay

    def succeeded(self, lasted: float) -> None:
        if lasted >= STABLE_AFTER:
            self.limit = FIRST_DELAY


@dataclass
class Link:
    """`number` says where in the list of addresses it begins, so that two links look for two gateways."""

    owner: Owner
    urls: tuple[str, ...]
    number: int
    others: Callable[[], set[str]]
    """Replicas that the other links are connected to."""
    connected: bool = False
    replica: str = ""
    cause: str = "not tried yet"
    wanted: int = 2
    """Tunnels that the platform asked for."""
    session: Session | None = None
    _tries: int = field(default=0)

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff()
        while True:
            wait = 0.0
            began = time.monotonic()
            try:
                self.cause = await self._once()
            except Refused as refused:
                self.cause = f"refused ({refused.reject.code}): {refused.reject.message}"
                self.owner.refused(refused.reject)
                wait = refused.reject.retry_after or (0.0 if refused.reject.retryable else LONGEST_DELAY)
            except (NoWay, carrier.Refused, ProtocolError, TimeoutError) as error:
                self.cause = str(error) or "the platform did not finish the handshake in time"
            finally:
                self.connected, self.replica, self.session = False, "", None
            backoff.succeeded(time.monotonic() - began)
            delay = backoff.next(wait)
            self.owner.log("tunnel down", link=self.number, cause=self.cause, again_in=round(delay, 1))
            await asyncio.sleep(delay)

    async def _once(self) -> str:
        """One tunnel from dialling to its end; gives why it ended."""
        url = self.urls[(self.number + self._tries) % len(self.urls)].rstrip("/")
        self._tries += 1
        words: asyncio.Queue[heads.Json] = asyncio.Queue()

        def session_made() -> Session:
            address = "wss://" + url.split("://", 1)[-1] + carrier.PATH
            return Session(
                carrier.dialled(address), opens=False, on_control=words.put_nowait, on_open=self.owner.carry
            )

        session = await self.owner.way().open(url, session_made)
        try:
            async with asyncio.timeout(HANDSHAKE_WITHIN):
                welcome, challenge = await self._handshake(session, words)
            self._watch_replicas(challenge)
            self.session, self.connected, self.replica = session, True, challenge.replica
            self.wanted = welcome.tunnels
            self.cause = ""
            self.owner.log("tunnel up", link=self.number, url=url, replica=challenge.replica)
            return await self._live(session, words, welcome)
        finally:
            session.end("the agent gave the tunnel up")

    async def _handshake(self, session: Session, words: asyncio.Queue[heads.Json]) -> tuple[Welcome, Challenge]:
        challenge = Challenge.read(await _next(session, words, "challenge"))
        skew = challenge.time - time.time()
        if abs(skew) > CLOCK_SKEW_MOST:
            raise NoWay(
                f"the clocks of this node and of the platform are {abs(skew):.0f} s apart; set this node's clock"
            )
        session.say(self.owner.hello(challenge, secrets.token_hex(8)).document())
        welcome = Welcome.read(await _next(session, words, "welcome"))
        return welcome, challenge

    def _watch_replicas(self, challenge: Challenge) -> None:
        """Where there are several gateways, a second tunnel to the same one is of little use."""
        if challenge.replicas > 1 and challenge.replica in self.others() and self._tries % 4:
            raise NoWay("the other tunnel ends at this gateway already; looking for another one")

    async def _live(self, session: Session, words: asyncio.Queue[heads.Json], welcome: Welcome) -> str:
        loop = asyncio.get_running_loop()
        said = self.owner.beat()
        renew_at = _renewal(self.owner.identity())
        reading = loop.create_task(self._listen(session, words))
        try:
            while not session.ended.done():
                await asyncio.wait(
                    (session.ended, reading), timeout=welcome.ping, return_when=asyncio.FIRST_COMPLETED
                )
                if reading.done() and not session.ended.done():
                    reading.result()
                if session.ended.done():
                    break
                silent = loop.time() - session.heard
                if silent > welcome.dead:
                    session.abort(f"the platform gave no sign of life for {silent:.0f} s")
                    break
                beat = self.owner.beat()
                if beat != said:
                    said = beat
                    session.say(beat.document())
                session.ping()
                session.give_up_stalled()
                if renew_at is not None and time.time() >= renew_at:
                    identity = self.owner.identity()
                    session.say({"say": "renew", "request": proof.request(identity.key, identity.cluster_id)})
                    renew_at = time.time() + 3600
            return session.cause or "it ended"
        finally:
            reading.cancel()

    async def _listen(self, session: Session, words: asyncio.Queue[heads.Json]) -> None:
        """What the platform says during a session."""
        while True:
            document = await words.get()
            match document.get("say"):
                case "reject":
                    raise Refused(Reject.read(document))
                case "renewed":
                    await self.owner.renewed(heads.text(document, "certificate"))
                case _:
                    session.end("protocol error: a control document of an unknown kind")
                    return


async def _next(session: Session, words: asyncio.Queue[heads.Json], wanted: str) -> heads.Json:
    """The next document of the handshake. Raises Refused, NoWay."""
    getting = asyncio.get_running_loop().create_task(words.get())
    try:
        await asyncio.wait((getting, session.ended), return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            if session.refused is not None:
                raise session.refused
            raise NoWay(session.cause or "the platform closed the connection")
        document = getting.result()
    finally:
        getting.cancel()
    if document.get("say") == "reject":
        raise Refused(Reject.read(document))
    if document.get("say") != wanted:
        raise ProtocolError(f"the platform said something else than {wanted}")
    return document


def _renewal(identity: Identity) -> float | None:
    """When to ask for the next certificate, seconds since 1970: with 20 to 25 % of its life left."""
    if not identity.certificate:
        return None
    begin, end = proof.lifetime(identity.certificate)
    share = RENEW_BELOW - 0.05 * random.random()  # noqa: S311
    return (end - (end - begin) * share).timestamp()
