"""What a request to the Kubernetes API asks for, read from its method and raw path. Pure.

The same bytes are judged and sent on; a path that two readers could understand differently is refused, not cleaned
up. Called by `policy`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote_to_bytes

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TARGET: Final = re.compile(r"/[\x21-\x7e]*")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AMBIGUOUS: Final = re.compile(r"%(?:2e|2f|5c|00|25)|\\|;|//", re.IGNORECASE)
_PREFIXES: Final = ("proxy", "watch")


class PathRefused(Exception):
    """The path is not one that is passed on."""


@dataclass(frozen=True)
class Attributes:
    verb: str
    path: str
    """Without the query."""
    is_resource: bool = False
    group: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""

    @property
    def what(self) -> str:
        """For people."""
        if not self.is_resource:
            return f"{self.verb} {self.path}"
        kind = self.resource + (f"/{self.subresource}" if self.subresource else "")
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {kind}{where}"


def read(method: str, target: str) -> Attributes:
    """Raises PathRefused."""
    if method not in METHODS:
        raise PathRefused(f"the method {method[:16]!r} is not passed on")
    if not _TARGET.fullmatch(target) or "#" in target:
        raise PathRefused("the path holds characters that have no place in one")
    path, _, query = target.partition("?")
    if _BROKEN_ESCAPE.search(path):
        raise PathRefused("the path holds a % that is no escape")
    if _AMBIGUOUS.search(path):
        raise PathRefused("the path could be read in two ways (encoded or doubled slashes, dots, backslashes)")
    try:
        segments = [unquote_to_bytes(part).decode() for part in path.split("/")[1:]]
    except UnicodeDecodeError as error:
        raise PathRefused("the path is no UTF-8") from error
    if any(part in {".", ".."} or any(ord(c) < 0x20 or ord(c) == 0x7F for c in part) for part in segments):
        raise PathRefused("the path could be read in two ways (dot segments or control characters)")
    if segments and not segments[-1]:
        segments.pop()
    return _resource(method, path, segments, query)


def _resource(method: str, path: str, segments: list[str], query: str) -> Attributes:
    if segments[:1] == ["api"] and len(segments) >= 3:
        group, rest = "", segments[2:]
    elif segments[:1] == ["apis"] and len(segments) >= 4:
        group, rest = segments[1], segments[3:]
    else:
        return Attributes(_verb(method, named=True, watch=False), path)
    watch = parse_qs(query).get("watch", [""])[-1].lower() in {"1", "true", "t"}
    if rest[0] in _PREFIXES:
        # The API server's own old forms /api/v1/watch/… and /api/v1/proxy/…: nothing of today asks so.
        raise PathRefused(f"the old paths …/{rest[0]}/… are not passed on")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 2:
        namespace = rest[1]
        if len(rest) >= 3 and not (len(rest) == 3 and rest[2] in {"status", "finalize"}):
            rest = rest[2:]
    resource = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    verb = _verb(method, named=bool(name), watch=watch)
    return Attributes(verb, path, True, group, namespace, resource, subresource, name)


def _verb(method: str, *, named: bool, watch: bool) -> str:
    if method in {"GET", "HEAD", "OPTIONS"}:
        if watch:
            return "watch"
        return "get" if named else "list"
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}[method]
