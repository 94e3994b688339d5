"""`roost status`: what runs, whether it is healthy, how machines get their images. Exit code 0 only when ready."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from roost.cli import data_directory, printing
from roost.cli.door import fingerprint
from roost.cli.i18n import t
from roost.embedded import door
from roost.embedded.layout import Layout

if TYPE_CHECKING:
    from roost.embedded.status import Status


@click.command("status", help=t("status.help"))
@click.option("--data-dir", type=click.Path(path_type=Path, readable=False), default=None, help=t("option.data-dir"))
@printing.output_option
@click.pass_context
def command(ctx: click.Context, data_dir: Path | None, output: str) -> None:
    from roost.embedded import status

    found = asyncio.run(status.collect(data_directory.layout(data_dir)))
    if output == "name":
        click.echo(found.state)
    elif output == "table":
        show(found, now=datetime.now(UTC))
    else:
        printing.structured(status.encode(found), output)
    ctx.exit(status.exit_code(found.state))


def show(found: Status, *, now: datetime) -> None:
    """The state for people."""
    known = found.record
    if known is None:
        click.echo(t("status.absent", data_dir=found.data_dir))
        return
    rows = [
        [t("status.state"), t(f"status.state.{found.state}")],
        [t("status.data-dir"), str(found.data_dir)],
        [t("status.api"), t("status.api-value", server=known.server, version=known.kubernetes_version)],
        [t("status.door"), t("status.door-value", url=door.url(known))],
        [t("status.registry"), known.registry_address or t("status.no-registry")],
    ]
    if found.processes or found.state == "stopped":
        rows.append([t("status.logs"), str(found.data_dir / "logs")])
    layout = Layout(found.data_dir)
    if layout.machines_ca.exists():
        rows.append([t("status.ca"), fingerprint(layout.machines_ca.read_text())])
    if layout.first_password.exists():
        rows.append([t("status.first-password"), t("status.first-password-value", file=layout.first_password)])
    if found.problem:
        rows.insert(1, [t("status.problem"), found.problem])
    if found.service:
        rows.append([t("status.service"), found.service])
    rows.append([t("status.certificates"), certificates(found, now)])
    if found.free_bytes is not None:
        rows.append([t("status.disk"), t("status.disk-value", gigabytes=f"{found.free_bytes / 1e9:.1f}")])
    for line in printing.columns(rows):
        click.echo(line)
    if found.processes:
        click.echo()
        headers = [t(f"status.column.{name}") for name in ("process", "pid", "memory", "running")]
        printing.table(
            headers, [[p.name, str(p.pid), memory(p.resident_bytes), age(p.seconds)] for p in found.processes]
        )


def certificates(found: Status, now: datetime) -> str:
    from roost.embedded.status import soonest

    first = soonest(found.certificates or {})
    if first is None:
        return t("status.no-certificates")
    name, end = first
    return t("status.certificate-ends", name=name, date=f"{end:%Y-%m-%d}", days=(end - now).days)


def memory(size: int | None) -> str:
    return "?" if size is None else f"{size / 1024**2:.0f} MiB"


def age(seconds: float) -> str:
    """As kubectl writes ages: 42s, 7m, 3h, 2d."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length * 2:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"
