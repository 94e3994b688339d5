"""Preflight: facts to findings (preflight.yaml), the report, and the script that looks."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.node.facts import Address, Listener, NodeFacts
from roost.providers.onprem.preflight import report, systems
from roost.providers.onprem.preflight.look import Unit, look, parse
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.preflight.run import check
from tests.unit.onprem import made

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "preflight.yaml").read_text())


def subject(case: dict[str, Any], name: str, *, judged: bool) -> Subject:
    machine = made.CP if name == "cp1" else made.W1
    changes: dict[str, Any] = dict(case.get("found") or {}) if judged else {}
    node: dict[str, Any] = dict(changes.get("node") or {})
    if "addresses" in node:
        node["addresses"] = tuple(Address(**item) for item in node["addresses"])
    if "listeners" in node:
        node["listeners"] = tuple(Listener(**item) for item in node["listeners"])
    if "units" in changes:
        changes["units"] = {unit: Unit(**value) for unit, value in changes["units"].items()}
    if "routes" in changes:
        changes["routes"] = tuple((to, device) for to, device in changes["routes"])
    found = made.found(name, machine.spec.addresses.ipv4, **{**changes, "node": node})
    return Subject(made.spec(**(case.get("spec") or {})), machine, found, made.ID, ("amd64",), "10.200.0.1:7501")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_findings(case: dict[str, Any]) -> None:
    name = case.get("machine", "w1")
    others = [subject(case, "cp1", judged=False)] if name == "w1" else []
    findings = check([subject(case, name, judged=True)], others=others)
    assert sorted(finding.check for finding in report.errors(findings)) == sorted(case.get("errors", []))
    assert sorted(finding.check for finding in report.warnings(findings)) == sorted(case.get("warnings", []))
    assert {finding.machine for finding in findings} <= {name}
    text = report.message(findings)
    for part in case.get("says", []):
        assert part in text
    for finding in findings:
        assert finding.remedy


def test_the_median_decides_whose_clock_is_wrong() -> None:
    clocks = {"a": 0.0, "b": 0.4, "c": -600.0}
    subjects = [
        Subject(
            made.spec(nodeName="IP"),
            made.machine(name, f"10.200.0.{index}"),
            made.found(name, f"10.200.0.{index}", skew=skew),
            made.ID,
            ("amd64",),
        )
        for index, (name, skew) in enumerate(clocks.items(), start=20)
    ]
    assert [(finding.machine, finding.check) for finding in check(subjects)] == [("c", "ClockSkew")]


def test_all_machines_are_judged_and_each_finding_names_its_own() -> None:
    broken = {"found": {"node": {"swaps": ["/dev/sda2"]}}}
    findings = check([subject(broken, "cp1", judged=True), subject(broken, "w1", judged=True)])
    assert [(finding.machine, finding.check) for finding in findings] == [("cp1", "SwapOn"), ("w1", "SwapOn")]


def test_a_long_report_is_bounded_and_says_how_much_is_missing() -> None:
    many = [Finding(f"m{index}", "SwapOn", "cause " * 20, "evidence", "Remedy") for index in range(200)]
    text = report.message(many, limit=1000)
    assert len(text) < 1100
    assert text.endswith("more")


def test_warnings_come_last_and_are_called_so() -> None:
    text = report.message([Finding("a", "W", "c", "", "R", warning=True), Finding("a", "E", "c", "", "R")])
    assert text.splitlines() == ["a: E: c. R", "warning: a: W: c. R"]


def run_look(root: Path, targets: dict[str, tuple[str, int]] | None = None) -> dict[str, str]:
    field = 'field() { printf \'%s\\t%s\\n\' "$1" "$2"; }\n'
    done = subprocess.run(
        ["/bin/sh", "-euc", f"R={root}\n{field}(set +eu; {look(targets or {}).script})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)


def test_the_look_reads_what_stands_on_a_machine_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "etc/kubernetes/manifests").mkdir(parents=True)
    (tmp_path / "etc/kubernetes/manifests/etcd.yaml").write_text("x")
    (tmp_path / "proc/sys/fs/inotify").mkdir(parents=True)
    (tmp_path / "proc/sys/fs/inotify/max_user_instances").write_text("128\n")
    (tmp_path / "proc/filesystems").write_text("nodev\ttmpfs\nnodev\toverlay\n")
    (tmp_path / "sys/module/br_netfilter").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cgroup.controllers").write_text("cpu memory pids\n")
    before = sorted(path for path in tmp_path.rglob("*"))
    found = parse(run_look(tmp_path), NodeFacts(clock=110.0), observer_clock=100.0)
    assert found.content["/etc/kubernetes/manifests"] == "etcd.yaml"
    assert found.sysctls == {"fs/inotify/max_user_instances": 128}
    assert found.overlay
    assert found.modules == {"br_netfilter": "loaded"}
    assert found.controllers == ("cpu", "memory", "pids")
    assert found.skew == 10.0
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_the_look_tells_an_open_port_from_a_refused_one(tmp_path: Path) -> None:
    with socket.socket() as listening, socket.socket() as closed:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        closed.bind(("127.0.0.1", 0))
        targets = {"registry": listening.getsockname(), "endpoint": closed.getsockname()}
        found = parse(run_look(tmp_path, targets), NodeFacts())
    assert found.reach == {"registry": "open", "endpoint": "refused"}


def test_the_look_survives_an_empty_machine(tmp_path: Path) -> None:
    found = parse(run_look(tmp_path), NodeFacts())
    assert found.content == {}
    assert not found.overlay
    assert found.skew is None


def test_an_unknown_system_is_only_a_warning_and_a_known_one_is_nothing() -> None:
    def said(**node: Any) -> list[tuple[str, bool]]:
        subject = Subject(made.spec(), made.CP, made.found(node=node), made.ID, ("amd64",))
        return [(finding.check, finding.warning) for finding in systems.system(subject)]

    assert said(os_id="debian", os_version="12") == []
    assert said(os_id="ubuntu", os_version="22.04", kernel="5.15.0") == []
    assert said(os_id="plan9", os_version="4") == [("SystemUnknown", True)]
    assert said(os_id="debian", os_version="7") == [("SystemUnknown", True)]
    assert said(os_id="rhel", os_version="9.4", kernel="4.15.0") == [("SystemUnknown", True)]
