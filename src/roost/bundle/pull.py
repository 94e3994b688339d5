"""Pulls images out of registries by the registry API, or out of a mirror with the same API.

Without a mirror documents come from `https://{registry}/v2/{repository}/…`, with one from
`{mirror}/v2/{registry}/{repository}/…`. Called by create. Every document and blob is checked against
the digest by which it was asked for; only a tag is taken on the registry's word (TLS).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlencode

from roost.bundle.errors import ArchitectureMissing, ChecksumMismatch, UpstreamRefused
from roost.bundle.fetch import Answer, Fetcher, HttpStatus, Watch, refused
from roost.bundle.layout import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Descriptor,
    Layout,
    descriptors,
    digest_of,
    parse_document,
)

_T = TypeVar("_T")
_ACCEPT: Final = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_API_HOST: Final = {"docker.io": "registry-1.docker.io"}
"""Registries whose API is at another name than their images'."""
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True)
class Reference:
    """The parts of an image's full name."""

    host: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, name: str) -> Reference:
        """Takes full names only (`registry.k8s.io/pause:3.10`). Raises UpstreamRefused."""
        path, _, tag = name.rpartition(":")
        host, _, repository = path.partition("/")
        if not repository or not tag or "@" in name or not ("." in host or ":" in host or host == "localhost"):
            raise UpstreamRefused(f"{name!r} is not a full image name; write it as registry.k8s.io/pause:3.10")
        return cls(host, repository, tag)


class Puller:
    """One run's connection to registries; keeps anonymous tokens. Safe for several threads."""

    def __init__(self, fetcher: Fetcher, mirror: str | None) -> None:
        self._fetcher = fetcher
        self._mirror = mirror.rstrip("/") if mirror else None
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def url(self, reference: Reference, kind: str, name: str) -> str:
        if self._mirror:
            return f"{self._mirror}/v2/{reference.host}/{reference.repository}/{kind}/{name}"
        host = _API_HOST.get(reference.host, reference.host)
        return f"https://{host}/v2/{reference.repository}/{kind}/{name}"

    def resolve(self, reference: Reference, layout: Layout) -> Descriptor:
        """What the tag points to, its document written to the layout."""
        return self._document(reference, reference.tag, layout, expected=None)

    def children(
        self, reference: Reference, entry: Descriptor, layout: Layout, architectures: tuple[str, ...]
    ) -> tuple[Descriptor, ...]:
        """The manifest of each architecture, written to the layout. Raises ArchitectureMissing."""
        name = f"{reference.host}/{reference.repository}:{reference.tag}"
        if entry.media_type not in INDEX_TYPES:
            own = self._own_architecture(reference, entry, layout)
            if architectures != (own,):
                raise ArchitectureMissing(f"{name} exists for {own} only; wanted: {', '.join(architectures)}")
            return (entry,)
        offered = descriptors(layout.read_document(entry.digest), "manifests")
        chosen: list[Descriptor] = []
        for architecture in architectures:
            match = next((each for each in offered if each.architecture == architecture), None)
            if match is None:
                have = ", ".join(sorted({each.architecture for each in offered if each.architecture}))
                raise ArchitectureMissing(f"{name} does not exist for {architecture}; it exists for {have}")
            chosen.append(self._document(reference, match.digest, layout, expected=match))
        return tuple(chosen)

    def _own_architecture(self, reference: Reference, manifest: Descriptor, layout: Layout) -> str:
        config = Descriptor.parse(layout.read_document(manifest.digest)["config"])
        self.blob(reference, config, layout)
        return str(layout.read_document(config.digest).get("architecture", "an unnamed architecture"))

    def contents(self, manifest: Descriptor, layout: Layout) -> tuple[Descriptor, ...]:
        """The config and layers of a manifest that is in the layout, each once."""
        document = layout.read_document(manifest.digest)
        every = (Descriptor.parse(document["config"]), *descriptors(document, "layers"))
        return tuple({each.digest: each for each in every}.values())

    def blob(
        self,
        reference: Reference,
        wanted: Descriptor,
        layout: Layout,
        *,
        watch: Watch | None = None,
    ) -> None:
        target: Path = layout.blob(wanted.digest)
        if layout.has(wanted.digest, wanted.size):
            return
        url = self.url(reference, "blobs", wanted.digest)

        def fetch(headers: dict[str, str]) -> None:
            self._fetcher.download(url, target, wanted.digest, headers=headers, watch=watch)

        self._authorized(reference, url, fetch)

    def _document(
        self, reference: Reference, name: str, layout: Layout, *, expected: Descriptor | None
    ) -> Descriptor:
        if expected is not None and layout.has(expected.digest, expected.size):
            return expected
        url = self.url(reference, "manifests", name)

        def read(headers: dict[str, str]) -> Answer:
            return self._fetcher.read(url, {**headers, "Accept": _ACCEPT})

        answer = self._authorized(reference, url, read)
        found = digest_of(answer.content)
        announced = expected.digest if expected else answer.headers.get("docker-content-digest", found)
        if found != announced:
            raise ChecksumMismatch(f"{url}: expected {announced}, found {found}; a proxy or mirror altered it")
        if expected is not None:
            layout.write(answer.content, expected.media_type)
            return expected
        document = parse_document(answer.content, url)
        media_type = str(document.get("mediaType") or answer.headers.get("content-type", "").partition(";")[0])
        if media_type not in (*INDEX_TYPES, *MANIFEST_TYPES):
            raise UpstreamRefused(f"{url}: a document of type {media_type!r} is not an image that roost can keep")
        return layout.write(answer.content, media_type)

    def _authorized(self, reference: Reference, url: str, act: Callable[[dict[str, str]], _T]) -> _T:
        """Run with the repository's anonymous token, asking for one where the registry wants it."""
        scope = f"{reference.host}/{reference.repository}"
        try:
            return act(self._headers(scope))
        except HttpStatus as error:
            if error.status != 401:
                raise refused(error, scope) from error
            challenge = error.headers.get("www-authenticate", "")
        self._sign_in(scope, reference, url, challenge)
        try:
            return act(self._headers(scope))
        except HttpStatus as error:
            raise refused(error, scope) from error

    def _headers(self, scope: str) -> dict[str, str]:
        with self._lock:
            token = self._tokens.get(scope)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _sign_in(self, scope: str, reference: Reference, url: str, challenge: str) -> None:
        kind, _, rest = challenge.partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        realm = parameters.get("realm", "")
        if kind.lower() != "bearer" or not realm.startswith("https://"):
            raise UpstreamRefused(f"{url} asks for a sign-in of a kind that roost has not got ({kind or 'unnamed'})")
        query = {"scope": parameters.get("scope", f"repository:{reference.repository}:pull")}
        if "service" in parameters:
            query["service"] = parameters["service"]
        try:
            answer = self._fetcher.read(f"{realm}?{urlencode(query)}")
        except HttpStatus as error:
            raise refused(error, f"the token for {scope}") from error
        document = json.loads(answer.content)
        with self._lock:
            self._tokens[scope] = str(document.get("token") or document.get("access_token") or "")
