"""The gateway as a command sees it: where it is, who is signed in there, one request. Standard library only.

What `roost login` got is kept for the person alone, per server, under the XDG configuration directory. Used by
login, logout, credential, user, token, audit and kubeconfig; `credential` runs before every kubectl, so it is quick.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from roost.api.errors import RoostError

SERVER: Final = "ROOST_SERVER"
TOKEN: Final = "ROOST_TOKEN"  # noqa: S105
"""A service token in the environment: no sign-in is kept or asked for."""
EARLY_SECONDS: Final = 60.0
"""A token that ends so soon is renewed first."""


@dataclass(frozen=True)
class SignedIn:
    """What is kept of one sign-in. Never printed."""

    server: str
    user: str = ""
    access: str = ""
    expires: float = 0.0
    refresh: str = ""
    ca: str = ""
    """PEM; empty: the system's authorities."""


class Kept:
    """The file with every sign-in of this person."""

    def __init__(self, path: Path | None = None) -> None:
        home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        self.path = path or Path(home) / "roost" / "signed-in.json"

    def all(self) -> dict[str, Any]:
        try:
            return cast("dict[str, Any]", json.loads(self.path.read_bytes()))
        except (OSError, ValueError):
            return {}

    def current(self) -> str:
        return str(self.all().get("current") or "")

    def get(self, server: str) -> SignedIn | None:
        found = cast("dict[str, dict[str, Any]]", self.all().get("servers") or {}).get(server)
        if found is None:
            return None
        try:
            return SignedIn(server=server, **found)
        except TypeError:
            return None

    def put(self, one: SignedIn) -> None:
        content = self.all()
        servers = content.setdefault("servers", {})
        servers[one.server] = {
            "user": one.user,
            "access": one.access,
            "expires": one.expires,
            "refresh": one.refresh,
            "ca": one.ca,
        }
        content["current"] = one.server
        self._write(content)

    def forget(self, server: str) -> None:
        content = self.all()
        content.get("servers", {}).pop(server, None)
        if content.get("current") == server:
            content["current"] = ""
        self._write(content)

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Only one command at a time renews: a renewed token is good once."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, content: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
        fresh.replace(self.path)


class Door:
    """One gateway, spoken to as whoever is signed in there."""

    def __init__(self, signed_in: SignedIn) -> None:
        self.signed_in = signed_in
        parts = urlsplit(signed_in.server)
        if parts.scheme != "https" or not parts.hostname:
            raise RoostError(
                "ServerInvalid", f"--server {signed_in.server}: give an address such as https://HOST:7445"
            )
        self._host, self._port = parts.hostname, parts.port or 443

    def call(self, method: str, path: str, body: object = None, *, token: str = "", patience: float = 0.0) -> Any:
        """The decoded answer (text where it is no JSON). `patience`: seconds to wait for a gateway that starts."""
        status, headers, raw = self._send(method, path, body, token=token, patience=patience)
        if status >= 400:
            raise _refused(status, raw, self.signed_in.server)
        if headers.get("content-type", "").startswith("application/json"):
            return json.loads(raw) if raw else {}
        return raw.decode(errors="replace")

    def _send(
        self, method: str, path: str, body: object, *, token: str, patience: float
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Accept": "application/json", "User-Agent": "roost"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        end = time.monotonic() + patience
        while True:
            context = ssl.create_default_context(cadata=self.signed_in.ca or None)
            connection = http.client.HTTPSConnection(self._host, self._port, context=context, timeout=60)
            try:
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                response = connection.getresponse()
                return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
            except ssl.SSLCertVerificationError as error:
                raise RoostError(
                    "CertificateNotTrusted",
                    f"the certificate of {self.signed_in.server} is not trusted: {error.verify_message}; "
                    "name its CA with `roost login --ca FILE`",
                ) from error
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() < end:
                    time.sleep(0.2)
                    continue
                raise RoostError(
                    "GatewayUnreachable",
                    f"the platform at {self.signed_in.server} does not answer ({error}); "
                    "`roost status` on its machine shows what runs there",
                ) from error
            finally:
                connection.close()


def signed_in(server: str | None, *, kept: Kept | None = None) -> tuple[Door, str]:
    """A gateway and a token that is good now. Raises RoostError NotSignedIn with what to do."""
    kept = kept or Kept()
    chosen = server or os.environ.get(SERVER) or kept.current()
    known = kept.get(chosen) if chosen else None
    given = os.environ.get(TOKEN)
    if given and chosen:
        return Door(known or SignedIn(chosen)), given
    if known is None:
        raise RoostError("NotSignedIn", f"not signed in{f' at {chosen}' if chosen else ''}; run `roost login`")
    if known.expires - time.time() > EARLY_SECONDS:
        return Door(known), known.access
    with kept.locked():
        known = kept.get(chosen) or known
        if known.expires - time.time() <= EARLY_SECONDS:
            known = _renewed(known)
            kept.put(known)
    return Door(known), known.access


def take(server: str, ca: str, answer: Mapping[str, Any]) -> SignedIn:
    """What a sign-in answered, as it is kept."""
    return SignedIn(
        server=server,
        user=str(answer["user"]["name"]),
        access=str(answer["accessToken"]),
        expires=_seconds(str(answer["expiresAt"])),
        refresh=str(answer["refreshToken"]),
        ca=ca,
    )


def fingerprint(ca_pem: str) -> str:
    """SHA-256 of a certificate, as other programs show it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca_pem)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def unverified_ca(server: str) -> str:
    """The CA that a gateway itself names, not yet trusted: a person compares its fingerprint."""
    parts = urlsplit(server)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, context=context, timeout=15)
    try:
        connection.request("GET", "/roost/v1/info")
        return str(json.loads(connection.getresponse().read()).get("ca") or "")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RoostError("GatewayUnreachable", f"the platform at {server} does not answer: {error}") from error
    finally:
        connection.close()


def part(text: str) -> str:
    """A name as one part of a path."""
    return quote(text, safe="")


def _renewed(known: SignedIn) -> SignedIn:
    try:
        answer = Door(known).call("POST", "/roost/v1/refresh?mode=token", {"refreshToken": known.refresh})
    except RoostError as error:
        if error.reason != "Unauthorized":
            raise
        raise RoostError(
            "NotSignedIn", f"the sign-in at {known.server} has ended; run `roost login` again"
        ) from error
    return replace(take(known.server, known.ca, answer), ca=known.ca)


def _seconds(stamp: str) -> float:
    import calendar

    return float(calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")))


def _refused(status: int, raw: bytes, server: str) -> RoostError:
    try:
        document = cast("dict[str, Any]", json.loads(raw))
        return RoostError(str(document["reason"]), str(document["message"]))
    except (ValueError, KeyError, TypeError):
        return RoostError("ApiAnswersWithError", f"{server} answered {status}: {raw[:200].decode(errors='replace')}")
