"""What the platform is, for everybody who can connect; and whether the gateway is well."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost import __version__
from roost.gateway.endpoints.services import Services
from roost.gateway.records import Provider


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

    async def providers(_request: Request) -> Response:
        found = [
            {"name": provider.name, "displayName": provider.display_name or provider.name, "issuer": provider.issuer}
            for provider in services.store.all(Provider)
        ]
        return JSONResponse({"password": True, "providers": found})

    return [
        Route("/roost/v1/info", info, methods=["GET"]),
        Route("/roost/v1/providers", providers, methods=["GET"]),
    ]
