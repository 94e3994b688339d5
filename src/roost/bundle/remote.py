"""Somebody's image registry over TLS: how it is addressed, signed in to, and spoken with.

A registry asks for a password with each request (Basic), or sends the caller to a token service (Bearer);
both are understood here. Called by push, which fills one, and by look, which tells what one lacks.
Standard library only; one `Wire` is one kept connection of one thread.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final
from urllib.parse import urlencode, urlsplit

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked

TIMEOUT: Final = 120.0
_BLOCK: Final = 1 << 20
_ADDRESS: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<prefix>(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)/?"
)
_PARAMETER: Final = re.compile(r'([A-Za-z_]+)="([^"]*)"')


class RegistryAddressInvalid(PermanentFailure):
    def __init__(self, text: str) -> None:
        super().__init__(
            "RegistryAddressInvalid",
            f"{text!r} is no address of a registry; write HOST, HOST:PORT or HOST:PORT/PATH, without a scheme or a "
            "user, such as registry.example.com:5000",
        )


class CredentialRefused(PermanentFailure):
    """401 or 403; `challenge` tells how the registry wants to be signed in to."""

    def __init__(self, message: str, *, challenge: str) -> None:
        super().__init__("RegistryCredentialRefused", message)
        self.challenge = challenge


@dataclass(frozen=True)
class Address:
    """host, port and the path below which repositories lie (empty, or with a leading slash)."""

    host: str
    port: int
    prefix: str

    @property
    def authority(self) -> str:
        """host:port as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Raises RegistryAddressInvalid."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or not 0 < int(found["port"] or 443) < 65536:
        raise RegistryAddressInvalid(text)
    return Address(found["host"].strip("[]"), int(found["port"] or 443), found["prefix"] or "")


@dataclass(frozen=True)
class RemoteRegistry:
    """A registry and what signs in to it."""

    address: str
    """host[:port][/path]."""
    ca_pem: str = ""
    """Authorities that vouch for it; empty: those that this computer trusts."""
    username: str = ""
    password: Masked | None = field(default=None, repr=False)

    @property
    def parsed(self) -> Address:
        return parse_address(self.address)

    def basic(self) -> str | None:
        """The value of an Authorization header; None without a credential."""
        if self.password is None:
            return None
        return basic(self.username, self.password).reveal()


def basic(username: str, password: Masked) -> Masked:
    encoded = base64.b64encode(f"{username}:{password.reveal()}".encode()).decode()
    return Masked(f"Basic {encoded}")


def trust(ca_pem: str) -> ssl.SSLContext:
    """Raises PermanentFailure where the authorities are no certificates."""
    try:
        context = ssl.create_default_context(cadata=ca_pem) if ca_pem else ssl.create_default_context()
    except (ssl.SSLError, ValueError) as error:
        raise PermanentFailure(
            "RegistryCertificateInvalid",
            f"the registry's CA is no certificate in PEM ({error}); give the file that begins with "
            "-----BEGIN CERTIFICATE-----",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Wire:
    """Requests to one registry on one kept connection. Raises OSError and HTTPException as http.client does."""

    def __init__(
        self, registry: RemoteRegistry, *, timeout: float = TIMEOUT, actions: str = "pull", tokens: bool = True
    ) -> None:
        """`actions`: what is asked for at a token service (`tokens`): `pull` or `pull,push`."""
        self._registry = registry
        self._address = registry.parsed
        self._context = trust(registry.ca_pem)
        self._timeout = timeout
        self._actions = actions
        self._tokens = tokens
        self._bearer: dict[str, str] = {}
        self._connection = http.client.HTTPSConnection(
            self._address.host, self._address.port, timeout=timeout, blocksize=_BLOCK, context=self._context
        )

    def close(self) -> None:
        self._connection.close()

    def path(self, repository: str, rest: str) -> str:
        """Of a thing in a repository, below the registry's own path."""
        return f"/v2{self._address.prefix}/{repository}/{rest}"

    def send(
        self,
        method: str,
        path: str,
        *,
        repository: str,
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
    ) -> http.client.HTTPResponse:
        """One request, signed in; the caller reads the answer to its end. Raises CredentialRefused."""
        response = self._once(method, path, repository, headers, body)
        challenge = response.headers.get("WWW-Authenticate", "")
        if response.status == 401 and self._tokens and challenge.lower().startswith("bearer"):
            response.read()
            self._bearer[repository] = self._token(challenge, repository)
            if body is not None:
                body.seek(0)
            response = self._once(method, path, repository, headers, body)
        if response.status in (401, 403):
            response.read()
            who = f"user {self._registry.username}" if self._registry.password else "nobody (no credential is given)"
            raise CredentialRefused(
                f"the registry {self._registry.address} refused {who}: {response.status} to {method} {path}; "
                "check user name and password, and that the user may read and, for a push, write there",
                challenge=challenge,
            )
        return response

    def _once(
        self, method: str, path: str, repository: str, headers: Mapping[str, str] | None, body: IO[bytes] | None
    ) -> http.client.HTTPResponse:
        sent = dict(headers or {})
        token = self._bearer.get(repository)
        credential = f"Bearer {token}" if token else self._registry.basic()
        if credential:
            sent["Authorization"] = credential
        self._connection.request(method, path, body=body, headers=sent)
        return self._connection.getresponse()

    def _token(self, challenge: str, repository: str) -> str:
        given: dict[str, str] = {found[1]: found[2] for found in _PARAMETER.finditer(challenge)}
        realm = urlsplit(given.get("realm", ""))
        if realm.scheme != "https" or not realm.hostname:
            # A password is never sent in clear, whatever a registry says.
            raise CredentialRefused(
                f"the registry {self._registry.address} sends callers to the token service "
                f"{given.get('realm', '')!r}, which is not an https address; set its realm right",
                challenge=challenge,
            )
        scope = f"repository:{self._address.prefix.lstrip('/')}{'/' if self._address.prefix else ''}{repository}"
        query = urlencode({"service": given.get("service", ""), "scope": f"{scope}:{self._actions}"})
        headers = {"Authorization": credential} if (credential := self._registry.basic()) else {}
        wire = http.client.HTTPSConnection(
            realm.hostname, realm.port or 443, timeout=self._timeout, context=self._context
        )
        try:
            wire.request("GET", f"{realm.path}?{query}", headers=headers)
            response = wire.getresponse()
            body = response.read(1 << 20)
        finally:
            wire.close()
        try:
            answer: dict[str, Any] = json.loads(body) if response.status == 200 else {}
        except ValueError:
            answer = {}
        token = answer.get("token") or answer.get("access_token")
        if not token:
            raise CredentialRefused(
                f"the token service {realm.hostname} of the registry {self._registry.address} refused user "
                f"{self._registry.username or '(none)'}: {response.status}; check user name and password",
                challenge=challenge,
            )
        return str(token)
