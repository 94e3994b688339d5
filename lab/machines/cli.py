"""The machine verbs of `python -m lab`: words in, `Lab` and `Machine` called, plain text or JSON out."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from lab.machines import collect
from lab.machines.lab import Lab
from lab.machines.settings import LabError

ENVIRONMENT = """\
ROOST_LAB_NUMBER  which lab, 0 to 99 (default 0): its number is in every name and address, labs do not meet
ROOST_LAB_STATE   where its machines lie (default /var/lib/roost-lab, or /var/lib/roost-lab-NUMBER)
ROOST_LAB_CACHE   where base roots are kept (default /var/cache/roost-lab)"""


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    try:
        if os.geteuid() != 0:
            raise LabError("machines, bridges and mounts are root's: run it as root")
        return arguments.act(Lab(), arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab")
    verbs = parser.add_subparsers(required=True)

    def verb(name: str, what: str, act: object, more: str = "") -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            help=what,
            description=f"{what}.{more}",
            epilog=f"environment:\n{ENVIRONMENT}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(act=act)
        return added

    up = verb(
        "up",
        "Make machines and wait until they are ready",
        _up,
        "\nWhatever the lab held before is removed first, in whatever state a killed run left it. With --keep,"
        "\nmachines that exist stay, are switched on if they are off, and only those missing are made.",
    )
    up.add_argument("--machines", type=int, default=3, metavar="N", help="how many: node1, node2, … (default 3)")
    up.add_argument("--names", default="", metavar="A,B", help="their names, instead of a number")
    up.add_argument("--keep", action="store_true", help="keep the machines that exist")
    up.add_argument("--json", action="store_true", help="print the status as JSON")

    status = verb("status", "Show machines, links and what the lab holds on this box", _status)
    status.add_argument("--json", action="store_true")

    ssh = verb("ssh", "Open a shell on a machine, or run a command on it", _ssh)
    ssh.add_argument("--user", default="root", help="root, admin (sudo) or operator (sudo with a password)")
    ssh.add_argument("name", metavar="NAME")
    ssh.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")

    link = verb(
        "link",
        "Break or mend a machine's link",
        _link,
        "\ncut         nothing passes any more, though the machine sees its interface up"
        "\nmend        ends every fault"
        "\nloss 20%    that share of packets is lost, in each direction"
        "\nrate 10mbit no more than that passes, in each direction (kbit, mbit, gbit)"
        "\nFaults add up and outlive a reboot of the machine. A delay is not offered: it would need a relay in user"
        "\nspace on kernels without netem.",
    )
    link.add_argument("name", metavar="NAME")
    link.add_argument("fault", choices=["cut", "mend", "loss", "rate"])
    link.add_argument("value", nargs="?", default="")

    power = verb(
        "power", "Switch a machine", _power, "\noff is hard: all its processes are killed at once; its disk stays."
    )
    power.add_argument("name", metavar="NAME")
    power.add_argument("how", choices=["off", "on", "reboot"])

    gather = verb(
        "collect",
        "Gather everything needed to understand a failure",
        _collect,
        "\nIt includes the product's records on the machine, which may hold secrets; the directory is made for its"
        "\nowner alone.",
    )
    gather.add_argument(
        "--to", type=Path, default=None, metavar="DIR", help="default: lab-TIME in the working directory"
    )
    gather.add_argument("names", nargs="*", metavar="NAME")

    diff = verb("diff", "Show what was changed on a machine since it was made", _diff)
    diff.add_argument("--json", action="store_true")
    diff.add_argument("name", metavar="NAME")

    down = verb(
        "down",
        "Remove machines",
        _down,
        "\nWithout a name, or with the last one, everything that the lab made on this box goes too.",
    )
    down.add_argument("--all", action="store_true", help="the same as giving no name")
    down.add_argument("names", nargs="*", metavar="NAME")
    return parser


def _up(lab: Lab, arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    names = [name for name in arguments.names.split(",") if name]
    if not names and arguments.machines < 1:
        raise LabError("--machines must be at least 1")
    machines = lab.up(names or arguments.machines, keep=arguments.keep)
    if arguments.json:
        print(json.dumps(lab.status(), indent=1))
        return 0
    for machine in machines:
        print(f"{machine.name:<12} {machine.ipv4:<15} {machine.ipv6}")
    print(
        f"{len(machines)} ready in {time.monotonic() - started:.1f} s; sign in: python -m lab ssh {machines[0].name}"
    )
    return 0


def _status(lab: Lab, arguments: argparse.Namespace) -> int:
    status = lab.status()
    if arguments.json:
        print(json.dumps(status, indent=1))
        return 0
    if not status["machines"]:
        print(f"no machines; the lab holds {', '.join(status['held']) or 'nothing'} on this box")
        return 0
    row = "{name:<12} {ipv4:<15} {ipv6:<18} {power:<5} {memory:>7}  {link}"
    print(row.format(name="NAME", ipv4="IPV4", ipv6="IPV6", power="POWER", memory="MEMORY", link="LINK"))
    for each in status["machines"]:
        print(row.format(memory=f"{each['memoryBytes'] / 2**20:.0f}M", **each))
    print(f"state in {status['state']}, bridge {status['bridge']}; --json shows all that the lab holds on this box")
    return 0


def _ssh(lab: Lab, arguments: argparse.Namespace) -> int:
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    argv = [*lab.get(arguments.name).ssh_argv(arguments.user), *command]
    os.execvp(argv[0], argv)


def _link(lab: Lab, arguments: argparse.Namespace) -> int:
    machine = lab.get(arguments.name)
    if arguments.fault in ("loss", "rate") and not arguments.value:
        raise LabError(f"how much {arguments.fault}? Such as: loss 20%, rate 10mbit")
    if arguments.fault == "cut":
        machine.cut()
    elif arguments.fault == "mend":
        machine.mend()
    elif arguments.fault == "loss":
        machine.loss(arguments.value)
    else:
        machine.rate(arguments.value)
    print(f"{machine.name}: link {machine.link}")
    return 0


def _power(lab: Lab, arguments: argparse.Namespace) -> int:
    machine = lab.get(arguments.name)
    if arguments.how == "off":
        machine.power_off()
    elif arguments.how == "on":
        machine.power_on()
    else:
        machine.reboot()
    print(f"{machine.name}: {'off' if machine.leader is None else 'on and ready'}")
    return 0


def _collect(lab: Lab, arguments: argparse.Namespace) -> int:
    machines = [lab.get(name) for name in arguments.names] or lab.machines()
    to: Path = arguments.to or Path(time.strftime("lab-%Y%m%d-%H%M%S"))
    missing = collect.collect(machines, to)
    for each in missing:
        print(f"lab: not gathered: {each}", file=sys.stderr)
    print(f"gathered from {len(machines)} machines in {to}")
    return 0


def _diff(lab: Lab, arguments: argparse.Namespace) -> int:
    machine = lab.get(arguments.name)
    if arguments.json:
        files = [{"kind": each.kind, "path": each.path, "now": each.now} for each in machine.file_changes()]
        print(
            json.dumps({"files": files, "outside": {at: str(root) for at, root in machine.disks.items()}}, indent=1)
        )
        return 0
    print("\n".join(collect.changes(machine)))
    return 0


def _down(lab: Lab, arguments: argparse.Namespace) -> int:
    if arguments.all and arguments.names:
        raise LabError("give either names or --all")
    lab.down(arguments.names)
    return 0
