"""What the gateway refuses, said as Kubernetes says it: a `Status` object. Raised anywhere, answered by the front."""

from __future__ import annotations

import json
from typing import Any, Final

from roost.api.errors import RoostError

_REASONS: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Gone",
    413: "RequestEntityTooLarge",
    422: "Invalid",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    431: "RequestHeaderFieldsTooLarge",
    502: "BadGateway",
    503: "ServiceUnavailable",
}


class Refusal(RoostError):
    """An answer that ends a request. `cause` is roost's own reason, where Kubernetes' is too coarse."""

    def __init__(self, code: int, message: str, *, cause: str = "", retry_after: int | None = None) -> None:
        super().__init__(_REASONS.get(code, "InternalError"), message)
        self.code = code
        self.cause = cause
        self.retry_after = retry_after

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        found = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
        if self.code == 401:
            found.append((b"WWW-Authenticate", b'Bearer realm="roost"'))
        if self.retry_after is not None:
            found.append((b"Retry-After", str(self.retry_after).encode()))
        return found

    def document(self) -> dict[str, Any]:
        details: dict[str, Any] = {}
        if self.cause:
            details["causes"] = [{"reason": self.cause, "message": self.message}]
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        document: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if details:
            document["details"] = details
        return document

    def body(self) -> bytes:
        return json.dumps(self.document(), ensure_ascii=False).encode() + b"\n"
