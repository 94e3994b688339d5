"""What a machine is like, in one dictionary, so that two moments can be compared to the last rule and route.

Keys are `kind:what`; values are texts. Reading is in two halves: files from this box's side of the overlay, all else
by one script in the machine's namespaces. `IGNORED` and `VOLATILE_SYSCTLS` are the whole list of what may differ.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from lab.machines import overlay
from lab.machines.settings import LabError

SCRIPT = Path(__file__).with_name("snapshot.sh")


class Ignored(NamedTuple):
    pattern: str  # matched against the whole key
    reason: str


IGNORED = (
    Ignored(r"file:/var/log(/.*)?", "logs"),
    Ignored(r"file:/var/lib/systemd/(random-seed|timers|linger|rfkill|coredump).*", "systemd's own memory"),
    Ignored(r"file:/etc/ssh/ssh_host_.*", "host keys"),
    Ignored(r"file:/(tmp|var/tmp)/(systemd-private-|\.(X11|ICE|XIM|font)-unix).*", "made anew at each boot"),
    Ignored(
        r"file:/home/\w+/\.sudo_as_admin_successful|file:/var/lib/sudo/.*|run:/run/sudo.*",
        "sudo's notes of who used it",
    ),
    Ignored(
        r"(unit|unit-file|cgroup|mount|run|transient):.*"
        r"(session-\w+\.scope|user@?-?\d+|user-runtime-dir@|/run/user/|user\.slice).*",
        "sessions of those signed in",
    ),
    # A child of systemd shows as (name) until it becomes its program, (time-dir) for user-runtime-dir@; a defunct
    # one has ended and waits to be counted.
    Ignored(
        r"process:.*(sshd: \w+[ @]|\(sd-pam\)|\(time-dir\)|systemd --user|\[systemd\] <defunct>|sftp-server).*",
        "their processes",
    ),
    Ignored(r"mount:/run/credentials.*", "systemd's credentials of running units"),
    Ignored(r"run:/run/(utmp|agetty\.reload|motd|sshd\.pid|nologin|xtables\.lock).*", "run-time marks"),
)

# What programs of a running node write by themselves; for comparing a cluster with itself a moment later.
RUNNING = (
    Ignored(r"file:/var/lib/etcd(/.*)?", "etcd's log and snapshots"),
    Ignored(r"(file|mount):/var/lib/containerd(/.*)?|(run|mount):/run/containerd(/.*)?", "containerd's containers"),
    Ignored(r"(file|mount):/var/lib/kubelet(/.*)?", "kubelet's pods and checkpoints"),
    Ignored(
        r"file:/var/lib/cni(/.*)?|run:/run/(flannel|netns)(/.*)?|mount:/run/netns/.*",
        "addresses and namespaces of pods",
    ),
    Ignored(r"process:.*\brunc\b.*", "probes being carried out"),
)

# Values that change by themselves, or that mirror the whole box and not the machine.
VOLATILE_SYSCTLS = (
    Ignored(r"kernel\.random\..*|.*stable_secret|net\.ipv4\.tcp_fastopen_key", "random"),
    Ignored(r"kernel\.ns_last_pid|fs\.dentry-state|kernel\.pty\.nr|net\.netfilter\.nf_conntrack_count", "counters"),
    Ignored(r"kernel\.perf_event_max_sample_rate|kernel\.perf_cpu_time_max_percent", "the kernel adapts them"),
    Ignored(r"kernel\.sched_domain\..*|net\.ipv4\.(tcp|udp)_mem", "the whole box's"),
)

_DROPPED_FIELDS = re.compile(
    r"ifindex|link_index|link_netnsid|stats.*|qdisc|.*life_time|.*_timer|txqlen|root_id|bridge_id|expires|cache.*|flags"
)


def collect(state: str, upper: Path, lowers: Sequence[Path], disks: Mapping[str, Path]) -> dict[str, str]:
    """Joins the script's output with the files that the machine's overlay and disks hold."""
    taken = parse(state)
    for change in overlay.changes(upper, list(lowers)):
        taken[f"file:{change.path}"] = change.now or "deleted"
    for at, root in disks.items():
        for relative, described in overlay.tree(root):
            taken[f"file:{at}" if relative == "." else f"file:{at}/{relative}"] = described
    return taken


def parse(output: str) -> dict[str, str]:
    """The script's output as keys and values. Raises when it was cut short, since half a snapshot proves nothing."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in output.splitlines():
        if line.startswith("=== "):
            current = sections.setdefault(line[4:], [])
        else:
            current.append(line)
    if "end" not in sections:
        raise LabError("the machine's state could not be read to the end; its last words: " + output[-300:])
    taken: dict[str, str] = {}
    for name in ("iptables", "ip6tables"):
        taken[name] = "\n".join(_rules(sections[name]))
    taken["nft"] = "\n".join(line for line in sections["nft"] if line.strip())
    taken["rule"] = "\n".join(sections["rule"])
    for link in _objects(sections["link"]):
        taken[f"link:{link['ifname']}"] = _canonical(link)
    for link in _objects(sections["addr"]):
        for address in link.get("addr_info", []):
            key = f"addr:{link['ifname']}:{address['local']}/{address['prefixlen']}"
            taken[key] = _canonical(address)
    for family in ("route4", "route6"):
        for route in _objects(sections[family]):
            taken[f"{family}:{_canonical(route)}"] = "present"
    taken |= _mounts(sections["mounts"])
    taken |= _sysctls(sections["sysctls"])
    taken |= _first_word("unit", filter(_own_unit, sections["units"]))
    taken |= _first_word("unit-file", sections["unit-files"])
    taken |= _counted("process", sections["processes"])
    taken |= _counted("cgroup", [line.removeprefix("/sys/fs/cgroup") for line in sections["cgroups"]])
    taken |= _counted("listen", map(_socket, sections["listening"]))
    taken |= _counted("module", [line.split()[0] for line in sections["modules"] if line])
    taken |= _first_word("run", sections["run"])
    taken |= _counted("transient", sections["transient"])
    taken["host"] = "\n".join(sections["host"])
    return taken


def compare(before: Mapping[str, str], after: Mapping[str, str], ignored: Iterable[Ignored] = IGNORED) -> list[str]:
    """One line for each thing that was added, removed or changed; empty when nothing was."""
    skip = [re.compile(f"(?:{each.pattern})", re.DOTALL) for each in ignored]
    lines: list[str] = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new or _follows_link(key, before, after) or any(pattern.fullmatch(key) for pattern in skip):
            continue
        if old is None:
            lines.append(f"added {key}" + ("" if new == "present" else f": {new}"))
        elif new is None:
            lines.append(f"removed {key}" + ("" if old == "present" else f": {old}"))
        elif "\n" in old + new or key in ("iptables", "ip6tables", "nft", "rule"):
            delta = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
            lines += [f"changed {key}: {line}" for line in delta if not line.startswith(("---", "+++", "@@"))]
        else:
            lines.append(f"changed {key}: {old} -> {new}")
    return lines


def _follows_link(key: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether this is a value of an interface that itself came or went: some 120 lines that say nothing new."""
    match = re.match(r"sysctl:net\.ipv[46]\.(?:conf|neigh)\.(.+)\.\w+$", key)
    link = f"link:{match[1]}" if match else ""
    return bool(match) and match[1] not in ("all", "default") and (link in before) != (link in after)


def _rules(lines: Iterable[str]) -> Iterable[str]:
    """iptables-save without comments and counters. Tables whose chains are all empty and accepting are left out: a
    machine has or has not got them depending only on whether somebody once looked."""
    table: list[str] = []
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        line = re.sub(r"\[\d+:\d+\]\s*", "", line).rstrip()
        table.append(line)
        if line == "COMMIT":
            if any(not re.match(r"\*|COMMIT|:[A-Z]+ ACCEPT", each) for each in table):
                yield from table
            table = []


def _objects(lines: list[str]) -> list[dict[str, Any]]:
    text = "\n".join(lines).strip()
    return [each for each in json.loads(text or "[]") if each]


def _canonical(value: object) -> str:
    return json.dumps(_stable(value), sort_keys=True)


def _stable(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {k: _stable(v) for k, v in fields.items() if not _DROPPED_FIELDS.fullmatch(k)}
    if isinstance(value, list):
        return [_stable(each) for each in cast("list[object]", value)]
    return value


def _mounts(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        kind, source, _ = right.split(" ", 2)
        spread = " ".join(sorted(each.split(":")[0] for each in fields[6:])) or "private"
        root = "" if kind in ("overlay", "cgroup", "cgroup2", "tmpfs") else fields[3]
        found.setdefault(fields[4], []).append(f"{kind} {source} {root} {fields[5]} {spread}")
    return {f"mount:{point}": " | ".join(each) for point, each in found.items()}


def _sysctls(lines: Iterable[str]) -> dict[str, str]:
    skip = [re.compile(each.pattern) for each in VOLATILE_SYSCTLS]
    found: dict[str, str] = {}
    for line in lines:
        path, _, value = line.partition(":")
        name = path.removeprefix("/proc/sys/").replace("/", ".")
        if not any(pattern.fullmatch(name) for pattern in skip):
            key = f"sysctl:{name}"
            found[key] = f"{found[key]} {value}" if key in found else value
    return found


def _first_word(kind: str, lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, rest = line.strip().lstrip("●* ").partition(" ")
        if name:
            found[f"{kind}:{name}"] = " ".join(rest.split()[:3])
    return found


def _own_unit(line: str) -> bool:
    """Not those that are only mentioned by others, nor mounts: systemd makes these from the table of mounts, late."""
    words = line.strip().lstrip("●* ").split()
    return len(words) > 1 and words[1] != "not-found" and not words[0].endswith(".mount")


def _counted(kind: str, items: Iterable[str]) -> dict[str, str]:
    """Each different item once; how often, where it is there more than once."""
    counts = Counter(item for item in items if item)
    return {f"{kind}:{item}": "present" if count == 1 else f"present {count} times" for item, count in counts.items()}


def _socket(line: str) -> str:
    """`ss` without queues, pids and descriptors: protocol, address and port, program."""
    fields = line.split()
    if len(fields) < 5:
        return ""
    program = re.search(r'\(\("([^"]+)"', line)
    return f"{fields[0]} {fields[4]} {program[1] if program else ''}".rstrip()
