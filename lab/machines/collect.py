"""Gathers what is needed to understand a failure of a machine, running or not. Called by `python -m lab collect`.

What is gathered includes the product's own records on the machine, which may hold secrets: the directory is made for
its owner alone.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab.machines import host, overlay
from lab.machines.machine import Machine
from lab.machines.settings import LabError

# file -> shell line on the machine
COMMANDS = {
    "journal.txt": "journalctl --no-pager --output=short-precise",
    "kubelet.txt": "journalctl --no-pager --output=short-precise --unit=kubelet",
    "containerd.txt": "journalctl --no-pager --output=short-precise --unit=containerd",
    "roost-units.txt": "journalctl --no-pager --output=short-precise --unit='roost*'",
    "units.txt": "systemctl --no-pager --full list-units --all; systemctl --no-pager --full --failed",
    "processes.txt": "ps -eww -o pid,ppid,user,lstart,rss,args --forest",
    "network.txt": (
        "for what in link addr 'route show table all' rule neigh; do"
        ' for family in -4 -6; do echo "# ip $family $what"; ip $family $what; done; done; ss -lntup'
    ),
    "iptables.txt": "iptables-save; ip6tables-save; echo '# nft'; nft list ruleset",
    "mounts.txt": "cat /proc/self/mountinfo; df -h",
    "memory.txt": "free -m; cat /proc/loadavg",
    "cgroups.txt": "find /sys/fs/cgroup -type d",
    "containers.txt": (
        "crictl=$(command -v crictl || ls /usr/local/bin/crictl /opt/*/bin/crictl 2>/dev/null | head -1);"
        ' if [ -n "$crictl" ]; then "$crictl" ps -a; "$crictl" pods; "$crictl" images; else echo no crictl; fi'
    ),
    "manifests.txt": "tail -n +1 /etc/kubernetes/manifests/* 2>/dev/null",
}
# Directories copied as they are.
TREES = ("/var/log/pods", "/var/lib/roost", "/etc/containerd", "/etc/cni", "/etc/systemd/system")
RECORDS = ("machine.json", "link.json", "run.json", "console.log", "supervisor.log")


def collect(machines: list[Machine], to: Path) -> list[str]:
    """Fills `to`/NAME for each machine; returns what could not be had. One failure hides nothing else."""
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    missing: list[str] = []
    for machine in machines:
        target = to / machine.name
        target.mkdir(exist_ok=True, mode=0o700)
        missing += _collect(machine, target)
    return missing


def _collect(machine: Machine, target: Path) -> list[str]:
    missing: list[str] = []
    if machine.leader is not None:
        for file, line in COMMANDS.items():
            try:
                done = machine.run(line, via="ns", check=False, timeout=60)
                (target / file).write_text(done.stdout + (f"# stderr\n{done.stderr}" if done.stderr else ""))
            except LabError as error:
                missing.append(f"{machine.name}: {file}: {error}")
    else:
        (target / "machine-is-off.txt").write_text("Logs are read from its disk.\n")
        journal = machine.directory / "merged/var/log/journal"
        read = host.run("journalctl", "--no-pager", "--output=short-precise", f"--directory={journal}", check=False)
        (target / "journal.txt").write_text(read.stdout + read.stderr)
    for tree in TREES:
        source = machine.directory / "merged" / tree.lstrip("/")
        if source.is_dir():
            missing += _copy_tree(source, target / tree.lstrip("/").replace("/", "-"), machine.name)
    (target / "changes.txt").write_text("".join(f"{line}\n" for line in changes(machine)))
    for record in RECORDS:
        if (machine.directory / record).exists():
            shutil.copyfile(machine.directory / record, target / record)
    return missing


def changes(machine: Machine) -> list[str]:
    """What `diff` prints: files of the overlay one by one, directories outside it in sum."""
    lines = [f"{change.kind:<8} {change.path}" for change in machine.file_changes()]
    for at, root in machine.disks.items():
        lines += [f"outside  {line}" for line in _summary(at, root)]
    return lines


def _summary(at: str, root: Path) -> list[str]:
    lines: list[str] = []
    for child in sorted(root.iterdir()):
        files, size = 0, 0
        for directory, _, names in os.walk(child):
            for name in names:
                try:
                    size += (Path(directory) / name).lstat().st_size
                except FileNotFoundError:
                    continue
                files += 1
        kind = f"{files} files, {size} bytes" if child.is_dir() else f"{child.lstat().st_size} bytes"
        lines.append(f"{at}/{child.name} ({kind})")
    return lines or [f"{at} (empty)"]


def _copy_tree(source: Path, target: Path, machine: str) -> list[str]:
    """Links are copied as links: they point into the machine."""
    try:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=_special)
        return []
    except (shutil.Error, OSError) as error:
        return [f"{machine}: {source}: {str(error)[:300]}"]


def _special(directory: str, names: list[str]) -> set[str]:
    """Sockets, pipes and devices can be waited on for ever."""
    ignored: set[str] = set()
    for name in names:
        path = Path(directory) / name
        if not (path.is_symlink() or path.is_dir() or path.is_file()) or overlay.is_whiteout(path.lstat()):
            ignored.add(name)
    return ignored
