"""`POST /roost/v1/clusters/NAMESPACE/NAME/registration`: makes a registration and gives the manifest of its agent.

The Cluster is read and made with the caller's own rights; a token needs the right to administer the cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from roost.api.errors import RoostError
from roost.api.exchange import Identity, RequestHead
from roost.api.masked import Masked
from roost.api.names import SYSTEM_NAMESPACE
from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, cluster_of, document, seen, signed_in
from roost.gateway.refusal import Refusal
from roost.kube.lean import ApiAnswer, ask, ask_as
from roost.providers.registered import creating, records
from roost.providers.registered.creating import Registration
from roost.providers.registered.manifest import Profile

_FIELDS: Final = frozenset(
    {
        "displayName",
        "profile",
        "approval",
        "expectedUID",
        "image",
        "lifeSeconds",
        "proxy",
        "namespaces",
        "exec",
        "secrets",
        "replicas",
        "urls",
    }
)
_NO_STORE: Final = {"Cache-Control": "no-store"}


def routes(services: Services) -> list[Route]:
    async def registration(request: Request) -> Response:
        caller = await signed_in(services, request)
        namespace, name = cluster_of(request)
        question = Question("administer", "clusters", "proxy", namespace, name)
        await services.authoriser.need(caller, question)
        found = await document(request)
        urls = tuple(f"https://{address}" for address in services.addresses() if not address.startswith("127."))
        asked = _asked(found, namespace, name, creator=caller.identity.user, urls=urls, ca_pem=services.ca())
        platform = _Platform(services, caller.identity, seen(request).audit_id)
        try:
            text, _ = await creating.create(platform, asked, sleep=asyncio.sleep)
        except (Refusal, ApiAnswer):
            raise
        except RoostError as error:
            raise Refusal(409, error.message, cause=error.reason) from error
        return PlainTextResponse(text, media_type="application/yaml", headers=_NO_STORE)

    return [Route("/roost/v1/clusters/{namespace}/{name}/registration", registration, methods=["POST"])]


class _Platform:
    """creating.Platform: the caller's rights for Clusters, the gateway's for its own records."""

    def __init__(self, services: Services, identity: Identity, audit_id: str) -> None:
        self._services = services
        self._identity = identity
        self._audit_id = audit_id

    async def get(self, path: str) -> dict[str, Any]:
        head = RequestHead("GET", path, ((b"Accept", b"application/json"),), self._identity, self._audit_id)
        return await ask(self._services.platform, head)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path.startswith(f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/"):
            return await self._services.platform_api.call("POST", path, body)
        return await ask_as(self._services.platform, self._identity, path, body, audit_id=self._audit_id)


def _asked(
    found: Mapping[str, Any], namespace: str, name: str, *, creator: str, urls: tuple[str, ...], ca_pem: str
) -> Registration:
    unknown = sorted(set(found) - _FIELDS)
    if unknown:
        raise Refusal(422, f"{unknown[0][:64]}: there is no such field", cause="BodyInvalid")
    profile = _text(found, "profile", "") or None
    if profile not in {None, "Observe", "Operate", "Admin"}:
        raise Refusal(422, "profile: give Observe, Operate or Admin", cause="BodyInvalid")
    life = found.get("lifeSeconds", records.LIFE)
    if isinstance(life, bool) or not isinstance(life, int | float) or not 60 <= life <= records.LONGEST_LIFE:
        raise Refusal(422, f"lifeSeconds: give 60 to {records.LONGEST_LIFE:g}", cause="BodyInvalid")
    replicas = found.get("replicas", 2)
    if isinstance(replicas, bool) or not isinstance(replicas, int) or not 1 <= replicas <= 5:
        raise Refusal(422, "replicas: give 1 to 5", cause="BodyInvalid")
    proxy = _text(found, "proxy", "")
    return Registration(
        namespace=namespace,
        name=name,
        urls=_texts(found, "urls") or urls,
        ca_pem=ca_pem,
        creator=creator,
        display_name=_text(found, "displayName", ""),
        profile=cast("Profile | None", profile),
        manual=_text(found, "approval", "Automatic") == "Manual",
        expected_uid=_text(found, "expectedUID", ""),
        image=_text(found, "image", ""),
        life=float(life),
        proxy=Masked(proxy) if proxy else None,
        namespaces=_texts(found, "namespaces"),
        exec=found.get("exec", True) is True,
        secrets=found.get("secrets", True) is True,
        replicas=replicas,
    )


def _text(found: Mapping[str, Any], key: str, default: str) -> str:
    value = found.get(key, default)
    if not isinstance(value, str) or len(value) > 512 or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise Refusal(422, f"{key}: give text", cause="BodyInvalid")
    return value


def _texts(found: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value: object = found.get(key)
    if value is None:
        return ()
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if len(items) > 64 or not all(isinstance(item, str) and 0 < len(item) <= 253 for item in items):
        raise Refusal(422, f"{key}: give a list of texts", cause="BodyInvalid")
    return tuple(cast("list[str]", items))
