"""What a cluster tells of itself through its API: version, health, nodes, capacity, usage, ends of certificates.

The same for every kind of cluster: whoever has a client for one (imported, registered through the tunnel, made by
roost) gets the same facts. Reads only, with bounded answers. Called by the controllers and by providers/imported.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import httpx2
from lightkube.core.exceptions import ApiError

from roost.kube import certificates
from roost.kube.client import Client, Json

SUPPORTED: Final = ((1, 28), (1, 31))
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")
_SUFFIXES: Final[Mapping[str, Decimal]] = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(10**3),
    "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "Ki": Decimal(2**10),
    "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
}  # fmt: skip
_QUANTITY: Final = re.compile(r"([0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]{0,2})")
PODS_READ: Final = 5000
"""Above this many Pods requests are not added up; the number of Pods is told all the same."""


@dataclass(frozen=True)
class Amounts:
    """cpu in processors, memory in bytes."""

    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    pods: int = 0

    def status(self) -> Json:
        """As a Cluster's status has it."""
        return {"cpu": cpu_text(self.cpu), "memory": f"{int(self.memory) // 2**20}Mi", "pods": self.pods}


@dataclass(frozen=True)
class Facts:
    """One look. What could not be read is None or empty, and named in `unread`."""

    version: str = ""
    uid: str = ""
    failing: tuple[str, ...] = ()
    """Checks of /readyz that fail."""
    nodes_ready: int = 0
    nodes_total: int = 0
    kubelets: tuple[str, ...] = ()
    capacity: Amounts | None = None
    usage: Amounts | None = None
    measured: bool = False
    """Whether usage was measured (metrics API); else it is what Pods request."""
    certificates: tuple[tuple[str, datetime], ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return bool(self.version) and not self.failing

    def status(self) -> Json:
        """The fields of a Cluster's status that these facts are for."""
        ends = [{"name": name, "expires": f"{at:%Y-%m-%dT%H:%M:%SZ}"} for name, at in self.certificates]
        return {
            "version": self.version or None,
            "uid": self.uid or None,
            "nodes": None if "nodes" in self.unread else {"ready": self.nodes_ready, "total": self.nodes_total},
            "capacity": self.capacity.status() if self.capacity else None,
            "usage": self.usage.status() if self.usage else None,
            "certificates": ends or None,
        }


def minor(version: str) -> tuple[int, int] | None:
    """(1, 31) of v1.31.4, 1.31+, v1.30.2-eks-1234 and v1.29.1+rke2r1; None for what is no version."""
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2])) if found else None


def is_supported(version: str) -> bool:
    known = minor(version)
    return known is not None and SUPPORTED[0] <= known <= SUPPORTED[1]


def supported_range() -> str:
    return " to ".join(f"{major}.{number}" for major, number in SUPPORTED)


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity as a number; 0 for what is none."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None or found[2] not in _SUFFIXES:
        return Decimal(0)
    try:
        return Decimal(found[1]) * _SUFFIXES[found[2]]
    except InvalidOperation:
        return Decimal(0)


def cpu_text(value: Decimal) -> str:
    """12 or 1500m."""
    milli = int(value * 1000)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


async def facts(client: Client) -> Facts:
    """One look at a cluster. Raises what the client raises when not even the version can be read."""
    answer = await client.call("GET", "/version")
    asked = {
        "kube-system": _uid(client),
        "readyz": _failing(client),
        "nodes": client.call("GET", "/api/v1/nodes"),
        "usage": _measured(client),
        "pods": _pods(client),
        "certificates": _certificates(client),
    }
    results = await asyncio.gather(*asked.values(), return_exceptions=True)
    found: dict[str, Any] = {}
    unread: list[str] = []
    for name, result in zip(asked, results, strict=True):
        if isinstance(result, ApiError | httpx2.HTTPError | OSError):
            unread.append(name)
        elif isinstance(result, BaseException):
            raise result
        else:
            found[name] = result
    nodes = cast("list[Json]", cast("Json", found.get("nodes") or {}).get("items") or [])
    count, requested = cast("tuple[int, Amounts | None]", found.get("pods") or (0, None))
    measured = cast("Amounts | None", found.get("usage"))
    usage = measured or requested
    return Facts(
        version=str(answer.get("gitVersion") or "").removeprefix("v"),
        uid=str(found.get("kube-system") or ""),
        failing=tuple(cast("list[str]", found.get("readyz") or [])),
        nodes_ready=sum(node_ready(node) for node in nodes),
        nodes_total=len(nodes),
        kubelets=tuple(
            sorted({str(_path(node, "status", "nodeInfo").get("kubeletVersion") or "") for node in nodes})
        ),
        capacity=allocatable(nodes) if "nodes" in found else None,
        usage=Amounts(usage.cpu, usage.memory, count) if usage else None,
        measured=measured is not None,
        certificates=tuple(cast("list[tuple[str, datetime]]", found.get("certificates") or [])),
        unread=tuple(unread),
    )


def node_ready(node: Json) -> bool:
    conditions = cast("list[Json]", _path(node, "status").get("conditions") or [])
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def allocatable(nodes: list[Json]) -> Amounts:
    """What Pods can use on all nodes together."""
    parts = [_path(node, "status", "allocatable") for node in nodes]
    return Amounts(
        sum((quantity(str(part.get("cpu") or "0")) for part in parts), Decimal(0)),
        sum((quantity(str(part.get("memory") or "0")) for part in parts), Decimal(0)),
        sum(int(quantity(str(part.get("pods") or "0"))) for part in parts),
    )


def requested(pods: list[Json]) -> Amounts:
    """What Pods that have not ended ask for; an init container counts where it asks for more than the others."""
    cpu = memory = Decimal(0)
    count = 0
    for pod in pods:
        if _path(pod, "status").get("phase") in ("Succeeded", "Failed"):
            continue
        count += 1
        spec = _path(pod, "spec")
        for resource in ("cpu", "memory"):
            running = sum((_asks(c, resource) for c in cast("list[Json]", spec.get("containers") or [])), Decimal(0))
            first = max((_asks(c, resource) for c in cast("list[Json]", spec.get("initContainers") or [])), default=0)
            if resource == "cpu":
                cpu += max(running, first)
            else:
                memory += max(running, first)
    return Amounts(cpu, memory, count)


def _asks(container: Json, resource: str) -> Decimal:
    return quantity(str(_path(container, "resources", "requests").get(resource) or "0"))


async def _uid(client: Client) -> str:
    namespace = await client.call("GET", "/api/v1/namespaces/kube-system")
    return str(cast("Json", namespace["metadata"])["uid"])


async def _failing(client: Client) -> list[str]:
    try:
        text = await client.text("/readyz", query={"verbose": True})
    except ApiError as error:
        text = str(error.status.message or "")
        if "[-]" not in text:
            raise
    return [line[3:].split(" ", 1)[0] for line in text.splitlines() if line.startswith("[-]")]


async def _measured(client: Client) -> Amounts | None:
    """None where no metrics are served."""
    try:
        answer = await client.call("GET", "/apis/metrics.k8s.io/v1beta1/nodes")
    except ApiError:
        return None
    parts = [_path(item, "usage") for item in cast("list[Json]", answer.get("items") or [])]
    if not parts:
        return None
    return Amounts(
        sum((quantity(str(part.get("cpu") or "0")) for part in parts), Decimal(0)),
        sum((quantity(str(part.get("memory") or "0")) for part in parts), Decimal(0)),
    )


async def _pods(client: Client) -> tuple[int, Amounts | None]:
    """How many Pods there are, and what they request where they are not too many."""
    query: dict[str, str | int | bool] = {"limit": 500}
    pods: list[Json] = []
    while True:
        page = await client.call("GET", "/api/v1/pods", query=query)
        pods += cast("list[Json]", page.get("items") or [])
        meta = _path(page, "metadata")
        left = int(meta.get("remainingItemCount") or 0)
        if len(pods) + left > PODS_READ:
            return len(pods) + left, None
        if not meta.get("continue"):
            found = requested(pods)
            return found.pods, found
        query["continue"] = str(meta["continue"])


async def _certificates(client: Client) -> list[tuple[str, datetime]]:
    """Ends of the authorities that the cluster publishes itself."""
    wanted = (
        ("ca", "kube-root-ca.crt", "ca.crt"),
        ("client-ca", "extension-apiserver-authentication", "client-ca-file"),
        ("front-proxy-ca", "extension-apiserver-authentication", "requestheader-client-ca-file"),
    )
    found: list[tuple[str, datetime]] = []
    for name, config, key in wanted:
        try:
            answer = await client.call("GET", f"/api/v1/namespaces/kube-system/configmaps/{config}")
            found.append((name, certificates.validity(str(_path(answer, "data").get(key) or ""))[1]))
        except (ApiError, certificates.Unreadable):
            continue
    return found


def _path(obj: Json, *names: str) -> Json:
    for name in names:
        obj = cast("Json", obj.get(name) or {})
    return obj
