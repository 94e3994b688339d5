"""The controllers on a real API server, as their own user, with a provider that plays a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from roost.api import conditions as c
from roost.api.names import ID_ANNOTATION, RETRY_NOW_ANNOTATION
from tests.contract.controllers.conftest import Platform
from tests.unit.controllers.scripted import cluster, machine, secret

pytestmark = [pytest.mark.anyio, pytest.mark.programs]

Json = dict[str, Any]


def demo() -> list[Json]:
    return [secret(), cluster(), machine("m1", 11, role="ControlPlane"), machine("m2", 12), machine("m3", 13)]


async def test_create_shows_every_phase_and_ends_available(platform: Platform) -> None:
    async with platform.controllers():
        await platform.apply(*demo())
        await platform.until(lambda: platform.phase() == "Creating")
        found = platform.get("Cluster", "demo")
        assert found is not None
        assert [item["type"] for item in found["status"]["conditions"]] == list(c.CLUSTER_PHASES)
        await platform.until(lambda: platform.phase() == "Running")
        found = platform.get("Cluster", "demo")
        assert found is not None
        assert found["status"]["nodes"] == {"ready": 3, "total": 3}

        def machine() -> dict[str, Any]:
            return (platform.get("Machine", "m2") or {}).get("status", {})

        # A Machine's status is written apart from its Cluster's, at most once a second.
        await platform.until(lambda: machine().get("phase") == "Ready")
        assert machine()["acts"]["count"] == 1
        kubeconfig = platform.get("Secret", "demo-kubeconfig")
        assert kubeconfig is not None

        def events() -> set[str]:
            found = platform.api.call("GET", platform.path("Event")).body["items"]
            return {event["reason"] for event in found}

        # They are written after the status, and not waited for.
        await platform.until(lambda: {"Available", "Joined"} <= events())
        # At rest: the Lease (every 4 s: at most 4 in 12 s), and `global` (every 15 s, two requests: at most 4).
        await asyncio.sleep(2)
        before = platform.count()
        await asyncio.sleep(12)
        assert platform.count() - before <= 8
    release = platform.api.call("GET", "/apis/cluster.alauda.io/v1alpha1/kubernetesreleases/1.31.4")
    assert release.status == 200
    known = platform.api.call("GET", "/apis/cluster.alauda.io/v1alpha1/namespaces/roost-system/clusters/global").body
    assert known["status"]["phase"] == "Running"
    assert known["status"]["version"] == "1.31.4"


@pytest.mark.parametrize("order", [1, -1], ids=["as-written", "backwards"])
async def test_delete_of_the_whole_file_ends_clean(platform: Platform, order: int) -> None:
    async with platform.controllers():
        await platform.apply(*demo())
        await platform.until(lambda: len(platform.provider.on) == 2)
        for item in demo()[::order]:
            await platform.delete(item["kind"], item["metadata"]["name"])
        await platform.until(lambda: not platform.left())
        assert platform.provider.on == {}
        assert "cancelled" in platform.provider.log


async def test_delete_namespace_ends_clean(platform: Platform, controller_manager: None) -> None:
    path = f"/api/v1/namespaces/{platform.namespace}"
    async with platform.controllers():
        await platform.apply(*demo())
        await platform.until(lambda: len(platform.provider.on) == 2)
        assert (await platform.call("DELETE", path)).status == 200
        await platform.until(lambda: platform.api.call("GET", path).status == 404, seconds=60)
        assert platform.provider.on == {}


async def test_approval_pause_and_retry_now(platform: Platform) -> None:
    async with platform.controllers():
        first = cluster(approval="Manual", paused=True)
        await platform.apply(secret(), first, machine("m1", 11, role="ControlPlane"))
        await platform.until(lambda: platform.phase() == c.PAUSED)
        await platform.apply(cluster(approval="Manual", paused=False))
        await platform.until(lambda: platform.phase() == c.AWAITING_APPROVAL)
        found = platform.get("Cluster", "demo")
        assert found is not None
        assert platform.get("Plan", found["status"]["planName"]) is not None
        assert platform.provider.on == {}
        await platform.apply(cluster(approval="Manual", approvedPlan=found["status"]["planHash"]))
        await platform.until(lambda: platform.phase() == "Running")
        before = len(platform.provider.log)
        await platform.patch("Cluster", "demo", {"metadata": {"annotations": {RETRY_NOW_ANNOTATION: "now"}}})
        await platform.until(lambda: len(platform.provider.log) >= before + 2, seconds=5)


async def test_a_corrected_secret_is_taken_up_within_five_seconds(platform: Platform) -> None:
    async with platform.controllers():
        await platform.apply(secret("wrong"), *demo()[1:])
        await platform.until(lambda: platform.phase() == "Failed")
        item = platform.condition("Machine", "m1", c.REACHABLE)
        assert item["reason"] == "AuthenticationFailed"
        await platform.apply(secret())
        took = await platform.until(lambda: bool(platform.provider.on), seconds=5)
        assert took < 5
        await platform.until(lambda: platform.phase() == "Running")


async def test_restart_in_the_middle_goes_on_at_once(platform: Platform) -> None:
    async with platform.controllers():
        await platform.apply(*demo())
        platform.provider.step = 3
        await platform.until(
            lambda: platform.condition("Cluster", "demo", c.MACHINES_PREPARED).get("status") == "False"
        )
        found = platform.get("Cluster", "demo")
        assert found is not None
    async with platform.controllers():
        await platform.until(lambda: platform.phase() == "Running", seconds=10)
        again = platform.get("Cluster", "demo")
        assert again is not None
        assert again["metadata"]["annotations"][ID_ANNOTATION] == found["metadata"]["annotations"][ID_ANNOTATION]
        assert again["status"]["startedTime"] == found["status"]["startedTime"]


async def test_one_worker_added_and_one_deleted(platform: Platform) -> None:
    async with platform.controllers():
        await platform.apply(*demo())
        await platform.until(lambda: platform.phase() == "Running")
        del platform.provider.commands[:]
        await platform.apply(machine("m4", 14))
        await platform.until(lambda: "m4" in platform.provider.on)
        await platform.delete("Machine", "m3")
        await platform.until(lambda: platform.get("Machine", "m3") is None)
        assert set(platform.provider.commands) == {"m3", "m4"}
        await platform.until(lambda: platform.phase() == "Running")


@pytest.mark.parameter("spec.project", "spec.annotations")
async def test_a_cluster_says_what_it_was_warned_of_and_joins_its_project(platform: Platform) -> None:
    projects = "/apis/cluster.alauda.io/v1alpha1/projects"
    name = f"shop-{platform.namespace}"
    body = {"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Project", "metadata": {"name": name}, "spec": {}}
    assert platform.api.call("POST", projects, body).status == 201

    def warnings() -> str:
        return "\n".join(((platform.get("Cluster", "demo") or {}).get("status") or {}).get("warnings") or [])

    def members() -> list[Json]:
        found = platform.api.call("GET", f"{projects}/{name}").body
        return [item for item in (found.get("status") or {}).get("clusters") or [] if item["joined"]]

    async with platform.controllers():
        wish = cluster(project=name, annotations={"team": "shop"})
        await platform.apply(secret(), wish, machine("m1", 11, role="ControlPlane"))
        await platform.until(lambda: f"joins the Project {name} once it is Available" in warnings())
        assert members() == []
        await platform.until(lambda: platform.phase() == "Running")
        await platform.until(lambda: members() != [])
        await platform.until(lambda: "Project" not in warnings())
        assert "spec.onPremises.controlPlaneEndpoint.host: " in warnings()
        found = platform.get("Cluster", "demo")
        assert found is not None and found["metadata"]["annotations"]["team"] == "shop"
    platform.api.call("DELETE", f"{projects}/{name}")


async def test_the_most_recent_draft_of_a_person_is_kept_and_holds_no_secret(platform: Platform) -> None:
    def draft(name: str, owner: str, **spec: Any) -> Json:
        return {
            "apiVersion": "cluster.alauda.io/v1alpha1",
            "kind": "MachineDraft",
            "metadata": {"name": name},
            "spec": {"owner": owner, **spec},
        }

    def kept() -> set[str]:
        items = platform.api.call("GET", platform.path("MachineDraft")).body["items"]
        return {item["metadata"]["name"] for item in items}

    async with platform.controllers():
        await platform.apply(draft("a1", "alice"), draft("b1", "bob"))
        await asyncio.sleep(1.1)  # Time stamps are of a second.
        await platform.apply(draft("a2", "alice"))
        await platform.until(lambda: kept() == {"a2", "b1"})
    answer = await platform.call("POST", f"{platform.path('MachineDraft')}?fieldValidation=Strict",
                                 draft("a3", "alice", password="open-barley"))  # fmt: skip
    assert answer.status == 400 and "open-barley" not in str(answer.body)
    for name in kept():
        await platform.delete("MachineDraft", name)


async def test_a_second_process_waits_and_takes_over_at_once(platform: Platform) -> None:
    ready = platform.directory / "run/controllers.ready"
    second: asyncio.Task[None] | None = None
    try:
        async with platform.controllers():
            second = asyncio.create_task(platform.serve())
            await platform.apply(*demo())
            await platform.until(lambda: platform.phase() == "Running")
            assert platform.provider.log == ["reconcile m1,m2,m3"]
            ready.unlink(missing_ok=True)
        await platform.until(ready.exists, seconds=5)
        await platform.delete("Cluster", "demo")
        await platform.until(lambda: platform.get("Cluster", "demo") is None)
        assert platform.provider.most_running == 1
    finally:
        assert second is not None
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
    assert not ready.exists() and (platform.directory / "run/controllers.looked").exists()
