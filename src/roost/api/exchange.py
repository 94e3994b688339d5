"""One HTTP exchange with the API of a cluster, whatever carries it.

The gateway writes against these types; `kube.direct` carries an exchange over TLS to an address that the platform
can reach, `tunnel` over a stream of the tunnel that the cluster's agent dialled out. Pure types, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from roost.api.errors import RetryLater

Headers = tuple[tuple[bytes, bytes], ...]
"""Name and value as they stood on the wire, in their order; names may repeat."""


@dataclass(frozen=True)
class Identity:
    """Who asks, as the target's RBAC will see it. Never with a group or user that starts with `system:`, but for
    `system:authenticated`, which Kubernetes adds itself."""

    user: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True)
class RequestHead:
    """What is sent on. `target` is the raw path and query exactly as it was authorised.

    `headers` hold no hop-by-hop header, no Authorization, no Impersonate-* and no X-Remote-*: the identity travels
    here, and whoever speaks to the cluster sets its own credential and Impersonate-* last; nor do they hold
    Content-Length or Transfer-Encoding. `content_length` is 0 without a body and None when its length is not known
    (chunked). `upgrade` says that the client asked for another protocol; the `Upgrade` header then is among the
    headers (`Connection: Upgrade` is added by whoever sends them on), and there is no body.
    """

    method: str
    target: str
    headers: Headers
    identity: Identity
    audit_id: str
    upgrade: bool = False
    content_length: int | None = 0


@dataclass(frozen=True)
class ResponseHead:
    status: int
    reason: str
    headers: Headers


class Exchange(Protocol):
    """One request and its answer. After status 101 `write` and `read` are the raw duplex stream.

    `write` returns when there is room (back-pressure towards the client), `read` takes only what the reader asks for
    (back-pressure towards the cluster). Broken carriers raise `UpstreamUnavailable` before the head and
    `ConnectionError` after it. Always end with `abort`, also after a complete answer: it frees what is left.
    """

    async def write(self, data: bytes) -> None: ...

    async def write_eof(self) -> None: ...

    async def head(self) -> ResponseHead: ...

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes of the answer's body; empty at its end."""
        ...

    async def abort(self) -> None: ...


class Upstream(Protocol):
    """The way to one cluster."""

    async def open(self, head: RequestHead) -> Exchange: ...


class UpstreamUnavailable(RetryLater):
    """The cluster can't be reached now; nothing of the request was carried out.

    `retry_after`, in seconds, only where it passes by itself in a moment: kubectl waits ten times over for what is
    told to come back (client-go's retries), and its user learns the cause minutes late.
    """

    def __init__(self, reason: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(reason, message, delay=float(retry_after or 5))
        self.retry_after = retry_after
