"""Users: listed, made, changed, removed. What somebody gives away he must have: groups need the right to bind."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost.api.masked import Masked
from roost.gateway import passwords
from roost.gateway.authenticate import Caller
from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, document, flag, seen, signed_in, stamp, text, texts
from roost.gateway.records import GROUP_NAME, USER_NAME, Token, User
from roost.gateway.refusal import Refusal


def routes(services: Services) -> list[Route]:
    async def listed(request: Request) -> Response:
        await services.authoriser.need(await signed_in(services, request), Question("list", "users"))
        return JSONResponse({"items": [described(user) for user in services.store.all(User)]})

    async def create(request: Request) -> Response:
        caller = await signed_in(services, request)
        await services.authoriser.need(caller, Question("create", "users"))
        found = await document(request)
        name = text(found, "name", most=63)
        if not USER_NAME.fullmatch(name):
            raise Refusal(422, f"name: {name!r} has other characters than a-z, 0-9, - and .", cause="UserNameInvalid")
        groups = await _groups(services, caller, texts(found, "groups", default=()), former=())
        service = flag(found, "service", default=False)
        given = text(found, "password", most=1024, default="")
        password = Masked(given) if given else passwords.generate()
        user = User(
            name,
            display_name=text(found, "displayName", default=""),
            groups=groups,
            password="" if service else await services.passwords.hashed(password),
            service=service,
            created=time.time(),
        )
        await services.store.create(user)
        shown = {} if service or given else {"password": password.reveal()}
        return JSONResponse(described(user) | shown, status_code=201, headers={"Cache-Control": "no-store"})

    async def change(request: Request) -> Response:
        caller = await signed_in(services, request)
        user = _user(services, request)
        await services.authoriser.need(caller, Question("update", "users", name=user.name))
        found = await document(request)
        groups = await _groups(services, caller, texts(found, "groups", default=user.groups), former=user.groups)
        given = text(found, "password", most=1024, default="")
        changed = replace(
            user,
            display_name=text(found, "displayName", default=user.display_name),
            groups=groups,
            disabled=flag(found, "disabled", default=user.disabled),
            password=await services.passwords.hashed(Masked(given)) if given else user.password,
        )
        if given and user.service:
            raise Refusal(422, f"password: {user.name} is a service; it has tokens only", cause="BodyInvalid")
        if changed.disabled:
            _not_oneself(caller, user, "disable")
        await services.store.replace(changed)
        if given or changed.disabled:
            await services.store.end_sessions(user.name, but=caller.session)
            services.forget_first_password(user.name)
        return JSONResponse(described(changed))

    async def own_password(request: Request) -> Response:
        caller = await signed_in(services, request)
        user = services.store.user(caller.name)
        if user is None or user.service or caller.how == "token":
            raise Refusal(403, "only somebody who signed in with a password changes it")
        found = await document(request)
        await services.check_password(seen(request), user.name, Masked(text(found, "current", most=1024)))
        hashed = await services.passwords.hashed(Masked(text(found, "new", most=1024)))
        await services.store.replace(replace(user, password=hashed))
        ended = await services.store.end_sessions(user.name, but=caller.session)
        services.forget_first_password(user.name)
        return JSONResponse({"endedSessions": ended})

    async def remove(request: Request) -> Response:
        caller = await signed_in(services, request)
        user = _user(services, request)
        await services.authoriser.need(caller, Question("delete", "users", name=user.name))
        _not_oneself(caller, user, "remove")
        await services.store.delete(user)
        await services.store.end_sessions(user.name)
        for token in services.store.all(Token):
            if token.user == user.name:
                await services.store.delete(token)
        return JSONResponse({})

    return [
        Route("/roost/v1/users", listed, methods=["GET"]),
        Route("/roost/v1/users", create, methods=["POST"]),
        Route("/roost/v1/password", own_password, methods=["POST"]),
        Route("/roost/v1/users/{name}", change, methods=["PUT"]),
        Route("/roost/v1/users/{name}", remove, methods=["DELETE"]),
    ]


def described(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "displayName": user.display_name or user.name,
        "groups": list(user.groups),
        "service": user.service,
        "disabled": user.disabled,
        "created": stamp(user.created),
    }


async def _groups(
    services: Services, caller: Caller, wanted: tuple[str, ...], *, former: tuple[str, ...]
) -> tuple[str, ...]:
    """Raises Refusal 403 for a group that the caller may not give."""
    for group in wanted:
        if not GROUP_NAME.fullmatch(group):
            raise Refusal(422, f"groups: {group!r} is no name of a group", cause="BodyInvalid")
        if group not in former:
            await services.authoriser.need(caller, Question("bind", "groups", name=group))
    return tuple(dict.fromkeys(wanted))


def _user(services: Services, request: Request) -> User:
    name = str(request.path_params["name"])
    user = services.store.user(name) if USER_NAME.fullmatch(name) else None
    if user is None:
        raise Refusal(404, f"there is no user {name[:64]!r}")
    return user


def _not_oneself(caller: Caller, user: User, what: str) -> None:
    if caller.name == user.name:
        raise Refusal(409, f"nobody can {what} himself; let another administrator do it", cause="NotOneself")
