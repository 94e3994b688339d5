"""Who did what through the gateway: one event of audit.k8s.io/v1 a line, each chained to the one before by its hash.

The chain shows that a line was changed, taken out or put in; `head` beside the file holds the last hash, so that a
cut end shows too. No body is ever written, and values in a query that may be secrets are not. Called by dispatch and
the endpoints (write), `roost audit` and GET audit (read, verify). Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

FILE: Final = "audit.jsonl"
HEAD: Final = "audit.head"
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a file; then it is set aside as audit-NUMBER.jsonl and the chain goes on in a new one."""
FIRST: Final = "0" * 64
_CHAIN: Final = "audit.cluster.alauda.io/"
_HASH, _BEFORE, _NUMBER = f"{_CHAIN}hash", f"{_CHAIN}previous", f"{_CHAIN}number"
_SECRET_VALUE: Final = re.compile(
    r"(?i)([?&](?:[^=&]*(?:token|secret|password|passwd|code|state|key|credential|authorization)[^=&]*)=)[^&]*"
)


@dataclass(frozen=True)
class Broken:
    """Where a chain does not hold."""

    file: str
    line: int
    why: str


@dataclass(frozen=True)
class Verified:
    events: int
    broken: Broken | None
    head: str


class AuditLog:
    """The log of one gateway process. Safe to call from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / FILE
        self._number, self._last = _continue(directory)
        self._descriptor = self._open()

    def write(self, event: Mapping[str, Any]) -> None:
        """Appends one event, as `event()` makes it. Raises OSError: what can't be recorded must not happen."""
        with self._lock:
            self._number += 1
            line, self._last = chained(event, number=self._number, previous=self._last)
            os.write(self._descriptor, line)
            os.pwrite(self._head, f"{self._number} {self._last}\n".encode(), 0)
            if os.fstat(self._descriptor).st_size > LARGEST:
                self._set_aside()

    def close(self) -> None:
        os.close(self._descriptor)
        os.close(self._head)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        self._head = os.open(self._directory / HEAD, flags, 0o600)
        return os.open(self._path, flags | os.O_APPEND, 0o600)

    def _set_aside(self) -> None:
        os.close(self._descriptor)
        os.close(self._head)
        self._path.rename(self._directory / f"audit-{self._number:012}.jsonl")
        self._descriptor = self._open()


def event(
    *,
    audit_id: str,
    stage: str,
    uri: str,
    verb: str,
    user: str,
    groups: tuple[str, ...],
    address: str,
    agent: str,
    began: float,
    at: float,
    code: int = 0,
    message: str = "",
    acting_as: tuple[str, tuple[str, ...]] | None = None,
    object_ref: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One event; times are seconds since 1970. `acting_as`: user and groups, of a request with --as."""
    found: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": audit_id,
        "stage": stage,
        "requestURI": masked(uri),
        "verb": verb,
        "user": {"username": user, "groups": list(groups)},
        "sourceIPs": [address],
        "userAgent": agent[:200],
        "requestReceivedTimestamp": _stamp(began),
        "stageTimestamp": _stamp(at),
    }
    if acting_as is not None:
        found["impersonatedUser"] = {"username": acting_as[0], "groups": list(acting_as[1])}
    if object_ref:
        found["objectRef"] = dict(object_ref)
    if code:
        found["responseStatus"] = {"code": code} | ({"message": message[:500]} if message else {})
    if annotations:
        found["annotations"] = dict(annotations)
    return found


def masked(uri: str) -> str:
    """A request URI without the values of parameters that may be secrets."""
    return _SECRET_VALUE.sub(r"\1***", uri)


def chained(event: Mapping[str, Any], *, number: int, previous: str) -> tuple[bytes, str]:
    """The line of an event, and its hash."""
    annotations = {**cast("Mapping[str, str]", event.get("annotations") or {})}
    annotations |= {_NUMBER: str(number), _BEFORE: previous}
    document = {**event, "annotations": annotations}
    found = _digest(document)
    annotations[_HASH] = found
    return _canonical(document) + b"\n", found


def verify(directory: Path) -> Verified:
    """Reads every file of a log and follows the chain."""
    number, last = 0, FIRST
    for path in files(directory):
        with path.open("rb") as lines:
            for at, line in enumerate(lines, 1):
                why, found = _follows(line, number=number + 1, previous=last)
                if why:
                    return Verified(number, Broken(path.name, at, why), last)
                number, last = number + 1, found
    wanted = _read_head(directory)
    if wanted is not None and wanted != (number, last):
        why = f"its end is missing: {wanted[0]} events were written, {number} are there"
        return Verified(number, Broken(FILE, 0, why), last)
    return Verified(number, None, last)


def logs(directory: Path) -> list[Path]:
    """The directory of a log, and those of further gateways below it. Each is a chain of its own."""
    return [directory, *sorted(path.parent for path in directory.glob(f"*/{FILE}"))]


def files(directory: Path) -> list[Path]:
    """The files of a log, in order."""
    aside = sorted(directory.glob("audit-*.jsonl"))
    return [*aside, *([directory / FILE] if (directory / FILE).exists() else [])]


def latest_of_all(
    directory: Path, *, limit: int, user: str = "", cluster: str = "", verb: str = "", before: int = 0
) -> list[dict[str, Any]]:
    """The newest events of every gateway on this machine; `before` counts in each log by itself."""
    found = [
        item
        for log in logs(directory)
        for item in latest(log, limit=limit, user=user, cluster=cluster, verb=verb, before=before)
    ]
    return sorted(found, key=lambda item: str(item.get("stageTimestamp")), reverse=True)[:limit]


def latest(
    directory: Path, *, limit: int, user: str = "", cluster: str = "", verb: str = "", before: int = 0
) -> list[dict[str, Any]]:
    """The newest events first; `before` is a number from which to go on."""
    found: list[dict[str, Any]] = []
    for path in reversed(files(directory)):
        for line in _lines_backwards(path):
            try:
                item = cast("dict[str, Any]", json.loads(line))
            except ValueError:
                continue
            notes = cast("dict[str, str]", item.get("annotations") or {})
            if before and int(notes.get(_NUMBER, "0")) >= before:
                continue
            if user and item.get("user", {}).get("username") != user:
                continue
            if cluster and notes.get(CLUSTER) != cluster:
                continue
            if verb and item.get("verb") != verb:
                continue
            found.append(item)
            if len(found) >= limit:
                return found
    return found


CLUSTER: Final = f"{_CHAIN}cluster"
SESSION: Final = f"{_CHAIN}session"
ROLE: Final = f"{_CHAIN}role"
SENT: Final = f"{_CHAIN}bytes-sent"
RECEIVED: Final = f"{_CHAIN}bytes-received"


def _follows(line: bytes, *, number: int, previous: str) -> tuple[str, str]:
    """(what is wrong, or nothing; the line's hash)."""
    try:
        document = cast("dict[str, Any]", json.loads(line))
        annotations = cast("dict[str, str]", document["annotations"])
        stated = annotations.pop(_HASH)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the line is no event", ""
    if annotations.get(_NUMBER) != str(number):
        return (
            f"the event has number {annotations.get(_NUMBER)}, {number} is expected: lines are missing or added",
            "",
        )
    if annotations.get(_BEFORE) != previous:
        return "the event does not follow the one before it", ""
    if _digest(document) != stated:
        return "the event was changed", ""
    return "", stated


def _continue(directory: Path) -> tuple[int, str]:
    """(number, hash) of the last event that was written, from the file itself; the head may be a write behind."""
    for path in reversed(files(directory)):
        for line in _lines_backwards(path):
            try:
                annotations = json.loads(line)["annotations"]
                return int(annotations[_NUMBER]), str(annotations[_HASH])
            except (ValueError, KeyError, TypeError):
                continue
    return _read_head(directory) or (0, FIRST)


def _read_head(directory: Path) -> tuple[int, str] | None:
    try:
        number, _, found = (directory / HEAD).read_text().partition("\n")[0].partition(" ")
        return int(number), found
    except (OSError, ValueError):
        return None


def _lines_backwards(path: Path, *, block: int = 256 * 1024) -> Iterator[bytes]:
    """A file's lines, the last one first, without reading more of it than is asked for."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        rest = b""
        while end > 0:
            begin = max(0, end - block)
            file.seek(begin)
            lines = (file.read(end - begin) + rest).split(b"\n")
            rest = lines[0]
            yield from (line for line in reversed(lines[1:]) if line)
            end = begin
        if rest:
            yield rest


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
