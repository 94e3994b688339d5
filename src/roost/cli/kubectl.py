"""`roost kubectl …`: the bundle's kubectl with the platform's kubeconfig. Arguments pass untouched, --help too.

Answered by entry before click is imported, so that it starts as fast as kubectl itself. `--data-dir` can't be an
option here: ROOST_DATA_DIR names another data directory.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from roost.embedded.layout import Layout, default_root


def run(arguments: Sequence[str]) -> int:
    """Becomes kubectl; returns only where it can't, with the exit code."""
    layout = Layout(default_root(os.environ, user_id=os.geteuid()).expanduser().absolute())
    program, problem = find(layout)
    if program is None:
        from roost.cli.i18n import t

        sys.stderr.write(t("entry.error", reason="PlatformMissing", message=problem) + "\n")
        return 1
    return os.execve(program, ["kubectl", *arguments], environment(os.environ, layout))  # noqa: S606


def environment(given: Mapping[str, str], layout: Layout) -> dict[str, str]:
    return {**given, "KUBECONFIG": str(layout.admin_kubeconfig)}


def find(layout: Layout) -> tuple[Path | None, str]:
    """The platform's kubectl, or None and what to do."""
    try:
        record = json.loads(layout.record.read_bytes())
        program = layout.programs(record["kubernetesVersion"]) / "kubectl"
    except (OSError, ValueError, KeyError):
        return None, (
            f"no platform in {layout.root}; start one with `roost up --detach`, or name it by ROOST_DATA_DIR"
        )
    if not os.access(program, os.X_OK):
        return None, f"{program} is missing; `roost up --detach` brings it back"
    return program, ""


def __getattr__(name: str) -> object:
    # Only `roost kubectl` inside click (help of the group, completion) needs the click object.
    if name != "command":
        raise AttributeError(name)
    import click

    from roost.cli.i18n import t

    @click.command(
        "kubectl",
        help=t("kubectl.help"),
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def command(ctx: click.Context, arguments: tuple[str, ...]) -> None:
        ctx.exit(run(arguments))

    return command
