"""What one gateway tells the others, as two ConfigMaps of the system namespace: itself, and what it holds. Pure.

The first is written every few seconds and is small; the second only when it changes, for with thousands of clusters
it has a hundred kilobytes. Only public things stand in them. Whoever may write ConfigMaps of that namespace (the
gateways and the platform's administrators) decides who is a gateway. Called by members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from roost.api.names import GROUP, SYSTEM_NAMESPACE

LABEL: Final = f"{GROUP}/gateway-replica"
"""On both; its value is the replica."""
NAME: Final = re.compile(r"[a-z0-9]{4,32}")
Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One gateway."""

    replica: str
    at: str
    """host:port where it takes requests of other gateways."""
    authority: str
    """PEM of the CA that vouches for it, which lives as long as its process and has signed one certificate."""
    fingerprint: str
    """SHA-256 of that certificate."""
    doors: tuple[str, ...]
    """host:port where people and agents reach it."""
    renewed: float
    """When it was last written, by the writer's clock, seconds since 1970."""


@dataclass(frozen=True)
class Holding:
    """The clusters whose tunnels end at a gateway."""

    replica: str
    clusters: frozenset[str]


def name_of(record: Row | Holding) -> str:
    return f"gateway-{'replica' if isinstance(record, Row) else 'tunnels'}-{record.replica}"


def encode(record: Row | Holding) -> Json:
    if isinstance(record, Row):
        data = {
            "at": record.at,
            "authority": record.authority,
            "fingerprint": record.fingerprint,
            "doors": json.dumps(record.doors),
            "renewed": f"{record.renewed:.3f}",
        }
    else:
        data = {"clusters": json.dumps(sorted(record.clusters))}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name_of(record), "namespace": SYSTEM_NAMESPACE, "labels": {LABEL: record.replica}},
        "data": data,
    }


def decode(document: Mapping[str, Any]) -> Row | Holding | None:
    """None for a ConfigMap that is neither, or that somebody damaged."""
    try:
        metadata = cast("Json", document["metadata"])
        replica = str(metadata["labels"][LABEL])
        data = cast("dict[str, str]", document.get("data") or {})
        if not NAME.fullmatch(replica):
            return None
        found: Row | Holding
        if "clusters" in data:
            found = Holding(replica, frozenset(_texts(data["clusters"])))
        else:
            found = Row(
                replica,
                data["at"],
                data["authority"],
                data["fingerprint"],
                tuple(_texts(data["doors"])),
                float(data["renewed"]),
            )
        return found if metadata["name"] == name_of(found) else None
    except (KeyError, TypeError, ValueError):
        return None


def _texts(text: str) -> Iterable[str]:
    found: object = json.loads(text)
    if not isinstance(found, list):
        raise TypeError("no list")
    return [str(each) for each in cast("list[object]", found)]
