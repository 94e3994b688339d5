"""Who may do what: roost's ClusterRoles on the platform, and the bindings in every managed cluster. Pure.

Which cluster somebody reaches, and as what, is decided on the platform, by the verbs `view`, `edit` and `administer`
on `clusters/proxy`. The gateway then adds the group of that role to the caller's identity, and the cluster binds the
group to a role of its own. So the bindings in a cluster never name a person, and a right that is taken away on the
platform is gone everywhere at once. Called by embedded (the platform's roles), by the gateway, by what makes the
manifest of a registered cluster's agent.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from roost.api.names import GROUP

Role = Literal["administrator", "editor", "viewer", "project-administrator", "project-editor", "project-viewer"]

ADMINISTRATORS: Final = "roost:group:administrators"
AUDITORS: Final = "roost:group:auditors"
ROLE_GROUP: Final = "roost:role:"
"""Prefix of the groups that a managed cluster binds; the gateway alone gives them."""

ROLE_VERBS: Final[tuple[tuple[str, Role], ...]] = (
    ("administer", "administrator"),
    ("edit", "editor"),
    ("view", "viewer"),
    ("administer-project", "project-administrator"),
    ("edit-project", "project-editor"),
    ("view-project", "project-viewer"),
)
"""Verb on clusters/proxy to the role it gives, the strongest first."""

TARGET_ROLES: Final[dict[Role, str]] = {
    "administrator": "cluster-admin",
    "editor": "roost:editor",
    "viewer": "roost:viewer",
    "project-administrator": "admin",
    "project-editor": "edit",
    "project-viewer": "view",
}
"""Role to the ClusterRole of a managed cluster."""

_LABELS: Final = {f"{GROUP}/rights": "true"}
_READ: Final = ["get", "list", "watch"]
_ALL: Final = ["*"]
_OF_CLUSTERS: Final = [
    "clusters",
    "machines",
    "machinechecks",
    "machinedrafts",
    "plans",
    "plugins",
    "cloudcredentials",
]
_RBAC: Final = "rbac.authorization.k8s.io"


def target_group(role: Role) -> str:
    return ROLE_GROUP + role


def platform_manifests() -> list[dict[str, Any]]:
    """ClusterRoles on the platform, and the two bindings of groups that exist from the start."""
    return [
        _role("roost:administrator", [_rule(["*"], ["*"], _ALL), {"nonResourceURLs": ["*"], "verbs": ["*"]}]),
        _role("roost:auditor", [_rule([GROUP], ["*"], _READ), _rule(["", "events.k8s.io"], ["events"], _READ)]),
        _role(
            "roost:cluster-administrator",
            [
                *_cluster_rules(_ALL),
                # Passwords and keys of machines; so this role is for RoleBindings, namespace by namespace.
                _rule([""], ["secrets"], _ALL),
                _rule([GROUP], ["clusters/proxy"], ["administer"]),
            ],
        ),
        _role(
            "roost:cluster-editor", [*_cluster_rules(_READ), *_writes(), _rule([GROUP], ["clusters/proxy"], ["edit"])]
        ),
        _role("roost:cluster-viewer", [*_cluster_rules(_READ), _rule([GROUP], ["clusters/proxy"], ["view"])]),
        # What everybody needs who is signed in: which versions there are, and what the platform is.
        _role(
            "roost:signed-in",
            [
                _rule([GROUP], ["kubernetesreleases", "featuregates"], _READ),
                {
                    "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"],
                    "verbs": ["get"],
                },
            ],
        ),
        _binding("roost:administrators", "roost:administrator", ADMINISTRATORS),
        _binding("roost:auditors", "roost:auditor", AUDITORS),
        _binding("roost:signed-in", "roost:signed-in", "system:authenticated"),
    ]


def target_manifests() -> list[dict[str, Any]]:
    """What every managed cluster holds: two ClusterRoles, and one binding for each role's group."""
    view, edit = {f"{_RBAC}/aggregate-to-view": "true"}, {f"{_RBAC}/aggregate-to-edit": "true"}
    more = {f"{GROUP}/aggregate-to-viewer": "true"}
    # Not `*`, which would hold Secrets too: what the cluster's own `view` shows, and what has no namespace.
    without_namespace = _role(
        "roost:viewer-without-namespace",
        [
            _rule([""], ["nodes", "namespaces", "persistentvolumes"], _READ),
            _rule(["storage.k8s.io"], ["storageclasses"], _READ),
            _rule(["apiextensions.k8s.io"], ["customresourcedefinitions"], _READ),
            _rule(["scheduling.k8s.io"], ["priorityclasses"], _READ),
            _rule(["metrics.k8s.io"], ["nodes", "pods"], _READ),
        ],
    )
    without_namespace["metadata"]["labels"] = {**_LABELS, **more}
    bindings = [_binding(f"roost:{role}", target, target_group(role)) for role, target in TARGET_ROLES.items()]
    return [
        _aggregated("roost:viewer", view, more),
        _aggregated("roost:editor", view, edit, more),
        without_namespace,
        *bindings,
    ]


def _cluster_rules(verbs: list[str]) -> list[dict[str, Any]]:
    return [
        _rule([GROUP], _OF_CLUSTERS, verbs),
        _rule([""], ["events", "namespaces"], _READ),
        _rule(["events.k8s.io"], ["events"], _READ),
    ]


def _writes() -> list[dict[str, Any]]:
    """An editor changes what is there; making and removing clusters is an administrator's."""
    return [
        _rule([GROUP], _OF_CLUSTERS, ["update", "patch"]),
        _rule([GROUP], ["machinechecks", "machinedrafts"], _ALL),
    ]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def _role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": dict(_LABELS)},
        "rules": rules,
    }


def _aggregated(name: str, *labels: dict[str, str]) -> dict[str, Any]:
    """A role that takes in what other programs add to the cluster's own roles."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": dict(_LABELS)},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": wanted} for wanted in labels]},
    }


def _binding(name: str, role: str, group: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": dict(_LABELS)},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": group}],
    }
