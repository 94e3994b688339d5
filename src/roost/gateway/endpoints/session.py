"""Signing in with a password, going on, signing out."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost.api.masked import Masked
from roost.gateway import records, sessions
from roost.gateway.authenticate import COOKIE, Caller, not_signed_in
from roost.gateway.endpoints.services import Services, document, seen, signed_in, stamp, text
from roost.gateway.records import Session
from roost.gateway.refusal import Refusal
from roost.gateway.sessions import Pair

_NO_STORE: Final = {"Cache-Control": "no-store"}


def routes(services: Services) -> list[Route]:
    async def login(request: Request) -> Response:
        found = await document(request)
        name, password = text(found, "username").strip(), Masked(text(found, "password", most=1024))
        await services.check_password(seen(request), name, password)
        now = time.time()
        session, pair = sessions.begin(name, now=now, client=seen(request).request.address)
        await services.store.create(session)
        caller = seen(request).caller = services.authenticator.of_session(session)
        return begun(caller, pair, as_tokens=request.query_params.get("mode") == "token")

    async def refresh(request: Request) -> Response:
        if request.query_params.get("mode") != "token":
            caller = await signed_in(services, request)
            if caller.how != "cookie":
                raise Refusal(400, "give the refresh token, with mode=token", cause="BodyInvalid")
            session = await _session(services, caller.session)
            session, pair = sessions.extend(session, now=time.time())
            await services.store.replace(session)
            return begun(services.authenticator.of_session(session), pair, as_tokens=False)
        parsed = records.parse_bearer(text(await document(request), "refreshToken"))
        if parsed is None or parsed[0] != records.REFRESH:
            raise not_signed_in("the refresh token is none of roost's")
        session = await _session(services, parsed[1])
        try:
            refreshed = sessions.refresh(session, parsed[2], now=time.time())
        except ValueError:
            raise not_signed_in("the refresh token is unknown or has expired") from None
        if refreshed.session is None or refreshed.pair is None:
            await services.store.delete(session)
            raise not_signed_in("the refresh token was used a second time, so the session was ended")
        await services.store.replace(refreshed.session)
        caller = seen(request).caller = services.authenticator.of_session(refreshed.session)
        return begun(caller, refreshed.pair, as_tokens=True)

    async def current(request: Request) -> Response:
        caller = await signed_in(services, request)
        return JSONResponse(described(caller), headers=_NO_STORE)

    async def logout(request: Request) -> Response:
        caller = await signed_in(services, request)
        session = services.store.session(caller.session)
        if session is not None:
            await services.store.delete(session)
        answer = JSONResponse({}, headers=_NO_STORE)
        answer.set_cookie(COOKIE, "", max_age=0, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    return [
        Route("/roost/v1/login", login, methods=["POST"]),
        Route("/roost/v1/logout", logout, methods=["POST"]),
        Route("/roost/v1/refresh", refresh, methods=["POST"]),
        Route("/roost/v1/session", current, methods=["GET"]),
    ]


def begun(caller: Caller, pair: Pair, *, as_tokens: bool) -> Response:
    """The answer to a sign-in: a cookie for a browser, tokens for a program."""
    content = described(caller) | {"expiresAt": stamp(pair.expires)}
    if as_tokens:
        content |= {"accessToken": pair.access.reveal(), "refreshToken": pair.refresh.reveal()}
        return JSONResponse(content, headers=_NO_STORE)
    answer = JSONResponse(content, headers=_NO_STORE)
    set_cookie(answer, pair)
    return answer


def set_cookie(answer: Response, pair: Pair) -> None:
    life = max(1, int(pair.expires - time.time()))
    answer.set_cookie(
        COOKIE, pair.access.reveal(), max_age=life, path="/", secure=True, httponly=True, samesite="strict"
    )


def described(caller: Caller) -> dict[str, Any]:
    return {
        "user": {
            "name": caller.name,
            "displayName": caller.display_name or caller.name,
            "groups": [group.removeprefix("roost:group:") for group in caller.identity.groups],
            "identity": caller.identity.user,
        },
        "expiresAt": stamp(caller.expires),
    }


async def _session(services: Services, key: str) -> Session:
    session = await services.store.find_session(key)
    if session is None:
        raise not_signed_in("the session has ended")
    return session
