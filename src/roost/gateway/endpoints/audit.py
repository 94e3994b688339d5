"""The audit log, for auditors: its newest events, and whether its chain holds."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost.gateway import audit
from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, signed_in
from roost.gateway.refusal import Refusal

MOST: Final = 1000


def routes(services: Services) -> list[Route]:
    async def listed(request: Request) -> Response:
        await services.authoriser.need(await signed_in(services, request), Question("list", "audit"))
        query = request.query_params
        items = await asyncio.to_thread(
            audit.latest_of_all,
            services.audit,
            limit=_number(query.get("limit"), "limit", default=100, least=1, most=MOST),
            before=_number(query.get("before"), "before", default=0, least=0, most=2**53),
            user=query.get("user", ""),
            cluster=query.get("cluster", ""),
            verb=query.get("verb", ""),
        )
        return JSONResponse({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items})

    async def verify(request: Request) -> Response:
        await services.authoriser.need(await signed_in(services, request), Question("list", "audit"))
        found = [await asyncio.to_thread(audit.verify, log) for log in audit.logs(services.audit)]
        broken = next((each.broken for each in found if each.broken is not None), None)
        return JSONResponse(
            {
                "whole": broken is None,
                "events": sum(each.events for each in found),
                "head": found[0].head,
                "broken": None if broken is None else {"file": broken.file, "line": broken.line, "why": broken.why},
            }
        )

    return [
        Route("/roost/v1/audit", listed, methods=["GET"]),
        Route("/roost/v1/audit/verify", verify, methods=["GET"]),
    ]


def _number(given: str | None, name: str, *, default: int, least: int, most: int) -> int:
    if given is None:
        return default
    if not given.isascii() or not given.isdecimal() or len(given) > 16 or not least <= int(given) <= most:
        raise Refusal(422, f"{name}: give a whole number from {least} to {most}", cause="BodyInvalid")
    return int(given)
