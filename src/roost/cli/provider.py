"""`roost provider`: identity providers (OpenID Connect) through which people sign in."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from roost.cli import door, printing
from roost.cli.i18n import t

_server = click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))


@click.group("provider", help=t("provider.help"))
def command() -> None:
    pass


@command.command("add", help=t("provider.add"))
@click.argument("name")
@click.option("--issuer", required=True, help=t("provider.issuer"))
@click.option("--client-id", required=True, help=t("provider.client-id"))
@click.option("--client-secret-stdin", is_flag=True, help=t("provider.client-secret-stdin"))
@click.option(
    "--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, help=t("provider.ca")
)
@click.option("--groups-claim", default="groups", show_default=True, help=t("provider.groups-claim"))
@click.option("--display-name", default="", help=t("user.display-name"))
@_server
def add(
    name: str,
    issuer: str,
    client_id: str,
    client_secret_stdin: bool,
    ca: Path | None,
    groups_claim: str,
    display_name: str,
    server: str | None,
) -> None:
    at, token = door.signed_in(server)
    body = {
        "name": name,
        "issuer": issuer,
        "clientID": client_id,
        "clientSecret": sys.stdin.readline().rstrip("\n") if client_secret_stdin else "",
        "ca": ca.read_text() if ca is not None else "",
        "groupsClaim": groups_claim,
        "displayName": display_name,
    }
    at.call("POST", "/roost/v1/providers", body, token=token)
    callback = f"{at.signed_in.server}/roost/v1/oidc/{name}/callback"
    click.echo(t("provider.added", name=name, callback=callback), err=True)


@command.command("list", help=t("provider.list"))
@printing.output_option
@_server
def list_(output: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    items = at.call("GET", "/roost/v1/providers", token=token)["providers"]
    if output == "name":
        for item in items:
            click.echo(item["name"])
    elif output == "table":
        headers = [t(f"provider.column.{one}") for one in ("name", "issuer")]
        printing.table(headers, [[item["name"], item["issuer"]] for item in items])
    else:
        printing.structured(items, output)


@command.command("remove", help=t("provider.remove"))
@click.argument("name")
@_server
def remove(name: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    at.call("DELETE", f"/roost/v1/providers/{door.part(name)}", token=token)
    click.echo(t("provider.removed", name=name), err=True)
