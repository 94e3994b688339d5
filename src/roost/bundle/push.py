"""Puts a bundle's images and programs into a registry: only what is missing there.

Called by `roost up` for roost's own registry, and by `roost bundle push` for somebody's (images alone: programs
reach machines from roost's registry or over SSH).

An image `registry.k8s.io/kube-proxy:v1.31.4` becomes the repository `registry.k8s.io/kube-proxy` with that
tag, so that a machine's hosts.toml needs to name only the address; programs become `roost/programs:vX`,
whose layers machines fetch as blobs. Parents go after their children, tags last.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

from roost.api.errors import PermanentFailure, RetryLater
from roost.bundle import artifact
from roost.bundle.errors import PushFailed
from roost.bundle.layout import INDEX_TYPES, MANIFEST_TYPES, REF_NAME, Descriptor, Layout
from roost.bundle.model import Bundle
from roost.bundle.progress import Progress, Step, silent
from roost.bundle.remote import RemoteRegistry, Wire

_DOCUMENTS: Final = (*INDEX_TYPES, *MANIFEST_TYPES)
_JOBS: Final = 4
_BLOCK: Final = 1 << 20
_TIMEOUT: Final = 120.0
_REDIRECTS: Final = (301, 302, 303, 307, 308)
TEST_IMAGE: Final = ("automation/qaimages", "hellworld")
"""Repository and tag of what the reference document has people pull to try a registry: the pause image."""
_PAUSE: Final = "/pause:"


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


class _Wire(Protocol):
    """One kept connection to a registry."""

    def path(self, repository: str, rest: str) -> str: ...

    def send(
        self,
        method: str,
        path: str,
        *,
        repository: str,
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
    ) -> http.client.HTTPResponse: ...

    def close(self) -> None: ...


async def push(bundle: Bundle, registry: str | RemoteRegistry, *, progress: Progress = silent) -> Pushed:
    """Bring a registry to hold the bundle. Raises RetryLater (down), PushFailed, CredentialRefused (refused).

    `registry`: the URL of roost's own on loopback, or somebody's.
    """
    return await asyncio.to_thread(push_blocking, bundle, registry, progress=progress)


def push_blocking(bundle: Bundle, registry: str | RemoteRegistry, *, progress: Progress = silent) -> Pushed:
    """As push, for callers without an event loop."""
    layout = Layout(bundle.path)
    pusher = _Pusher(layout, registry)
    targets = _targets(bundle, layout, own=isinstance(registry, str))
    with ThreadPoolExecutor(max_workers=_JOBS, thread_name_prefix="push") as pool:
        jobs = [(target, pool.submit(pusher.entry, target)) for target in targets]
        try:
            for count, (target, job) in enumerate(jobs, start=1):
                job.result()
                progress(Step(f"push {target.name}", count, len(jobs), "done" if count == len(jobs) else "running"))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Pushed(pusher.blobs, pusher.bytes, pusher.documents)


def _targets(bundle: Bundle, layout: Layout, *, own: bool) -> list[_Target]:
    """Images, and into roost's own registry the machines' programs and the image that people try a pull with.

    What only the platform runs stays out of both.
    """
    found: list[_Target] = []
    for entry in layout.index():
        kind = artifact.entry_kind(entry)
        if kind != "image" and not (own and kind == "programs"):
            continue
        name = entry.annotations[REF_NAME]
        repository, _, tag = name.rpartition(":")
        architectures = frozenset(bundle.architectures) if kind == "image" else None
        found.append(_Target(repository, tag, entry, architectures))
        if own and kind == "image" and _PAUSE in name:
            found.append(_Target(*TEST_IMAGE, entry, architectures))
    return found


class _Loopback:
    """roost's own registry: no TLS, no credential."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT, blocksize=_BLOCK)

    def path(self, repository: str, rest: str) -> str:
        return f"/v2/{repository}/{rest}"

    def send(
        self,
        method: str,
        path: str,
        *,
        repository: str,  # noqa: ARG002
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
    ) -> http.client.HTTPResponse:
        self._connection.request(method, path, body=body, headers=dict(headers or {}))
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.close()


class _Pusher:
    """Counts what is sent; one kept connection for each thread."""

    def __init__(self, layout: Layout, registry: str | RemoteRegistry) -> None:
        self._layout = layout
        if isinstance(registry, str):
            parts = urlsplit(registry)
            if parts.scheme != "http" or parts.hostname is None:
                raise PushFailed(f"{registry!r} is not the http address of a registry on loopback")
            host, port = parts.hostname, parts.port or 80
            self._name = f"roost's registry at {registry.rstrip('/')}"
            self._connect: Callable[[], _Wire] = lambda: _Loopback(host, port)
        else:
            self._name = f"the registry {registry.address}"
            self._connect = lambda: Wire(registry, timeout=_TIMEOUT, actions="pull,push")
        self._lock = threading.Lock()
        self.blobs = 0
        self.bytes = 0
        self.documents = 0

    def entry(self, target: _Target) -> None:
        with closing(self._connect()) as wire:
            try:
                self._push(wire, target)
            except ssl.SSLCertVerificationError as error:
                raise PermanentFailure(
                    "RegistryCertificateInvalid",
                    f"the certificate of {self._name} is not trusted: {error.verify_message}; give the CA that "
                    "signed it with --ca FILE, or let the certificate name this address",
                ) from error
            except (OSError, http.client.HTTPException) as error:
                raise RetryLater(
                    "RegistryUnavailable",
                    f"{self._name} broke off while {target.name} was pushed: "
                    f"{str(error) or type(error).__name__}; see whether it runs and its disk has room",
                ) from error

    def _push(self, wire: _Wire, target: _Target) -> None:
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
            if not self._has(wire, target, f"manifests/{manifest.digest}", manifest.digest):
                for each in self._layout.walk(manifest, None):
                    if each.media_type not in _DOCUMENTS:
                        self._blob(wire, target, each)
                self._document(wire, target, manifest, manifest.digest)
        if not self._has(wire, target, f"manifests/{target.tag}", target.entry.digest):
            self._document(wire, target, target.entry, target.tag)

    def _has(self, wire: _Wire, target: _Target, rest: str, digest: str) -> bool:
        path = wire.path(target.repository, rest)
        headers = {"Accept": ", ".join(_DOCUMENTS)}
        with wire.send("HEAD", path, repository=target.repository, headers=headers) as response:
            response.read()
            if rest.startswith("blobs/") and response.status in _REDIRECTS:
                return True  # It is kept elsewhere; the digest is in the name.
            if response.status not in (200, 404):
                raise PushFailed(f"{self._name} answered {response.status} to HEAD {path}")
            known = response.headers.get("Docker-Content-Digest", digest if rest.endswith(digest) else "")
            return response.status == 200 and known == digest

    def _blob(self, wire: _Wire, target: _Target, blob: Descriptor) -> None:
        if self._has(wire, target, f"blobs/{blob.digest}", blob.digest):
            return
        begin = wire.path(target.repository, "blobs/uploads/")
        with wire.send("POST", begin, repository=target.repository, headers={"Content-Length": "0"}) as response:
            body = response.read()
            location = response.headers.get("Location", "")
            self._accepted(response, (202,), body, f"an upload to {target.name}")
        parts = urlsplit(location)
        query = f"{parts.query}&digest={blob.digest}" if parts.query else f"digest={blob.digest}"
        with self._layout.blob(blob.digest).open("rb") as stream:
            self._put(wire, target, f"{parts.path}?{query}", stream, blob.size, "application/octet-stream")
        with self._lock:
            self.blobs += 1
            self.bytes += blob.size

    def _document(self, wire: _Wire, target: _Target, document: Descriptor, name: str) -> None:
        path = wire.path(target.repository, f"manifests/{name}")
        with self._layout.blob(document.digest).open("rb") as stream:
            self._put(wire, target, path, stream, document.size, document.media_type)
        with self._lock:
            self.documents += 1

    def _put(self, wire: _Wire, target: _Target, path: str, stream: IO[bytes], size: int, media_type: str) -> None:
        headers = {"Content-Type": media_type, "Content-Length": str(size)}
        with wire.send("PUT", path, repository=target.repository, headers=headers, body=stream) as response:
            self._accepted(response, (201,), response.read(), target.name)

    def _accepted(
        self, response: http.client.HTTPResponse, statuses: tuple[int, ...], body: bytes, what: str
    ) -> None:
        if response.status not in statuses:
            text = body.decode(errors="replace").strip()[:300]
            raise PushFailed(f"{self._name} refused {what}: {response.status} {text}")
