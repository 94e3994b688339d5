"""Adding a worker by roost beside a raw kubeadm join by hand, to a cluster of one node and to one of five.

Called by the command. Both add a machine that was made anew to the same running cluster, which roost made, and
remove it again outside the clock. The clock ends when the cluster itself says that the new node is Ready.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench import creation, payload, traffic
from bench.figures import Figure, figure, order
from bench.platform import VERSION, BenchError, Platform, bundles, call
from lab.machines.lab import Lab
from lab.machines.machine import Machine

TARGET: Final = 1.05
SIZES: Final = (1, 5)
"""Nodes that the cluster has before."""
ADDED: Final = "added"
JOIN: Final = Path(__file__).with_name("join.sh")


@dataclass(frozen=True)
class Run:
    seconds: float
    machine: float
    """Processor time on the new machine."""
    elsewhere: int = 0
    """Commands that roost sent to the machines that were there before."""


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    lab = Lab()
    prepared = work / "payload"
    payload.prepare(bundles(), VERSION, prepared)
    found: list[Figure] = []
    for size in SIZES:
        found += _with(size, runs, lab=lab, prepared=prepared, work=work, port_base=port_base)
    return found


def figures(size: int, own: list[Run], peer: list[Run]) -> list[Figure]:
    """Pure."""
    part = str(size)
    return [
        figure("joining.time", "s", [r.seconds for r in own], [r.seconds for r in peer], target=TARGET, part=part),
        figure("joining.machine", "s", [r.machine for r in own], [r.machine for r in peer], part=part),
        figure("joining.elsewhere", "count", [r.elsewhere for r in own], part=part, limit=0),
    ]


def _with(size: int, runs: int, *, lab: Lab, prepared: Path, work: Path, port_base: int) -> list[Figure]:
    names = [f"bench{number}" for number in range(1, size + 1)]
    own: list[Run] = []
    peer: list[Run] = []
    platform = Platform(work / f"platform-{size}", port_base, lab.settings.host_ipv4)
    try:
        machines = lab.up(names=names)
        time.sleep(creation.SETTLE)
        platform.provide_bundle()
        platform.up()
        platform.wait_pushed()
        platform.kubectl("apply", "-f", "-", stdin=creation.cluster_file(machines))
        platform.kubectl("wait", "cluster/bench", "--for=condition=Available", "--timeout=600s")
        for number in range(runs):
            for who in order(number):
                new = _one_more(lab)
                if who == "own":
                    own.append(_by_roost(platform, machines, new))
                else:
                    peer.append(_by_hand(prepared, machines[0], new, work))
                lab.down([ADDED])
            print(
                f"  joining {size} node(s) {number + 1}/{runs}: {own[-1].seconds:.1f} s, "
                f"by hand {peer[-1].seconds:.1f} s",
                flush=True,
            )
    finally:
        platform.down()
        held = {machine.name for machine in lab.machines()}
        lab.down([name for name in (*names, ADDED) if name in held])
    return figures(size, own, peer)


def _one_more(lab: Lab) -> Machine:
    machine = next(one for one in lab.up(names=[ADDED], keep=True) if one.name == ADDED)
    time.sleep(creation.SETTLE)
    return machine


def _by_roost(platform: Platform, machines: list[Machine], new: Machine) -> Run:
    document = _machine_object(creation.cluster_file([*machines, new]))
    logged = len(platform.log())
    used = creation.worked([new])
    began = time.monotonic()
    platform.kubectl("apply", "-f", "-", stdin=document)
    _wait_there(machines[0])
    one = Run(
        time.monotonic() - began,
        creation.worked([new]) - used,
        elsewhere(platform.log()[logged:], {machine.name for machine in machines}),
    )
    platform.kubectl("delete", "-f", "-", "--timeout=300s", stdin=document)
    return one


def elsewhere(lines: list[dict[str, Any]], there: Collection[str]) -> int:
    """Commands to machines that were in the cluster before. Pure."""
    return sum(each.commands for name, each in traffic.per_machine(lines).items() if name in there)


def _by_hand(prepared: Path, head: Machine, new: Machine, work: Path) -> Run:
    with tempfile.TemporaryDirectory(dir=work) as sockets:
        command = Path(sockets) / "command"
        command.write_text(call(*head.ssh_argv(), "kubeadm token create --print-join-command"))
        used = creation.worked([new])
        began = time.monotonic()
        done = subprocess.run(
            [str(JOIN), str(prepared), str(new.ssh_key_path), head.ipv4, new.ipv4, ADDED, str(command)],
            env={**os.environ, "SOCKETS": sockets},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        one = Run(time.monotonic() - began, creation.worked([new]) - used)
        for socket in (path for path in Path(sockets).iterdir() if path.is_socket()):
            subprocess.run(["ssh", "-O", "exit", "-S", str(socket), "any"], capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"join.sh ended with {done.returncode}: {done.stderr[-2000:]}")
    call(*head.ssh_argv(), f"kubectl --kubeconfig /etc/kubernetes/admin.conf delete node {ADDED}")
    return one


def _wait_there(head: Machine) -> None:
    """The question that ends both clocks; here it is asked before there is a node of that name.

    One program waits for that too: to start kubectl again and again would take processors from what is measured.
    """
    ask = (
        "export KUBECONFIG=/etc/kubernetes/admin.conf; "
        f"kubectl wait node/{ADDED} --for=create --timeout=120s && "
        f"kubectl wait node/{ADDED} --for=condition=Ready --timeout=120s"
    )
    call(*head.ssh_argv(), ask, timeout=300)


def _machine_object(text: str) -> str:
    """Only the new Machine out of a whole file."""
    for document in yaml.safe_load_all(text):
        if document and document["kind"] == "Machine" and document["metadata"]["name"].endswith(ADDED):
            return yaml.safe_dump(document)
    raise BenchError(f"no Machine of the name {ADDED} in what `roost new` wrote")
