"""The console entry. What people and shells call most starts in milliseconds; the rest is loaded when asked for.

`version`, `completion` and completing a command's name answer before click is imported; every other command is
one line in `command_map` and one module with a click object called `command`.
"""

from __future__ import annotations

import os
import sys


def run() -> int:
    """The console script. Gives the exit code: 0 done, 1 an error with its remedy, 2 wrong usage."""
    arguments = sys.argv[1:]
    if arguments in (["version"], ["--version"]):
        from roost import __version__

        sys.stdout.write(f"roost {__version__}\n")
        return 0
    if arguments[:1] == ["kubectl"]:
        # Everything after `kubectl` is kubectl's own, --help and --version too.
        from roost.cli import kubectl

        return kubectl.run(arguments[1:])
    if "_ROOST_COMPLETE" in os.environ:
        from roost.cli import completion
        from roost.cli.command_map import COMMANDS

        answered = completion.answer_command_name(os.environ, list(COMMANDS))
        if answered is not None:
            sys.stdout.write(answered)
            return 0
    from roost.cli import groups

    return groups.main(arguments)


if __name__ == "__main__":
    sys.exit(run())
