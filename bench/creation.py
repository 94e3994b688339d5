"""Creation of 1+2 by roost beside the hand-written script, on machines that are made anew before each run.

Called by the command. The clock runs from `kubectl apply` (or the script's start) until the cluster itself says
that every node is Ready and CoreDNS is rolled out; everything else is outside.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import payload, processes, traffic
from bench.figures import Figure, by_part, figure, order
from bench.platform import ROOST, VERSION, BenchError, Platform, bundles, call, cpu, until
from lab.machines import cgroups, network
from lab.machines.lab import Lab
from lab.machines.machine import Machine
from lab.machines.settings import Settings

TARGET: Final = 1.1
NAMES: Final[tuple[str, ...]] = ("bench1", "bench2", "bench3")
ROLES: Final[dict[str, str]] = dict(zip(NAMES, ("control-plane", "worker", "worker"), strict=True))
SETTLE: Final = 4.0
"""Seconds between the boot of the machines and the clock, so that their boot is not measured."""
RETRY_NOW: Final = "cluster.alauda.io/retry-now"
EXPERT: Final = Path(__file__).with_name("expert.sh")
END: Final = (
    "export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl wait node --all --for=condition=Ready --timeout=120s && "
    "kubectl -n kube-system rollout status deployment/coredns --timeout=120s"
)
"""The question that ends both clocks; the same words stand in expert.sh."""


@dataclass
class Run:
    """One creation."""

    seconds: float
    busy: float
    """Processor time of the whole computer."""
    machines: float
    """Of it on the machines: what other work on the computer can't blur."""
    link: dict[str, float]
    """Bytes that reached machines over their links, by role; the mean of the machines of a role."""
    available: float = 0.0
    platform: dict[str, float] = field(default_factory=dict[str, float])
    """Processor time of each of roost's processes."""
    sent: dict[str, traffic.Traffic] = field(default_factory=dict[str, traffic.Traffic])
    look: float = 0.0
    look_sent: dict[str, traffic.Traffic] = field(default_factory=dict[str, traffic.Traffic])
    look_acts: int = 0
    deletion: float = 0.0


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    lab = Lab()
    prepared = work / "payload"
    payload.prepare(bundles(), VERSION, prepared)
    platform = Platform(work / "platform", port_base, lab.settings.host_ipv4)
    found: dict[str, list[Run]] = {"own": [], "peer": []}
    try:
        fresh(lab)  # The bridge must be there before roost listens on it.
        platform.provide_bundle()
        platform.up()
        platform.wait_pushed()
        for number in range(runs):
            for who in order(number):
                machines = fresh(lab)
                one = by_roost(platform, machines) if who == "own" else by_hand(prepared, machines, work)
                found[who].append(one)
                name = "roost" if who == "own" else "script"
                print(f"  creation {number + 1}/{runs} by {name}: {one.seconds:.1f} s", flush=True)
    finally:
        platform.down()
        gone(lab)
    return figures(found["own"], found["peer"])


def figures(own: list[Run], peer: list[Run]) -> list[Figure]:
    """Pure."""
    found = [
        figure("creation.time", "s", [r.seconds for r in own], [r.seconds for r in peer], target=TARGET),
        figure("creation.available", "s", [r.available for r in own]),
        figure("creation.busy", "s", [r.busy for r in own], [r.busy for r in peer]),
        figure("creation.machines", "s", [r.machines for r in own], [r.machines for r in peer]),
    ]
    links = by_part([r.link for r in peer])
    found += [
        figure("creation.link", "bytes", values, links[role], part=role)
        for role, values in by_part([r.link for r in own]).items()
    ]
    found.append(figure("creation.share", "percent", [100 * sum(r.platform.values()) / r.busy for r in own]))
    found += [
        figure("creation.platform", "s", values, part=name)
        for name, values in by_part([r.platform for r in own]).items()
    ]
    for role in dict.fromkeys(ROLES.values()):
        sent = [r.sent[role] for r in own]
        found += [
            figure("creation.connects", "count", [each.connects for each in sent], part=role),
            figure("creation.commands", "count", [each.commands for each in sent], part=role),
            figure("creation.sent", "bytes", [each.sent for each in sent], part=role),
        ]
    found.append(figure("creation.look", "s", [r.look for r in own]))
    for role in dict.fromkeys(ROLES.values()):
        sent = [r.look_sent[role] for r in own]
        found.append(figure("creation.look-commands", "count", [each.commands for each in sent], part=role))
        found.append(figure("creation.look-sent", "bytes", [each.sent for each in sent], part=role))
    found.append(figure("creation.look-acts", "count", [r.look_acts for r in own]))
    found.append(figure("creation.deletion", "s", [r.deletion for r in own]))
    return found


def by_roost(platform: Platform, machines: list[Machine]) -> Run:
    """Creates, looks again, deletes; only the creation is on the clock that has a peer."""
    text = cluster_file(machines)
    pids = platform.pids()
    logged = len(platform.log())
    received, cpu_before, busy = _received(machines), cpu(pids), processes.busy_seconds()
    before = worked(machines)
    began = time.monotonic()
    platform.kubectl("apply", "-f", "-", stdin=text)
    platform.kubectl("wait", "cluster/bench", "--for=condition=Available", "--timeout=400s")
    available = time.monotonic() - began
    call(*machines[0].ssh_argv(), END)
    one = Run(
        seconds=time.monotonic() - began,
        busy=processes.busy_seconds() - busy,
        machines=worked(machines) - before,
        link=_by_role(received, _received(machines)),
        available=available,
        platform=processes.used(cpu_before, cpu(platform.pids())),
    )
    one.sent = traffic.per_role(traffic.per_machine(platform.log()[logged:]), ROLES)
    _look_again(platform, one)
    began = time.monotonic()
    platform.kubectl("delete", "-f", "-", "--timeout=300s", stdin=text)
    one.deletion = time.monotonic() - began
    return one


def by_hand(prepared: Path, machines: list[Machine], work: Path, *, planes: int = 1, endpoint: str = "") -> Run:
    """`endpoint`: the load balancer of several control planes."""
    with tempfile.TemporaryDirectory(dir=work) as sockets:
        addresses = [machine.ipv4 for machine in machines]
        received, busy, before = _received(machines), processes.busy_seconds(), worked(machines)
        chosen = {"SOCKETS": sockets, "PLANES": str(planes), "ENDPOINT": endpoint or addresses[0]}
        began = time.monotonic()
        done = subprocess.run(
            [str(EXPERT), str(prepared), str(machines[0].ssh_key_path), *addresses],
            env={**os.environ, **chosen},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        seconds = time.monotonic() - began
        link = _by_role(received, _received(machines)) if planes == 1 else {}
        one = Run(seconds, processes.busy_seconds() - busy, worked(machines) - before, link)
        for socket in (path for path in Path(sockets).iterdir() if path.is_socket()):
            subprocess.run(["ssh", "-O", "exit", "-S", str(socket), "any"], capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"expert.sh ended with {done.returncode}: {done.stderr[-2000:]}")
    return one


def _look_again(platform: Platform, one: Run) -> None:
    """Everything is observed again, as after a restart; by roost's own record nothing is changed."""
    acts, logged = _acts(platform), len(platform.log())

    def looked() -> bool:
        seen = traffic.per_machine(platform.log()[logged:])
        return set(seen) == set(NAMES)

    began = time.monotonic()
    platform.kubectl("annotate", "--overwrite", "cluster", "bench", f"{RETRY_NOW}={time.time_ns()}")
    until(looked, seconds=60, what="a second look", every=0.02)
    one.look = time.monotonic() - began
    time.sleep(5)  # What it would do after the look would be seen now.
    one.look_sent = traffic.per_role(traffic.per_machine(platform.log()[logged:]), ROLES)
    one.look_acts = _acts(platform) - acts


def _acts(platform: Platform) -> int:
    """roost's own record of changing acts, over all machines."""
    machines = json.loads(platform.kubectl("get", "machines", "-o", "json"))["items"]
    return sum(int(machine["status"].get("acts", {}).get("count", 0)) for machine in machines)


def fresh(lab: Lab, names: Sequence[str] = NAMES) -> list[Machine]:
    """Machines of these names, made anew."""
    held = {machine.name for machine in lab.machines()}
    if held & set(names):
        # The last machine takes the bridge with it, on which roost listens: one stays behind.
        lab.up(names=["anchor"], keep=True)
        lab.down([name for name in names if name in held])
    machines = lab.up(names=["anchor", *names], keep=True)
    time.sleep(SETTLE)
    return [machine for machine in machines if machine.name in names]


def gone(lab: Lab, names: Sequence[str] = NAMES) -> None:
    held = {machine.name for machine in lab.machines()}
    lab.down([name for name in ("anchor", *names) if name in held])


def _received(machines: list[Machine]) -> dict[str, float]:
    """Bytes that the box has sent to each machine until now."""
    found: dict[str, float] = {}
    for machine in machines:
        interface = network.host_side(machine.leader or 0)
        if interface is None:
            raise BenchError(f"{machine.name} has no link")
        found[machine.name] = int((network.INTERFACES / interface / "statistics/tx_bytes").read_text())
    return found


def worked(machines: list[Machine]) -> float:
    """Processor time of all processes on the machines until now, in seconds."""
    settings = Settings.from_environment()
    found = 0.0
    for machine in machines:
        groups = cgroups.find(settings.cgroup, machine.name)
        usage = next((path for group in groups if (path := group / "cpuacct.usage").exists()), None)
        if usage is None:
            raise BenchError(f"{machine.name} has no control group that counts processor time")
        found += int(usage.read_text()) / 1e9
    return found


def _by_role(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    used = processes.used(before, after)
    return {
        role: sum(used[name] for name in used if ROLES[name] == role) / list(ROLES.values()).count(role)
        for role in dict.fromkeys(ROLES.values())
    }


def cluster_file(machines: list[Machine], *, planes: int = 1, endpoint: str = "") -> str:
    """As a person makes it: `roost new`."""
    words = ["--endpoint", endpoint] if endpoint else []
    for number, machine in enumerate(machines):
        option = "--control-plane" if number < planes else "--worker"
        words += [option, f"{machine.name}={machine.ipv4}"]
    return call(ROOST, "new", "bench", *words, "--key", str(machines[0].ssh_key_path))
