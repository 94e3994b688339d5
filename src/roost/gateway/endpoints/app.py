"""Puts the endpoints together as one ASGI application; every error leaves it as a Kubernetes Status."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from roost.api.exchange import UpstreamUnavailable
from roost.gateway.endpoints import (
    addresses,
    audit,
    clusters,
    description,
    info,
    oidc,
    projects,
    session,
    tokens,
    users,
)
from roost.gateway.endpoints.services import Services, seen
from roost.gateway.refusal import Refusal
from roost.gateway.registration import endpoint as registration
from roost.kube.lean import ApiAnswer

_LOG = logging.getLogger("roost.gateway")


def build(services: Services) -> Starlette:
    routes = [
        *session.routes(services),
        *info.routes(services),
        *oidc.routes(services),
        *users.routes(services),
        *tokens.routes(services),
        *clusters.routes(services),
        *projects.routes(services),
        *audit.routes(services),
        *addresses.routes(services),
        *registration.routes(services),
        *description.routes(services),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            Refusal: _refused,
            HTTPException: _unknown,
            ApiAnswer: _answered,
            UpstreamUnavailable: _unavailable,
            TimeoutError: _late,
        },
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    known = seen(request)
    known.message = known.message or error.message
    headers = {name.decode(): value.decode() for name, value in error.headers if name != b"Content-Type"}
    return JSONResponse(error.document(), status_code=error.code, headers=headers)


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = await _refused(request, Refusal(error.status_code, error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _answered(request: Request, error: Exception) -> Response:
    """What the platform's API said no to, in its words."""
    assert isinstance(error, ApiAnswer)
    return await _refused(request, Refusal(error.code if 400 <= error.code < 600 else 502, error.message))


async def _unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UpstreamUnavailable)
    return await _refused(request, Refusal(503, error.message, cause=error.reason, retry_after=error.retry_after))


async def _late(request: Request, _error: Exception) -> Response:
    return await _refused(request, Refusal(503, "the platform's API does not answer in time", retry_after=5))
