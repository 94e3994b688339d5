"""`roost version`. The plain form is answered by entry before click is imported; this one has -o."""

from __future__ import annotations

import platform

import click

from roost import __version__
from roost.cli import printing
from roost.cli.i18n import t


@click.command("version", help=t("version.help"))
@printing.output_option
def command(output: str) -> None:
    if output in ("table", "name"):
        click.echo(f"roost {__version__}")
        return
    printing.structured({"roost": __version__, "python": platform.python_version()}, output)
