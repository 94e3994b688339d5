"""`roost user`: people and services that may sign in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from roost.api.masked import Masked
from roost.cli import data_directory, door, printing
from roost.cli.i18n import t
from roost.cli.platform_api import PlatformApi

_server = click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))


@click.group("user", help=t("user.help"))
def command() -> None:
    pass


@command.command("add", help=t("user.add"))
@click.argument("name")
@click.option("--display-name", default="", help=t("user.display-name"))
@click.option("--group", "groups", multiple=True, metavar="NAME", help=t("user.group"))
@click.option("--service", is_flag=True, help=t("user.service"))
@click.option("--password-stdin", is_flag=True, help=t("user.password-stdin"))
@_server
def add(
    name: str, display_name: str, groups: tuple[str, ...], service: bool, password_stdin: bool, server: str | None
) -> None:
    at, token = door.signed_in(server)
    body: dict[str, Any] = {"name": name, "displayName": display_name, "groups": list(groups), "service": service}
    if password_stdin:
        body["password"] = sys.stdin.readline().rstrip("\n")
    made = at.call("POST", "/roost/v1/users", body, token=token)
    click.echo(t("user.added", name=name), err=True)
    if "password" in made:
        click.echo(t("user.generated"), err=True)
        click.echo(made["password"])


@command.command("list", help=t("user.list"))
@printing.output_option
@_server
def list_(output: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    items = at.call("GET", "/roost/v1/users", token=token)["items"]
    if output == "name":
        for item in items:
            click.echo(item["name"])
    elif output == "table":
        headers = [t(f"user.column.{name}") for name in ("name", "display-name", "groups", "kind", "created")]
        rows = [
            [item["name"], item["displayName"], ",".join(item["groups"]), _kind(item), item["created"]]
            for item in items
        ]
        printing.table(headers, rows)
    else:
        printing.structured(items, output)


@command.command("remove", help=t("user.remove"))
@click.argument("name")
@_server
def remove(name: str, server: str | None) -> None:
    at, token = door.signed_in(server)
    at.call("DELETE", f"/roost/v1/users/{door.part(name)}", token=token)
    click.echo(t("user.removed", name=name), err=True)


@command.command("password", help=t("user.password"))
@click.argument("name", required=False)
@_server
def password(name: str | None, server: str | None) -> None:
    at, token = door.signed_in(server)
    own = name is None or name == at.signed_in.user
    current = _ask("user.current-prompt") if own else ""
    new = _ask("user.new-prompt")
    if sys.stdin.isatty() and new != _ask("user.again-prompt"):
        raise click.UsageError(t("user.differ"))
    if own:
        at.call("POST", "/roost/v1/password", {"current": current, "new": new}, token=token)
    else:
        at.call("PUT", f"/roost/v1/users/{door.part(name or '')}", {"password": new}, token=token)
    click.echo(t("user.password-changed", name=name or at.signed_in.user), err=True)


@command.command("reset", help=t("user.reset"))
@click.argument("name", default="admin")
@click.option("--password-stdin", is_flag=True, help=t("user.password-stdin"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def reset(name: str, password_stdin: bool, data_dir: Path | None) -> None:
    from roost.gateway import passwords, recovery

    api = PlatformApi(data_directory.admin_kubeconfig(data_dir))
    given = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    password = Masked(given) if password_stdin else passwords.generate()
    ended = recovery.reset(api, name, password)
    # What was written there at the first start no longer fits.
    if name == "admin":
        data_directory.layout(data_dir).first_password.unlink(missing_ok=True)
    click.echo(t("user.was-reset", name=name, sessions=ended), err=True)
    if not password_stdin:
        click.echo(t("user.generated"), err=True)
        click.echo(password.reveal())


def _ask(message: str) -> str:
    """From a terminal without showing it, else a line of standard input; never an argument."""
    if sys.stdin.isatty():
        return str(click.prompt(t(message), hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")


def _kind(item: dict[str, Any]) -> str:
    if item["disabled"]:
        return t("user.disabled")
    return t("user.kind-service") if item["service"] else t("user.kind-person")
