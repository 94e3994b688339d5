"""What is read from /proc, from roost's own record and from the arguments of running programs."""

from __future__ import annotations

from typing import Any

import pytest

from bench import creation, joining, processes, traffic, up, version
from bench.processes import TICKS

STAT = "17 (a b) (c) S 1 17 17 0 -1 4194560 100 200 0 0 {user} {system} {child} 4 20 0 9 0 500 1 1"


def exchange(machine: str, title: str, sent: int) -> dict[str, Any]:
    return {"event": "exchange", "machine": machine, "title": title, "bytes_sent": sent, "seconds": 0.1}


def test_processor_time_counts_children_that_ended() -> None:
    text = STAT.format(user=10, system=5, child=1)
    assert processes.parse_cpu_seconds(text) == pytest.approx(20 / TICKS)


def test_waiting_is_not_work() -> None:
    text = "cpu  10 20 30 4000 5000 1 2 0 0 0\ncpu0 1 1 1 1 1 1 1\n"
    assert processes.parse_busy_seconds(text) == pytest.approx(63 / TICKS)


def test_resident_memory() -> None:
    assert processes.parse_resident("Name:\tx\nVmRSS:\t  2048 kB\n") == 2048 * 1024
    assert processes.parse_resident("Name:\tkthread\n") == 0


def test_what_a_restarted_process_used_counts_in_full() -> None:
    assert processes.used({"etcd": 5.0, "up": 9.0}, {"etcd": 7.0, "up": 1.0, "api": 3.0}) == {
        "etcd": 2.0,
        "up": 0.0,
        "api": 3.0,
    }


def test_traffic_is_added_up_by_machine() -> None:
    lines = [
        {"event": "leader"},
        exchange("m1", "connect", 0),
        exchange("m1", "look at the machine", 100),
        exchange("m2", "look at the machine", 100),
        exchange("m1", "join the cluster", 50),
    ]
    assert traffic.per_machine(lines) == {"m1": traffic.Traffic(1, 2, 150), "m2": traffic.Traffic(0, 1, 100)}


def test_a_role_has_what_its_busiest_machine_had() -> None:
    roles = {"m1": "control-plane", "m2": "worker", "m3": "worker"}
    found = traffic.per_role({"m2": traffic.Traffic(1, 2, 9), "m3": traffic.Traffic(1, 3, 5)}, roles)
    assert found == {"control-plane": traffic.Traffic(0, 0, 0), "worker": traffic.Traffic(1, 3, 9)}


def test_only_machines_that_were_there_before_count_as_elsewhere() -> None:
    lines = [exchange("added", "join the cluster", 50), exchange("m1", "look at the machine", 100)]
    assert joining.elsewhere(lines, {"m1", "m2"}) == 1
    assert joining.elsewhere(lines[:1], {"m1", "m2"}) == 0


def test_ports_stand_in_the_arguments_that_roost_gives() -> None:
    program = up.Program(("/x/etcd", "--listen-client-urls=https://127.0.0.1:7379", "--secure-port=7443"), {})
    assert program.port("listen-client-urls") == 7379
    assert program.port("secure-port") == 7443


def test_paused_clusters_have_names_and_addresses_of_their_own() -> None:
    items = version.paused_clusters(100)["items"]
    assert all(item["spec"]["paused"] for item in items)
    assert len({item["metadata"]["name"] for item in items}) == 100
    assert len({item["spec"]["onPremises"]["controlPlaneEndpoint"]["host"] for item in items}) == 100


def test_the_script_ends_with_the_same_question() -> None:
    words = [part.strip() for part in creation.END.split("&&")]
    text = creation.EXPERT.read_text()
    assert all(part in text for part in words), "both clocks must end alike"


def test_figures_of_a_creation() -> None:
    seen = {role: traffic.Traffic(1, 3, 1000) for role in ("control-plane", "worker")}
    link = {"control-plane": 4e8, "worker": 3e8}
    own = creation.Run(40.0, 60.0, 50.0, link, 39.0, {"etcd": 1.0, "controllers": 2.0}, seen, 0.5, seen, 0, 20.0)
    peer = creation.Run(32.0, 50.0, 40.0, {"control-plane": 5e8, "worker": 4e8})
    found = {(each.key, each.part): each for each in creation.figures([own, own], [peer, peer])}
    assert found["creation.time", ""].ratio == 1.25
    assert found["creation.time", ""].met is False
    assert creation.figures([own, own], [own, own])[0].met is True
    assert found["creation.machines", ""].ratio == 1.25
    assert found["creation.link", "worker"].ratio == 0.75
    assert found["creation.share", ""].own.median == pytest.approx(5.0)
    assert found["creation.commands", "worker"].own.median == 3
