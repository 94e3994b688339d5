"""OpenID Connect: what is asked of a provider, and what is believed of its answers.

Code with PKCE for browsers, device code for terminals. A token counts only when it is signed by a key of the
provider with an algorithm that is meant for that, for us, now, and for this very sign-in. Called by endpoints/oidc.
joserfc is imported when somebody signs in this way.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from roost.gateway.records import GROUP_NAME, Provider
from roost.gateway.refusal import Refusal

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Never `none`, and none with a shared key: the provider's public key must not become one."""
SKEW_SECONDS: Final = 60.0
KEPT_SECONDS: Final = 600.0
KEYS_EVERY: Final = 10.0
"""An unknown key is looked for at most so often."""
LARGEST: Final = 1024 * 1024
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SUBJECT: Final = re.compile(r"[A-Za-z0-9._~@|-]{1,128}")

Json = dict[str, Any]


@dataclass(frozen=True)
class Begun:
    """What a browser must bring back; kept in a cookie of its own."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Person:
    """Whom a provider vouches for."""

    user: str
    """PROVIDER:SUBJECT."""
    display_name: str
    groups: tuple[str, ...]


class Pending(Exception):
    """The person has not confirmed yet."""


class Client:
    """Talks to one provider; its metadata and keys are kept for some minutes."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._tls = ssl.create_default_context(cadata=provider.ca or None)
        self._found: tuple[float, Json] | None = None
        self._keys: tuple[float, Json] | None = None

    async def begin(self, redirect: str) -> Begun:
        metadata = await self._metadata()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urllib.parse.urlencode(
            {
                "response_type": "code",
                "client_id": self.provider.client_id,
                "redirect_uri": redirect,
                "scope": " ".join(self.provider.scopes),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        at = _endpoint(metadata, "authorization_endpoint")
        return Begun(f"{at}{'&' if '?' in at else '?'}{query}", state, nonce, verifier)

    async def finish(self, code: str, begun: Begun, redirect: str) -> Person:
        """Raises Refusal 401."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": begun.verifier,
        }
        answer = await self._token(form)
        return await self._person(answer, nonce=begun.nonce)

    async def begin_device(self) -> Json:
        """As RFC 8628 answers. Raises Refusal 422 where the provider knows no device flow."""
        metadata = await self._metadata()
        if not metadata.get("device_authorization_endpoint"):
            raise Refusal(
                422, f"the identity provider {self.provider.name} has no device flow", cause="ProviderUnusable"
            )
        form = {"scope": " ".join(self.provider.scopes)}
        status, answer = await self._post(_endpoint(metadata, "device_authorization_endpoint"), form)
        if status != 200:
            raise self._unusable(f"it answered {status} to a device: {_error(answer)}")
        return answer

    async def poll_device(self, code: str) -> Person:
        """Raises Pending, Refusal 401."""
        answer = await self._token({"grant_type": DEVICE, "device_code": code})
        return await self._person(answer, nonce=None)

    async def _token(self, form: Mapping[str, str]) -> Json:
        metadata = await self._metadata()
        status, answer = await self._post(_endpoint(metadata, "token_endpoint"), form)
        if status == 200:
            return answer
        if answer.get("error") in {"authorization_pending", "slow_down"}:
            raise Pending
        raise Refusal(
            401, f"the identity provider {self.provider.name} refused: {_error(answer)}", cause="SignInFailed"
        )

    async def _person(self, answer: Mapping[str, Any], *, nonce: str | None) -> Person:
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise self._unusable("it gave no id_token; is `openid` among the scopes?")
        claims = await self._claims(token)
        check(claims, self.provider, issuer=str((await self._metadata())["issuer"]), nonce=nonce, now=time.time())
        return person(claims, self.provider)

    async def _claims(self, token: str) -> Json:
        """The claims of a token that one of the provider's keys has signed. Raises Refusal 401."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        kid = _key_id(token)
        keys = await self._key_set(kid)
        try:
            return dict(
                jwt.decode(token, KeySet.import_key_set(cast("Any", keys)), algorithms=list(ALGORITHMS)).claims
            )
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Refusal(
                401, f"the token of the identity provider does not hold: {type(error).__name__}", cause="SignInFailed"
            ) from error

    async def _key_set(self, kid: str) -> Json:
        now = time.monotonic()
        if self._keys is not None:
            known = {key.get("kid") for key in cast("list[Json]", self._keys[1].get("keys") or [])}
            age = now - self._keys[0]
            if age < KEPT_SECONDS and (not kid or kid in known or age < KEYS_EVERY):
                return self._keys[1]
        metadata = await self._metadata()
        _, keys = await self._get(_endpoint(metadata, "jwks_uri"))
        self._keys = (now, keys)
        return keys

    async def _metadata(self) -> Json:
        now = time.monotonic()
        if self._found is not None and now - self._found[0] < KEPT_SECONDS:
            return self._found[1]
        issuer = self.provider.issuer
        status, found = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if status != 200 or found.get("issuer") != issuer:
            raise self._unusable(f"its configuration names the issuer {found.get('issuer')!r}, not {issuer!r}")
        self._found = (now, found)
        return found

    async def _get(self, url: str) -> tuple[int, Json]:
        return await asyncio.to_thread(self._call, url, None, {})

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, Json]:
        """As the client: by name and secret as RFC 6749 wants it, or where the provider takes no such thing or there
        is no secret, in the form."""
        sent, headers = {**form, "client_id": self.provider.client_id}, dict[str, str]()
        if self.provider.client_secret:
            methods = (await self._metadata()).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            if "client_secret_basic" in methods:
                pair = f"{_quoted(self.provider.client_id)}:{_quoted(self.provider.client_secret)}"
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                sent["client_secret"] = self.provider.client_secret
        return await asyncio.to_thread(self._call, url, urllib.parse.urlencode(sent).encode(), headers)

    def _call(self, url: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[int, Json]:
        sent = {"Accept": "application/json", **headers}
        request = urllib.request.Request(url, data=data, headers=sent)  # noqa: S310
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._tls), urllib.request.ProxyHandler({}), _NoRedirect()
        )
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, _document(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _document(error.read(LARGEST))
        except (OSError, ValueError) as error:
            raise self._unusable(f"it does not answer: {error}") from error

    def _unusable(self, why: str) -> Refusal:
        return Refusal(
            503,
            f"signing in through {self.provider.name} is not possible now: {why}; others can sign in",
            cause="ProviderUnusable",
            retry_after=10,
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def check_issuer(issuer: str) -> None:
    """https, or a provider on this very machine. Raises Refusal 422."""
    parts = urllib.parse.urlsplit(issuer)
    plain = parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    if (
        not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username
        or not (parts.scheme == "https" or plain)
    ):
        raise Refusal(422, "issuer: give the https URL that the provider names itself by", cause="BodyInvalid")


def check(claims: Mapping[str, Any], provider: Provider, *, issuer: str, nonce: str | None, now: float) -> None:
    """Raises Refusal 401 for a token that is not this provider's, for us, now and for this sign-in."""
    audience = claims.get("aud")
    audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    expires, issued = claims.get("exp"), claims.get("iat")
    wrong = ""
    if claims.get("iss") != issuer:
        wrong = "it is another issuer's"
    elif provider.client_id not in audiences:
        wrong = "it is for another client"
    elif len(audiences) > 1 and claims.get("azp") != provider.client_id:
        wrong = "it was given to another client"
    elif not isinstance(expires, int | float) or now > expires + SKEW_SECONDS:
        wrong = "it has expired"
    elif not isinstance(issued, int | float) or issued > now + SKEW_SECONDS:
        wrong = "it is from the future: compare the clocks"
    elif nonce is not None and claims.get("nonce") != nonce:
        wrong = "it is another sign-in's"
    if wrong:
        raise Refusal(401, f"the token of the identity provider {provider.name}: {wrong}", cause="SignInFailed")


def person(claims: Mapping[str, Any], provider: Provider) -> Person:
    """The names carry the provider's, so that two providers, or one and a local user, never speak for each other."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Refusal(401, "the token of the identity provider names no subject", cause="SignInFailed")
    if not _SUBJECT.fullmatch(subject):
        subject = hashlib.sha256(subject.encode()).hexdigest()
    named = [claims.get("name"), claims.get("preferred_username")]
    if claims.get("email_verified") is True:
        named.append(claims.get("email"))
    shown = next((text for text in named if isinstance(text, str) and text), subject)
    listed = claims.get(provider.groups_claim)
    groups = cast("list[object]", listed) if isinstance(listed, list) else []
    return Person(
        user=f"{provider.name}:{subject}",
        display_name="".join(char for char in shown if char.isprintable())[:128],
        groups=tuple(
            f"{provider.name}:{group}"
            for group in groups[:200]
            if isinstance(group, str) and GROUP_NAME.fullmatch(f"{provider.name}:{group}")
        ),
    )


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    url = metadata.get(name)
    if not isinstance(url, str):
        raise Refusal(503, f"the identity provider's configuration has no {name}", cause="ProviderUnusable")
    check_issuer(url.partition("?")[0])
    return url


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _key_id(token: str) -> str:
    try:
        head = token.partition(".")[0]
        document = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        return str(document.get("kid") or "")
    except (ValueError, AttributeError):
        return ""


def _document(raw: bytes) -> Json:
    try:
        found: object = json.loads(raw)
    except ValueError:
        return {}
    return cast("Json", found) if isinstance(found, dict) else {}


def _error(answer: Mapping[str, Any]) -> str:
    """What it says, without what may be secret: only these two fields."""
    words = [str(answer[key])[:200] for key in ("error", "error_description") if answer.get(key)]
    return ": ".join(words) or "it gave no reason"
