"""Why a workload of the cluster does not run, in the words of those who know: scheduler, kubelet, container runtime.

Called by following.py while it waits for add-ons. `reason` is pure, `held_up` asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from roost.kube.client import Client, Json
from roost.kube.resources import POD
from roost.kube.wait import condition, is_true

MOST_CHARACTERS: Final = 400
"""Of such words; kubelet repeats itself at length."""
_STARTING: Final = frozenset({"ContainerCreating", "PodInitializing"})


async def held_up(client: Client, workload: Mapping[str, Any]) -> str:
    """The first Pod of a Deployment or DaemonSet that is held up and says why, as `Pod NAME: WHY`; or nothing.

    Raises the client's errors.
    """
    spec, metadata = cast("Json", workload.get("spec") or {}), cast("Json", workload["metadata"])
    labels = cast("Mapping[str, str]", cast("Json", spec.get("selector") or {}).get("matchLabels") or {})
    if not labels:
        return ""
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    answer = await client.call("GET", POD.path(namespace=str(metadata["namespace"])), query=query)
    for pod in cast("list[Json]", answer.get("items") or []):
        if said := reason(pod):
            return f"Pod {cast('Json', pod['metadata'])['name']}: {said}"
    return ""


def reason(pod: Mapping[str, Any]) -> str:
    """`REASON: MESSAGE` of the scheduler, or of a container that waits or has ended; nothing of one that starts."""
    if is_true(pod, "Ready"):
        return ""
    status = cast("Json", pod.get("status") or {})
    if status.get("phase") == "Failed" and (said := _words(status)):
        return said
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        return _words(scheduled)
    containers = [
        container
        for key in ("initContainerStatuses", "containerStatuses")
        for container in cast("list[Json]", status.get(key) or [])
    ]
    for container in containers:
        state = cast("Json", container.get("state") or {})
        waiting = cast("Json", state.get("waiting") or {})
        if waiting and waiting.get("reason") not in _STARTING:
            return f"{container['name']}: {_words(waiting)}"
        ended = cast("Json", state.get("terminated") or {})
        if ended.get("exitCode"):
            return f"{container['name']}: {_words(ended) or 'Error'} (exit status {ended['exitCode']})"
    return ""


def _words(state: Mapping[str, Any]) -> str:
    said = ": ".join(str(state[key]) for key in ("reason", "message") if state.get(key))
    return said if len(said) <= MOST_CHARACTERS else f"{said[:MOST_CHARACTERS]}…"
