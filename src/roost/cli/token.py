"""`roost token`: service tokens, for programs that can't sign in."""

from __future__ import annotations

import click

from roost.cli import door, printing
from roost.cli.i18n import t

_server = click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))


@click.group("token", help=t("token.help"))
def command() -> None:
    pass


@command.command("create", help=t("token.create"))
@click.argument("name")
@click.option("--user", default=None, help=t("token.user"))
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help=t("token.days"))
@_server
def create(name: str, user: str | None, days: int, server: str | None) -> None:
    at, token = door.signed_in(server)
    body: dict[str, object] = {"name": name, "days": days}
    if user:
        body["user"] = user
    made = at.call("POST", "/roost/v1/tokens", body, token=token)
    click.echo(t("token.created", name=name, user=made["user"], expires=made["expires"]), err=True)
    click.echo(made["token"])


@command.command("list", help=t("token.list"))
@printing.output_option
@_server
def list_(output: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    items = at.call("GET", "/roost/v1/tokens", token=token)["items"]
    if output == "name":
        for item in items:
            click.echo(item["id"])
    elif output == "table":
        columns = ("id", "name", "user", "created", "expires")
        printing.table(
            [t(f"token.column.{one}") for one in columns], [[item[one] for one in columns] for item in items]
        )
    else:
        printing.structured(items, output)


@command.command("revoke", help=t("token.revoke"))
@click.argument("token_id", metavar="ID")
@_server
def revoke(token_id: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    at.call("DELETE", f"/roost/v1/tokens/{door.part(token_id)}", token=token)
    click.echo(t("token.revoked", id=token_id), err=True)
