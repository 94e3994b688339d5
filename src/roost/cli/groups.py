"""The click group over the command map: imports only the command that was asked for, and prints errors.

Called by entry for everything that it does not answer itself.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from roost.api.errors import RoostError
from roost.cli.command_map import COMMANDS
from roost.cli.i18n import said, t


class LazyGroup(click.Group):
    """Lists commands from the map; imports a command's module when it is run or completed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(COMMANDS[cmd_name][0]).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section(t("entry.commands")):
            formatter.write_dl([(name, t(help_id)) for name, (_, help_id) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = t("entry.did-you-mean", command=near[0]) if near else t("entry.see-help")
            ctx.fail(t("entry.no-command", command=args[0]) + " " + hint)
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, help=t("entry.help"), no_args_is_help=True)
@click.version_option(package_name="roost", message="roost %(version)s")
def group() -> None:
    pass


def main(arguments: Sequence[str]) -> int:
    """Runs one command and gives the exit code."""
    try:
        code: object = group.main(list(arguments), prog_name="roost", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(t("entry.stopped"), err=True)
        return 130
    except RoostError as error:
        click.echo(t("entry.error", reason=error.reason, message=said(error.message)), err=True)
        return 1
    except BrokenPipeError:
        # The reader of a pipe went away (`roost … | head`); nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
