"""`roost audit`: who did what through the platform, and whether the log of it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from roost.cli import data_directory, door, printing
from roost.cli.i18n import t

BROKEN = 1
"""Exit code of a log that is not whole."""


@click.group("audit", help=t("audit.help"))
def command() -> None:
    pass


@command.command("list", help=t("audit.list"))
@click.option("--user", default="", help=t("audit.user"))
@click.option("--cluster", default="", metavar="NAMESPACE/NAME", help=t("audit.cluster"))
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help=t("audit.limit"))
@click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))
@printing.output_option
def list_(user: str, cluster: str, limit: int, server: str | None, output: str) -> None:
    at, token = door.signed_in(server)
    query = urlencode({"limit": limit, "user": user, "cluster": cluster})
    items = at.call("GET", f"/roost/v1/audit?{query}", token=token)["items"]
    if output == "name":
        for item in items:
            click.echo(item["auditID"])
    elif output == "table":
        columns = ("time", "user", "verb", "uri", "code")
        printing.table([t(f"audit.column.{one}") for one in columns], [_row(item) for item in items])
    else:
        printing.structured(items, output)


@command.command("verify", help=t("audit.verify"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def verify(data_dir: Path | None) -> None:
    from roost.gateway import audit

    failed = False
    for directory in audit.logs(data_directory.layout(data_dir).audit):
        found = audit.verify(directory)
        broken = found.broken
        if broken is None:
            click.echo(t("audit.whole", events=found.events, head=found.head))
            continue
        failed = True
        file = directory / broken.file
        click.echo(t("audit.broken", file=file, line=broken.line, why=broken.why, events=found.events), err=True)
    if failed:
        raise click.exceptions.Exit(BROKEN)


def _row(item: dict[str, Any]) -> list[str]:
    code = item.get("responseStatus", {}).get("code", "")
    return [item["stageTimestamp"][:19], item["user"]["username"], item["verb"], item["requestURI"][:80], str(code)]
