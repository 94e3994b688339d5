"""`roost down`: stops the platform; its data stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from roost.cli import data_directory
from roost.cli.i18n import t


@click.command("down", help=t("down.help"))
@click.option("--data-dir", type=click.Path(path_type=Path, readable=False), default=None, help=t("option.data-dir"))
@click.option("--service", is_flag=True, help=t("down.service"))
def command(data_dir: Path | None, service: bool) -> None:
    from roost.embedded import service as systemd
    from roost.embedded import stop

    layout = data_directory.layout(data_dir)
    if service:
        click.echo(t("down.service-removed" if systemd.remove() else "down.no-service", unit=systemd.NAME))
    stopped = asyncio.run(stop.stop(layout))
    if stopped.survivors:
        click.echo(t("down.survivors", names=", ".join(stopped.survivors)))
    if stopped.supervisor is None:
        if not service:
            click.echo(t("down.nothing", data_dir=layout.root))
        return
    click.echo(t("down.stopped", pid=stopped.supervisor, data_dir=layout.root))
    if not service and systemd.installed_for(layout.root):
        click.echo(t("down.service-stays", unit=systemd.NAME))
