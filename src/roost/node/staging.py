"""What an act needs beside its script: small payloads as one tar, blobs on demand over the same stream.

The machine says which blobs it lacks (`@@want N`), so that an act that was interrupted does not send
300 MB twice; they go in chunks, as fast as the machine takes them, never whole in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from roost.node.act import Act
from roost.node.quote import word
from roost.node.scripts import act_script, escape, undo_script
from roost.node.thing import BlobSource, Change, Thing

_CHUNK: Final = 1024 * 1024
_UP: Final = "../" * 6
"""From /run/roost/ID/act-TOKEN/payload/N to the root."""


@dataclass
class Staging:
    """One act made ready to be sent."""

    tar: bytes
    wants: list[str] = field(default_factory=list[str])
    """Lines of sh for launch_script, one for each key of `keys`."""
    keys: list[str] = field(default_factory=list[str])


def directory(token: str) -> str:
    """Name of the act's directory below /run/roost/ID."""
    return f"act-{token}"


def stage_act(act: Act, changes: Sequence[tuple[Thing, Change]], token: str) -> Staging:
    """Raises ValueError for an act with a registry and no probe."""
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    blobs: dict[str, str] = {}
    for number, (thing, change) in enumerate(changes, start=1):
        for payload in thing.payloads(change):
            name = f"payload/{number}/{payload.name}"
            if payload.blob is None:
                files[name] = payload.content or b""
            else:
                blobs[payload.blob] = stage_name(payload.blob)
                links[name] = f"{_UP}var/lib/roost/{act.cluster_id}/stage/{blobs[payload.blob]}"
    registry = act.sources.registry
    fetched = [key for key in blobs if registry is not None and key.startswith("sha256:")]
    staging = Staging(b"")
    if registry is not None and fetched:
        if act.sources.probe is None:
            raise ValueError("an act that fetches from a registry needs the digest of roost-probe")
        base = f"https://{registry.address}/v2/{registry.repository}/blobs"
        files["fetch"] = "".join(f"{base}/{key}\t{blobs[key]}\n" for key in fetched).encode()
        files["ca.pem"] = registry.ca_pem.encode()
        staging.keys.append(act.sources.probe)
        staging.wants.append(f"want_probe 0 {word(act.sources.probe.removeprefix('sha256:'))}")
    for key, name in blobs.items():
        if key not in fetched:
            digest = name if key.startswith("sha256:") else ""
            staging.wants.append(f'want {len(staging.keys)} "$STATE/stage/{name}" {word(digest)}')
            staging.keys.append(key)
    files["act"] = act_script(act, directory(token), changes, fetches=bool(fetched)).encode()
    files["undo"] = undo_script(act.cluster_id).encode()
    files["title"] = f"{escape(act.name)}\t{escape(act.title)}".encode()
    staging.tar = pack(files, links)
    return staging


def stage_name(key: str) -> str:
    """File name of a blob below /var/lib/roost/ID/stage: its digest, or that of its name."""
    return key.removeprefix("sha256:") if key.startswith("sha256:") else hashlib.sha256(key.encode()).hexdigest()


def pack(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A tar of files (0600) and symbolic links, owned by root; tar makes the directories."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o600
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = target
            tar.addfile(info)
    return buffer.getvalue()


class Feed:
    """The bytes that follow the launch script: the tar, then each blob that the machine asks for."""

    def __init__(self, staging: Staging, blobs: BlobSource | None) -> None:
        self._staging = staging
        self._blobs = blobs
        self._wanted: asyncio.Queue[str | None] = asyncio.Queue()

    def want(self, index: int) -> None:
        self._wanted.put_nowait(self._staging.keys[index])

    def end(self) -> None:
        self._wanted.put_nowait(None)

    async def stream(self) -> AsyncIterator[bytes]:
        yield self._staging.tar
        while (key := await self._wanted.get()) is not None:
            if self._blobs is None:
                raise LookupError(f"nothing was given that could read {key}")
            buffer = bytearray()
            async for piece in self._blobs.open(key):
                buffer += piece
                while len(buffer) >= _CHUNK:
                    yield _chunk(buffer[:_CHUNK])
                    del buffer[:_CHUNK]
            if buffer:
                yield _chunk(buffer)
            yield b"0\n"


def _chunk(data: bytes | bytearray) -> bytes:
    return b"%d\n%b" % (len(data), data)
