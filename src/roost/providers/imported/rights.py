"""What each profile may do in an imported cluster, and what a given credential must be able to hand out. Pure.

Kubernetes has no rule «everything but Secrets», so Observe lists what it reads. Operate and Admin act as whoever
asks through the platform (impersonation), which includes every user and group of that cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from roost.api.v1alpha1.cluster import Profile

Rule = dict[str, Any]
BUILT_IN: Final = {Profile.ADMIN: "cluster-admin"}
"""Profiles that need no ClusterRole of roost's own."""
_READ: Final = ["get", "list", "watch"]
_WRITE: Final = ["create", "update", "patch", "delete", "deletecollection"]
_LOOK: Final[list[Rule]] = [
    {
        "apiGroups": [""],
        "resources": [
            "nodes", "namespaces", "pods", "pods/log", "services", "endpoints", "configmaps", "events",
            "persistentvolumes", "persistentvolumeclaims", "replicationcontrollers", "serviceaccounts",
            "resourcequotas", "limitranges",
        ],
        "verbs": _READ,
    },
    {
        "apiGroups": [
            "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "discovery.k8s.io", "events.k8s.io",
            "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
            "metrics.k8s.io", "rbac.authorization.k8s.io", "coordination.k8s.io",
        ],
        "resources": ["*"],
        "verbs": _READ,
    },
    {"nonResourceURLs": ["/version", "/readyz", "/livez", "/healthz", "/readyz/*", "/livez/*"], "verbs": ["get"]},
]  # fmt: skip
_WORK: Final[list[Rule]] = [
    {
        "apiGroups": ["", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "discovery.k8s.io"],
        "resources": ["*"],
        "verbs": [*_READ, *_WRITE],
    },
    {"apiGroups": [""], "resources": ["users", "groups", "serviceaccounts"], "verbs": ["impersonate"]},
    {"apiGroups": ["authentication.k8s.io"], "resources": ["uids", "userextras/*"], "verbs": ["impersonate"]},
]


@dataclass(frozen=True)
class Need:
    """One right, as SelfSubjectAccessReview asks for it."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""

    def attributes(self) -> dict[str, str]:
        found = {"verb": self.verb, "resource": self.resource, "group": self.group}
        return {**found, "subresource": self.subresource} if self.subresource else found

    def __str__(self) -> str:
        name = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {name}{f'.{self.group}' if self.group else ''}"


RBAC: Final = "rbac.authorization.k8s.io"
_INSTALL: Final = (
    Need("create", "namespaces"),
    Need("create", "configmaps"),
    Need("create", "serviceaccounts"),
    Need("create", "serviceaccounts", subresource="token"),
    Need("create", "clusterrolebindings", RBAC),
    Need("get", "nodes"),
)
_HAND_OUT: Final = (
    Need("create", "clusterroles", RBAC),
    Need("escalate", "clusterroles", RBAC),
    Need("bind", "clusterroles", RBAC),
)
_ACT_AS: Final = (
    Need("impersonate", "users"),
    Need("impersonate", "groups"),
    Need("impersonate", "uids", "authentication.k8s.io"),
    Need("impersonate", "userextras", "authentication.k8s.io"),
)


def rules(profile: Profile) -> list[Rule]:
    """Of roost's own ClusterRole; empty for a profile that a built-in one serves."""
    match profile:
        case Profile.OBSERVE:
            return _LOOK
        case Profile.OPERATE:
            return [*_LOOK, *_WORK]
        case Profile.ADMIN:
            return []


def needs(profile: Profile) -> tuple[Need, ...]:
    """What the given credential must be able to do, so that roost's own can be made from it."""
    match profile:
        case Profile.OBSERVE:
            return (*_INSTALL, *_HAND_OUT)
        case Profile.OPERATE:
            return (*_INSTALL, *_HAND_OUT, *_ACT_AS)
        case Profile.ADMIN:
            return (*_INSTALL, Need("*", "*", "*"), *_ACT_AS)


def role_for(missing: tuple[Need, ...], user: str) -> str:
    """A command that grants what is missing, to be run by somebody who may."""
    if any(need.verb == "*" for need in missing):
        return f"kubectl create clusterrolebinding roost-import --clusterrole=cluster-admin --user={user!r}"
    listed = "; ".join(str(need) for need in missing)
    return f"grant {user} a ClusterRole with: {listed}"
