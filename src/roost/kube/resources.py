"""What a kind is called in URLs: roost's own kinds and the few of Kubernetes that roost watches.

`ResourceType` is what apply, watch and wait work with; `typed(kind)` gives the lightkube class of one of
roost's kinds. Kinds that are not known here are found by kube/discovery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from lightkube import generic_resource

from roost.api import registry
from roost.api.names import GROUP, VERSION


@dataclass(frozen=True)
class ResourceType:
    """One kind as the API serves it."""

    group: str
    """Empty for the core group."""
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path. Without namespace, a namespaced kind's path is that of all namespaces (list, watch)."""
        parts = ["", "apis", self.group, self.version] if self.group else ["", "api", self.version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name is not None:
            if self.namespaced and namespace is None:
                raise ValueError(f"{self.kind} {name} needs a namespace")
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


def _own(kind: registry.Kind) -> ResourceType:
    return ResourceType(GROUP, VERSION, kind.name, kind.plural, kind.scope == "Namespaced")


ROOST: Final[dict[str, ResourceType]] = {kind.name: _own(kind) for kind in registry.KINDS}

SECRET: Final = ResourceType("", "v1", "Secret", "secrets", namespaced=True)
CONFIG_MAP: Final = ResourceType("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACE: Final = ResourceType("", "v1", "Namespace", "namespaces", namespaced=False)
NODE: Final = ResourceType("", "v1", "Node", "nodes", namespaced=False)
POD: Final = ResourceType("", "v1", "Pod", "pods", namespaced=True)
EVENT: Final = ResourceType("events.k8s.io", "v1", "Event", "events", namespaced=True)
LEASE: Final = ResourceType("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)
CRD: Final = ResourceType(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
CSR: Final = ResourceType(
    "certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", namespaced=False
)

BUILT_IN: Final[dict[tuple[str, str], ResourceType]] = {
    (known.api_version, known.kind): known
    for known in (SECRET, CONFIG_MAP, NAMESPACE, NODE, POD, EVENT, LEASE, CRD, CSR, *ROOST.values())
}


def typed(kind: str) -> Any:
    """The lightkube class of one of roost's kinds, such as `typed("Cluster")`. Raises KeyError."""
    known = ROOST[kind]
    name = "create_namespaced_resource" if known.namespaced else "create_global_resource"
    # lightkube leaves a parameter of these untyped.
    create = cast("Callable[..., Any]", getattr(generic_resource, name))
    return create(known.group, known.version, known.kind, known.plural)
