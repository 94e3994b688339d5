"""The Secrets that a Machine names: may its author get them, and what are their type and keys.

Without that question a Machine pointed at one's own sshd would collect the password of a Secret that
one can't read. It is asked whenever the Secret, or where it is sent, changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from roost.admission.view import spec_of
from roost.api.errors import PermanentFailure
from roost.api.validation.findings import FieldError, error
from roost.api.validation.world import Json, KnownSecret, known_secret
from roost.kube.client import Client
from roost.kube.errors import explained
from roost.kube.resources import SECRET


@dataclass(frozen=True)
class Reference:
    """A Secret and the field that names it."""

    name: str
    path: str


@dataclass(frozen=True)
class Author:
    """Who sent the request, as the API server tells."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])


class Access(Protocol):
    """The two questions to the API server."""

    async def may_get(self, author: Author, namespace: str, name: str) -> bool: ...

    async def read(self, namespace: str, name: str) -> KnownSecret | None: ...


class ApiAccess:
    """Access through the platform's API. Raises RoostError when it does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def may_get(self, author: Author, namespace: str, name: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": author.name,
                "uid": author.uid,
                "groups": list(author.groups),
                "extra": dict(author.extra),
                "resourceAttributes": {
                    "namespace": namespace,
                    "verb": "get",
                    "version": "v1",
                    "resource": "secrets",
                    "name": name,
                },
            },
        }
        with explained(self._client.server, doing="check access to a Secret"):
            answer = await self._client.call(
                "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review
            )
        return cast("Json", answer.get("status") or {}).get("allowed") is True

    async def read(self, namespace: str, name: str) -> KnownSecret | None:
        try:
            with explained(self._client.server, doing=f"read the type of Secret {namespace}/{name}"):
                return known_secret(await self._client.call("GET", SECRET.path(namespace=namespace, name=name)))
        except PermanentFailure as failure:
            if failure.reason == "NotFound":
                return None
            raise


def references(new: Json, old: Json | None) -> list[Reference]:
    """The Secrets of a Machine whose use its author must be allowed: all, when anything about them changed."""
    now, then = spec_of(new), spec_of(old)
    if old is not None and now.get("ssh") == then.get("ssh") and now.get("addresses") == then.get("addresses"):
        return []
    found: list[Reference] = []
    for path in (("ssh", "credential", "name"), ("ssh", "proxy", "credential", "name")):
        at: Any = now
        for step in path:
            at = at.get(step) if isinstance(at, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if isinstance(at, str):
            found.append(Reference(at, ".".join(("spec", *path))))
    return found


async def look(
    access: Access, author: Author, namespace: str, wanted: list[Reference]
) -> tuple[dict[tuple[str, str], KnownSecret], list[FieldError]]:
    """Type and keys of the Secrets that the author may get, and an error for each other one.

    Whether a Secret exists is not told to those who may not get it.
    """
    secrets: dict[tuple[str, str], KnownSecret] = {}
    refused: list[FieldError] = []
    for reference in wanted:
        if not await access.may_get(author, namespace, reference.name):
            refused.append(
                error(
                    "secret.access", reference.path, "FieldValueForbidden", given=reference.name, namespace=namespace
                )
            )
            continue
        found = await access.read(namespace, reference.name)
        if found is not None:
            secrets[namespace, reference.name] = found
    return secrets, refused
