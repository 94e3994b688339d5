"""What the platform itself keeps in its API: namespace, access of its processes, and the Cluster `global`.

Called by start, once the API answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from roost.api import conditions
from roost.api.names import (
    ADMISSION_USER,
    API_VERSION,
    CONTROLLERS_USER,
    GATEWAY_USER,
    GLOBAL_CLUSTER,
    GROUP,
    REGISTRY_USER,
    SYSTEM_NAMESPACE,
)
from roost.api.rights import platform_manifests

FIELD_MANAGER: Final = "roost-platform"

_READ: Final = ["get", "list", "watch"]
_WRITE: Final = ["create", "update", "patch", "delete"]

_RULES: Final[dict[str, tuple[str, list[dict[str, Any]]]]] = {
    "roost:controllers": (
        CONTROLLERS_USER,
        [
            {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["*"]},
            # Secrets that Machines name (read, finalizer) and kubeconfigs of clusters (written).
            {"apiGroups": [""], "resources": ["secrets"], "verbs": [*_READ, *_WRITE]},
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": _READ},
            # The registry's external name.
            {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": _READ},
            {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": [*_READ, *_WRITE]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": [*_READ, *_WRITE]},
        ],
    ),
    "roost:admission": (
        ADMISSION_USER,
        [
            {"apiGroups": [GROUP], "resources": ["*"], "verbs": _READ},
            {"apiGroups": [""], "resources": ["secrets", "namespaces"], "verbs": _READ},
            # May the author of a Machine read the Secret that it names?
            {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
        ],
    ),
    "roost:gateway": (
        GATEWAY_USER,
        [
            # Who signed in; the gateway itself never names one of Kubernetes' own users or groups.
            {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]},
            {
                "apiGroups": ["authentication.k8s.io"],
                "resources": ["uids", "userextras/roost.session"],
                "verbs": ["impersonate"],
            },
            {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
            {"apiGroups": [GROUP], "resources": ["clusters", "projects"], "verbs": _READ},
            # Only a gateway sees the tunnels of registered clusters.
            {"apiGroups": [GROUP], "resources": ["clusters/status"], "verbs": ["patch"]},
            # The rights of Projects' members, which are others than the gateway's own.
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
                "verbs": [*_READ, *_WRITE, "bind", "escalate"],
            },
            # Kubeconfigs of clusters, each in its own namespace.
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
        ],
    ),
}


def manifests() -> list[dict[str, Any]]:
    """The system namespace and the access of roost's own processes."""
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}},
    ]
    for name, (user, rules) in _RULES.items():
        found.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": name},
                "rules": rules,
            }
        )
        found.append(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
            }
        )
    found.extend(_records_of_sign_in())
    found.extend(_external_name())
    found.extend(platform_manifests())
    return found


def _records_of_sign_in() -> list[dict[str, Any]]:
    """The gateway writes users, sessions and tokens, in the system namespace alone."""
    name = {"name": "roost:gateway", "namespace": SYSTEM_NAMESPACE}
    api = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": [*_READ, *_WRITE]}]
    return [
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": name, "rules": rules},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": "roost:gateway"},
            "subjects": [{"apiGroup": api, "kind": "User", "name": GATEWAY_USER}],
        },
    ]


def _external_name() -> list[dict[str, Any]]:
    """The process that serves the registry's external name reads what is about it, and nothing else."""
    name = {"name": "roost:registry-front", "namespace": "kube-system"}
    api = "rbac.authorization.k8s.io"
    rules = [
        {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["ingresses"],
            "resourceNames": ["registry-address"],
            "verbs": _READ,
        },
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["registry-address.tls"], "verbs": _READ},
    ]
    return [
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": name, "rules": rules},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": "roost:registry-front"},
            "subjects": [{"apiGroup": api, "kind": "User", "name": REGISTRY_USER}],
        },
    ]


def global_cluster() -> dict[str, Any]:
    """The read-only Cluster that stands for the platform."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Cluster",
        "metadata": {"name": GLOBAL_CLUSTER, "namespace": SYSTEM_NAMESPACE},
        "spec": {"displayName": "roost", "global": {}},
    }


def global_status(current: Mapping[str, Any], *, version: str, server: str, now: datetime) -> dict[str, Any]:
    """Its status now that the API answers; a transition's time is kept where nothing changed."""
    generation = cast("Mapping[str, Any]", current["metadata"]).get("generation")
    return {
        "phase": "Running",
        "version": version,
        "endpoint": server,
        "observedGeneration": generation,
        "message": "The platform is running.",
        "conditions": [
            {
                "type": conditions.AVAILABLE,
                "status": "True",
                "observedGeneration": generation,
                "lastTransitionTime": _available_since(current) or _stamp(now),
                "reason": conditions.SUCCEEDED,
                "message": f"The API answers at {server}.",
            }
        ],
    }


def _available_since(current: Mapping[str, Any]) -> str | None:
    status = cast("Mapping[str, Any]", current.get("status") or {})
    for condition in cast("list[Mapping[str, Any]]", status.get("conditions") or []):
        if condition.get("type") == conditions.AVAILABLE and condition.get("status") == "True":
            return str(condition["lastTransitionTime"])
    return None


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
