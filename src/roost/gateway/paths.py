"""Which door a request goes through, decided from the raw request target. Pure.

What is judged here is exactly what is sent on: nothing is normalised, and what two parsers could read differently
(dot segments, encoded slashes, doubled slashes, broken encodings) is refused. Called by dispatch for each request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from roost.gateway.refusal import Refusal

Door = Literal["platform", "cluster", "own", "console", "tunnel", "root"]

LONGEST: Final = 32 * 1024
"""Bytes of a target: commands of `exec` stand in the query."""

_PLATFORM: Final = ("api", "apis", "openapi", "version", "livez", "readyz", "healthz")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_PATH: Final = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*")
_QUERY: Final = re.compile(r"[\x21-\x7e]*")
_ENCODED: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN: Final = re.compile(rb"[\x00-\x1f\x7f/\\]")
_ENCODED_TWICE: Final = re.compile(rb"%(2[ef]|5c|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """One judged request target."""

    door: Door
    raw: str
    """Path and query as the client sent them."""
    onward: str
    """What is sent on: for a cluster, without the part that named it."""
    segments: tuple[str, ...]
    """Of the onward path, decoded."""
    query: str
    namespace: str = ""
    cluster: str = ""

    @property
    def path(self) -> str:
        """The onward path, raw."""
        return self.onward.partition("?")[0]


def judge(raw: bytes) -> Target:
    """Raises Refusal 400 for what could be read in two ways, 404 for what no door is for."""
    if len(raw) > LONGEST:
        raise Refusal(
            400, f"the request target has {len(raw)} bytes; at most {LONGEST} are taken", cause="PathInvalid"
        )
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise _bad("it holds bytes outside ASCII; encode them") from None
    path, mark, query = text.partition("?")
    segments = _segments(path)
    if not _QUERY.fullmatch(query) or "#" in query:
        raise _bad("its query holds a character that must be encoded")
    first = segments[0] if segments else ""
    suffix = mark + query
    if first != path[1:].partition("/")[0]:
        raise _bad("its first part is encoded")
    if first in _PLATFORM:
        return Target("platform", text, text, segments, query)
    if first == "clusters":
        return _cluster(text, path, suffix, segments, query)
    if segments[:2] == ("roost", "v1"):
        return Target("own", text, text, segments, query)
    if segments[:2] == ("tunnel", "v1"):
        return Target("tunnel", text, text, segments, query)
    if first == "console":
        return Target("console", text, text, segments, query)
    if path == "/":
        return Target("root", text, text, (), query)
    raise Refusal(404, f"nothing is served at {path[:200]}")


def is_namespace(text: str) -> bool:
    return bool(_NAME.fullmatch(text))


def is_name(text: str) -> bool:
    """Of a Cluster."""
    return bool(_SUBDOMAIN.fullmatch(text)) and ".." not in text


def _cluster(text: str, path: str, suffix: str, segments: tuple[str, ...], query: str) -> Target:
    parts = path.split("/", 4)
    # The first is empty: the path begins with a slash.
    if len(parts) < 4 or not is_namespace(parts[2]) or not is_name(parts[3]):
        raise Refusal(404, "a cluster's API is at /clusters/NAMESPACE/NAME/", cause="PathInvalid")
    onward = f"/{parts[4]}" if len(parts) == 5 else "/"
    return Target("cluster", text, onward + suffix, segments[3:], query, namespace=parts[2], cluster=parts[3])


def _segments(path: str) -> tuple[str, ...]:
    """The decoded parts of a path. Raises Refusal."""
    if not _PATH.fullmatch(path):
        raise _bad("a path begins with / and holds only characters that a URL may hold unencoded")
    if "//" in path:
        raise _bad("it has two slashes in a row")
    if _ENCODED.search(path):
        raise _bad("it has a % that encodes nothing")
    return tuple(_decoded(part) for part in path[1:].split("/"))


def _decoded(part: str) -> str:
    decoded = unquote_to_bytes(part)
    if decoded in (b".", b".."):
        raise _bad("it has a dot segment")
    if _FORBIDDEN.search(decoded):
        raise _bad("it has an encoded slash, backslash or control character")
    if _ENCODED_TWICE.search(decoded):
        raise _bad("it has a part that is encoded twice")
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("it is not UTF-8") from None


def _bad(why: str) -> Refusal:
    return Refusal(400, f"the request's path is not taken: {why}", cause="PathInvalid")
