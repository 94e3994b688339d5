"""Turns what a Kubernetes API or the way to it answers into roost's two errors, with a message for people.

Called wherever a room talks to an API: `async with explained("https://…")`, or `explain(error, …)` in an
except clause that has something else to do first.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager

import httpx2
from lightkube.core.exceptions import ApiError

from roost.api.errors import PermanentFailure, RetryLater, RoostError

_PERMANENT = {
    400: ("RequestInvalid", "correct the object"),
    401: ("NotSignedIn", "the certificate or token is not accepted: renew the kubeconfig"),
    403: ("Forbidden", "grant the user this access, or use another kubeconfig"),
    404: ("NotFound", "check the name and the namespace"),
    405: ("NotSupported", "the server does not know this call; check its version"),
    409: ("Conflict", "somebody else changed or owns it: look at it again"),
    410: ("ResourceVersionTooOld", "list again"),
    413: ("ObjectTooLarge", "make the object smaller"),
    415: ("NotSupported", "the server does not know this content type; check its version"),
    422: ("Invalid", "correct the fields named above"),
}


def is_not_found(error: BaseException) -> bool:
    return isinstance(error, ApiError) and status_code(error) == 404


def is_conflict(error: BaseException) -> bool:
    return isinstance(error, ApiError) and status_code(error) == 409


def is_gone(error: BaseException) -> bool:
    """The resource version is no longer kept (410, or a watch's ERROR event of that kind)."""
    if not isinstance(error, ApiError):
        return False
    return status_code(error) == 410 or error.status.reason in ("Expired", "Gone")


def status_code(error: ApiError) -> int:
    return int(error.status.code or 0)


def answered(error: BaseException) -> int | None:
    """The HTTP status that the API answered with; None for every other kind of error."""
    return status_code(error) if isinstance(error, ApiError) else None


def is_status(error: BaseException) -> bool:
    """Whether the answer is a Status that Kubernetes itself wrote, and not some other server's page."""
    return isinstance(error, ApiError) and bool(error.status.reason)


def explain(error: Exception, *, server: str, doing: str = "") -> RoostError:
    """The error as RetryLater or PermanentFailure. `doing`: such as «apply Secret a/b»."""
    what = f"{doing}: " if doing else ""
    if isinstance(error, RoostError):
        return error
    if isinstance(error, ApiError):
        return _answered(error, server, what)
    if isinstance(error, httpx2.HTTPStatusError):
        code = error.response.status_code
        message = f"{what}{server} answered {code} {error.response.reason_phrase}"
        if code in _PERMANENT:
            return PermanentFailure(_PERMANENT[code][0], f"{message}; {_PERMANENT[code][1]}")
        return RetryLater("ApiAnswersWithError", message)
    certificate = _certificate_problem(error)
    if certificate:
        return PermanentFailure(
            "CertificateNotTrusted",
            f"{what}the certificate of {server} is not trusted: {certificate}; use the kubeconfig that belongs to it",
        )
    if isinstance(error, httpx2.TimeoutException):
        return RetryLater("ApiTimeout", f"{what}{server} does not answer in time ({type(error).__name__})")
    if isinstance(error, httpx2.HTTPError | OSError):
        return RetryLater("ApiUnreachable", f"{what}{server} can't be reached: {error or type(error).__name__}")
    return PermanentFailure("UnexpectedError", f"{what}{server}: {type(error).__name__}: {error}")


@contextmanager
def explained(server: str, *, doing: str = "") -> Generator[None]:
    """Maps API and transport errors of its body; others pass."""
    try:
        yield
    except (httpx2.HTTPError, OSError) as error:
        raise explain(error, server=server, doing=doing) from error


def _answered(error: ApiError, server: str, what: str) -> RoostError:
    code = status_code(error)
    text = (error.status.message or error.status.reason or "no message").strip()
    message = f"{what}{server} answered {code}: {text}"
    if code in _PERMANENT:
        reason, remedy = _PERMANENT[code]
        return PermanentFailure(reason, f"{message}; {remedy}")
    delay: float | None = None
    details = error.status.details
    if details is not None and details.retryAfterSeconds:
        delay = float(details.retryAfterSeconds)
    return RetryLater("TooManyRequests" if code == 429 else "ApiAnswersWithError", message, delay=delay)


def _certificate_problem(error: BaseException | None) -> str | None:
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message or str(error)
        if isinstance(error, httpx2.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return str(error).partition("CERTIFICATE_VERIFY_FAILED]")[2].strip() or str(error)
        error = error.__cause__ or error.__context__
        seen += 1
    return None
