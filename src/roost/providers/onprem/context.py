"""What the provider is given and what it tells back. It never sees the platform's API server.

Built by controllers/cluster (from the API) and by cli/plan (from files); in tests by hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from roost.api.masked import Masked
from roost.api.v1alpha1.cluster import ClusterSpec, RegistryType
from roost.api.v1alpha1.machine import Difference, MachineFacts, MachineSpec
from roost.api.v1alpha1.plan import PlanSpec
from roost.bundle.model import Bundle
from roost.ssh.connection import Connector, Target

ConditionStatus = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class MachineInput:
    """One Machine with its secrets resolved. `deleting`: to be removed from the cluster and restored."""

    name: str
    spec: MachineSpec
    target: Target
    deleting: bool = False
    forced: bool = False
    """It goes as it is: nothing on it is waited for."""


@dataclass(frozen=True)
class RegistrySource:
    """Where machines fetch images. None in the context: everything travels over SSH."""

    address: str
    """host[:port][/path] that machines reach; TLS."""
    ca_pem: str = ""
    """Authorities that vouch for it; empty: those that the machine trusts."""
    username: str = ""
    password: Masked | None = field(default=None, repr=False)
    kind: RegistryType = RegistryType.BUILT_IN
    programs: bool = True
    """Machines fetch programs there too, without a credential; else these travel over SSH."""


class Reporter(Protocol):
    """How progress leaves the provider. Calls are cheap and may repeat; the writer batches them."""

    def cluster(self, condition: str, status: ConditionStatus, reason: str, message: str = "") -> None: ...

    def machine(self, name: str, condition: str, status: ConditionStatus, reason: str, message: str = "") -> None: ...

    def facts(self, name: str, facts: MachineFacts, *, host_key: str, node_name: str) -> None: ...

    def acted(self, name: str, title: str) -> None:
        """One changing act was started on the machine (the engine's own record)."""
        ...

    def looked(self, name: str, keys: Sequence[str], differing: Sequence[Difference]) -> None:
        """What roost keeps on the machine, and what of it was not as wished."""
        ...

    def kept(self, name: str, keys: Collection[str]) -> None:
        """These things are as wished by now."""
        ...

    def event(self, machine: str | None, reason: str, message: str, *, warning: bool = False) -> None: ...


class KubeconfigStore(Protocol):
    """Keeps the admin kubeconfig of the managed cluster (the Secret NAME-kubeconfig)."""

    async def load(self) -> Masked | None: ...

    async def save(self, kubeconfig: Masked) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What `reconcile` found at its end."""

    nodes_ready: int
    nodes_total: int
    version: str
    endpoint: str
    available: bool
    reason: str
    message: str


async def at_once() -> None:
    """Nothing more is expected."""


@dataclass(frozen=True)
class Context:
    """Everything a call of the provider needs."""

    cluster_id: str
    cluster_name: str
    spec: ClusterSpec
    machines: tuple[MachineInput, ...]
    bundle: Bundle
    registry: RegistrySource | None
    connect: Connector
    """Gives a kept connection (a Pool); the provider does not close it."""
    kubeconfig: KubeconfigStore
    report: Reporter
    approve: Callable[[PlanSpec], bool] = field(default=lambda _plan: True)
    """False: stop after the plan (paused, or awaiting approval)."""
    settle: Callable[[], Awaitable[None]] = field(default=at_once)
    """Awaited before the first change: it lasts while Machines are still being applied, and raises what ends the
    call where there are more of them by then."""
    settled: frozenset[str] = frozenset()
    """Machines that this process saw as wished, with the same inputs, within the last ten minutes.

    The provider sends them no command unless their part of the work changed (a peer that must be told).
    Empty at the controllers' start and every ten minutes: then everything is observed.
    """
    founder: str | None = None
    """The control plane that made the cluster, or is to make it; every other one joins.

    None: the first by name. "": the cluster is there and the one that made it is gone. See planes.py.
    """
