"""What the platform is, for everybody who can connect; and whether the gateway is well."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost import __version__
from roost.gateway.endpoints.services import Services


def routes(services: Services) -> list[Route]:
    async def info(_request: Request) -> Response:
        return JSONResponse(
            {
                "version": __version__,
                "form": "embedded",
                "addresses": [f"https://{address}" for address in services.addresses()],
                "ca": services.ca(),
                "languages": ["en", "zh"],
            }
        )

    return [
        Route("/roost/v1/info", info, methods=["GET"]),
    ]
