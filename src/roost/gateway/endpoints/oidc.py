"""Signing in through an identity provider, in a browser or by a device code; and which providers there are."""

from __future__ import annotations

import hmac
import json
import time
from collections import OrderedDict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from roost.gateway import oidc, sessions
from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, document, seen, signed_in, text, texts
from roost.gateway.endpoints.session import begun, set_cookie
from roost.gateway.records import USER_NAME, Provider, digest
from roost.gateway.refusal import Refusal

COOKIE: Final = "__Host-roost-oidc"
SECONDS: Final = 600
SPENT_MOST: Final = 10_000


def routes(services: Services) -> list[Route]:
    clients: dict[str, oidc.Client] = {}
    spent: OrderedDict[str, None] = OrderedDict()
    """Device codes that gave a session; a provider may take one twice, this does not."""

    def client(name: str) -> oidc.Client:
        provider = services.store.provider(name) if USER_NAME.fullmatch(name) else None
        if provider is None:
            raise Refusal(404, f"there is no identity provider {name[:64]!r}")
        known = clients.get(name)
        if known is None or known.provider != provider:
            known = clients[name] = oidc.Client(provider)
        return known

    async def start(request: Request) -> Response:
        name = str(request.path_params["name"])
        first = await client(name).begin(_redirect(request, name))
        answer = RedirectResponse(first.url, status_code=302, headers={"Cache-Control": "no-store"})
        kept = ".".join((name, first.state, first.nonce, first.verifier))
        # Lax: the provider sends the browser back from its own site.
        answer.set_cookie(COOKIE, kept, max_age=SECONDS, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    async def callback(request: Request) -> Response:
        name = str(request.path_params["name"])
        parts = request.cookies.get(COOKIE, "").rsplit(".", 3)
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if len(parts) != 4 or parts[0] != name or not hmac.compare_digest(parts[1].encode(), state.encode()):
            raise Refusal(401, "this sign-in was not begun in this browser, or too long ago", cause="SignInFailed")
        if not code or len(code) > 4096:
            why = request.query_params.get("error", "no code")[:100]
            raise Refusal(401, f"the identity provider refused: {why}", cause="SignInFailed")
        first = oidc.Begun("", parts[1], parts[2], parts[3])
        person = await client(name).finish(code, first, _redirect(request, name))
        pair = (await _begin(services, request, name, person))[1]
        answer = RedirectResponse("/console/", status_code=302, headers={"Cache-Control": "no-store"})
        set_cookie(answer, pair)
        answer.set_cookie(COOKIE, "", max_age=0, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    async def device(request: Request) -> Response:
        name = text(await document(request), "provider", most=63)
        found = await client(name).begin_device()
        return JSONResponse(
            {
                "deviceCode": f"{name}:{found.get('device_code', '')}",
                "userCode": str(found.get("user_code", "")),
                "verificationURI": str(found.get("verification_uri", "")),
                "verificationURIComplete": str(found.get("verification_uri_complete") or ""),
                "expiresIn": _number(found.get("expires_in"), 300),
                "interval": max(1, _number(found.get("interval"), 5)),
            },
            headers={"Cache-Control": "no-store"},
        )

    async def device_token(request: Request) -> Response:
        name, _, code = text(await document(request), "deviceCode", most=4096).partition(":")
        mark = digest(f"{name}:{code}")
        if mark in spent:
            raise Refusal(401, "this device code was used already", cause="SignInFailed")
        try:
            person = await client(name).poll_device(code)
        except oidc.Pending:
            return JSONResponse({"pending": True}, status_code=202)
        spent[mark] = None
        while len(spent) > SPENT_MOST:
            spent.popitem(last=False)
        caller, pair = await _begin(services, request, name, person)
        return begun(caller, pair, as_tokens=True)

    async def create(request: Request) -> Response:
        await services.authoriser.need(await signed_in(services, request), Question("create", "providers"))
        found = await document(request)
        name = text(found, "name", most=63)
        if not USER_NAME.fullmatch(name):
            raise Refusal(422, f"name: {name!r} has other characters than a-z, 0-9, - and .", cause="UserNameInvalid")
        issuer = text(found, "issuer", most=512)
        oidc.check_issuer(issuer)
        ca = found.get("ca") or ""
        if not isinstance(ca, str) or len(ca) > 65536:
            raise Refusal(422, "ca: give PEM text", cause="BodyInvalid")
        default = Provider("", "", "")
        provider = Provider(
            name,
            issuer,
            text(found, "clientID"),
            client_secret=text(found, "clientSecret", most=1024, default=""),
            display_name=text(found, "displayName", default=""),
            groups_claim=text(found, "groupsClaim", default=default.groups_claim),
            scopes=texts(found, "scopes", default=default.scopes),
            ca=ca,
        )
        try:
            oidc.Client(provider)
        except (ValueError, OSError) as error:
            raise Refusal(422, "ca: this is no certificate", cause="BodyInvalid") from error
        await services.store.create(provider)
        return JSONResponse(described(provider), status_code=201)

    async def remove(request: Request) -> Response:
        name = str(request.path_params["name"])
        await services.authoriser.need(await signed_in(services, request), Question("delete", "providers", name=name))
        await services.store.delete(client(name).provider)
        return JSONResponse({})

    async def listed(_request: Request) -> Response:
        """For everybody: the page for signing in shows them."""
        return JSONResponse({"password": True, "providers": [described(one) for one in services.store.all(Provider)]})

    return [
        Route("/roost/v1/providers", listed, methods=["GET"]),
        Route("/roost/v1/providers", create, methods=["POST"]),
        Route("/roost/v1/providers/{name}", remove, methods=["DELETE"]),
        Route("/roost/v1/oidc/{name}/start", start, methods=["GET"]),
        Route("/roost/v1/oidc/{name}/callback", callback, methods=["GET"]),
        Route("/roost/v1/device", device, methods=["POST"]),
        Route("/roost/v1/device/token", device_token, methods=["POST"]),
    ]


def described(provider: Provider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "displayName": provider.display_name or provider.name,
        "issuer": provider.issuer,
        "start": f"/roost/v1/oidc/{provider.name}/start",
    }


async def _begin(services: Services, request: Request, provider: str, person: oidc.Person) -> tuple[Any, Any]:
    session, pair = sessions.begin(
        person.user,
        now=time.time(),
        client=seen(request).request.address,
        display_name=person.display_name,
        groups=person.groups,
        provider=provider,
    )
    await services.store.create(session)
    caller = seen(request).caller = services.authenticator.of_session(session)
    return caller, pair


def _redirect(request: Request, name: str) -> str:
    """Where the provider sends the browser back to; the provider knows the addresses that are ours."""
    return f"https://{request.headers['host']}/roost/v1/oidc/{name}/callback"


def _number(value: object, default: int) -> int:
    try:
        return min(3600, int(json.loads(json.dumps(value))))
    except (TypeError, ValueError):
        return default
