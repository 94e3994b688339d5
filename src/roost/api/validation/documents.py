"""A set of documents judged together, as if they were applied in order: `roost validate -f`, the console's
form, and, with everything that exists, the controllers' last word before any SSH.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from roost.api.documents import Document, Unreadable, split
from roost.api.names import API_VERSION, GROUP
from roost.api.registry import KINDS
from roost.api.validation.findings import Verdict, error
from roost.api.validation.judge import RULES, validate
from roost.api.validation.shape import like
from roost.api.validation.world import MemoryWorld, key_of

Json = Mapping[str, Any]

_KINDS: Final = tuple(kind.name for kind in KINDS)


@dataclass(frozen=True)
class Judged:
    """The verdict on one document of a set."""

    index: int
    kind: str
    namespace: str
    name: str
    verdict: Verdict

    @property
    def title(self) -> str:
        """Such as Machine default/node1."""
        return f"{self.kind or 'document'} {self.namespace}/{self.name}" if self.name else self.kind or "document"


def validate_documents(
    documents: Sequence[object],
    *,
    releases: Collection[str] | None = None,
    existing: Iterable[Json] = (),
    secrets_complete: bool = False,
    platform: bool = False,
) -> list[Judged]:
    """One verdict per document, in their order.

    `existing`: objects that are there already and are not judged. `secrets_complete`: a Secret that is
    neither here nor there does not exist (the controllers know; a file does not). `platform`: nor does a
    FeatureGate, a CloudCredential or a Project.
    """
    objects = [cast("Json", document) for document in documents if isinstance(document, Mapping)]
    world = MemoryWorld.of(
        existing, releases=releases, complete=True, secrets_complete=secrets_complete, platform=platform
    )
    for item in objects:
        if item.get("kind") != "Machine":
            world.put(item)
    # A Machine is compared with those before it, so that of two equal ones the second is told; Clusters
    # are judged last, with all Machines.
    judged: dict[int, Judged] = {}
    seen: set[tuple[str, str, str]] = set()
    for index, document in enumerate(documents):
        if not _is(document, "Cluster"):
            judged[index] = _judge(index, document, world, seen)
            if _is(document, "Machine"):
                world.put(cast("Json", document))
    for index, document in enumerate(documents):
        if _is(document, "Cluster"):
            judged[index] = _judge(index, document, world, seen)
    return [judged[index] for index in range(len(documents))]


@dataclass(frozen=True)
class Placed:
    """The verdict on one document of a file, and where it begins."""

    file: str
    line: int
    judged: Judged


def validate_texts(
    texts: Mapping[str, str], *, releases: Collection[str] | None = None, existing: Iterable[Json] = ()
) -> list[Placed]:
    """All documents of all files (name to text) judged together; a file that is no YAML has one verdict."""
    placed: list[tuple[str, Document]] = []
    unreadable: list[Placed] = []
    for file, text in texts.items():
        try:
            placed += [(file, document) for document in split(text)]
        except Unreadable as broken:
            verdict = Verdict([error("document.yaml", "", line=broken.line, problem=broken.problem)])
            unreadable.append(Placed(file, broken.line, Judged(-1, "", "", "", verdict)))
    judged = validate_documents([document.body for _, document in placed], releases=releases, existing=existing)
    return [
        *unreadable,
        *(Placed(file, document.line, one) for (file, document), one in zip(placed, judged, strict=True)),
    ]


def judge_cluster(
    cluster: Json,
    machines: Iterable[Json],
    secrets: Iterable[Json],
    *,
    releases: Collection[str],
    others: Iterable[Json] = (),
) -> list[Judged]:
    """The whole set of a Cluster, with nothing still to come: what the condition `Validated` stands for.

    `others`: what else the rules ask for: Machines of everybody else that share an address, FeatureGates,
    Projects, a linked Cluster, the Cluster `global`. What roost itself wrote into the objects is no finding.
    """
    mine = [_as_written(document) for document in (cluster, *machines)]
    existing = [*others, *secrets]
    return validate_documents(mine, releases=releases, existing=existing, secrets_complete=True, platform=True)


def _as_written(document: Json) -> Json:
    """Without roost's annotations, which a person may not write."""
    metadata = dict(cast("Json", document.get("metadata") or {}))
    annotations = cast("Json", metadata.get("annotations") or {})
    metadata["annotations"] = {key: value for key, value in annotations.items() if not key.startswith(f"{GROUP}/")}
    return {**document, "metadata": metadata}


def _is(document: object, kind: str) -> bool:
    return isinstance(document, Mapping) and cast("Json", document).get("kind") == kind


def _judge(index: int, document: object, world: MemoryWorld, seen: set[tuple[str, str, str]]) -> Judged:
    if not isinstance(document, Mapping):
        return Judged(index, "", "", "", Verdict([error("document.mapping", "")]))
    item = cast("Json", document)
    kind = str(item.get("kind") or "")
    version = str(item.get("apiVersion") or "")
    if not isinstance(item.get("metadata"), Mapping):
        item = cast("Json", {**item, "metadata": {}})
    namespace, name = key_of(item)
    blank = Judged(index, kind, namespace, name, Verdict())
    header = _header(kind, version)
    if header.errors or kind not in RULES or version != API_VERSION:
        return replace(blank, verdict=header)
    verdict = validate(kind, item, None, world)
    if (kind, namespace, name) in seen:
        verdict += Verdict([error("document.twice", "metadata.name", "FieldValueDuplicate", kind=kind, name=name)])
    seen.add((kind, namespace, name))
    return replace(blank, verdict=verdict)


def _header(kind: str, version: str) -> Verdict:
    """apiVersion and kind; objects of other groups are said to be unchecked (Secrets are looked at)."""
    group = version.partition("/")[0] if "/" in version else ""
    if not version:
        return Verdict([error("shape.required", "apiVersion", "FieldValueRequired")])
    if not kind:
        return Verdict([error("shape.required", "kind", "FieldValueRequired")])
    if group != GROUP and kind not in _KINDS:
        if kind in {"Secret", "Namespace"} and version == "v1":
            return Verdict()
        if group and like(group, [GROUP]):
            return Verdict([error("document.version", "apiVersion", given=version, right=API_VERSION)])
        return Verdict(notices=[error("document.foreign", "", given=f"{version} {kind}")])
    if version != API_VERSION:
        return Verdict(
            [error("document.version", "apiVersion", "FieldValueNotSupported", given=version, right=API_VERSION)]
        )
    if kind not in _KINDS:
        guess = like(kind, _KINDS)
        if guess:
            return Verdict(
                [error("document.kind.like", "kind", "FieldValueNotSupported", given=kind, group=GROUP, like=guess)]
            )
        allowed = ", ".join(_KINDS)
        return Verdict(
            [error("document.kind", "kind", "FieldValueNotSupported", given=kind, group=GROUP, allowed=allowed)]
        )
    return Verdict()
