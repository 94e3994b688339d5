"""The manifest of a cluster's agent: everything it brings, as one stream of documents for `kubectl apply -f -`. Pure.

Called by `roost register` and by the gateway's endpoint. The token stands in a Secret that is mounted as a file,
never in arguments, variables or addresses. The agent's own rights are small: it may act *as* users of the platform,
and the bindings of their groups, which stand here too, say what those may do; the policy says what passes at all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from roost.api.masked import Masked
from roost.api.rights import target_manifests

Profile = Literal["Observe", "Operate", "Admin"]
NAMESPACE: Final = "roost-agent"
NAME: Final = "roost-agent"
LABELS: Final = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": NAME}
_RBAC: Final = "rbac.authorization.k8s.io"
_CEILING: Final[dict[Profile, dict[str, str]]] = {
    "Admin": {},
    "Operate": {"cluster-admin": "roost:editor", "admin": "edit"},
    "Observe": {"cluster-admin": "roost:viewer", "roost:editor": "roost:viewer", "admin": "view", "edit": "view"},
}
"""Roles that a profile puts in the place of stronger ones."""
Object = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    cluster_id: str
    urls: tuple[str, ...]
    """https:// addresses of the platform that the cluster can reach."""
    ca_pem: str
    token: Masked
    token_id: str
    image: str
    profile: Profile = "Admin"
    proxy: Masked | None = None
    namespaces: tuple[str, ...] = ()
    """Empty: all."""
    exec: bool = True
    secrets: bool = True
    replicas: int = 2
    pull_secrets: tuple[str, ...] = field(default=())


def documents(wish: Wish) -> list[Object]:
    return [
        _object("v1", "Namespace", NAMESPACE, spaced=False, labels=_pod_security()),
        _object("v1", "ServiceAccount", NAME, automountServiceAccountToken=False),
        *_rights(wish),
        _object("v1", "ConfigMap", "roost-agent-config", data={"config.json": _config(wish)}),
        _policy(wish),
        _object("v1", "Secret", "roost-agent-identity", type="Opaque"),
        _object("v1", "Secret", "roost-agent-token", type="Opaque", stringData=_token(wish)),
        _network_policy(),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            NAME,
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": NAME}}},
        ),
        _deployment(wish),
    ]


def text(wish: Wish) -> str:
    """As YAML, whose subset JSON is: readable by kubectl, written without a YAML library."""
    return "".join(f"---\n{json.dumps(document, indent=2, ensure_ascii=False)}\n" for document in documents(wish))


def _token(wish: Wish) -> dict[str, str]:
    found = {"token": wish.token.reveal()}
    return found | ({"proxy": wish.proxy.reveal()} if wish.proxy is not None else {})


def _config(wish: Wish) -> str:
    return json.dumps({"clusterID": wish.cluster_id, "urls": list(wish.urls), "ca": wish.ca_pem})


def _policy(wish: Wish) -> Object:
    found = _object(
        "v1",
        "ConfigMap",
        "roost-agent-policy",
        data={
            "maxProfile": wish.profile,
            "namespaces": " ".join(wish.namespaces) or "*",
            "exec": str(wish.exec).lower(),
            "secrets": str(wish.secrets).lower(),
        },
    )
    found["metadata"]["annotations"] = {
        "description": "What the platform may do here. Only people of this cluster can change it: nothing that comes "
        "through the tunnel may write to this namespace."
    }
    return found


def _rights(wish: Wish) -> list[Object]:
    """The agent's own rights, and what the platform's groups are bound to."""
    acting = [
        _rule([""], ["users", "groups"], ["impersonate"]),
        _rule(["authentication.k8s.io"], ["uids", "userextras/roost.session"], ["impersonate"]),
        _rule([""], ["namespaces"], ["get"], names=["kube-system", NAMESPACE]),
        # For taking itself out, when the cluster is detached.
        _rule([""], ["namespaces"], ["delete"], names=[NAMESPACE]),
        _rule([_RBAC], ["clusterroles", "clusterrolebindings"], ["list"]),
        _rule([_RBAC], ["clusterroles", "clusterrolebindings"], ["patch"], names=[NAME]),
        _rule([_RBAC], ["clusterroles", "clusterrolebindings"], ["delete"], names=sorted(_bound(wish))),
    ]
    own = [
        _rule([""], ["secrets"], ["get", "patch"], names=["roost-agent-identity"]),
        _rule([""], ["configmaps"], ["get"], names=["roost-agent-policy"]),
    ]
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    return [
        _object(f"{_RBAC}/v1", "ClusterRole", NAME, spaced=False, rules=acting),
        _object(
            f"{_RBAC}/v1", "ClusterRoleBinding", NAME, spaced=False, roleRef=_ref("ClusterRole"), subjects=[account]
        ),
        _object(f"{_RBAC}/v1", "Role", NAME, rules=own),
        _object(f"{_RBAC}/v1", "RoleBinding", NAME, roleRef=_ref("Role"), subjects=[account]),
        *_groups(wish),
    ]


def _groups(wish: Wish) -> list[Object]:
    """The platform's roles in this cluster, none stronger than the profile allows."""
    ceiling = _CEILING[wish.profile]
    found = target_manifests()
    for document in found:
        meta: Object = document["metadata"]
        meta["labels"] = {**(meta.get("labels") or {}), **LABELS}
        if document["kind"] == "ClusterRoleBinding":
            role: Object = document["roleRef"]
            role["name"] = ceiling.get(str(role["name"]), role["name"])
    return found


def _bound(wish: Wish) -> set[str]:
    return {str(document["metadata"]["name"]) for document in _groups(wish)}


def _network_policy() -> Object:
    """Nothing comes in but the kubelet's probes; it goes out to names, API servers and the platform or its proxy."""
    return _object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        NAME,
        spec={
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}],
            "egress": [
                {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
                # The API server's own port differs between clusters, and so do the platform's and a proxy's.
                {"ports": [{"port": 1, "endPort": 65535, "protocol": "TCP"}]},
            ],
        },
    )


def _deployment(wish: Wish) -> Object:
    selector = {"app.kubernetes.io/name": NAME}
    template: Object = {
        "metadata": {
            "labels": dict(LABELS),
            # A new token starts the pods anew, so that they find it at once.
            "annotations": {"cluster.alauda.io/registration": wish.token_id},
        },
        "spec": _pod(wish, selector),
    }
    return _object(
        "apps/v1",
        "Deployment",
        NAME,
        spec={
            "replicas": wish.replicas,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}},
            "template": template,
        },
    )


def _pod(wish: Wish, selector: dict[str, str]) -> Object:
    pod: Object = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": selector},
                        },
                    }
                ]
            }
        },
        "tolerations": [
            {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
            {
                "key": "node.kubernetes.io/not-ready",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 30,
            },
            {
                "key": "node.kubernetes.io/unreachable",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 30,
            },
        ],
        "containers": [_container(wish)],
        "volumes": _volumes(),
    }
    if wish.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in wish.pull_secrets]
    return pod


def _container(wish: Wish) -> Object:
    probe: Object = {"port": 8080, "path": "/readyz"}
    return {
        "name": "agent",
        "image": wish.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "health", "containerPort": 8080}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "20m", "memory": "48Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": probe, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {**probe, "path": "/livez"}, "periodSeconds": 20, "failureThreshold": 3},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/roost-agent/config", "readOnly": True},
            {"name": "token", "mountPath": "/etc/roost-agent/token", "readOnly": True},
            {"name": "account", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True},
        ],
    }


def _volumes() -> list[Object]:
    account = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    return [
        {"name": "config", "configMap": {"name": "roost-agent-config"}},
        {"name": "token", "secret": {"secretName": "roost-agent-token", "defaultMode": 0o400, "optional": True}},
        {"name": "account", "projected": {"defaultMode": 0o400, "sources": account}},
    ]


def _pod_security() -> dict[str, str]:
    return {"pod-security.kubernetes.io/enforce": "restricted"}


def _ref(kind: str) -> dict[str, str]:
    return {"apiGroup": _RBAC, "kind": kind, "name": NAME}


def _rule(
    groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str], *, names: Sequence[str] = ()
) -> Object:
    rule: Object = {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
    return rule | ({"resourceNames": list(names)} if names else {})


def _object(
    version: str, kind: str, name: str, *, spaced: bool = True, labels: dict[str, str] | None = None, **rest: Any
) -> Object:
    meta: Object = {"name": name, "labels": {**LABELS, **(labels or {})}}
    if spaced:
        meta["namespace"] = NAMESPACE
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}
