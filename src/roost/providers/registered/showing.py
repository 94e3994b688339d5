"""What a registered Cluster shows: five conditions that each answer one question, from what a gateway knows. Pure.

Called by the gateway, which alone sees the tunnels and writes these conditions.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from roost.api import conditions as c
from roost.providers.registered.judging import KnownCluster, short
from roost.tunnel.heads import Reject
from roost.tunnel.server import Loss, SessionInfo

Status = Literal["True", "False", "Unknown"]
EXPIRY_WARNED: Final = 5 * 86400.0


@dataclass(frozen=True)
class Shown:
    type: str
    status: Status
    reason: str
    message: str


@dataclass(frozen=True)
class Waiting:
    """An agent that was turned away."""

    reject: Reject
    peer: str
    at: float
    key: str = ""


def show(
    cluster: KnownCluster,
    sessions: Sequence[SessionInfo],
    loss: Loss | None,
    waiting: Waiting | None,
    *,
    registered: bool,
    version: str,
    now: float,
    alert: str = "",
) -> list[Shown]:
    """In the order in which people read them. `registered`: an agent has exchanged a token before."""
    return [
        _accepted(cluster, waiting, alert, registered=registered),
        _connected(cluster, sessions, loss, waiting, registered=registered),
        _healthy(sessions),
        _current(sessions, version),
        _certificate(sessions, now),
    ]


def _accepted(cluster: KnownCluster, waiting: Waiting | None, alert: str, *, registered: bool) -> Shown:
    def shown(status: Status, reason: str, message: str) -> Shown:
        return Shown(c.ACCEPTED, status, reason, f"{message}; {alert}" if alert else message)

    if cluster.accepted is False:
        return shown(
            "False", "Revoked", "spec.registered.accepted is false; set it to true to let the agent in again"
        )
    if not registered:
        return shown(
            "Unknown",
            c.WAITING,
            "no agent has registered yet: "
            f"`roost register {cluster.name} -n {cluster.namespace} | kubectl apply -f -`",
        )
    if cluster.manual and cluster.accepted is not True:
        who = f"key {short(waiting.key)} from {waiting.peer}" if waiting is not None and waiting.key else "its agent"
        return shown(
            "False",
            c.AWAITING_APPROVAL,
            f"{who} waits: compare the key with the agent's log, then set spec.registered.accepted to true",
        )
    return shown("True", c.SUCCEEDED, "")


def _connected(
    cluster: KnownCluster,
    sessions: Sequence[SessionInfo],
    loss: Loss | None,
    waiting: Waiting | None,
    *,
    registered: bool,
) -> Shown:
    if sessions:
        pods = sorted({session.pod for session in sessions if session.pod})
        many = f"{len(sessions)} tunnel{'s' if len(sessions) > 1 else ''} from {', '.join(pods) or 'the agent'}"
        return Shown(c.TUNNEL_CONNECTED, "True", c.SUCCEEDED, many)
    if waiting is not None and (loss is None or waiting.at >= loss.at):
        return Shown(
            c.TUNNEL_CONNECTED,
            "False",
            "AgentRefused",
            f"the agent at {waiting.peer} was turned away ({waiting.reject.code}): {waiting.reject.message}",
        )
    if loss is not None:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(loss.at))
        return Shown(
            c.TUNNEL_CONNECTED,
            "False",
            "AgentDisconnected",
            f"the last tunnel ended at {when} UTC: {loss.cause}. "
            f"Look at the pods in namespace roost-agent of {cluster.name}",
        )
    if not registered:
        return Shown(c.TUNNEL_CONNECTED, "Unknown", c.WAITING, "no agent has connected yet")
    return Shown(
        c.TUNNEL_CONNECTED, "False", "AgentDisconnected", "no agent has connected since this gateway started"
    )


def _healthy(sessions: Sequence[SessionInfo]) -> Shown:
    if not sessions:
        return Shown(c.API_SERVER_HEALTHY, "Unknown", "AgentDisconnected", "nothing is heard without a tunnel")
    newest = max(sessions, key=lambda session: session.last_seen)
    if any(session.healthy for session in sessions):
        return Shown(c.API_SERVER_HEALTHY, "True", c.SUCCEEDED, f"Kubernetes {newest.kubernetes_version} is ready")
    return Shown(c.API_SERVER_HEALTHY, "False", "ApiServerUnhealthy", newest.cause)


def _current(sessions: Sequence[SessionInfo], version: str) -> Shown:
    if not sessions:
        return Shown(c.AGENT_CURRENT, "Unknown", "AgentDisconnected", "nothing is heard without a tunnel")
    others = sorted({session.agent_version for session in sessions} - {version})
    if others:
        return Shown(
            c.AGENT_CURRENT,
            "False",
            "AgentOutdated",
            f"the agent is {', '.join(others)}, the platform {version}: apply the manifest that "
            "`roost register` prints again",
        )
    return Shown(c.AGENT_CURRENT, "True", c.SUCCEEDED, f"agent {version}")


def _certificate(sessions: Sequence[SessionInfo], now: float) -> Shown:
    if not sessions:
        return Shown(c.CERTIFICATE_VALID, "Unknown", "AgentDisconnected", "nothing is heard without a tunnel")
    until = max(session.expires for session in sessions)
    day = time.strftime("%Y-%m-%d", time.gmtime(until))
    if until - now < EXPIRY_WARNED:
        return Shown(
            c.CERTIFICATE_VALID,
            "False",
            "CertificateExpiring",
            f"the agent's certificate ends on {day} and was not renewed; its log says why",
        )
    return Shown(c.CERTIFICATE_VALID, "True", c.SUCCEEDED, f"until {day}; the agent renews it itself")
