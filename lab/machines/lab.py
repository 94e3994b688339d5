"""Makes and removes machines and clears what earlier runs left. For tests, benchmarks, the demo and the command."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from lab.machines import baseroot, cgroups, host, identity, nameserver, network, overlay, processes, supervisor
from lab.machines.identity import Identity
from lab.machines.machine import REPOSITORY, Machine
from lab.machines.settings import MAX_MACHINES, LabError, Settings, check_name

# Raised while any lab is up: name under /proc/sys -> at least this.
RAISED = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 1048576}
RAISED_RECORD = Path("/run/roost-lab/sysctl.json")


class Lab:
    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()

    def up(
        self, machines: int | Sequence[str] = 3, *, names: Sequence[str] | None = None, keep: bool = False
    ) -> list[Machine]:
        """Makes machines (that many, node1 and on, or with these names) and returns when all are ready.

        Everything that the lab held before is removed first, whatever state it is in. With `keep` the machines that
        exist stay as they are, are switched on where they are off, and only those missing are made.
        """
        if names is not None:
            machines = names
        wanted = [f"node{i + 1}" for i in range(machines)] if isinstance(machines, int) else list(machines)
        if len(set(wanted)) != len(wanted):
            raise LabError(f"a machine's name is given twice: {', '.join(wanted)}")
        for name in wanted:
            check_name(name)
        host.ensure_packages()
        base = baseroot.ensure(self.settings.cache)
        with self._locked():
            if not keep:
                self._remove_everything()
            self.settings.machines.mkdir(parents=True, exist_ok=True)
            self.settings.state.chmod(0o700)
            raise_sysctls()
            network.ensure(self.settings)
            nameserver.start(self.settings, REPOSITORY)
            identity.ensure_client_key(self.settings.state)
            present = {machine.name: machine for machine in self.machines()}
            indices = iter(self._free_indices(present, len(wanted)))
            new = {name: next(indices) for name in wanted if name not in present}

            def bring_up(name: str) -> Machine:
                machine = present.get(name)
                if machine is None:
                    machine = Machine(self.settings, identity.create(self.settings, name, new[name], base))
                machine.power_on()
                return machine

            with ThreadPoolExecutor(max_workers=8) as pool:
                return list(pool.map(bring_up, wanted))

    def machines(self) -> list[Machine]:
        found: list[Machine] = []
        if self.settings.machines.is_dir():
            for directory in self.settings.machines.iterdir():
                if (directory / "machine.json").is_file():
                    found.append(Machine(self.settings, Identity.load(directory)))
        return sorted(found, key=lambda machine: int(machine.ipv4.rsplit(".", 1)[1]))

    def get(self, name: str) -> Machine:
        for machine in self.machines():
            if machine.name == name:
                return machine
        there = ", ".join(machine.name for machine in self.machines()) or "none"
        raise LabError(f"there is no machine «{name}»; there is: {there}")

    def down(self, machines: Sequence[str] = ()) -> None:
        """Removes these machines; without names, or with the last of them, also everything else of the lab."""
        for name in machines:
            self.get(name)
        with self._locked():
            for machine in [self.get(name) for name in machines]:
                self._remove(machine)
            if not machines or not self.machines():
                self._remove_everything()
                # The lock's file goes too; whoever waits for it opens a new one.
                shutil.rmtree(self.settings.state, ignore_errors=True)

    def give_name(self, name: str, addresses: Sequence[str]) -> None:
        """Makes the lab's name server answer with these addresses, or with none any more."""
        file = nameserver.given_file(self.settings.state)
        given: dict[str, list[str]] = json.loads(file.read_text()) if file.is_file() else {}
        given[name.lower()] = list(addresses)
        new = file.with_suffix(".new")
        new.write_text(json.dumps({known: given[known] for known in given if given[known]}))
        new.rename(file)

    def status(self) -> dict[str, Any]:
        return {
            "number": self.settings.number,
            "state": str(self.settings.state),
            "bridge": self.settings.bridge,
            "machines": [
                {
                    "name": machine.name,
                    "ipv4": machine.ipv4,
                    "ipv6": machine.ipv6,
                    "power": "on" if machine.leader else "off",
                    "link": str(machine.link),
                    "boots": machine.boots,
                    "memoryBytes": machine.memory(),
                    "hostKey": machine.host_key,
                    "sshKey": str(machine.ssh_key_path),
                }
                for machine in self.machines()
            ],
            "held": self.held(),
        }

    def held(self) -> list[str]:
        """Everything of this lab's that exists on the box now, found by name and not by its records."""
        held = network.leftovers(self.settings)
        held += [f"mount {point}" for point in overlay.mounts_below(self.settings.state, _mountinfo())]
        held += [f"control group {group}" for group in cgroups.find(self.settings.cgroup)]
        held += supervisor.runtime_leftovers(self.settings)
        held += [f"process {pid}" for pid in self.processes()]
        if self.settings.state.exists():
            held.append(f"directory {self.settings.state}")
        if RAISED_RECORD.exists():
            held.append("raised sysctls: " + ", ".join(sorted(json.loads(RAISED_RECORD.read_text()))))
        return held

    @staticmethod
    def _free_indices(present: dict[str, Machine], count: int) -> list[int]:
        taken = {int(machine.ipv4.rsplit(".", 1)[1]) for machine in present.values()}
        free = [i for i in range(MAX_MACHINES) if i + 11 not in taken]
        if len(free) < count:
            raise LabError(f"a lab holds at most {MAX_MACHINES} machines")
        return free

    def _remove(self, machine: Machine) -> None:
        machine.power_off()
        overlay.unmount_below(machine.directory)
        shutil.rmtree(machine.directory)

    def _remove_everything(self) -> None:
        """By name and not by record, so that it also ends what a killed run left in the middle of anything."""
        processes.kill(self.processes(supervisors_only=True))
        leaders = [leader for leader in map(processes.first_of_namespace, self.processes()) if leader]
        processes.kill([*leaders, *self.processes()])
        groups = cgroups.find(self.settings.cgroup)
        if not cgroups.remove(groups):
            raise LabError(f"control groups could not be removed: {', '.join(map(str, groups))}")
        overlay.unmount_below(self.settings.state)
        if self.settings.machines.exists():
            shutil.rmtree(self.settings.machines)
        if shutil.which("ip"):
            network.clear(self.settings)
        supervisor.forget_runtime(self.settings)
        restore_sysctls(self.settings)

    def processes(self, supervisors_only: bool = False) -> list[int]:
        """Those of this lab on the box: supervisors, the name server, container managers."""
        found = processes.with_arguments(supervisor.MARK, str(self.settings.state)) + nameserver.running(
            self.settings
        )
        if not supervisors_only and self.settings.machines.is_dir():
            for directory in self.settings.machines.iterdir():
                found += processes.with_arguments(f"--directory={directory / 'merged'}")
        return found

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        """One command at a time changes a lab."""
        deadline = time.monotonic() + 120
        while True:
            self.settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.settings.state / ".lock"
            with path.open("w") as lock:
                if _try_lock(lock) and path.exists() and os.fstat(lock.fileno()).st_ino == path.stat().st_ino:
                    yield
                    return
            # Held by another command, or removed by the one that held it.
            if time.monotonic() > deadline:
                raise LabError(f"another command has held the lab in {self.settings.state} for two minutes")
            time.sleep(0.1)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def raise_sysctls() -> None:
    """Raises the box's inotify limits, which a few machines use up; keeps the values before for `restore_sysctls`."""
    if not RAISED_RECORD.exists():
        RAISED_RECORD.parent.mkdir(exist_ok=True)
        before = {name: Path("/proc/sys", name).read_text().strip() for name in RAISED}
        new = RAISED_RECORD.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(before))
        # Another lab that comes up at this moment may have raised them already: the first record counts.
        with contextlib.suppress(FileExistsError):
            RAISED_RECORD.hardlink_to(new)
        new.unlink()
    for name, least in RAISED.items():
        path = Path("/proc/sys", name)
        if int(path.read_text()) < least:
            path.write_text(str(least))


def restore_sysctls(settings: Settings) -> None:
    """Puts the values back, unless another lab on this box is up."""
    others = [p.name for p in network.INTERFACES.glob("roostlab*") if p.name != settings.bridge]
    if RAISED_RECORD.exists() and not others:
        for name, value in json.loads(RAISED_RECORD.read_text()).items():
            Path("/proc/sys", name).write_text(value)
        RAISED_RECORD.unlink()
        with contextlib.suppress(OSError):
            RAISED_RECORD.parent.rmdir()


def _mountinfo() -> str:
    return Path("/proc/self/mountinfo").read_text()
