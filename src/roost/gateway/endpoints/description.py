"""The gateway's own endpoints as OpenAPI 3.1, served to whoever writes a client, and what tests make requests from.

One line per operation; `tests/contract/gateway/test_description.py` compares it with the routes. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from roost import __version__
from roost.gateway.endpoints.services import Services, signed_in

PATH: Final = "/roost/v1/openapi.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    body: Json = field(default_factory=dict[str, Any])
    """Field to its schema; empty: no body."""
    needed: tuple[str, ...] = ()
    query: Json = field(default_factory=dict[str, Any])
    answer: int = 200
    open: bool = False
    """Without signing in."""
    kind: str = "application/json"


def _text(most: int = 256, **more: Any) -> Json:
    return {"type": "string", "maxLength": most, **more}


_NAME: Final = _text(63, pattern="^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$")
_FLAG: Final[Json] = {"type": "boolean"}
_TEXTS: Final[Json] = {"type": "array", "maxItems": 200, "items": _text(128)}
_PASSWORD: Final = _text(1024, format="password", writeOnly=True)
_USER: Final[Json] = {"displayName": _text(), "groups": _TEXTS, "password": _PASSWORD}
_REGISTRATION: Final[Json] = {
    "displayName": _text(512),
    "profile": {"enum": ["Observe", "Operate", "Admin"]},
    "approval": {"enum": ["Automatic", "Manual"]},
    "expectedUID": _text(512),
    "image": _text(512),
    "lifeSeconds": {"type": "number", "minimum": 60},
    "proxy": _text(512),
    "namespaces": _TEXTS,
    "exec": _FLAG,
    "secrets": _FLAG,
    "replicas": {"type": "integer", "minimum": 1, "maximum": 5},
    "urls": _TEXTS,
}
_PROVIDER: Final[Json] = {
    "name": _NAME,
    "issuer": _text(512, format="uri"),
    "clientID": _text(),
    "clientSecret": _PASSWORD,
    "displayName": _text(),
    "groupsClaim": _text(),
    "scopes": _TEXTS,
    "ca": _text(65536),
}
_AUDIT: Final[Json] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "before": {"type": "integer", "minimum": 0},
    "user": _text(),
    "cluster": _text(),
    "verb": _text(),
}
_YAML: Final = "application/yaml"
_V1: Final = "/roost/v1"
_CLUSTER: Final = f"{_V1}/clusters/{{namespace}}/{{name}}"

OPERATIONS: Final = (
    Operation("GET", f"{_V1}/info", "What the platform is", open=True),
    Operation("GET", PATH, "This description"),
    Operation(
        "POST",
        f"{_V1}/login",
        "Sign in with a password",
        {"username": _text(), "password": _PASSWORD},
        ("username", "password"),
        {"mode": {"enum": ["token"]}},
        open=True,
    ),
    Operation(
        "POST",
        f"{_V1}/refresh",
        "The next pair of tokens; a browser's cookie without mode",
        {"refreshToken": _PASSWORD},
        query={"mode": {"enum": ["token"]}},
        open=True,
    ),
    Operation("GET", f"{_V1}/session", "Who is signed in"),
    Operation("POST", f"{_V1}/logout", "End the session and what runs in it"),
    Operation(
        "POST",
        f"{_V1}/password",
        "Change one's own password",
        {"current": _PASSWORD, "new": _PASSWORD},
        ("current", "new"),
    ),
    Operation("GET", f"{_V1}/users", "Users"),
    Operation(
        "POST", f"{_V1}/users", "Make a user", {"name": _NAME, "service": _FLAG, **_USER}, ("name",), answer=201
    ),
    Operation("PUT", f"{_V1}/users/{{name}}", "Change a user", {**_USER, "disabled": _FLAG}),
    Operation("DELETE", f"{_V1}/users/{{name}}", "Remove a user, with sessions and tokens"),
    Operation("GET", f"{_V1}/tokens", "Service tokens"),
    Operation(
        "POST",
        f"{_V1}/tokens",
        "Make a service token; it is shown once",
        {"name": _NAME, "user": _text(63), "days": {"type": "integer"}},
        ("name",),
        answer=201,
    ),
    Operation("DELETE", f"{_V1}/tokens/{{id}}", "Revoke a token"),
    Operation("GET", f"{_V1}/providers", "Identity providers", open=True),
    Operation(
        "POST", f"{_V1}/providers", "Add an identity provider", _PROVIDER, ("name", "issuer", "clientID"), answer=201
    ),
    Operation("DELETE", f"{_V1}/providers/{{name}}", "Remove an identity provider; its sessions end"),
    Operation(
        "GET", f"{_V1}/oidc/{{name}}/start", "Sign in by a browser: to the provider", answer=302, open=True, kind=""
    ),
    Operation(
        "GET",
        f"{_V1}/oidc/{{name}}/callback",
        "Sign in by a browser: back from the provider",
        query={"state": _text(), "code": _text(4096), "error": _text()},
        answer=302,
        open=True,
        kind="",
    ),
    Operation(
        "POST", f"{_V1}/device", "Begin a sign-in by device code", {"provider": _text(63)}, ("provider",), open=True
    ),
    Operation(
        "POST",
        f"{_V1}/device/token",
        "Ask whether the device code was entered",
        {"deviceCode": _text(4096)},
        ("deviceCode",),
        open=True,
    ),
    Operation(
        "GET",
        f"{_CLUSTER}/kubeconfig",
        "A way into a cluster",
        query={"direct": {"enum": ["1", "true"]}},
        kind=_YAML,
    ),
    Operation("GET", f"{_V1}/kubeconfig", "A way to the platform's own API", kind=_YAML),
    Operation(
        "POST", f"{_CLUSTER}/registration", "Register a cluster: its agent's manifest", _REGISTRATION, kind=_YAML
    ),
    Operation(
        "POST",
        f"{_V1}/validate",
        "Judge documents as `roost validate` does",
        {"documents": {"type": "array", "maxItems": 2000, "items": {"type": "object"}}},
        ("documents",),
    ),
    Operation("GET", f"{_V1}/audit", "The newest audit events", query=_AUDIT),
    Operation("GET", f"{_V1}/audit/verify", "Whether the audit log is whole"),
    Operation("GET", f"{_V1}/addresses", "Where the gateway is reached"),
    Operation("GET", f"{_V1}/projects", "The Projects of whoever asks"),
    Operation("PUT", f"{_V1}/addresses", "Add addresses", {"added": _TEXTS}, ("added",)),
)


def routes(services: Services) -> list[Route]:
    async def described(request: Request) -> Response:
        await signed_in(services, request)
        return JSONResponse(document())

    return [Route(PATH, described, methods=["GET"])]


def document() -> Json:
    """The whole description."""
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "roost gateway", "version": __version__},
        "paths": paths,
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Status": {
                    "type": "object",
                    "description": "As the Kubernetes API refuses; details.causes names roost's own reason.",
                    "required": ["kind", "status", "code", "message", "reason"],
                    "properties": {
                        "kind": {"const": "Status"},
                        "status": {"const": "Failure"},
                        "code": {"type": "integer"},
                        "message": {"type": "string"},
                        "reason": {"type": "string"},
                    },
                }
            },
        },
    }


def _described(operation: Operation) -> Json:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    content = {operation.kind: {"schema": {"type": "string" if operation.kind == _YAML else "object"}}}
    answer: Json = {"description": "Done"} | ({"content": content} if operation.kind else {})
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
    found: Json = {
        "operationId": f"{operation.method.lower()}{operation.path.removeprefix(_V1).title()}".translate(_PLAIN),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.answer): answer,
            "4XX": {"description": "Refused", "content": refusal},
            "503": {"description": "Not now", "content": refusal},
        },
    }
    if operation.path == f"{_V1}/device/token":
        found["responses"]["202"] = answer
    if operation.body:
        schema = {"type": "object", "properties": operation.body, "required": list(operation.needed)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.open:
        found["security"] = []
    return found


_PLAIN: Final = str.maketrans("", "", "/{}.-")
