"""The agent as a whole: identity, policy, health, and the tunnels that it holds. `main` runs it.

It exits when it has had no tunnel for some minutes, so that the kubelet starts it anew with whatever changed around
it; and it removes itself when the platform says that the cluster was detached.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final, cast

from roost.tunnel import proof
from roost.tunnel.agent import enrol, policy, removal
from roost.tunnel.agent.api import Api, ApiProblem
from roost.tunnel.agent.dial import NoWay, Way
from roost.tunnel.agent.enrol import EnrolRefused, Identity, Keeper
from roost.tunnel.agent.kapi import Carrying
from roost.tunnel.agent.link import Backoff, Link
from roost.tunnel.agent.settings import POLICY, VERSION, Settings
from roost.tunnel.heads import Beat, Challenge, Hello, Reject
from roost.tunnel.session import Channel

LOOK_EVERY: Final = 5.0
"""At the policy, and whether the API server is ready."""
IDENTITY_EVERY: Final = 60.0
LINKS_MOST: Final = 8

Log = Callable[..., None]


class Ended(Exception):
    """The process shall end with this exit code."""

    def __init__(self, code: int, cause: str) -> None:
        super().__init__(cause)
        self.code = code


class Agent:
    """Implements link.Owner."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self.settings = settings
        self._log = log
        self._api = Api(settings.place)
        self._keeper = Keeper(self._api, settings)
        self._identity = Identity(settings.cluster_id, "", "", "")
        self._policy: policy.Policy | None = None
        self._policy_said = ""
        self._healthy = True
        self._cause = ""
        self._kubernetes = ""
        self._uid = ""
        self._carrying = Carrying(self._api, lambda: self._policy, log)
        self._links: list[Link] = []
        self._detached = asyncio.Event()
        self._cause_of_no_tunnel = "starting"

    async def run(self) -> None:
        """Raises Ended."""
        await self._learn()
        await self._enrol()
        tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        try:
            tasks.add(loop.create_task(self._look()))
            tasks.add(loop.create_task(self._hold(tasks)))
            tasks.add(loop.create_task(self._follow_identity()))
            tasks.add(loop.create_task(self._leave()))
            while True:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    tasks.discard(task)
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def say_goodbye(self, cause: str) -> None:
        """Before the process ends: the platform shows this and not a broken connection."""
        for link in self._links:
            if link.session is not None and link.connected:
                link.session.say({"say": "bye", "cause": cause})
                link.session.end(cause)

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether a tunnel is up, and why none is."""
        up = any(link.connected for link in self._links)
        causes = [link.cause for link in self._links if link.cause]
        return up, "a tunnel is up" if up else (causes[0] if causes else self._cause_of_no_tunnel)

    # link.Owner.

    def identity(self) -> Identity:
        return self._identity

    def way(self) -> Way:
        return Way(self.settings.ca_pem, self.settings.proxy())

    def hello(self, challenge: Challenge, session: str) -> Hello:
        return Hello(
            certificate=self._identity.certificate,
            signature=proof.sign(self._identity.key, challenge.signed(session)),
            session=session,
            cluster_uid=self._uid,
            agent_version=VERSION,
            kubernetes_version=self._kubernetes,
            pod=self.settings.pod,
            policy=self._shown(),
        )

    def beat(self) -> Beat:
        return Beat(self._healthy, self._cause, self._kubernetes, self._shown())

    def carry(self, channel: Channel) -> None:
        self._carrying.accept(channel)

    def refused(self, reject: Reject) -> None:
        if reject.code == "detached":
            self._detached.set()

    async def renewed(self, certificate: str) -> None:
        old = self._identity
        self._identity = Identity(old.cluster_id, old.key, certificate, old.token_mark)
        await self._keeper.store(self._identity)
        self.log("certificate renewed", until=proof.lifetime(certificate)[1].isoformat())

    def log(self, what: str, **facts: object) -> None:
        self._log(what, **facts)

    # Within.

    def _shown(self) -> dict[str, str]:
        return self._policy.shown() if self._policy is not None else {"unreadable": self._policy_said}

    async def _learn(self) -> None:
        """Whose cluster this is; nothing goes on without its own API server."""
        backoff = Backoff()
        deadline = time.monotonic() + self.settings.exit_after
        while True:
            try:
                found = await self._api.call("GET", "/api/v1/namespaces/kube-system")
                self._uid = str(found["metadata"]["uid"])
                self._identity = await self._keeper.load()
                await self._look_once()
                return
            except (ApiProblem, OSError) as error:
                self._cause_of_no_tunnel = f"the agent's own API server: {error}"
                self.log("waiting", cause=str(error))
            if time.monotonic() > deadline:
                raise Ended(1, self._cause_of_no_tunnel)
            await asyncio.sleep(backoff.next(0.5))

    async def _enrol(self) -> None:
        """The token for a certificate, where a new token is mounted."""
        backoff = Backoff()
        deadline = time.monotonic() + self.settings.exit_after
        tries = 0
        while True:
            token = self.settings.token()
            if not enrol.wants_enrolment(self._identity, token):
                if self._identity.certificate:
                    return
                self._cause_of_no_tunnel = "no registration token is mounted, and the agent has no certificate yet"
            else:
                url = self.settings.urls[tries % len(self.settings.urls)]
                tries += 1
                try:
                    self._identity = await enrol.exchange(self.way(), url, self._identity, token, self._uid)
                    await self._keeper.store(self._identity)
                    self.log("certificate received", until=proof.lifetime(self._identity.certificate)[1].isoformat())
                    return
                except EnrolRefused as refused:
                    self._cause_of_no_tunnel = f"refused ({refused.reject.code}): {refused.reject.message}"
                    if refused.reject.code == "detached":
                        self._detached.set()
                        return
                    if self._identity.certificate:
                        # An old token beside a certificate that still holds: the certificate counts.
                        self.log("token refused", cause=self._cause_of_no_tunnel)
                        return
                except (NoWay, TimeoutError, ApiProblem) as error:
                    self._cause_of_no_tunnel = str(error)
            self.log("waiting", cause=self._cause_of_no_tunnel)
            if time.monotonic() > deadline:
                raise Ended(1, self._cause_of_no_tunnel)
            await asyncio.sleep(backoff.next(1.0))
            with contextlib.suppress(ApiProblem):
                self._identity = await self._keeper.load()

    async def _hold(self, tasks: set[asyncio.Task[None]]) -> None:
        """As many tunnels as the platform wishes; ends the process after some minutes without any."""
        loop = asyncio.get_running_loop()
        last_up = loop.time()
        while True:
            wanted = max((link.wanted for link in self._links if link.connected), default=max(1, len(self._links)))
            while len(self._links) < min(wanted, LINKS_MOST):
                number = len(self._links)
                link = Link(self, self.settings.urls, number, set)
                link.others = lambda own=link: {each.replica for each in self._links if each is not own}
                self._links.append(link)
                tasks.add(loop.create_task(link.run()))
            if any(link.connected for link in self._links):
                last_up = loop.time()
            elif loop.time() - last_up > self.settings.exit_after:
                raise Ended(1, f"no tunnel for {self.settings.exit_after:.0f} s: {self.ready[1]}")
            await asyncio.sleep(0.5)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._look_once()

    async def _look_once(self) -> None:
        """Policy, health and version of the API server. What can't be read lets nothing pass."""
        path = f"/api/v1/namespaces/{self.settings.place.namespace}/configmaps/{POLICY}"
        try:
            found = await self._api.call("GET", path)
            self._policy = policy.read(cast("dict[str, str]", found.get("data") or {}))
            self._policy_said = ""
        except ApiProblem as problem:
            if problem.code in {403, 404}:
                self._policy, self._policy_said = None, str(problem)
        except policy.PolicyInvalid as invalid:
            self._policy, self._policy_said = None, str(invalid)
        try:
            status, raw = await self._api.fetch("GET", "/readyz", seconds=5)
            self._healthy = status == 200
            self._cause = "" if status == 200 else f"/readyz answers {status}: {_last_line(raw)}"
            version: dict[str, Any] = await self._api.call("GET", "/version", seconds=5)
            self._kubernetes = str(version.get("gitVersion", "")).removeprefix("v")[:64]
        except ApiProblem as problem:
            self._healthy, self._cause = False, f"the agent does not reach its API server: {problem}"

    async def _follow_identity(self) -> None:
        """Another pod may have renewed the certificate, or a new token may have been applied."""
        while True:
            await asyncio.sleep(IDENTITY_EVERY)
            with contextlib.suppress(ApiProblem):
                self._identity = await self._keeper.load()
            if enrol.wants_enrolment(self._identity, self.settings.token()) and not self.ready[0]:
                await self._enrol()

    async def _leave(self) -> None:
        await self._detached.wait()
        self.log("detached", cause="the platform no longer knows this cluster; the agent removes itself")
        backoff = Backoff()
        while True:
            try:
                await removal.remove(self._api, self._log)
            except ApiProblem as problem:
                self.log("waiting", cause=f"removing the agent: {problem}")
                await asyncio.sleep(backoff.next(1.0))
                continue
            raise Ended(0, "the agent removed itself: its cluster was detached")


def _last_line(raw: bytes) -> str:
    lines = [line for line in raw.decode(errors="replace").splitlines() if line.startswith("[-]")]
    return (lines or [raw[:200].decode(errors="replace")])[0]
