"""Roles, labels and taints that a Machine declares, kept on its Node; what nobody declared is left alone.

Called by following.view at each look, so that what somebody takes away is put back within seconds. What
roost has put is written down in an annotation of the Node: that is how it is known what to take away when a
Machine declares it no more. The decision is pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from roost.api.names import GROUP
from roost.api.v1alpha1.cluster import ClusterSpec, NetworkPlugin, TransmitMode
from roost.api.v1alpha1.machine import Role
from roost.kube.client import MERGE, Client, Json
from roost.kube.errors import answered
from roost.kube.resources import NODE
from roost.providers.onprem import layout
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.network import kubeovn

ROLE_PREFIX: Final = "node-role.kubernetes.io/"
CONTROL_PLANE: Final = f"{ROLE_PREFIX}control-plane"
MASTER: Final = f"{ROLE_PREFIX}master"
"""What a control plane was called before Kubernetes 1.24; such a label or taint counts as the other one."""
DECLARED: Final = f"{GROUP}/declared"
"""Annotation of a Node: `{"labels": [key, …], "taints": ["key:effect", …]}` that roost put there."""


@dataclass(frozen=True)
class Taint:
    key: str
    effect: str
    value: str = ""

    @property
    def identity(self) -> str:
        """Kubernetes allows one taint for each key and effect."""
        return f"{self.key}:{self.effect}"

    def as_object(self) -> Json:
        made: Json = {"key": self.key, "effect": self.effect}
        if self.value:
            made["value"] = self.value
        return made


@dataclass(frozen=True)
class Wish:
    """What a Machine declares for its Node."""

    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    taints: tuple[Taint, ...] = ()
    control_plane: bool = False
    allow_apps: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


def wish(machine: MachineInput, cluster: ClusterSpec) -> Wish:
    """With Kube-OVN also what its own programs look for on a Node."""
    spec = machine.spec
    control_plane = spec.role is Role.CONTROL_PLANE
    annotations: dict[str, str] = {}
    own: dict[str, str] = {}
    network = layout.on_premises(cluster).network
    if network.plugin is NetworkPlugin.KUBE_OVN:
        own = dict([kubeovn.MASTER_LABEL]) if control_plane else {}
        if spec.nic is not None and network.transmit_mode is not TransmitMode.UNDERLAY:
            annotations[kubeovn.TUNNEL_ANNOTATION] = spec.nic
    roles = {f"{ROLE_PREFIX}{role}": "" for role in spec.roles}
    taints = tuple(Taint(taint.key, str(taint.effect), taint.value or "") for taint in spec.taints)
    return Wish({**spec.labels, **own, **roles}, taints, control_plane, spec.allow_apps, annotations)


def is_control_plane(labels: Mapping[str, str]) -> bool:
    """Both the label of today and that of before 1.24 mark a control plane."""
    return CONTROL_PLANE in labels or MASTER in labels


@dataclass(frozen=True)
class Correction:
    """`body`: a merge patch of the Node. `told`: what it does, for an event."""

    body: Json
    told: tuple[str, ...]


def correction(node: Mapping[str, Any], wanted: Wish) -> Correction | None:
    """What has to change on the Node, or None. Pure."""
    metadata = cast("Json", node["metadata"])
    labels = cast("dict[str, str]", metadata.get("labels") or {})
    annotations = cast("dict[str, str]", metadata.get("annotations") or {})
    former = _former(annotations.get(DECLARED))
    told: list[str] = []
    new_labels = _labels(labels, wanted, former.get("labels", []), told)
    now = [_taint(item) for item in cast("list[Json]", cast("Json", node.get("spec") or {}).get("taints") or [])]
    taints = _taints(now, wanted, former.get("taints", []), told)
    kept = _written(wanted)
    body: Json = {"metadata": {"resourceVersion": metadata.get("resourceVersion")}}
    if new_labels:
        body["metadata"]["labels"] = new_labels
    new_annotations: dict[str, str | None] = {
        key: value for key, value in wanted.annotations.items() if annotations.get(key) != value
    }
    if annotations.get(DECLARED) != kept:
        new_annotations[DECLARED] = kept
    if new_annotations:
        body["metadata"]["annotations"] = new_annotations
    if taints != now:
        body["spec"] = {"taints": [taint.as_object() for taint in taints] or None}
        if (timed := _timed(node, taints)) is not None:
            body["spec"]["taints"] = timed
    if body.keys() == {"metadata"} and body["metadata"].keys() == {"resourceVersion"}:
        return None
    return Correction(body, tuple(told))


def _labels(labels: Mapping[str, str], wanted: Wish, former: Iterable[str], told: list[str]) -> dict[str, str | None]:
    """Those to set; None takes one away."""
    found: dict[str, str | None] = {}
    wished = dict(wanted.labels)
    if wanted.control_plane and not is_control_plane(labels):
        wished[CONTROL_PLANE] = ""
    for key, value in sorted(wished.items()):
        if labels.get(key) != value:
            found[key] = value
            told.append(f"label {key}={value}" if value else f"label {key}")
    for key in sorted(set(former) - set(wished)):
        if key in labels:
            found[key] = None
            told.append(f"no label {key}")
    return found


def _taints(now: list[Taint], wanted: Wish, former: Iterable[str], told: list[str]) -> list[Taint]:
    """The Node's taints as they are to be, in the order in which they are."""
    wished = {taint.identity: taint for taint in wanted.taints}
    leave = set(former) - set(wished)
    own = {f"{CONTROL_PLANE}:NoSchedule", f"{MASTER}:NoSchedule"}
    if wanted.control_plane and wanted.allow_apps:
        leave |= own - set(wished)
    elif wanted.control_plane and not any(taint.identity in own for taint in now):
        wished.setdefault(f"{CONTROL_PLANE}:NoSchedule", Taint(CONTROL_PLANE, "NoSchedule"))
    found: list[Taint] = []
    for taint in now:
        if taint.identity in leave:
            told.append(f"no taint {taint.identity}")
        elif (right := wished.pop(taint.identity, taint)) != taint:
            told.append(f"taint {_title(right)}")
            found.append(right)
        else:
            found.append(taint)
    told.extend(f"taint {_title(taint)}" for taint in wished.values())
    return [*found, *wished.values()]


def _title(taint: Taint) -> str:
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else taint.identity


def _taint(item: Mapping[str, Any]) -> Taint:
    return Taint(str(item["key"]), str(item["effect"]), str(item.get("value") or ""))


def _timed(node: Mapping[str, Any], taints: Iterable[Taint]) -> list[Json] | None:
    """The taints with the times that Kubernetes keeps beside some of its own; None when there is no such time."""
    items = cast("list[Json]", cast("Json", node.get("spec") or {}).get("taints") or [])
    times = {_taint(item).identity: item["timeAdded"] for item in items if item.get("timeAdded")}
    if not times:
        return None
    return [
        {**taint.as_object(), **({"timeAdded": times[taint.identity]} if taint.identity in times else {})}
        for taint in taints
    ]


def _former(text: str | None) -> dict[str, list[str]]:
    """What an earlier look put; an annotation that somebody broke counts as nothing."""
    try:
        loaded: object = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(loaded, dict):
        return {}
    known = cast("dict[str, object]", loaded)
    return {
        kind: [str(each) for each in cast("list[object]", value)]
        for kind, value in known.items()
        if isinstance(value, list)
    }


def _written(wanted: Wish) -> str | None:
    """For the annotation; None (no annotation) where nothing is declared."""
    labels, taints = sorted(wanted.labels), sorted(taint.identity for taint in wanted.taints)
    if not labels and not taints:
        return None
    return json.dumps({"labels": labels, "taints": taints}, sort_keys=True)


async def keep(client: Client, item: Mapping[str, Any], wanted: Wish) -> tuple[str, ...]:
    """Brings a Node (as the API gave it) to the wish; gives what was changed, for an event."""
    needed = correction(item, wanted)
    if needed is None:
        return ()
    name = str(cast("Json", item["metadata"])["name"])
    try:
        await client.call("PATCH", NODE.path(name=name), body=needed.body, content_type=MERGE)
    except Exception as error:
        # Somebody changed it meanwhile, or it is gone: the next look decides anew.
        if answered(error) not in (404, 409):
            raise
        return ()
    return needed.told
