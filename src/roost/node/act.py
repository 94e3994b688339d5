"""What is done to a machine in one go, and how it ended. Values only; engine.py carries them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from roost.api.errors import RetryLater
from roost.api.masked import Masked
from roost.node.thing import BlobSource, Blocked, Change, Observed, Thing
from roost.ssh.connection import Target


@dataclass(frozen=True)
class Registry:
    """roost's registry as machines reach it: `https://ADDRESS/v2/REPOSITORY/blobs/DIGEST`."""

    address: str
    """host:port."""
    ca_pem: str
    repository: str = "roost/programs"


@dataclass(frozen=True)
class Sources:
    """Where the blobs of an act come from.

    With a registry, blobs named by a digest are fetched by the machine (roost-probe, itself streamed
    over SSH once per boot); every other blob is streamed over the connection.
    """

    blobs: BlobSource
    registry: Registry | None = None
    probe: str | None = None
    """Digest of roost-probe for the machine's architecture; needed with a registry."""


@dataclass(frozen=True)
class Act:
    """A piece of work on one machine that outlives the connection: one transient unit."""

    cluster_id: str
    name: str
    """One word for messages and the unit's description, such as `prepare`."""
    title: str
    """What a person reads: `install containerd and kubelet`. No secrets."""
    things: Sequence[Thing]
    """The whole list, in order; only those in `changes` are touched."""
    changes: Sequence[Change]
    sources: Sources
    holder: str = "roost"
    """Who does it (platform and process), named to anyone who meets the lock."""
    timeout: float = 1800.0
    secrets: tuple[Masked, ...] = ()
    """Replaced by stars in everything that the act prints."""


@dataclass(frozen=True)
class Step:
    """Progress of an act: one change began, or ended well."""

    number: int
    total: int
    key: str
    summary: str
    state: Literal["started", "done"]


@dataclass(frozen=True)
class Unverified:
    """A change that went through without an error, yet the machine is not as wished afterwards."""

    key: str
    observed: Observed
    difference: Change | Blocked


@dataclass(frozen=True)
class ActResult:
    """How an act ended. `exit_status` 0 and nothing unverified: well."""

    name: str
    title: str
    exit_status: int
    steps_done: int = 0
    steps_total: int = 0
    failed_key: str | None = None
    """The thing whose change failed; None when it failed before or after the changes."""
    evidence: str = ""
    """The last lines that the failing step printed, secrets masked."""
    unverified: tuple[Unverified, ...] = ()
    observed: dict[str, Observed] = field(default_factory=dict[str, Observed])
    """Each changed thing as it was right after its change."""

    @property
    def ok(self) -> bool:
        return self.exit_status == 0 and not self.unverified

    @property
    def wrong_key(self) -> str | None:
        """The thing that is not as wished, if it is one."""
        return self.failed_key or next((each.key for each in self.unverified), None)

    def raise_if_failed(self, target: Target) -> None:
        """Raises ActFailed with machine, thing, evidence and what happens next."""
        if self.ok:
            return
        where = f"{target.name} ({target.address}:{target.port})"
        if self.exit_status == 0:
            first = self.unverified[0]
            text = first.difference.message if isinstance(first.difference, Blocked) else first.difference.summary
            raise ActFailed(
                f"{where}: {self.title}: {first.key} is still not as wished after its change ({text}); "
                "something else on the machine may be changing it back. roost tries again",
                self,
            )
        what = self.failed_key or "before the first change"
        evidence = "; ".join(self.evidence.split("\n")) or "it printed nothing"
        raise ActFailed(
            f"{where}: {self.title}: {what} failed with exit status {self.exit_status}: {evidence}. "
            "roost tries again; what was done so far is in the journal on the machine",
            self,
        )


class ActFailed(RetryLater):
    """A change on a machine failed or did not last. Look at `result.failed_key` to tell cases apart."""

    def __init__(self, message: str, result: ActResult) -> None:
        super().__init__("ActFailed", message)
        self.result = result


class UnitBusy(RetryLater):
    """Another act of the same cluster runs on the machine: who, what and since when are in the message."""

    def __init__(self, message: str) -> None:
        super().__init__("MachineBusy", message)
