"""What the endpoints stand on, and how they read requests. Made by run; used by every module beside this one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.requests import Request

from roost.api.exchange import Identity, Upstream
from roost.api.masked import Masked
from roost.gateway import paths
from roost.gateway.authenticate import Authenticator, Caller
from roost.gateway.authorise import Authoriser
from roost.gateway.clusters import Clusters
from roost.gateway.passwords import Passwords
from roost.gateway.refusal import Refusal
from roost.gateway.serving import Serving
from roost.gateway.store import Store
from roost.gateway.throttle import Throttle
from roost.kube.lean import Lean

if TYPE_CHECKING:
    from roost.gateway.dispatch import Seen

FIRST_USER: Final = "admin"
"""The administrator whom a new platform has."""
BY_ADDRESS: Final = 30
"""Failed sign-ins from one address before it has to wait: many people may sit behind it."""


@dataclass
class Services:
    store: Store
    authenticator: Authenticator
    authoriser: Authoriser
    clusters: Clusters
    platform: Upstream
    platform_api: Lean
    """With the gateway's own rights."""
    first_password: Path
    serving: Serving
    audit: Path
    """Directory of the audit log."""
    ca: Callable[[], str]
    """PEM of the CA that vouches for the gateway; empty where the system's own do."""
    addresses: Callable[[], tuple[str, ...]]
    """host:port of every way in, the preferred one first."""
    projects: Callable[[Identity], list[dict[str, Any]]]
    """Those that the caller is a member of."""
    passwords: Passwords = field(default_factory=Passwords)
    by_user: Throttle = field(default_factory=Throttle)
    by_address: Throttle = field(default_factory=lambda: Throttle(BY_ADDRESS))

    async def check_password(self, known: Seen, name: str, password: Masked) -> None:
        """Raises Refusal 401, 429. Says the same and takes as long whether there is such a user or not."""
        address = known.request.address
        now = time.monotonic()
        wait = max(self.by_user.wait(name, now=now), self.by_address.wait(address, now=now))
        if wait > 0:
            seconds = int(wait) + 1
            raise Refusal(
                429,
                f"too many failed sign-ins; try again in {seconds} s",
                cause="SignInsThrottled",
                retry_after=seconds,
            )
        await self.store.synced.wait()
        user = self.store.user(name)
        usable = user is not None and not user.disabled and not user.service
        if await self.passwords.fits(password, user.password if user is not None and usable else ""):
            self.by_user.succeeded(name)
            return
        self.by_user.failed(name, now=now)
        self.by_address.failed(address, now=now)
        known.message = f"failed sign-in as {name[:64]!r}"
        raise Refusal(401, "user name or password is wrong", cause="SignInFailed")

    def forget_first_password(self, name: str) -> None:
        """The file is of no use once its password was changed."""
        if name == FIRST_USER:
            self.first_password.unlink(missing_ok=True)


def seen(request: Request) -> Seen:
    """What dispatch knows of the request, and the audit log will."""
    return cast("Seen", request.state.seen)


async def signed_in(services: Services, request: Request) -> Caller:
    """Raises Refusal 401."""
    caller = await services.authenticator.caller(request.method, seen(request).request.headers, upgrade=False)
    seen(request).caller = caller
    return caller


def cluster_of(request: Request) -> tuple[str, str]:
    """Namespace and name in the path. Raises Refusal 404 for what can't be a name."""
    namespace, name = str(request.path_params["namespace"]), str(request.path_params["name"])
    if not (paths.is_namespace(namespace) and paths.is_name(name)):
        raise Refusal(404, "there is no cluster of that name, nor can there be", cause="PathInvalid")
    return namespace, name


async def document(request: Request) -> Mapping[str, Any]:
    """The JSON object that a request carries. Raises Refusal 400, 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # Another site's form can't send this type without asking first.
        raise Refusal(415, "send application/json", cause="BodyInvalid")
    try:
        found: object = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is no JSON", cause="BodyInvalid") from None
    if not isinstance(found, dict):
        raise Refusal(400, "the body is no JSON object", cause="BodyInvalid")
    return cast("dict[str, Any]", found)


def text(found: Mapping[str, Any], name: str, *, most: int = 256, default: str | None = None) -> str:
    """A field of text. Raises Refusal 422."""
    value = found.get(name, default)
    if value is None or not isinstance(value, str) or len(value) > most or not _is_clean(value):
        raise Refusal(422, f"{name}: give text of at most {most} characters", cause="BodyInvalid")
    return value


def flag(found: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = found.get(name, default)
    if not isinstance(value, bool):
        raise Refusal(422, f"{name}: give true or false", cause="BodyInvalid")
    return value


def number(found: Mapping[str, Any], name: str, *, default: int) -> int:
    value = found.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(422, f"{name}: give a whole number", cause="BodyInvalid")
    return value


def texts(found: Mapping[str, Any], name: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
    value = found.get(name)
    if value is None:
        return default
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if len(items) > 200 or not all(isinstance(item, str) and len(item) <= 128 for item in items):
        raise Refusal(422, f"{name}: give a list of texts", cause="BodyInvalid")
    return tuple(cast("list[str]", items))


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_clean(value: str) -> bool:
    """Text that can be stored and sent on: no control characters, no half of a surrogate pair."""
    return not any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in value)
