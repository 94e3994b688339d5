"""All controllers together on an API in memory, with a scripted provider, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RetryLater
from roost.api.names import (
    FINALIZER,
    ID_ANNOTATION,
    IN_USE_FINALIZER,
    RETRY_NOW_ANNOTATION,
)
from roost.controllers.runtime.api import Ref
from roost.kube.resources import ROOST
from roost.providers.onprem.context import RegistrySource
from tests.unit.controllers.scripted import (
    CLUSTER,
    cluster,
    machine,
    ref,
    secret,
)
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio


async def test_a_cluster_is_made_from_what_one_file_holds(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(8)
        demo = world.demo()
        types = [item["type"] for item in demo["status"]["conditions"]]
        assert types == list(c.CLUSTER_PHASES)
        assert demo["status"]["phase"] == "Creating"
        assert world.said("Cluster", "demo", c.VALIDATED) == ("True", c.SUCCEEDED)
        assert world.said("Cluster", "demo", c.MACHINES_PREPARED) == ("False", c.IN_PROGRESS)
        await asyncio.sleep(60)
        demo = world.demo()
        assert demo["status"]["phase"] == "Running"
        assert demo["status"]["nodes"] == {"ready": 3, "total": 3}
        assert demo["status"]["version"] == "1.31.4"
        assert "retry" not in demo["status"]
        assert FINALIZER in demo["metadata"]["finalizers"]
        one = world.api.objects[ref("Machine", "m2")]
        assert one["metadata"]["ownerReferences"][0]["uid"] == demo["metadata"]["uid"]
        assert one["metadata"]["annotations"][ID_ANNOTATION] == demo["metadata"]["annotations"][ID_ANNOTATION]
        assert one["status"]["acts"]["count"] == 1
        assert one["status"]["hostKey"]
        assert one["status"]["phase"] == "Ready"
        assert IN_USE_FINALIZER in world.api.objects[ref("Secret", "login")]["metadata"]["finalizers"]
        assert ref("Secret", "demo-kubeconfig") in world.api.objects
    assert world.provider.log == ["reconcile m1,m2,m3"]
    assert world.api.objects[Ref(ROOST["KubernetesRelease"], "", "1.31.4")]["spec"]["architectures"] == ["amd64"]
    assert world.api.objects[Ref(CLUSTER, "roost-system", "global")]["status"]["phase"] == "Running"


async def test_nothing_is_asked_of_the_api_at_rest(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        before = len(world.api.calls)
        await asyncio.sleep(400)
        assert len(world.api.calls) == before
        await asyncio.sleep(600)
        assert world.provider.log.count("reconcile m1,m2,m3") == 2
        assert [call for call in world.api.calls[before:] if call[0] != "get"] == [
            # The scripted provider saves its kubeconfig each time; the look shook nothing else.
            ("apply", ref("Secret", "demo-kubeconfig"))
        ]


async def test_creation_waits_for_quiet_and_for_every_reference(world: World) -> None:
    async with world.controllers():
        world.apply(cluster(), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(20)
        assert world.provider.log == []
        item = world.api.condition(ref("Cluster", "demo"), c.VALIDATED)
        assert item is not None
        assert item["status"] == "Unknown"
        assert "login" in item["message"]
        world.apply(secret())
        for number in range(2, 5):
            world.apply(machine(f"m{number}", 10 + number))
            await asyncio.sleep(2)
        assert world.provider.log == []
        await asyncio.sleep(5)
        assert world.provider.log == ["reconcile m1,m2,m3,m4"]


async def test_an_invalid_cluster_names_every_path_before_anything_is_touched(world: World) -> None:
    async with world.controllers():
        bad = cluster()
        bad["spec"]["onPremises"]["network"] = {"podCIDR": "10.16.0.0/16", "serviceCIDR": "10.16.0.0/20"}
        world.apply(secret(), bad, machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(10)
        item = world.api.condition(ref("Cluster", "demo"), c.VALIDATED)
        assert item is not None
        assert item["status"] == "False"
        assert "spec.onPremises.network.serviceCIDR" in item["message"]
        assert world.demo()["status"]["phase"] == "Failed"
        assert world.provider.log == []
        world.apply(cluster())
        await asyncio.sleep(30)
        assert world.demo()["status"]["phase"] == "Running"


async def test_a_missing_bundle_is_named_and_taken_up_when_it_comes(world: World) -> None:
    async with world.controllers():
        world.apply(secret(), cluster(version="1.30.4"), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(10)
        assert "1.30.4" in world.demo()["status"]["message"]
        assert world.provider.log == []
        world.store.add("1.30.4")
        await asyncio.sleep(10)
        assert world.provider.log == ["reconcile m1"]


async def test_a_cluster_waits_until_its_images_can_be_pulled(world: World) -> None:
    world.registry = RegistrySource("192.168.77.1:7501", "CA")
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(10)
        assert world.demo()["status"]["retry"]["attempt"] >= 1
        assert "being put into roost's registry" in world.demo()["status"]["message"]
        world.pushed.write_text('{"1.31.4": "sha256:1.31.4"}')
        await asyncio.sleep(10)
        assert world.provider.log == ["reconcile m1,m2,m3"]


async def test_a_corrected_secret_is_taken_up_within_five_seconds(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        world.apply(secret("wrong"))
        await asyncio.sleep(200)
        tries = len(world.provider.log)
        assert tries == 3  # At once, after one minute, after two more: no account is locked by us.
        assert world.said("Machine", "m1", c.REACHABLE) == ("False", "AuthenticationFailed")
        assert world.demo()["status"]["phase"] == "Failed"
        world.apply(secret())
        await asyncio.sleep(5)
        assert len(world.provider.log) == tries + 1
        assert world.said("Machine", "m1", c.REACHABLE) == ("True", c.SUCCEEDED)


async def test_transient_errors_back_off_for_ever_and_show_it(world: World) -> None:
    world.provider.unreachable = {"m2"}
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(300)
        status = world.demo()["status"]
        assert status["retry"]["attempt"] >= 7
        assert "attempt" in status["message"]
        assert world.api.objects[ref("Machine", "m2")]["status"]["retry"]
        assert "retry" not in world.api.objects[ref("Machine", "m1")]["status"]
        world.provider.unreachable = set()
        await asyncio.sleep(120)
        assert world.demo()["status"]["phase"] == "Running"
        assert "retry" not in world.api.objects[ref("Machine", "m2")]["status"]


async def test_permanent_failures_are_looked_at_every_two_minutes(world: World) -> None:
    world.provider.fail = lambda _ctx: PermanentFailure("DiskFull", "m1: /var has 1 MiB; free some")
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(10)
        assert world.demo()["status"]["phase"] == "Failed"
        assert "/var has 1 MiB" in world.demo()["status"]["message"]
        await asyncio.sleep(480)
        assert len(world.provider.log) == 5
        world.api.put(
            CLUSTER, {"metadata": {"name": "demo", "namespace": "ns", "annotations": {RETRY_NOW_ANNOTATION: "1"}}}
        )
        await asyncio.sleep(2)
        assert len(world.provider.log) == 6


async def test_a_change_of_spec_interrupts_and_an_added_machine_does_not(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(8)
        world.apply(machine("m4", 14))
        await asyncio.sleep(5)
        assert world.provider.log == ["reconcile m1,m2,m3"]
        changed = cluster()
        changed["spec"]["onPremises"]["network"] = {"podCIDR": "10.18.0.0/16"}
        world.apply(changed)
        await asyncio.sleep(1)
        assert world.provider.log == ["reconcile m1,m2,m3", "cancelled", "reconcile m1,m2,m3,m4"]
        world.apply(cluster(displayName="People") | {"spec": {**changed["spec"], "displayName": "People"}})
        await asyncio.sleep(100)
        assert world.provider.log.count("cancelled") == 1
        assert world.demo()["status"]["phase"] == "Running"
        assert world.provider.most_running == 1


async def test_an_added_machine_costs_the_others_no_command(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        del world.provider.commands[:]
        world.apply(machine("m4", 14))
        await asyncio.sleep(60)
        assert world.provider.commands == ["m4"]
        assert world.demo()["status"]["nodes"] == {"ready": 4, "total": 4}
        await asyncio.sleep(500)
        assert world.provider.commands == ["m4", "m1", "m2", "m3", "m4"]


async def test_a_running_cluster_waits_a_moment_for_what_is_applied_together(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(60)
        world.provider.log.clear()
        for number in range(4, 7):
            await asyncio.sleep(0.5)
            world.apply(machine(f"m{number}", 10 + number))
        await asyncio.sleep(0.6)
        assert set(world.provider.on) == {"m1", "m2", "m3"}
        await asyncio.sleep(0.4)
        assert set(world.provider.on) == {"m1", "m2", "m3", "m4"}
        # The first is looked at meanwhile; then all three are joined by one pass.
        assert world.provider.log == ["reconcile m1,m2,m3,m4", "reconcile m1,m2,m3,m4,m5,m6"]
        await asyncio.sleep(60)
        assert set(world.provider.on) == {f"m{number}" for number in range(1, 7)}
        assert "cancelled" not in world.provider.log


async def test_a_restart_waits_for_no_machine_that_was_there_before(world: World) -> None:
    world.apply_demo()
    async with world.controllers():
        await asyncio.sleep(1)
        assert world.provider.log == ["reconcile m1,m2,m3"]


async def test_paused_shows_a_plan_and_touches_nothing(world: World) -> None:
    async with world.controllers():
        world.apply(secret(), cluster(paused=True), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(20)
        status = world.demo()["status"]
        assert status["phase"] == c.PAUSED
        assert status["planHash"] == "h1"
        assert world.api.objects[ref("Plan", status["planName"])]["spec"]["machines"][0]["name"] == "m1"
        assert world.provider.on == {}
        world.apply(cluster())
        await asyncio.sleep(60)
        assert world.demo()["status"]["phase"] == "Running"


async def test_manual_approval_carries_out_the_approved_plan_alone(world: World) -> None:
    async with world.controllers():
        world.apply(secret(), cluster(approval="Manual"), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(20)
        assert world.demo()["status"]["phase"] == c.AWAITING_APPROVAL
        first = world.demo()["status"]["planName"]
        world.provider.plan_hash = "h2"
        world.apply(cluster(approval="Manual", approvedPlan="h1"))
        await asyncio.sleep(20)
        assert world.demo()["status"]["phase"] == c.AWAITING_APPROVAL
        assert world.provider.on == {}
        assert ref("Plan", first) not in world.api.objects
        world.apply(cluster(approval="Manual", approvedPlan="h2"))
        await asyncio.sleep(60)
        assert world.demo()["status"]["phase"] == "Running"


async def test_killed_in_the_middle_the_next_process_goes_on(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(12)
        identity = world.demo()["metadata"]["annotations"][ID_ANNOTATION]
    assert world.provider.log[-1] == "cancelled"
    async with world.controllers():
        await asyncio.sleep(60)
        assert world.demo()["status"]["phase"] == "Running"
        assert world.demo()["metadata"]["annotations"][ID_ANNOTATION] == identity
    assert set(world.provider.on.values()) == {identity}


async def test_an_api_that_was_away_ends_in_the_same_state(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(8)
        world.api.down = True
        await asyncio.sleep(300)
        world.api.down = False
        await asyncio.sleep(300)
        assert world.demo()["status"]["phase"] == "Running"


async def test_a_cluster_that_stops_answering_is_unavailable_and_recovers(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(60)
        world.provider.available = False
        await asyncio.sleep(45)
        assert world.said("Machine", "m1", c.READY) == ("Unknown", "ApiUnreachable")
        world.provider.available = True
        await asyncio.sleep(15)
        assert world.demo()["status"]["phase"] == "Running"


async def test_a_worker_that_cannot_be_removed_does_not_hold_up_an_added_one(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.provider.unreachable = {"m3"}
        world.api.remove(ref("Machine", "m3"))
        await asyncio.sleep(20)
        world.apply(machine("m4", 14))
        await asyncio.sleep(60)
        assert "m4" in world.provider.on
        assert world.said("Machine", "m3", c.DELETING) == ("True", "MachineUnreachable")


async def test_unexpected_errors_are_retried_and_shown(world: World) -> None:
    world.provider.fail = lambda _ctx: (_ for _ in ()).throw(KeyError("boom"))
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(30)
        assert world.demo()["status"]["retry"]["attempt"] >= 3
        world.provider.fail = lambda _ctx: None
        await asyncio.sleep(100)
        assert world.demo()["status"]["phase"] == "Running"


async def test_retry_later_brings_its_own_delay(world: World) -> None:
    world.provider.fail = lambda _ctx: RetryLater("Slow", "wait", delay=30)
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(3.9 + 95)
        assert len(world.provider.log) == 4


async def test_a_paused_cluster_keeps_a_deleted_machine_until_it_goes_on(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.apply(cluster(paused=True))
        await asyncio.sleep(10)
        world.api.remove(ref("Machine", "m3"))
        await asyncio.sleep(60)
        assert "m3" in world.provider.on
        assert world.said("Machine", "m3", c.DELETING) == ("True", c.PAUSED)
        world.apply(cluster())
        await asyncio.sleep(60)
        assert "m3" not in world.provider.on


async def test_waiting_is_no_failure(world: World) -> None:
    async with world.controllers():
        world.apply(cluster())
        await asyncio.sleep(60)
        status = world.demo()["status"]
        assert status["phase"] == "Pending"
        assert "no Machine names Cluster demo yet" in status["message"]
        assert "retry" not in status


async def test_somebody_elses_kubeconfig_secret_is_not_overwritten(world: World) -> None:
    async with world.controllers():
        world.apply(secret("theirs", "demo-kubeconfig"))
        world.apply_demo()
        await asyncio.sleep(60)
        assert "demo-kubeconfig" in world.demo()["status"]["message"]
        mine = world.api.objects[ref("Secret", "demo-kubeconfig")]
        assert "value" not in mine["data"]
        world.api.remove(ref("Cluster", "demo"))
        await asyncio.sleep(60)
        assert world.left() == [ref("Secret", "demo-kubeconfig"), ref("Secret", "login")]


async def test_a_machine_waits_for_its_cluster_in_either_order(world: World) -> None:
    async with world.controllers():
        world.apply(secret(), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(10)
        item = world.api.condition(ref("Machine", "m1"), c.REACHABLE)
        assert item is not None
        assert "does not exist yet" in item["message"]
        world.apply(cluster())
        await asyncio.sleep(60)
        assert world.demo()["status"]["phase"] == "Running"


async def test_a_secret_that_a_machine_no_longer_names_is_free(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.apply(secret(name="other"))
        for name, number in (("m1", 11), ("m2", 12), ("m3", 13)):
            moved = machine(name, number, role="ControlPlane" if name == "m1" else "Worker")
            moved["spec"]["ssh"]["credential"]["name"] = "other"
            world.apply(moved)
        await asyncio.sleep(60)
        assert not world.api.objects[ref("Secret", "login")]["metadata"].get("finalizers")
        assert IN_USE_FINALIZER in world.api.objects[ref("Secret", "other")]["metadata"]["finalizers"]


async def test_two_clusters_on_one_machine_are_refused(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(60)
        second = cluster("second")
        second["spec"]["onPremises"]["controlPlaneEndpoint"]["host"] = "192.168.77.13"
        world.apply(second, machine("n1", 13, role="ControlPlane", owner="second"))
        await asyncio.sleep(60)
        item = world.api.condition(ref("Cluster", "second"), c.VALIDATED)
        assert item is not None
        assert item["status"] == "False"
        assert "192.168.77.13" in item["message"]
        assert world.demo()["status"]["phase"] == "Running"
