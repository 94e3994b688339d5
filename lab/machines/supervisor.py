"""One small process per machine: starts the machine, starts it again when it reboots, and puts its link right.

Started by `Machine.power_on` in a session of its own, so that a machine outlives the command that made it. It ends
when the machine is switched off, from inside or by `power_off`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from lab.machines import cgroups, modules, network, overlay, processes
from lab.machines.baseroot import DATA_DISK, OUTSIDE_OVERLAY
from lab.machines.identity import Identity
from lab.machines.settings import LabError, Settings

REBOOT = 133  # what systemd-nspawn ends with when the machine asked to be rebooted and nobody manages its unit
RUNTIME = Path("/run/systemd/nspawn")
MARK = "roost-lab-machine"  # in the supervisor's argv, so that it is found and told apart


def container_argv(settings: Settings, identity: Identity) -> list[str]:
    directory = settings.machines / identity.name
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--boot",
        f"--directory={directory / 'merged'}",
        f"--machine={settings.prefix}{identity.name}",
        f"--hostname={identity.name}",
        f"--network-bridge={settings.bridge}",
        "--capability=all",
        "--system-call-filter=add_key keyctl bpf",
        "--bind=/dev/kmsg",
        *(f"--bind={directory / 'disk' / Path(outside).name}:{outside}" for outside in OUTSIDE_OVERLAY),
        # Machines that were made before there was this disk have none.
        *([f"--bind={directory / 'disk' / 'data'}:{DATA_DISK}"] if (directory / "disk" / "data").is_dir() else []),
        *([f"--bind-ro={modules.HOST_MODULES}"] if modules.host_directory() else []),
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
    ]


def supervise(settings: Settings, identity: Identity) -> int:
    directory = settings.machines / identity.name
    with (directory / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0  # another one has the machine
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        boots = 0
        while True:
            boots += 1
            code = _one_boot(settings, identity, boots)
            if code != REBOOT or not (directory / "powered").exists():
                break
        (directory / "powered").unlink(missing_ok=True)
        _write_run(directory, {"supervisor": os.getpid(), "boots": boots, "ended": code})
        return 0


def _one_boot(settings: Settings, identity: Identity, boots: int) -> int:
    directory = settings.machines / identity.name
    groups = cgroups.make(settings.cgroup, identity.name)
    # nspawn gives the machine a /tmp in memory by default; Debian's is on disk, and what is left there shall be seen.
    # Its locks would stay behind in /run; the supervisor has its own.
    environment = {"PATH": os.environ.get("PATH", ""), "SYSTEMD_NSPAWN_TMPFS_TMP": "0", "SYSTEMD_NSPAWN_LOCK": "0"}
    with (directory / "console.log").open("ab") as console:
        container = subprocess.Popen(
            container_argv(settings, identity),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=environment,
            preexec_fn=lambda: cgroups.join(groups),  # noqa: PLW1509 (this process has no other thread)
        )
        run = {"supervisor": os.getpid(), "container": container.pid, "boots": boots, "started": time.time()}
        _write_run(directory, run)
        leader = _await_leader(container)
        if leader is not None:
            interface = _await_link(container, leader)
            if interface:
                link = network.Link.load(directory / "link.json")
                if link != network.Link():
                    _put_right(settings, identity, interface, link)
            run |= {"leader": leader, "leader_started": processes.start_time(leader) or 0}
            _write_run(directory, run | {"interface": interface or ""})
        code = container.wait()
    cgroups.remove(groups)
    network.forget(settings, identity.name, identity.index)
    forget_runtime(settings, identity.name)
    return code


def forget_runtime(settings: Settings, name: str = "*") -> None:
    """Removes what a killed container manager leaves of a machine in /run."""
    for directory in RUNTIME.glob(f"*/{settings.prefix}{name}"):
        overlay.unmount_below(directory)
        shutil.rmtree(directory, ignore_errors=True)


def runtime_leftovers(settings: Settings) -> list[str]:
    return [f"directory {directory}" for directory in RUNTIME.glob(f"*/{settings.prefix}*")]


def _put_right(settings: Settings, identity: Identity, interface: str, link: network.Link) -> None:
    """A fault that cannot be put on the link is for the log; the machine must not be lost over it."""
    try:
        network.apply(settings, identity.name, identity.index, interface, link)
    except LabError as error:
        print(f"{identity.name}: its link is whole instead of {link}: {error}", file=sys.stderr, flush=True)


def _await_leader(container: subprocess.Popen[bytes], patience: float = 30) -> int | None:
    deadline = time.monotonic() + patience
    while container.poll() is None and time.monotonic() < deadline:
        leader = processes.first_of_namespace(container.pid)
        if leader is not None:
            return leader
        time.sleep(0.02)
    return None


def _await_link(container: subprocess.Popen[bytes], leader: int, patience: float = 10) -> str | None:
    deadline = time.monotonic() + patience
    while container.poll() is None and time.monotonic() < deadline:
        interface = network.host_side(leader)
        if interface:
            return interface
        time.sleep(0.02)
    return None


def _write_run(directory: Path, run: Mapping[str, object]) -> None:
    new = directory / "run.json.new"
    new.write_text(json.dumps(run))
    new.rename(directory / "run.json")


def main(argv: list[str]) -> int:
    number, state, cache, name = argv
    settings = Settings(int(number), Path(state), Path(cache))
    try:
        return supervise(settings, Identity.load(settings.machines / name))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
