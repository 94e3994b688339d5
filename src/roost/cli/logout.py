"""`roost logout`: ends the session on the platform, with everything that runs under it, and forgets it here."""

from __future__ import annotations

import click

from roost.api.errors import RoostError
from roost.cli import door
from roost.cli.i18n import t


@click.command("logout", help=t("login.logout-help"))
@click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))
def command(server: str | None) -> None:
    kept = door.Kept()
    chosen = server or kept.current()
    known = kept.get(chosen) if chosen else None
    if known is None:
        raise RoostError("NotSignedIn", "not signed in; there is nothing to end")
    try:
        at, token = door.signed_in(chosen, kept=kept)
        at.call("POST", "/roost/v1/logout", token=token)
    except RoostError as error:
        if error.reason not in {"NotSignedIn", "Unauthorized"}:
            raise
    with kept.locked():
        kept.forget(chosen)
    click.echo(t("login.logged-out", server=chosen))
