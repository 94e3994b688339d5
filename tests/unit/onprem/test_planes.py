"""Control planes: who makes the cluster, when another may join or leave, and what a join brings along."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from dataclasses import replace
from typing import Any

import pytest

from roost.api.errors import RetryLater
from roost.api.masked import Masked
from roost.providers.onprem import etcd, gate, layout, planes, steps
from roost.providers.onprem.etcd import Member
from roost.providers.onprem.gate import Plane
from roost.providers.onprem.kubeadm.config import JoinSecrets
from roost.providers.onprem.layout import Seat
from roost.providers.onprem.phases import plane
from roost.providers.onprem.planes import Stage
from roost.providers.onprem.sharedkeys import SharedKeys
from tests.unit.onprem import made

CP2 = made.machine("cp2", "10.200.0.12", "ControlPlane")
CP10 = made.machine("cp10", "10.200.0.20", "ControlPlane")
NAMES = ("cp1", "cp2", "cp3")


def decide(stages: dict[str, Stage], *, settled: tuple[str, ...] = (), exists: bool = False) -> planes.Founding:
    return planes.decide(NAMES, stages, settled=settled, exists=exists)


def test_the_first_by_name_makes_a_new_cluster() -> None:
    assert decide(dict.fromkeys(NAMES, Stage.NOTHING)) == planes.Founding("cp1", ())
    order = layout.control_planes(made.context(CP10, CP2, made.CP))
    assert [machine.name for machine in order] == ["cp1", "cp2", "cp10"]


def test_one_that_has_begun_goes_on() -> None:
    assert decide({"cp1": Stage.NOTHING, "cp2": Stage.BEGUN, "cp3": Stage.NOTHING}).founder == "cp2"


def test_a_replaced_founder_joins_the_cluster_that_is_there() -> None:
    found = decide({"cp1": Stage.NOTHING, "cp2": Stage.JOINED, "cp3": Stage.JOINED}, exists=True)
    assert found == planes.Founding("", ("cp2", "cp3"))
    assert decide({"cp1": Stage.LOST, "cp2": Stage.JOINED, "cp3": Stage.JOINED}).founder == ""
    assert decide({"cp1": Stage.NOTHING}, settled=("cp2", "cp3"), exists=True) == found
    ctx = replace(made.context(made.CP, CP2), founder="")
    assert layout.seat(ctx, made.CP) is Seat.PLANE


def test_an_existing_cluster_is_never_made_anew_while_one_that_may_hold_it_is_away() -> None:
    with pytest.raises(RetryLater, match="cp2, cp3"):
        decide({"cp1": Stage.NOTHING}, exists=True)


def member(number: int, *, healthy: bool = True, learner: bool = False, started: bool = True) -> Member:
    return Member(number, f"cp{number}" if started else "", f"10.200.0.1{number}", learner, healthy)


def cluster(count: int, *sick: int) -> list[Member]:
    return [member(number, healthy=number not in sick) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("count", "sick", "allowed"),
    [(3, (), True), (3, (2,), True), (2, (), True), (5, (2, 3), True), (2, (2,), False), (3, (2, 3), False)],
)
def test_a_member_goes_only_while_a_majority_stays(count: int, sick: tuple[int, ...], allowed: bool) -> None:
    # The one that goes is the last of the sick ones, as when a dead machine is removed.
    members = cluster(count, *sick)
    leaving = members[(sick[-1] if sick else count) - 1]
    assert (etcd.may_remove(members, leaving) is None) is allowed


def test_a_healthy_member_does_not_go_when_the_others_would_be_no_majority() -> None:
    members = cluster(3, 3)
    why = etcd.may_remove(members, members[0])
    assert why is not None
    assert "2 voting members of which 1 answer" in why and "cp3 (10.200.0.13)" in why
    assert etcd.may_remove(cluster(1), member(1)) is not None


def test_nobody_joins_while_a_member_does_not_answer() -> None:
    assert etcd.may_add(cluster(3), "10.200.0.14") is None
    why = etcd.may_add(cluster(3, 2), "10.200.0.14")
    assert why is not None and "cp2" in why


def test_a_second_and_a_third_member_may_join() -> None:
    assert etcd.may_add(cluster(1), "10.200.0.12") is None
    assert etcd.may_add(cluster(2), "10.200.0.13") is None


def test_what_stands_at_the_address_is_stale_and_so_is_what_answers_for_nobody() -> None:
    half = Member(9, "", "10.200.0.12")
    gone = member(7, healthy=False)
    known = {"10.200.0.11", "10.200.0.13"}
    members = [member(1), half, member(3, healthy=False), gone]
    assert etcd.stale(members, "10.200.0.12", known=known) == [half, gone]


def test_members_are_read_as_etcdctl_prints_them() -> None:
    listed = {
        "members": [
            {"ID": 10501334649042878790, "name": "cp1", "peerURLs": ["https://10.200.0.11:2380"],
             "clientURLs": ["https://10.200.0.11:2379"]},
            {"ID": 2, "peerURLs": ["https://10.200.0.12:2380"], "isLearner": True},
        ]
    }  # fmt: skip
    health = [{"endpoint": "https://10.200.0.11:2379", "health": True, "took": "5ms"}]
    found = etcd.read(json.dumps(listed), json.dumps(health))
    assert found == [
        Member(10501334649042878790, "cp1", "10.200.0.11", healthy=True),
        Member(2, "", "10.200.0.12", learner=True),
    ]
    assert etcd.read("Error: context deadline exceeded", "") is None
    assert "member remove 91bc3c398fb3c146" in etcd.removal(10501334649042878790)


def well(machine: Any = made.CP, members: list[Member] | None = None) -> Plane:
    return Plane(machine, {}, tuple(members if members is not None else cluster(1)))


def test_the_gate_names_machine_component_and_what_it_says() -> None:
    assert gate.closed([well()], "10.200.0.12") is None
    sick = replace(well(), trouble={"kube-scheduler": "connection refused"})
    why = gate.closed([sick], "10.200.0.12")
    assert why == "kube-scheduler on cp1 (10.200.0.11) is not well: connection refused"
    away = gate.closed([well(), Plane(CP2, problem="no route")], "10.200.0.13")
    assert away is not None and "cp2" in away and "no route" in away


def test_a_member_is_healthy_when_any_control_plane_hears_it() -> None:
    deaf = cluster(2, 1, 2)
    found = gate.members_of([well(members=deaf), well(CP2, cluster(2, 1))])
    assert found is not None
    assert [each.healthy for each in found] == [False, True]


def test_what_the_gate_prints_is_read() -> None:
    text = "trouble kube-scheduler\trefused\nmembers\t" + json.dumps({"members": []}) + "\nhealth\t[]\n"
    assert gate.read(made.CP, text) == Plane(made.CP, {"kube-scheduler": "refused"}, ())
    assert gate.read(made.CP, "").members is None


def archive() -> SharedKeys:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("ca.key"))
    return SharedKeys(Masked(base64.b64encode(buffer.getvalue()).decode()))


def test_keys_travel_as_a_secret_payload_and_stand_in_no_script() -> None:
    keys = archive()
    ctx = made.context(made.CP, CP2)
    thing = plane.thing(ctx, CP2, made.found("cp2", "10.200.0.12"), JoinSecrets("abcdef.0123456789abcdef", "P"), keys)
    payload = next(each for each in thing.files if each.name == plane.KEYS)
    assert payload.secret and payload.content == keys.tar()
    text = thing.script + thing.guard + thing.summary + repr(thing)
    assert keys.archive.reveal() not in text and "abcdef.0123456789abcdef" not in text
    assert keys.archive.reveal() not in repr(keys)


def test_what_a_join_left_half_done_is_cleared_before_the_next_one() -> None:
    ctx = made.context(made.CP, CP2)
    script = plane.thing(
        ctx, CP2, made.found("cp2", "10.200.0.12"), JoinSecrets("abcdef.0123456789abcdef", "P"), archive()
    ).script
    assert script.index("rm -rf /etc/kubernetes/pki /var/lib/etcd/member") < script.index(
        "control-plane-prepare certs"
    )
    assert script.index("control-plane-join etcd") < script.index("ready 120 https://10.200.0.12:6443")
    # An API server that listens before its etcd is a member would hang a load balancer's clients.
    assert script.index("control-plane-join mark") < script.index("control-plane-prepare control-plane")
    planned = plane.thing(ctx, CP2, made.found("cp2", "10.200.0.12"))
    assert "rm -rf" not in planned.script


def test_the_founder_initializes_and_the_others_join() -> None:
    ctx = made.context(made.CP, CP2)
    head = [thing.key for thing in steps.things(ctx, made.CP, made.found())]
    other = [thing.key for thing in steps.things(ctx, CP2, made.found("cp2", "10.200.0.12"))]
    assert "kubeadm:upload" in head and "kubeadm:plane" not in head
    assert [key for key in other if key.startswith("kubeadm:")] == ["kubeadm:plane"]
    assert "program:/usr/local/bin/kubectl" in other and "image:registry.k8s.io/kube-apiserver:v1.31.4" in other
