"""Kubeconfigs of clusters, and documents judged as `roost validate` judges them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, Final, cast

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from roost.api.exchange import RequestHead
from roost.api.names import GROUP, KUBECONFIG_KEY, VERSION, kubeconfig_secret
from roost.gateway.authenticate import Caller
from roost.gateway.authorise import Question
from roost.gateway.endpoints.services import Services, cluster_of, document, seen, signed_in
from roost.gateway.refusal import Refusal
from roost.kube.lean import ApiAnswer, ask

MOST_DOCUMENTS: Final = 2000


def routes(services: Services) -> list[Route]:
    async def kubeconfig(request: Request) -> Response:
        caller = await signed_in(services, request)
        namespace, name = cluster_of(request)
        known = await services.clusters.find(namespace, name)
        if request.query_params.get("direct") in {"1", "true"}:
            await services.authoriser.need(
                caller, Question("administer", "clusters", "proxy", known.namespace, known.name)
            )
            if known.registered:
                raise Refusal(
                    409,
                    "a registered cluster is reached through its agent alone; leave out --direct",
                    cause="NoDirectWay",
                )
            text = await _stored(services, known.namespace, known.name)
        else:
            await services.authoriser.role_in(caller, known.namespace, known.name)
            server = f"https://{request.headers['host']}"
            text = through(server, services.ca(), namespace=known.namespace, name=known.name)
        return PlainTextResponse(text, media_type="application/yaml", headers={"Cache-Control": "no-store"})

    async def platform(request: Request) -> Response:
        await signed_in(services, request)
        text = through(f"https://{request.headers['host']}", services.ca())
        return PlainTextResponse(text, media_type="application/yaml", headers={"Cache-Control": "no-store"})

    async def validate(request: Request) -> Response:
        caller = await signed_in(services, request)
        found = await document(request)
        documents = found.get("documents")
        if not isinstance(documents, list) or len(cast("list[Any]", documents)) > MOST_DOCUMENTS:
            raise Refusal(422, f"documents: give a list of at most {MOST_DOCUMENTS}", cause="BodyInvalid")
        listed = cast("list[object]", documents)
        existing, whole = await _existing(services, caller, seen(request).audit_id)
        return JSONResponse(await asyncio.to_thread(judged, listed, existing, whole=whole))

    return [
        Route("/roost/v1/clusters/{namespace}/{name}/kubeconfig", kubeconfig, methods=["GET"]),
        Route("/roost/v1/kubeconfig", platform, methods=["GET"]),
        Route("/roost/v1/validate", validate, methods=["POST"]),
    ]


def through(server: str, ca_pem: str, *, namespace: str = "", name: str = "") -> str:
    """A kubeconfig that leads through the gateway; it holds no secret, `roost` itself signs in. Without a name it
    is the platform's own."""
    where: dict[str, Any] = {"server": f"{server}/clusters/{namespace}/{name}" if name else server}
    if ca_pem:
        where["certificate-authority-data"] = base64.b64encode(ca_pem.encode()).decode()
    sign_in = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "roost",
        "args": ["credential", "--server", server],
        "interactiveMode": "IfAvailable",
        "installHint": "roost is not installed here; `pip install roost`, then `roost login` once",
    }
    title = f"{namespace}/{name}" if name else "roost"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": title, "cluster": where}],
            "users": [{"name": "roost", "user": {"exec": sign_in}}],
            "contexts": [{"name": title, "context": {"cluster": title, "user": "roost", "namespace": "default"}}],
            "current-context": title,
        },
        sort_keys=False,
    )


def judged(documents: list[object], existing: list[Mapping[str, Any]], *, whole: bool) -> dict[str, Any]:
    """As `roost validate -o json` tells it, with the messages in both languages. Imports the models: in a thread.

    `whole`: `existing` is everything, so that a gate, a credential or a Project that is not there does not exist.
    """
    from roost.api.validation.documents import validate_documents
    from roost.api.validation.findings import FieldError

    def findings(items: list[FieldError]) -> list[dict[str, Any]]:
        return [
            {
                "field": item.path,
                "reason": item.reason,
                "message": item.message,
                "messages": {"en": item.message, "zh": item.text("zh")},
            }
            for item in items
        ]

    releases = [
        str(item["metadata"]["name"]).removeprefix("v")
        for item in existing
        if item.get("kind") == "KubernetesRelease"
    ]
    verdicts = validate_documents(documents, releases=releases or None, existing=existing, platform=whole)
    wrong = sum(len(one.verdict.errors) for one in verdicts)
    return {
        "valid": wrong == 0,
        "documents": [
            {
                "kind": one.kind,
                "namespace": one.namespace,
                "name": one.name,
                "errors": findings(one.verdict.errors),
                "warnings": findings(one.verdict.notices),
            }
            for one in verdicts
        ],
    }


async def _stored(services: Services, namespace: str, name: str) -> str:
    try:
        secret = await services.platform_api.call(
            "GET", f"/api/v1/namespaces/{namespace}/secrets/{kubeconfig_secret(name)}"
        )
        return base64.b64decode(secret["data"][KUBECONFIG_KEY]).decode()
    except (ApiAnswer, KeyError, ValueError) as error:
        raise Refusal(
            404,
            f"the cluster {namespace}/{name} has no kubeconfig yet; `roost progress {name} -n {namespace}` shows "
            "what it waits for",
            cause="KubeconfigMissing",
        ) from error


async def _existing(services: Services, caller: Caller, audit_id: str) -> tuple[list[Mapping[str, Any]], bool]:
    """What the caller may see of what is there already: new documents are compared with it.

    And whether that is all of it, so that a gate, a credential or a Project that is not there does not exist.
    """
    whole = True
    found: list[Mapping[str, Any]] = []
    for plural, kind in (
        ("clusters", "Cluster"),
        ("machines", "Machine"),
        ("kubernetesreleases", "KubernetesRelease"),
        ("featuregates", "FeatureGate"),
        ("cloudcredentials", "CloudCredential"),
        ("projects", "Project"),
    ):
        head = RequestHead(
            "GET", f"/apis/{GROUP}/{VERSION}/{plural}", ((b"Accept", b"application/json"),), caller.identity, audit_id
        )
        try:
            listed = await ask(services.platform, head)
        except ApiAnswer:
            whole = False
            continue
        for item in cast("list[dict[str, Any]]", listed.get("items") or []):
            found.append({"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, **item})
    return found, whole
