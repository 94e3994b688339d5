"""The Projects of whoever asks: Kubernetes can't list what somebody may only get by name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost.api.names import API_VERSION
from roost.gateway.endpoints.services import Services, signed_in


def routes(services: Services) -> list[Route]:
    async def mine(request: Request) -> Response:
        caller = await signed_in(services, request)
        items = [
            {**item, "apiVersion": API_VERSION, "kind": "Project"} for item in services.projects(caller.identity)
        ]
        return JSONResponse({"items": items}, headers={"Cache-Control": "no-store"})

    return [Route("/roost/v1/projects", mine, methods=["GET"])]
