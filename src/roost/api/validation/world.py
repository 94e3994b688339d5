"""What already exists, as far as a rule asks for it: a read-only view with an in-memory form.

The webhook fills it from a watch (admission/cache.py), the controllers from their cache, `roost
validate -f` from the files. Objects are kept as the few facts that rules compare, so that thousands
of them cost little and a stored object that this release can't parse blocks nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from roost.api.conditions import AVAILABLE, CONTROL_PLANE_INITIALIZED
from roost.api.v1alpha1.cluster import ClusterSpec, OnPremises
from roost.api.validation.shape import parsed

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KnownCluster:
    namespace: str
    name: str
    on_premises: OnPremises | None
    """None: made in another way, or not parseable."""
    is_global: bool = False
    deleting: bool = False
    initialized: bool = False
    available: bool = False
    attached: bool = False
    """Imported or registered: it exists already and is not made of Machines."""
    addresses: tuple[str, ...] | None = None
    """Of the Cluster global: host:port of the platform's gateway; None where its status does not tell."""


@dataclass(frozen=True, slots=True)
class KnownMachine:
    namespace: str
    name: str
    cluster: str
    role: str
    ipv4: str
    ssh_address: str
    ssh_port: int
    proxy: str | None
    """host:port of the SOCKS5 server; the same address behind another proxy is another machine."""
    deleting: bool = False
    ipv6: str = ""
    allow_apps: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those that are given, IPv4 first."""
        return tuple(address for address in (self.ipv4, self.ipv6) if address)


@dataclass(frozen=True, slots=True)
class KnownGate:
    name: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class KnownCredential:
    namespace: str
    name: str
    valid: bool


@dataclass(frozen=True, slots=True)
class KnownProject:
    name: str


@dataclass(frozen=True, slots=True)
class KnownSecret:
    type: str
    keys: frozenset[str]


class World(Protocol):
    @property
    def complete(self) -> bool:
        """No Machine or Cluster is still to come: the last word, or a whole set of files."""
        ...

    @property
    def secrets_complete(self) -> bool:
        """A Secret that is not here does not exist."""
        ...

    def clusters(self) -> Iterable[KnownCluster]:
        """Of all namespaces."""
        ...

    def machines(self) -> Iterable[KnownMachine]:
        """Of all namespaces."""
        ...

    def secret(self, namespace: str, name: str) -> KnownSecret | None: ...

    def releases(self) -> Collection[str] | None:
        """Versions that can be installed; None where that is not known."""
        ...

    def gate(self, name: str) -> bool | None:
        """Whether a FeatureGate is enabled; None where that is not known."""
        ...

    def credential(self, namespace: str, name: str) -> bool | None:
        """Whether a CloudCredential can be used; None where that is not known."""
        ...

    def project(self, name: str) -> bool | None:
        """Whether there is such a Project; None where that is not known."""
        ...


@dataclass
class MemoryWorld:
    """A World that holds what it is given."""

    known_clusters: dict[tuple[str, str], KnownCluster] = field(default_factory=dict[tuple[str, str], KnownCluster])
    known_machines: dict[tuple[str, str], KnownMachine] = field(default_factory=dict[tuple[str, str], KnownMachine])
    known_secrets: dict[tuple[str, str], KnownSecret] = field(default_factory=dict[tuple[str, str], KnownSecret])
    known_releases: set[str] | None = None
    known_gates: dict[str, bool] = field(default_factory=dict[str, bool])
    known_credentials: dict[tuple[str, str], bool] = field(default_factory=dict[tuple[str, str], bool])
    known_projects: set[str] = field(default_factory=set[str])
    platform: bool = False
    """Gates, credentials and projects that are not here do not exist: the platform was asked."""
    complete: bool = False
    secrets_complete: bool = False

    @classmethod
    def of(
        cls,
        documents: Iterable[Json],
        *,
        releases: Collection[str] | None = None,
        complete: bool = False,
        secrets_complete: bool = False,
        platform: bool = False,
    ) -> MemoryWorld:
        """From objects of any kind; what is unknown or broken is left out."""
        world = cls(
            known_releases=None if releases is None else set(releases),
            complete=complete,
            secrets_complete=secrets_complete,
            platform=platform,
        )
        for document in documents:
            world.put(document)
        return world

    def put(self, document: Json) -> None:
        """Adds or replaces one object."""
        match document.get("kind"):
            case "Cluster":
                cluster = known_cluster(document)
                self.known_clusters[cluster.namespace, cluster.name] = cluster
            case "Machine":
                machine = known_machine(document)
                self.known_machines[machine.namespace, machine.name] = machine
            case "Secret":
                self.known_secrets[key_of(document)] = known_secret(document)
            case "KubernetesRelease":
                version = _at(document, "spec", "version")
                if isinstance(version, str):
                    self.known_releases = (self.known_releases or set()) | {version}
            case "FeatureGate":
                gate = known_gate(document)
                self.known_gates[gate.name] = gate.enabled
            case "CloudCredential":
                credential = known_credential(document)
                self.known_credentials[credential.namespace, credential.name] = credential.valid
            case "Project":
                self.known_projects.add(key_of(document)[1])
            case _:
                pass

    def clusters(self) -> Iterable[KnownCluster]:
        return self.known_clusters.values()

    def machines(self) -> Iterable[KnownMachine]:
        return self.known_machines.values()

    def secret(self, namespace: str, name: str) -> KnownSecret | None:
        return self.known_secrets.get((namespace, name))

    def releases(self) -> Collection[str] | None:
        return self.known_releases

    def gate(self, name: str) -> bool | None:
        return self.known_gates.get(name, False if self.platform else None)

    def credential(self, namespace: str, name: str) -> bool | None:
        return self.known_credentials.get((namespace, name), False if self.platform else None)

    def project(self, name: str) -> bool | None:
        return True if name in self.known_projects else (False if self.platform else None)


def key_of(document: Json) -> tuple[str, str]:
    """Namespace and name; a document without a namespace goes to `default`, as kubectl has it."""
    return (str(_at(document, "metadata", "namespace") or "default"), str(_at(document, "metadata", "name") or ""))


def is_deleting(document: Json) -> bool:
    return bool(_at(document, "metadata", "deletionTimestamp"))


def is_true(document: Json, condition: str) -> bool:
    """Whether a condition in the object's status is True."""
    conditions = _at(document, "status", "conditions")
    if not isinstance(conditions, list):
        return False
    return any(
        _at(item, "type") == condition and _at(item, "status") == "True" for item in cast("list[object]", conditions)
    )


def known_cluster(document: Json) -> KnownCluster:
    namespace, name = key_of(document)
    spec = parsed(ClusterSpec, _at(document, "spec"))
    return KnownCluster(
        namespace,
        name,
        spec.on_premises if spec else None,
        _at(document, "spec", "global") is not None,
        is_deleting(document),
        is_true(document, CONTROL_PLANE_INITIALIZED),
        is_true(document, AVAILABLE),
        any(_at(document, "spec", way) is not None for way in ("imported", "registered")),
        _addresses(document),
    )


def platform_addresses(world: World) -> tuple[str, ...] | None:
    """Where others reach the platform's gateway, as host:port; None where that is not known."""
    return next((cluster.addresses for cluster in world.clusters() if cluster.is_global), None)


def _addresses(document: Json) -> tuple[str, ...] | None:
    found = _at(document, "status", "addresses")
    return tuple(map(str, cast("list[object]", found))) if isinstance(found, list) else None


def known_machine(document: Json) -> KnownMachine:
    namespace, name = key_of(document)
    ipv4 = str(_at(document, "spec", "addresses", "ipv4") or "")
    ipv6 = str(_at(document, "spec", "addresses", "ipv6") or "")
    port = _at(document, "spec", "ssh", "port")
    proxy = _at(document, "spec", "ssh", "proxy", "address")
    return KnownMachine(
        namespace,
        name,
        str(_at(document, "spec", "clusterName") or ""),
        str(_at(document, "spec", "role") or ""),
        ipv4,
        str(_at(document, "spec", "ssh", "address") or ipv4 or ipv6),
        port if isinstance(port, int) else 22,
        proxy if isinstance(proxy, str) else None,
        is_deleting(document),
        ipv6,
        _at(document, "spec", "allowApps") is True,
    )


def known_gate(document: Json) -> KnownGate:
    return KnownGate(key_of(document)[1], _at(document, "spec", "enabled") is True)


def known_project(document: Json) -> KnownProject:
    return KnownProject(key_of(document)[1])


def known_credential(document: Json) -> KnownCredential:
    namespace, name = key_of(document)
    return KnownCredential(namespace, name, _at(document, "status", "valid") is True)


def known_secret(document: Json) -> KnownSecret:
    """Type and key names alone; the values are not kept."""
    keys: set[str] = set()
    for part in ("data", "stringData"):
        values = document.get(part)
        if isinstance(values, Mapping):
            keys |= {str(key) for key, value in cast("Json", values).items() if value not in (None, "")}
    return KnownSecret(str(document.get("type") or "Opaque"), frozenset(keys))


def _at(document: object, *path: str) -> object:
    for step in path:
        if not isinstance(document, Mapping):
            return None
        document = cast("Json", document).get(step)
    return document
