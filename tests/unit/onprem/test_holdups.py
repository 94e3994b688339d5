"""Why an add-on does not run: the Pod's own words, and nothing of one that just starts."""

from __future__ import annotations

from typing import Any, cast

import pytest

from roost.kube.client import Client, Json
from roost.providers.onprem.holdups import MOST_CHARACTERS, held_up, reason

TAINTED = "0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."


def pod(name: str = "coredns-1", **status: Any) -> Json:
    return {"metadata": {"name": name, "namespace": "kube-system"}, "status": status}


def container(kind: str = "containerStatuses", **state: Any) -> Json:
    return pod(**{kind: [{"name": "coredns", "state": state}]})


UNSCHEDULED = pod(
    conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": TAINTED}]
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pod(conditions=[{"type": "Ready", "status": "True"}]), ""),
        (pod(), ""),
        (UNSCHEDULED, f"Unschedulable: {TAINTED}"),
        (container(waiting={"reason": "ContainerCreating"}), ""),
        (
            container(waiting={"reason": "ErrImagePull", "message": "not found"}),
            "coredns: ErrImagePull: not found",
        ),
        (
            container("initContainerStatuses", waiting={"reason": "CrashLoopBackOff", "message": "back-off 10s"}),
            "coredns: CrashLoopBackOff: back-off 10s",
        ),
        (
            container(terminated={"reason": "OOMKilled", "exitCode": 137}),
            "coredns: OOMKilled (exit status 137)",
        ),
        (container(terminated={"reason": "Completed", "exitCode": 0}), ""),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on resource: ephemeral-storage."),
            "Evicted: The node was low on resource: ephemeral-storage.",
        ),
    ],
)
def test_reason(given: Json, said: str) -> None:
    assert reason(given) == said


def test_long_words_are_bounded() -> None:
    said = reason(container(waiting={"reason": "ErrImagePull", "message": "x" * 5000}))
    assert len(said) < MOST_CHARACTERS + 20 and said.endswith("…")


class Asked:
    """In place of a client: gives its Pods and keeps what it was asked for."""

    def __init__(self, *pods: Json) -> None:
        self.pods = pods
        self.calls: list[tuple[str, Any]] = []

    async def call(self, method: str, path: str, *, query: Any = None) -> Json:
        self.calls.append((f"{method} {path}", query))
        return {"items": list(self.pods)}


@pytest.mark.anyio
async def test_the_first_that_says_why_is_told() -> None:
    asked = Asked(pod("coredns-0", conditions=[{"type": "Ready", "status": "True"}]), UNSCHEDULED)
    workload = {
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": {"k8s-app": "kube-dns", "x": "y"}}},
    }
    said = await held_up(cast("Client", asked), workload)
    assert said == f"Pod coredns-1: Unschedulable: {TAINTED}"
    assert asked.calls == [("GET /api/v1/namespaces/kube-system/pods", {"labelSelector": "k8s-app=kube-dns,x=y"})]


@pytest.mark.anyio
async def test_without_a_selector_nobody_is_asked() -> None:
    asked = Asked(UNSCHEDULED)
    assert await held_up(cast("Client", asked), {"metadata": {"name": "x", "namespace": "y"}, "spec": {}}) == ""
    assert asked.calls == []
