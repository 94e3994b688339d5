"""AdmissionReview in, AdmissionReview out. Called by server.py for each request; knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from roost.admission.secrets import Access, Author, linked, look, references
from roost.admission.view import Seen, View, spec_of
from roost.api.names import GROUP
from roost.api.validation.findings import FieldError, Verdict
from roost.api.validation.judge import validate, validate_deletion
from roost.api.validation.smallkinds import check_owner
from roost.api.validation.world import Json

LONGEST_WARNING: Final = 256
"""What the API server asks for; it cuts all warnings together at 4096."""


class NotAReview(ValueError):
    """The body is no AdmissionReview of admission.k8s.io/v1."""


async def review(body: object, view: View, access: Access) -> dict[str, Any]:
    """The answer to one request. Raises NotAReview, and what `access` raises."""
    request = _request(body)
    verdict = await judge(request, view, access)
    if verdict.allowed and not request.get("dryRun") and request.get("operation") in {"CREATE", "UPDATE"}:
        view.admit(_kind(request), _object(request, "object"))
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": response(request, verdict),
    }


async def judge(request: Json, view: View, access: Access) -> Verdict:
    """The verdict on one request."""
    kind = _kind(request)
    if request.get("operation") == "DELETE":
        return validate_deletion(kind, _object(request, "oldObject"))
    new = _object(request, "object")
    old = _object(request, "oldObject") if request.get("operation") == "UPDATE" else None
    namespace = str(request.get("namespace") or "default")
    if "deletionTimestamp" in cast("Json", new.get("metadata") or {}):
        return validate(kind, new, old, Seen(view, {}))
    author = _author(request)
    secrets, refused = await look(access, author, namespace, references(kind, new, old))
    if kind == "Cluster":
        refused += await linked(access, author, namespace, new, old)
    if kind == "MachineDraft" and (old is None or new.get("spec") != old.get("spec")):
        refused += check_owner(spec_of(new).get("owner"), author.name)
    verdict = validate(kind, new, old, Seen(view, secrets))
    hidden = {finding.path for finding in refused}
    seen = Verdict(
        [finding for finding in verdict.errors if finding.path not in hidden],
        [finding for finding in verdict.notices if finding.path not in hidden],
    )
    return Verdict(refused) + seen


def response(request: Json, verdict: Verdict) -> dict[str, Any]:
    """The verdict in the form that the API server passes on to its client."""
    answer: dict[str, Any] = {"uid": request["uid"], "allowed": verdict.allowed}
    if verdict.notices:
        answer["warnings"] = [shortened(warning) for warning in verdict.warnings]
    if verdict.errors:
        answer["status"] = status(_kind(request), str(request.get("name") or ""), verdict.errors)
    return answer


def status(kind: str, name: str, errors: list[FieldError]) -> dict[str, Any]:
    """As the API server itself answers an invalid object, so that kubectl lists the causes."""
    forbidden = all(not found.path for found in errors)
    words = "; ".join(str(found) for found in errors)
    return {
        "status": "Failure",
        "code": 403 if forbidden else 422,
        "reason": "Forbidden" if forbidden else "Invalid",
        "message": f"{kind}.{GROUP} {name!r} is {'forbidden' if forbidden else 'invalid'}: {words}",
        "details": {
            "group": GROUP,
            "kind": kind,
            "name": name,
            "causes": [
                {"reason": found.reason, "message": found.message, "field": found.path or "metadata"}
                for found in errors
            ],
        },
    }


def shortened(warning: str) -> str:
    return warning if len(warning) <= LONGEST_WARNING else f"{warning[: LONGEST_WARNING - 1]}…"


def _request(body: object) -> Json:
    if isinstance(body, Mapping):
        document = cast("Json", body)
        request = document.get("request")
        if document.get("apiVersion") == "admission.k8s.io/v1" and isinstance(request, Mapping):
            checked = cast("Json", request)
            if checked.get("uid") and _kind(checked):
                return checked
    raise NotAReview("this is no AdmissionReview of admission.k8s.io/v1 with a request")


def _kind(request: Json) -> str:
    return str(cast("Json", request.get("kind") or {}).get("kind") or "")


def _object(request: Json, name: str) -> Json:
    value = request.get(name)
    return cast("Json", value) if isinstance(value, Mapping) else {}


def _author(request: Json) -> Author:
    user = cast("Json", request.get("userInfo") or {})
    return Author(
        str(user.get("username") or ""),
        str(user.get("uid") or ""),
        tuple(str(group) for group in cast("list[object]", user.get("groups") or [])),
        cast("Mapping[str, list[str]]", user.get("extra") or {}),
    )
