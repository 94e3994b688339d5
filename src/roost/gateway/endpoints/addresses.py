"""Addresses under which the gateway is reached: shown, and added while it runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, document, signed_in, texts


def routes(services: Services) -> list[Route]:
    async def listed(request: Request) -> Response:
        await signed_in(services, request)
        return JSONResponse({"addresses": list(services.addresses()), "added": list(services.serving.added)})

    async def change(request: Request) -> Response:
        await services.authoriser.need(await signed_in(services, request), Question("update", "addresses"))
        await services.serving.change(texts(await document(request), "added", default=()))
        return JSONResponse({"addresses": list(services.addresses()), "added": list(services.serving.added)})

    return [
        Route("/roost/v1/addresses", listed, methods=["GET"]),
        Route("/roost/v1/addresses", change, methods=["PUT"]),
    ]
