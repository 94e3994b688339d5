"""Service tokens: made for oneself, or for somebody else by whoever may; shown once; revoked at once."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost.gateway import sessions
from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, document, number, signed_in, stamp, text
from roost.gateway.records import USER_NAME, Token
from roost.gateway.refusal import Refusal


def routes(services: Services) -> list[Route]:
    async def listed(request: Request) -> Response:
        caller = await signed_in(services, request)
        everybodys = caller.is_platform or await services.authoriser.may(caller.identity, Question("list", "tokens"))
        items = [one for one in services.store.all(Token) if everybodys or one.user == caller.name]
        return JSONResponse({"items": [described(one) for one in items]})

    async def create(request: Request) -> Response:
        caller = await signed_in(services, request)
        found = await document(request)
        owner = text(found, "user", most=63, default=caller.name)
        if owner != caller.name:
            # It gives everything that the other one may do.
            await services.authoriser.need(caller, Question("create", "tokens", name=owner))
        elif caller.how == "token":
            raise Refusal(403, "a token makes no tokens: it would outlive its own end")
        if not USER_NAME.fullmatch(owner) or services.store.user(owner) is None:
            raise Refusal(404, f"there is no user {owner[:64]!r} of the platform's own")
        name = text(found, "name", most=63)
        if not USER_NAME.fullmatch(name):
            raise Refusal(422, f"name: {name!r} has other characters than a-z, 0-9, - and .", cause="UserNameInvalid")
        if any(one.name == name and one.user == owner for one in services.store.all(Token)):
            raise Refusal(409, f"{owner} has a token {name} already")
        days = number(found, "days", default=sessions.TOKEN_DAYS)
        try:
            token, shown = sessions.service_token(name, owner, now=time.time(), days=days, created_by=caller.name)
        except ValueError as error:
            raise Refusal(422, f"days: {error}", cause="BodyInvalid") from error
        await services.store.create(token)
        return JSONResponse(
            described(token) | {"token": shown.reveal()}, status_code=201, headers={"Cache-Control": "no-store"}
        )

    async def revoke(request: Request) -> Response:
        caller = await signed_in(services, request)
        key = str(request.path_params["id"])
        token = next((one for one in services.store.all(Token) if one.id == key), None)
        if token is None or token.user != caller.name:
            await services.authoriser.need(caller, Question("delete", "tokens", name=token.user if token else ""))
        if token is None:
            raise Refusal(404, f"there is no token {key[:64]!r}")
        await services.store.delete(token)
        return JSONResponse({})

    return [
        Route("/roost/v1/tokens", listed, methods=["GET"]),
        Route("/roost/v1/tokens", create, methods=["POST"]),
        Route("/roost/v1/tokens/{id}", revoke, methods=["DELETE"]),
    ]


def described(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "user": token.user,
        "created": stamp(token.created),
        "expires": stamp(token.expires),
        "createdBy": token.created_by,
    }
