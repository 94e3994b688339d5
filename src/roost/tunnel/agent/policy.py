"""What the platform may do in this cluster, decided here and not there. Pure.

The policy is a ConfigMap that only people of this cluster can change: nothing that comes through the tunnel may write
to the agent's namespace. The platform's own rights management comes on top of it, never instead. A policy that can't
be read lets nothing pass. Called by `kapi` for every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from roost.api.exchange import Identity, RequestHead
from roost.tunnel.agent import attributes
from roost.tunnel.agent.attributes import Attributes, PathRefused

Profile = Literal["Observe", "Operate", "Admin"]
PROFILES: Final[tuple[Profile, ...]] = ("Observe", "Operate", "Admin")
OWN_PREFIX: Final = "roost:"
"""Of users and groups that come from the platform."""
READS: Final = frozenset({"get", "list", "watch"})
INTO_PODS: Final = frozenset({"exec", "attach", "portforward", "proxy", "ephemeralcontainers"})
"""Subresources that lead into a container, or through the API server to what listens in the cluster."""
OPEN_PATHS: Final = ("/version", "/healthz", "/livez", "/readyz", "/openapi", "/api", "/apis", "/.well-known")
REVIEWS: Final = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
"""Questions about oneself: they are created, and change nothing."""
ROOTS: Final = frozenset(
    {
        "rbac.authorization.k8s.io",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "certificates.k8s.io",
    }
)
"""Groups by which one gives oneself further rights."""


@dataclass(frozen=True)
class Policy:
    profile: Profile = "Admin"
    namespaces: frozenset[str] | None = None
    """None: all of them, and what has no namespace."""
    exec: bool = True
    secrets: bool = True

    def shown(self) -> dict[str, str]:
        """For people, on the platform."""
        return {
            "maxProfile": self.profile,
            "namespaces": "*" if self.namespaces is None else " ".join(sorted(self.namespaces)),
            "exec": str(self.exec).lower(),
            "secrets": str(self.secrets).lower(),
        }


class PolicyInvalid(Exception):
    """The ConfigMap does not say what it should; nothing passes."""


def read(data: Mapping[str, str]) -> Policy:
    """Raises PolicyInvalid, which names the key."""
    unknown = sorted(set(data) - {"maxProfile", "namespaces", "exec", "secrets"})
    if unknown:
        raise PolicyInvalid(f"unknown key {unknown[0]}")
    profile = data.get("maxProfile", "").strip()
    if profile not in PROFILES:
        raise PolicyInvalid(f"maxProfile must be one of {', '.join(PROFILES)}")
    names = data.get("namespaces", "*").replace(",", " ").split()
    every = names == ["*"]
    if not every and "*" in names:
        raise PolicyInvalid("namespaces is * or a list of names")
    return Policy(
        profile=profile,
        namespaces=None if every else frozenset(names),
        exec=_flag(data, "exec"),
        secrets=_flag(data, "secrets"),
    )


def _flag(data: Mapping[str, str], key: str) -> bool:
    value = data.get(key, "").strip().lower()
    if value not in {"true", "false"}:
        raise PolicyInvalid(f"{key} must be true or false")
    return value == "true"


@dataclass(frozen=True)
class Denied:
    """Why a request does not pass."""

    message: str


def judge(policy: Policy | None, head: RequestHead, *, namespace: str) -> Attributes | Denied:
    """`policy`: None when it can't be read. `namespace`: the agent's own."""
    who = _identity(head.identity)
    if who is not None:
        return who
    try:
        asked = attributes.read(head.method, head.target)
    except PathRefused as refused:
        return Denied(str(refused))
    if not asked.is_resource:
        return _open_path(policy, asked)
    if policy is None:
        return Denied(f"the ConfigMap roost-agent-policy in namespace {namespace} can't be read, so nothing passes")
    own = _own(asked, namespace)
    if own is not None:
        return own
    return _profile(policy, asked) or _reach(policy, asked) or asked


def _identity(identity: Identity) -> Denied | None:
    if not identity.user.startswith(OWN_PREFIX):
        return Denied("requests come with users of the platform only (roost:…)")
    for group in identity.groups:
        if not group.startswith(OWN_PREFIX) and group != "system:authenticated":
            return Denied(f"the group {group[:100]} does not come from the platform; it is never passed on")
    return None


def _open_path(policy: Policy | None, asked: Attributes) -> Attributes | Denied:
    """Discovery and health, which say nothing of what is in the cluster; everything else only with all rights."""
    known = any(asked.path == path or asked.path.startswith(path + "/") for path in OPEN_PATHS)
    if known and asked.verb == "get":
        return asked
    if policy is not None and policy.profile == "Admin" and policy.namespaces is None:
        return asked
    return Denied(f"the policy of this cluster does not let {asked.what} pass")


def _own(asked: Attributes, namespace: str) -> Denied | None:
    """What the agent itself stands on is changed by people of this cluster alone."""
    inside = asked.namespace == namespace
    if inside and asked.verb not in READS:
        return Denied(f"nothing in namespace {namespace}, the agent's own, is changed through the tunnel")
    if inside and asked.subresource in INTO_PODS:
        return Denied(f"nothing leads into the agent's own pods (namespace {namespace}) through the tunnel")
    roots = asked.group == "rbac.authorization.k8s.io" and asked.name.startswith("roost-agent")
    if roots and asked.verb not in READS:
        return Denied(f"{asked.resource} {asked.name} belongs to the agent and is not changed through the tunnel")
    return None


def _profile(policy: Policy, asked: Attributes) -> Denied | None:
    into = asked.subresource in INTO_PODS
    if into and not policy.exec:
        return _denied(asked, "exec is false")
    secret = asked.resource == "secrets" or (asked.resource == "serviceaccounts" and asked.subresource == "token")
    if secret and not policy.secrets:
        return _denied(asked, "secrets is false")
    if policy.profile == "Admin" or asked.resource in REVIEWS:
        return None
    if policy.profile == "Observe":
        if asked.verb not in READS or into or secret:
            return _denied(asked, "maxProfile is Observe")
        return None
    if asked.verb in READS and not secret:
        return None
    if asked.group in ROOTS or asked.subresource == "token" or not asked.namespace or asked.resource == "namespaces":
        return _denied(asked, "maxProfile is Operate")
    return None


def _reach(policy: Policy, asked: Attributes) -> Denied | None:
    if policy.namespaces is None or asked.resource in REVIEWS:
        return None
    if asked.namespace in policy.namespaces:
        if asked.resource == "namespaces" and asked.verb not in READS:
            return _denied(asked, "namespaces names what may be used, not what may be changed")
        return None
    return _denied(asked, f"namespaces is {' '.join(sorted(policy.namespaces)) or 'empty'}")


def _denied(asked: Attributes, because: str) -> Denied:
    return Denied(f"the policy of this cluster does not let {asked.what} pass: {because}")
