"""What a caller may do: questions to the platform's RBAC, and which role that gives in a cluster.

Answers are kept for some seconds, so that a page of the console asks once. Called by dispatch and the endpoints.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, Final

from roost.api.exchange import Identity, Upstream
from roost.api.names import GROUP
from roost.api.rights import ROLE_VERBS, Role, target_group
from roost.gateway.authenticate import Caller
from roost.gateway.refusal import Refusal
from roost.gateway.requestinfo import RequestInfo
from roost.kube.lean import ApiAnswer, Lean, ask_as

KEPT_SECONDS: Final = 5.0
KEPT_MOST: Final = 20_000
_SAR: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_SELF_SAR: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Question:
    """May somebody do this? The group is roost's own where nothing is said."""

    verb: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    group: str = GROUP

    def attributes(self) -> dict[str, str]:
        named = {
            "verb": self.verb,
            "group": self.group,
            "resource": self.resource,
            "subresource": self.subresource,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {key: value for key, value in named.items() if value}


_Key = tuple[str, tuple[str, ...], Question]


class Authoriser:
    """Asks the platform's API with the gateway's own rights."""

    def __init__(self, api: Lean) -> None:
        self._api = api
        self._kept: OrderedDict[_Key, tuple[float, bool]] = OrderedDict()

    async def may(self, identity: Identity, question: Question) -> bool:
        key = (identity.user, identity.groups, question)
        now = time.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < KEPT_SECONDS:
            return kept[1]
        spec: dict[str, Any] = {
            "user": identity.user,
            "groups": [*identity.groups, "system:authenticated"],
            "resourceAttributes": question.attributes(),
        }
        answer = await self._api.call(
            "POST", _SAR, {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        )
        allowed = bool(answer.get("status", {}).get("allowed"))
        self._kept[key] = (now, allowed)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MOST:
            self._kept.popitem(last=False)
        return allowed

    async def need(self, caller: Caller, question: Question) -> None:
        """Raises Refusal 403."""
        if caller.is_platform or await self.may(caller.identity, question):
            return
        what = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
        where = f' "{question.name}"' if question.name else ""
        raise Refusal(
            403,
            f'{what}.{question.group}{where} is forbidden: user "{caller.identity.user}" may not {question.verb} it'
            + (f' in the namespace "{question.namespace}"' if question.namespace else ""),
        )

    async def role_in(self, caller: Caller, namespace: str, cluster: str) -> Role:
        """The strongest role that the caller has in a cluster. Raises Refusal 403 where there is none."""
        if caller.is_platform:
            return "administrator"
        for verb, role in ROLE_VERBS:
            question = Question(verb, "clusters", "proxy", namespace, cluster)
            if await self.may(caller.identity, question):
                return role
        raise Refusal(
            403,
            f'clusters.{GROUP} "{cluster}" is forbidden: user "{caller.identity.user}" has no role in the cluster '
            f"{namespace}/{cluster}; an administrator gives one by a RoleBinding to roost:cluster-viewer, "
            "roost:cluster-editor or roost:cluster-administrator, or by a Project",
        )


def in_cluster(caller: Caller, role: Role) -> Identity:
    """The caller as a managed cluster sees it: with the group of the role, which roost alone gives."""
    return replace(caller.identity, groups=(*caller.identity.groups, target_group(role)))


async def need_streaming(upstream: Upstream, identity: Identity, info: RequestInfo, *, audit_id: str) -> None:
    """Asks the cluster whether the caller may `create` what an upgrade by GET would only need `get` for."""
    question = Question("create", info.resource, info.subresource, info.namespace, info.name, group=info.group)
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": question.attributes()},
    }
    try:
        answer = await ask_as(upstream, identity, _SELF_SAR, body, audit_id=audit_id)
    except ApiAnswer as refused:
        raise Refusal(refused.code, refused.message) from refused
    if not answer.get("status", {}).get("allowed"):
        what = f"{info.resource}/{info.subresource}"
        raise Refusal(
            403,
            f'{info.resource} "{info.name}" is forbidden: User "{identity.user}" cannot create resource "{what}" in '
            f'API group "{info.group}" in the namespace "{info.namespace}"',
        )
