"""The machine verbs of `python -m lab`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from lab.machines.lab import Lab
from lab.machines.settings import LabError


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return arguments.act(Lab(), arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = parser.add_subparsers(required=True)

    up = verbs.add_parser("up")
    up.add_argument("--machines", type=int, default=3)
    up.add_argument("--names", default="")
    up.add_argument("--keep", action="store_true")
    up.add_argument("--json", action="store_true")
    up.set_defaults(act=_up)

    status = verbs.add_parser("status")
    status.add_argument("--json", action="store_true")
    status.set_defaults(act=_status)

    ssh = verbs.add_parser("ssh")
    ssh.add_argument("name")
    ssh.add_argument("command", nargs="*")
    ssh.set_defaults(act=_ssh)

    down = verbs.add_parser("down")
    down.add_argument("names", nargs="*")
    down.add_argument("--all", action="store_true")
    down.set_defaults(act=_down)
    return parser


def _up(lab: Lab, arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    names = [name for name in arguments.names.split(",") if name]
    machines = lab.up(names or arguments.machines, keep=arguments.keep)
    if arguments.json:
        print(json.dumps(lab.status(), indent=1))
        return 0
    print(f"{len(machines)} machines ready in {time.monotonic() - started:.1f} s")
    return _status(lab, arguments)


def _status(lab: Lab, arguments: argparse.Namespace) -> int:
    status = lab.status()
    if arguments.json:
        print(json.dumps(status, indent=1))
        return 0
    for each in status["machines"]:
        print(f"{each['name']:<12} {each['ipv4']:<15} {each['ipv6']:<16} {each['power']:<4} {each['link']}")
    return 0


def _ssh(lab: Lab, arguments: argparse.Namespace) -> int:
    argv = [*lab.get(arguments.name).ssh_argv(), *arguments.command]
    os.execvp(argv[0], argv)


def _down(lab: Lab, arguments: argparse.Namespace) -> int:
    lab.down(arguments.names)
    return 0
