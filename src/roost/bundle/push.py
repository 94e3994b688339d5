"""Puts a bundle's images and programs into a registry: only what is missing there. Called by `roost up`.

An image `registry.k8s.io/kube-proxy:v1.31.4` becomes the repository `registry.k8s.io/kube-proxy` with that
tag, so that a machine's hosts.toml needs to name only the address; programs become `roost/programs:vX`,
whose layers machines fetch as blobs. Parents go after their children, tags last.
"""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import urlsplit

from roost.api.errors import RetryLater
from roost.bundle import artifact
from roost.bundle.errors import PushFailed
from roost.bundle.layout import INDEX_TYPES, MANIFEST_TYPES, REF_NAME, Descriptor, Layout
from roost.bundle.model import Bundle
from roost.bundle.progress import Progress, Step, silent

_DOCUMENTS: Final = (*INDEX_TYPES, *MANIFEST_TYPES)
_JOBS: Final = 4
_BLOCK: Final = 1 << 20
_TIMEOUT: Final = 120.0


@dataclass(frozen=True)
class Pushed:
    """What a push had to send."""

    blobs: int
    bytes: int
    documents: int


@dataclass(frozen=True)
class _Target:
    """Where one entry of the bundle goes."""

    repository: str
    tag: str
    entry: Descriptor
    architectures: frozenset[str] | None

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"


async def push(bundle: Bundle, loopback_url: str, *, progress: Progress = silent) -> Pushed:
    """Bring the registry at `loopback_url` to hold the bundle. Raises RetryLater (down), PushFailed (refused)."""
    return await asyncio.to_thread(push_blocking, bundle, loopback_url, progress=progress)


def push_blocking(bundle: Bundle, loopback_url: str, *, progress: Progress = silent) -> Pushed:
    """As push, for callers without an event loop."""
    layout = Layout(bundle.path)
    pusher = _Pusher(layout, loopback_url)
    targets = _targets(bundle, layout)
    with ThreadPoolExecutor(max_workers=_JOBS, thread_name_prefix="push") as pool:
        jobs = [(target, pool.submit(pusher.entry, target)) for target in targets]
        for count, (target, job) in enumerate(jobs, start=1):
            job.result()
            progress(Step(f"push {target.name}", count, len(jobs), "done" if count == len(jobs) else "running"))
    return Pushed(pusher.blobs, pusher.bytes, pusher.documents)


def _targets(bundle: Bundle, layout: Layout) -> list[_Target]:
    """Images and the machines' programs. What only the platform runs stays out of the registry."""
    found: list[_Target] = []
    for entry in layout.index():
        kind = artifact.entry_kind(entry)
        if kind not in ("programs", "image"):
            continue
        repository, _, tag = entry.annotations[REF_NAME].rpartition(":")
        found.append(_Target(repository, tag, entry, frozenset(bundle.architectures) if kind == "image" else None))
    return found


class _Pusher:
    """Counts what is sent; one kept connection for each thread."""

    def __init__(self, layout: Layout, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise PushFailed(f"{url!r} is not the http address of a registry on loopback")
        self._layout = layout
        self._url = url.rstrip("/")
        self._host = parts.hostname
        self._port = parts.port or 80
        self._lock = threading.Lock()
        self.blobs = 0
        self.bytes = 0
        self.documents = 0

    def entry(self, target: _Target) -> None:
        with closing(http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT, blocksize=_BLOCK)) as wire:
            try:
                self._push(wire, target)
            except (OSError, http.client.HTTPException) as error:
                raise RetryLater(
                    "RegistryUnavailable",
                    f"roost's registry at {self._url} broke off while {target.name} was pushed: "
                    f"{str(error) or type(error).__name__}; see whether the process runs and the disk has room",
                ) from error

    def _push(self, wire: http.client.HTTPConnection, target: _Target) -> None:
        if target.entry.media_type in INDEX_TYPES:
            tops: Sequence[Descriptor] = [
                each
                for each in self._layout.walk(target.entry, target.architectures)
                if each.media_type in MANIFEST_TYPES
            ]
        else:
            tops = (target.entry,)
        for manifest in tops:
            # Children are asked for even under a known index: the bundle may have grown by an architecture.
            if not self._has(wire, f"{target.repository}/manifests/{manifest.digest}", manifest.digest):
                for each in self._layout.walk(manifest, None):
                    if each.media_type not in _DOCUMENTS:
                        self._blob(wire, target, each)
                self._document(wire, target, manifest, manifest.digest)
        if not self._has(wire, f"{target.repository}/manifests/{target.tag}", target.entry.digest):
            self._document(wire, target, target.entry, target.tag)

    def _has(self, wire: http.client.HTTPConnection, path: str, digest: str) -> bool:
        wire.request("HEAD", f"/v2/{path}", headers={"Accept": ", ".join(_DOCUMENTS)})
        with wire.getresponse() as response:
            response.read()
            if response.status not in (200, 404):
                raise PushFailed(f"roost's registry at {self._url} answered {response.status} to HEAD /v2/{path}")
            return response.status == 200 and response.headers.get("Docker-Content-Digest") == digest

    def _blob(self, wire: http.client.HTTPConnection, target: _Target, blob: Descriptor) -> None:
        if self._has(wire, f"{target.repository}/blobs/{blob.digest}", blob.digest):
            return
        wire.request("POST", f"/v2/{target.repository}/blobs/uploads/", headers={"Content-Length": "0"})
        with wire.getresponse() as response:
            body = response.read()
            location = response.headers.get("Location", "")
            self._accepted(response, (202,), body, f"an upload to {target.name}")
        parts = urlsplit(location)
        query = f"{parts.query}&digest={blob.digest}" if parts.query else f"digest={blob.digest}"
        with self._layout.blob(blob.digest).open("rb") as stream:
            self._put(wire, f"{parts.path}?{query}", stream, blob.size, "application/octet-stream", target.name)
        with self._lock:
            self.blobs += 1
            self.bytes += blob.size

    def _document(self, wire: http.client.HTTPConnection, target: _Target, document: Descriptor, name: str) -> None:
        path = f"/v2/{target.repository}/manifests/{name}"
        with self._layout.blob(document.digest).open("rb") as stream:
            self._put(wire, path, stream, document.size, document.media_type, target.name)
        with self._lock:
            self.documents += 1

    def _put(
        self,
        wire: http.client.HTTPConnection,
        path: str,
        stream: IO[bytes],
        size: int,
        media_type: str,
        what: str,
    ) -> None:
        wire.request("PUT", path, body=stream, headers={"Content-Type": media_type, "Content-Length": str(size)})
        with wire.getresponse() as response:
            self._accepted(response, (201,), response.read(), what)

    def _accepted(
        self, response: http.client.HTTPResponse, statuses: tuple[int, ...], body: bytes, what: str
    ) -> None:
        if response.status not in statuses:
            text = body.decode(errors="replace").strip()[:300]
            raise PushFailed(f"roost's registry at {self._url} refused {what}: {response.status} {text}")
