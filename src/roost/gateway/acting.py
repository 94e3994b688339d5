"""Acting as somebody else (`kubectl --as`): where the target itself lets the caller impersonate. Called by dispatch.

The client's Impersonate-* headers are read here and never sent on: the identity that they name is asked about, as
the caller, in the cluster that the request is for, and then travels as any caller's does. The audit log
has both. Kubernetes' own names (`system:…`) are nobody's to act as, whatever the target would allow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from roost.api.exchange import Headers, Identity, Upstream
from roost.gateway.refusal import Refusal
from roost.kube.lean import ApiAnswer, ask_as

_PREFIX: Final = b"impersonate-"
_EXTRA: Final = b"impersonate-extra-"
_AUTHENTICATION: Final = "authentication.k8s.io"
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MOST: Final = 32
"""Names in one request; each is a question to the target."""


@dataclass(frozen=True)
class Wanted:
    """Whom a request wants to act as."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def questions(self) -> list[dict[str, str]]:
        """What the caller must be allowed, as attributes of access reviews."""
        found = [_attributes("", "users", self.user)]
        found += [_attributes("", "groups", group) for group in self.groups]
        if self.uid:
            found.append(_attributes(_AUTHENTICATION, "uids", self.uid))
        for key, values in self.extra.items():
            found += [_attributes(_AUTHENTICATION, "userextras", value, subresource=key) for value in values]
        return found


def wanted(headers: Headers) -> Wanted | None:
    """From every Impersonate-* header, also one that `Connection` names. Raises Refusal 400, 403."""
    found = [(name.lower(), value) for name, value in headers if name.lower().startswith(_PREFIX)]
    if not found:
        return None
    users, groups, uids, extra = list[str](), list[str](), list[str](), dict[str, tuple[str, ...]]()
    for name, value in found:
        text = _text(value)
        if name == b"impersonate-user":
            users.append(text)
        elif name == b"impersonate-group":
            groups.append(text)
        elif name == b"impersonate-uid":
            uids.append(text)
        elif name.startswith(_EXTRA):
            key = unquote(name.removeprefix(_EXTRA).decode("ascii", "replace"))
            extra[key] = (*extra.get(key, ()), text)
        else:
            raise _refused(f"the header {name.decode('ascii', 'replace')[:64]} is none of Kubernetes'")
    if len(users) != 1 or len(uids) > 1:
        raise _refused("a request acts as exactly one user (--as), with at most one uid")
    if len(found) > MOST:
        raise _refused(f"a request that acts as somebody else names at most {MOST} groups and extras")
    if any(name.startswith("system:") for name in (*users, *groups)):
        raise _refused("nobody acts as a user or a group of Kubernetes' own (system:…) through the gateway")
    return Wanted(users[0], tuple(groups), uids[0] if uids else "", extra)


async def allowed(upstream: Upstream, caller: Identity, asked: Wanted, *, session: str, audit_id: str) -> Identity:
    """The identity to go on with. Raises Refusal 403 where the target does not let the caller act as it."""

    async def ask(attributes: dict[str, str]) -> bool:
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": "impersonate", **attributes}},
        }
        try:
            answer = await ask_as(upstream, caller, _REVIEWS, body, audit_id=audit_id)
        except ApiAnswer as refused:
            raise Refusal(refused.code, refused.message) from refused
        return bool(answer.get("status", {}).get("allowed"))

    questions = asked.questions()
    for attributes, yes in zip(questions, await asyncio.gather(*map(ask, questions)), strict=True):
        if not yes:
            kind, group = attributes["resource"], attributes.get("group", "")
            raise Refusal(
                403,
                f'{kind} "{attributes["name"]}" is forbidden: User "{caller.user}" cannot impersonate '
                f'resource "{kind}" in API group "{group}"',
                cause="ImpersonationRefused",
            )
    extra = {**asked.extra, **({"roost.session": (session,)} if session else {})}
    return Identity(asked.user, asked.uid, asked.groups, extra)


def _attributes(group: str, resource: str, name: str, *, subresource: str = "") -> dict[str, str]:
    named = {"group": group, "resource": resource, "name": name, "subresource": subresource}
    return {key: value for key, value in named.items() if value}


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("a name is not UTF-8") from None
    if not text or len(text) > 512 or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise _refused("a name is empty, too long, or holds a control character")
    return text


def _refused(why: str) -> Refusal:
    return Refusal(403, f"acting as somebody else (--as) is refused: {why}", cause="ImpersonationRefused")
