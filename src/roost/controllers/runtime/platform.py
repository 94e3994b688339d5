"""The `Api` of the platform itself, over roost.kube. Made by `run`, and by contract tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Final

from roost.controllers.runtime.api import ApiProblem, Object, Ref
from roost.controllers.runtime.log import logger
from roost.kube.client import APPLY, MERGE, Client
from roost.kube.errors import explain
from roost.kube.resources import ResourceType
from roost.kube.watch import EventType, list_and_watch

_CODES: Final[Mapping[str, int]] = {
    "RequestInvalid": 400,
    "NotSignedIn": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "Conflict": 409,
    "ResourceVersionTooOld": 410,
    "Invalid": 422,
    "TooManyRequests": 429,
    "ApiAnswersWithError": 500,
}


class PlatformApi:
    """Counts its requests, so that tests can hold «no request at rest»."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._log = logger(server=client.server)
        self.requests = 0
        self.answers: Counter[tuple[str, str]] = Counter()
        """By method and status code, for the metrics."""

    async def get(self, ref: Ref) -> Object:
        return await self._call("GET", _path(ref))

    async def create(self, resource: ResourceType, body: Object) -> Object:
        namespace = body["metadata"].get("namespace")
        return await self._call("POST", resource.path(namespace=namespace), body=body)

    async def apply(self, ref: Ref, body: Object, *, manager: str, subresource: str | None = None) -> Object:
        query: dict[str, str | bool] = {"fieldManager": manager, "force": True}
        return await self._call("PATCH", _path(ref, subresource), body=body, content_type=APPLY, query=query)

    async def merge(self, ref: Ref, patch: Object) -> Object:
        return await self._call("PATCH", _path(ref), body=patch, content_type=MERGE)

    async def delete(self, ref: Ref) -> None:
        await self._call("DELETE", _path(ref))

    def watch(self, resource: ResourceType) -> AsyncIterator[tuple[EventType, Object]]:
        return list_and_watch(
            self._client,
            resource,
            on_problem=lambda problem: self._log.warning(
                "watch interrupted", resource=resource.plural, cause=problem.message
            ),
        )

    async def version(self) -> str:
        """The API server's version, without v."""
        answer = await self._call("GET", "/version")
        return str(answer.get("gitVersion", "")).removeprefix("v")

    async def readyz(self) -> str:
        """The verbose report of the API server's own checks, each line `[+]name ok` or `[-]name failed`."""
        self.requests += 1
        try:
            return await self._client.text("/readyz", query={"verbose": "true"})
        except Exception as error:
            raise _problem(error, self._client.server, "GET /readyz") from error

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        content_type: str = "application/json",
        query: Mapping[str, str | int | bool] | None = None,
    ) -> Object:
        self.requests += 1
        try:
            answer = await self._client.call(method, path, body=body, content_type=content_type, query=query)
        except Exception as error:
            problem = _problem(error, self._client.server, f"{method} {path}")
            self.answers[method, str(problem.code) if problem.code else "<error>"] += 1
            raise problem from error
        self.answers[method, "201" if method == "POST" else "200"] += 1
        return answer


def _problem(error: Exception, server: str, doing: str) -> ApiProblem:
    explained = explain(error, server=server, doing=doing)
    return ApiProblem(_CODES.get(explained.reason, 0), explained.message)


def _path(ref: Ref, subresource: str | None = None) -> str:
    return ref.resource.path(namespace=ref.namespace or None, name=ref.name, subresource=subresource)
