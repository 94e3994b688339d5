"""What an object names: may its author get those Secrets and Clusters, and what are the Secrets' type and keys.

Without that question a Machine pointed at one's own sshd would collect the password of a Secret that
one can't read, and so would an imported cluster or a registry. It is asked whenever the Secret, or where
it is sent, changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from roost.admission.view import spec_of
from roost.api.errors import PermanentFailure
from roost.api.names import GROUP
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

    async def may_see(self, author: Author, namespace: str, cluster: str) -> bool: ...

    async def read(self, namespace: str, name: str) -> KnownSecret | None: ...


class ApiAccess:
    """Access through the platform's API. Raises RoostError when it does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def may_get(self, author: Author, namespace: str, name: str) -> bool:
        wanted = {"namespace": namespace, "verb": "get", "version": "v1", "resource": "secrets", "name": name}
        return await self._allowed(author, wanted, doing="check access to a Secret")

    async def may_see(self, author: Author, namespace: str, cluster: str) -> bool:
        wanted = {"namespace": namespace, "verb": "get", "group": GROUP, "resource": "clusters", "name": cluster}
        return await self._allowed(author, wanted, doing="check access to a Cluster")

    async def _allowed(self, author: Author, wanted: Json, *, doing: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": author.name,
                "uid": author.uid,
                "groups": list(author.groups),
                "extra": dict(author.extra),
                "resourceAttributes": wanted,
            },
        }
        with explained(self._client.server, doing=doing):
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


Path = tuple[str, ...]
_SIGN_IN: Final[tuple[Path, ...]] = (("ssh", "credential", "name"), ("ssh", "proxy", "credential", "name"))
_NAMED: Final[Mapping[str, Mapping[tuple[Path, ...], tuple[Path, ...]]]] = {
    "Machine": {(("ssh",), ("addresses",)): _SIGN_IN},
    "MachineCheck": {(("ssh",), ("addresses",)): _SIGN_IN},
    "Cluster": {
        (("imported",),): (("imported", "credential", "name"),),
        (("onPremises", "registry"),): (("onPremises", "registry", "credential", "name"),),
    },
    "CloudCredential": {(("type",), ("secret",)): (("secret", "name"),)},
}
"""Of each kind: where Secrets are named, by the fields that tell where they are sent to."""


def references(kind: str, new: Json, old: Json | None) -> list[Reference]:
    """The Secrets whose use the author must be allowed: all, when anything about where they are sent changed."""
    now, then = spec_of(new), spec_of(old)
    found: list[Reference] = []
    for fields, paths in _NAMED.get(kind, {}).items():
        if old is not None and all(_at(now, path) == _at(then, path) for path in fields):
            continue
        for path in paths:
            name = _at(now, path)
            if isinstance(name, str):
                found.append(Reference(name, ".".join(("spec", *path))))
    return found


async def linked(access: Access, author: Author, namespace: str, new: Json, old: Json | None) -> list[FieldError]:
    """Whether the author may use the Cluster whose monitoring a Cluster links to."""
    path = ("onPremises", "monitoring", "linkedCluster")
    link = _at(spec_of(new), path)
    if not isinstance(link, Mapping) or (old is not None and link == _at(spec_of(old), path)):
        return []
    wanted = cast("Json", link)
    where, name = str(wanted.get("namespace") or namespace), str(wanted.get("name") or "")
    if await access.may_see(author, where, name):
        return []
    found = error("monitoring.access", ".".join(("spec", *path)), "FieldValueForbidden", given=name, namespace=where)
    return [found]


def _at(document: object, path: Path) -> object:
    for step in path:
        document = cast("Json", document).get(step) if isinstance(document, Mapping) else None
    return document


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
