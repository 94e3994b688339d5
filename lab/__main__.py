"""`python -m lab`: the one command of the lab. Each verb lives in the room that does the work."""

from __future__ import annotations

import sys

BUILD_VERBS = {
    "build": "build the programs and images of one or more Kubernetes versions into the cache",
    "mirror": "serve the cache with the paths of the upstream download sites and registries",
}
MACHINE_VERBS = {
    "up": "make machines",
    "status": "show machines, links and what the lab holds",
    "ssh": "open a shell or run a command on a machine",
    "link": "cut, slow, make lossy or mend a machine's link",
    "power": "switch a machine hard off, on, or reboot it",
    "collect": "gather everything needed to understand a failure",
    "diff": "show what was changed on a machine since it was made",
    "down": "remove machines and everything the lab made",
}


def main(argv: list[str]) -> int:
    verb = argv[0] if argv else "--help"
    if verb in BUILD_VERBS:
        from lab.build import cli as build_cli

        return build_cli.main(argv)
    if verb in MACHINE_VERBS:
        from lab.machines import cli as machines_cli

        return machines_cli.main(argv)
    print("usage: python -m lab VERB [options]; each verb has --help\n")
    for name, what in (BUILD_VERBS | MACHINE_VERBS).items():
        print(f"  {name:<8} {what}")
    return 0 if verb in ("-h", "--help", "help") else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
