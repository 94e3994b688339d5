"""`roost clusters`: every cluster with its state. The API server makes the table; this only pads columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from roost.cli import data_directory, platform_api, printing
from roost.cli.i18n import said, t


@click.command("clusters", help=t("clusters.help"))
@click.option("--namespace", "-n", default=None, help=t("clusters.namespace"))
@printing.output_option
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def command(namespace: str | None, output: str, data_dir: Path | None) -> None:
    api = platform_api.PlatformApi(data_directory.admin_kubeconfig(data_dir))
    where = platform_api.path("clusters", namespace=namespace)
    if output == "table":
        headers, rows = table(api.get(where, accept=platform_api.TABLE))
        if not rows:
            click.echo(t("clusters.none"), err=True)
            return
        printing.table(headers, rows)
        return
    items = cast(list[dict[str, Any]], api.get(where)["items"])
    if output == "name":
        for item in items:
            click.echo(f"{item['metadata']['namespace']}/{item['metadata']['name']}")
        return
    printing.structured(items, output)


def table(answer: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of a server-side Table, without wide columns, with the namespace in front."""
    columns = [(n, c["name"]) for n, c in enumerate(answer["columnDefinitions"]) if c.get("priority", 0) == 0]
    headers = ["Namespace", *(name for _, name in columns)]
    rows = [
        [row["object"]["metadata"].get("namespace", ""), *(cell(row["cells"][n], name) for n, name in columns)]
        for row in answer["rows"]
    ]
    return headers, rows


def cell(value: object, column: str = "") -> str:
    text = "" if value is None else str(value)
    return said(text) if column == "Message" else text
