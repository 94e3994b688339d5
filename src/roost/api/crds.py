"""The CustomResourceDefinitions of every kind in registry.KINDS.

`roost up` applies them; tools/gen.py writes them to deploy/crds/.
"""

from __future__ import annotations

from typing import Any, Final

from roost.api.names import GROUP, VERSION
from roost.api.registry import KINDS, Column, Kind
from roost.api.schema import structural

CATEGORY: Final = "roost"
"""`kubectl get roost` lists all of roost's kinds."""


def crd_manifests() -> list[dict[str, Any]]:
    """One CustomResourceDefinition per kind, in the order of the registry."""
    return [crd(kind) for kind in KINDS]


def crd(kind: Kind) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": structural(kind.model)},
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
    }
    if kind.has_status:
        version["subresources"] = {"status": {}}
    names: dict[str, Any] = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "categories": [CATEGORY],
    }
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": kind.scope, "versions": [version]},
    }


def _column(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    if column.priority:
        entry["priority"] = column.priority
    return entry
