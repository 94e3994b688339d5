"""How commands print: tables for people, JSON, YAML and names for programs. Same text with and without a terminal,
but for bold headers. Called by every command that shows objects or state.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from roost.cli.i18n import t

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("table", "json", "yaml", "name")


def output_option(function: F) -> F:
    """Adds `-o/--output table|json|yaml|name`; the command gets it as `output`."""
    option = click.option(
        "--output",
        "-o",
        "output",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help=t("option.output"),
    )
    return option(function)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints left-aligned columns, two spaces apart."""
    lines = columns([[header.upper() for header in headers], *rows])
    if not lines:
        return
    bold = sys.stdout.isatty()
    click.echo(click.style(lines[0], bold=True) if bold else lines[0])
    for line in lines[1:]:
        click.echo(line)


def structured(value: object, output: str) -> None:
    """Prints JSON or YAML."""
    if output == "yaml":
        import yaml

        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip())
        return
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, padded by the width that a terminal shows (Chinese takes two cells)."""
    if not rows:
        return []
    one_line = [[cell.replace("\n", " ") for cell in row] for row in rows]
    widths = [max(width(row[n]) for row in one_line) for n in range(len(one_line[0]))]
    return [
        "  ".join(cell + " " * (widths[n] - width(cell)) for n, cell in enumerate(row)).rstrip() for row in one_line
    ]


def width(text: str) -> int:
    """Cells that a terminal gives the text."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
