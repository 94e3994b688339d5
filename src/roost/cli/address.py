"""`roost address`: names and addresses under which the platform is reached, changed while it runs."""

from __future__ import annotations

import click

from roost.cli import door
from roost.cli.i18n import t

_server = click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))


@click.group("address", help=t("address.help"))
def command() -> None:
    pass


@command.command("list", help=t("address.list"))
@_server
def list_(server: str | None) -> None:
    at, token = door.signed_in(server)
    for address in at.call("GET", "/roost/v1/addresses", token=token)["addresses"]:
        click.echo(f"https://{address}")


@command.command("add", help=t("address.add"))
@click.argument("address")
@_server
def add(address: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    added = at.call("GET", "/roost/v1/addresses", token=token)["added"]
    at.call("PUT", "/roost/v1/addresses", {"added": [*added, address]}, token=token)
    click.echo(t("address.added", address=address), err=True)


@command.command("remove", help=t("address.remove"))
@click.argument("address")
@_server
def remove(address: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    added = at.call("GET", "/roost/v1/addresses", token=token)["added"]
    at.call("PUT", "/roost/v1/addresses", {"added": [one for one in added if one != address]}, token=token)
    click.echo(t("address.removed", address=address), err=True)
