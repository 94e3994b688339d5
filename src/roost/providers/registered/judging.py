"""Whether an agent is let in, and whether a token may be exchanged: decisions from what is known. Pure.

Called by the gateway's registrar. Answers are the codes and texts of `roost.tunnel.v1`; the agent shows them in its
log and in its pod's events, the platform on the Cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

from roost.providers.registered import records
from roost.providers.registered.records import StateRecord, TokenRecord
from roost.tunnel.heads import Reject

AWAITING_AGAIN = 10.0
REVOKED_AGAIN = 30.0


@dataclass(frozen=True)
class KnownCluster:
    """What counts of a Cluster with spec.registered."""

    id: str
    namespace: str
    name: str
    deleting: bool
    manual: bool
    accepted: bool | None
    expected_uid: str = ""

    @property
    def title(self) -> str:
        return f"{self.namespace}/{self.name}"


def enrol(
    token: TokenRecord | None,
    cluster: KnownCluster | None,
    *,
    secret: str,
    key: str,
    cluster_uid: str,
    now: float,
    holder: str,
) -> Reject | None:
    """Why a token is not exchanged for a certificate. `holder`: another Cluster that is the same cluster already."""
    if token is None or not records.fits(token, secret):
        return Reject("bad_token", "the registration token is unknown or was withdrawn", retryable=False)
    if now >= token.expires:
        return Reject(
            "expired",
            f"the registration token of {token.cluster} has expired; print a new manifest with `roost register`",
            retryable=False,
        )
    if cluster is None or cluster.deleting:
        return Reject("detached", f"the cluster {token.cluster} was deleted on the platform", retryable=False)
    if token.key and token.key != key:
        return Reject(
            "bad_token",
            f"the registration token of {cluster.title} was used before, with another key; "
            "if that was not this cluster, revoke it, and print a new manifest with `roost register`",
            retryable=False,
        )
    if cluster.accepted is False:
        return _revoked(cluster)
    return _identity(cluster, None, cluster_uid, holder)


def admit(
    cluster: KnownCluster | None,
    state: StateRecord | None,
    *,
    key: str,
    cluster_uid: str,
    tombstone: bool,
    holder: str,
) -> Reject | None:
    """Why an agent with a valid certificate is not let in."""
    if cluster is None or cluster.deleting:
        if tombstone or cluster is not None:
            return Reject("detached", "the cluster was deleted on the platform", retryable=False)
        return Reject(
            "revoked",
            "the platform does not know this cluster; if it was restored from a backup, register the cluster again",
            retry_after=REVOKED_AGAIN,
        )
    if cluster.accepted is False:
        return _revoked(cluster)
    if state is None or state.key != key:
        return Reject(
            "revoked",
            f"{cluster.title} was registered again with another key; this agent's certificate no longer counts",
            retry_after=REVOKED_AGAIN,
        )
    wrong = _identity(cluster, state, cluster_uid, holder)
    if wrong is not None:
        return wrong
    if cluster.manual and cluster.accepted is not True:
        return Reject(
            "awaiting_approval",
            f"an administrator of the platform has to approve {cluster.title} (key {short(key)})",
            retry_after=AWAITING_AGAIN,
        )
    return None


def short(key: str) -> str:
    """A fingerprint that two people can compare."""
    return ":".join(key[at : at + 4] for at in range(0, 16, 4))


def _revoked(cluster: KnownCluster) -> Reject:
    return Reject(
        "revoked",
        f"{cluster.title} was revoked on the platform (spec.registered.accepted is false)",
        retry_after=REVOKED_AGAIN,
    )


def _identity(cluster: KnownCluster, state: StateRecord | None, cluster_uid: str, holder: str) -> Reject | None:
    expected = cluster.expected_uid or (state.cluster_uid if state is not None else "")
    if expected and cluster_uid != expected:
        return Reject(
            "uid_mismatch",
            f"{cluster.title} is the cluster {expected}, and this is {cluster_uid} (uid of kube-system); "
            "register it under another name",
            retryable=False,
            retry_after=60.0,
        )
    if holder:
        return Reject(
            "uid_mismatch",
            f"this cluster ({cluster_uid}) is known to the platform as {holder} already",
            retryable=False,
            retry_after=60.0,
        )
    return None
