"""What all controllers share in one process, put together by wiring and given to each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from roost.api import conditions as c
from roost.api.masked import Masked
from roost.bundle.model import Bundle
from roost.controllers.kinds import BY_CLUSTER, CLUSTER, MACHINE, at
from roost.controllers.kubeconfigs import SecretKubeconfig
from roost.controllers.providing import Provider
from roost.controllers.runtime.api import Api, Object, Ref, finalizers, ref_of, uid
from roost.controllers.runtime.cache import Cache
from roost.controllers.runtime.clock import Now
from roost.controllers.runtime.events import Events
from roost.controllers.runtime.status import Owned, StatusWriter
from roost.controllers.secrets import SecretReader
from roost.controllers.summary import of_cluster, of_machine
from roost.kube.resources import ResourceType
from roost.providers.onprem.context import RegistrySource
from roost.ssh.connection import Connector

CLUSTER_STATUS = Owned(
    conditions=(*c.CLUSTER_PHASES, *c.IMPORT_CHECKS, c.REGISTRY_ADDRESS_READY, c.DELETING),
    fields=(
        "phase",
        "message",
        "observedGeneration",
        "version",
        "endpoint",
        "nodes",
        "retry",
        "planName",
        "planHash",
        "startedTime",
        "availableTime",
        "uid",
        "capacity",
        "usage",
        "certificates",
        "warnings",
    ),
)
MACHINE_STATUS = Owned(
    conditions=(*c.MACHINE_PHASES, c.DELETING),
    fields=("phase", "message", "observedGeneration", "nodeName", "hostKey", "facts", "acts", "things", "retry"),
)


class Bundles(Protocol):
    """The release bundles present, and whether machines can pull from them."""

    def find(self, version: str) -> Bundle | None: ...

    def versions(self) -> Iterable[str]: ...

    def not_served(self, version: str) -> str | None:
        """Why the images of a version can't be pulled yet, None when they can (or travel over SSH)."""
        ...


def status_writer(
    api: Api, *, manager: str, now: Now, more: Mapping[ResourceType, Owned] | None = None
) -> StatusWriter:
    """`more`: what it owns on further kinds, which have no summary."""
    return StatusWriter(
        api,
        {CLUSTER: CLUSTER_STATUS, MACHINE: MACHINE_STATUS, **(more or {})},
        {CLUSTER: of_cluster, MACHINE: of_machine},
        manager=manager,
        now=now,
    )


@dataclass
class Environment:
    api: Api
    cache: Cache
    status: StatusWriter
    events: Events
    secrets: SecretReader
    bundles: Bundles
    provider: Provider
    connect: Connector
    disconnect: Callable[[str], Awaitable[None]]
    """Closes what is kept to the machine of a name."""
    registry: RegistrySource | None
    now: Now
    pull_key: Masked | None = None
    """From which the passwords follow with which clusters pull at the registry's external name."""
    kubeconfigs: dict[str, SecretKubeconfig] = field(default_factory=dict[str, SecretKubeconfig])
    """By the Cluster's uid."""

    def machines(self, cluster: Ref) -> list[Object]:
        """All Machines that name the Cluster, in order of their names."""
        return self.cache.by(MACHINE, BY_CLUSTER, at(cluster.namespace, cluster.name))

    def kubeconfig(self, cluster: Object) -> SecretKubeconfig:
        store = self.kubeconfigs.get(uid(cluster))
        if store is None:
            store = self.kubeconfigs[uid(cluster)] = SecretKubeconfig(self.api, self.cache, cluster)
        return store

    def has(self, obj: Object, finalizer: str) -> bool:
        return finalizer in finalizers(obj)

    def adopt(self, cluster: Object, machines: Iterable[Object]) -> Ref:
        """Makes the status writer know the objects; returns the Cluster's name."""
        for machine in machines:
            self.status.adopt(MACHINE, machine)
        return self.status.adopt(CLUSTER, cluster) if cluster else ref_of(CLUSTER, cluster)
