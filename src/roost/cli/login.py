"""`roost login`: signs in at a platform, with a password or through an identity provider."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from roost.api.errors import RoostError
from roost.cli import data_directory, door
from roost.cli.i18n import t

PATIENCE = 10.0
"""Seconds for a gateway that has just been started."""


@click.command("login", help=t("login.help"))
@click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))
@click.option("--user", "-u", default=None, help=t("login.user"))
@click.option("--provider", default=None, help=t("login.provider"))
@click.option("--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, help=t("login.ca"))
@click.option("--ca-fingerprint", default=None, help=t("login.ca-fingerprint"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def command(
    server: str | None,
    user: str | None,
    provider: str | None,
    ca: Path | None,
    ca_fingerprint: str | None,
    data_dir: Path | None,
) -> None:
    kept = door.Kept()
    server, trusted = _where(kept, server, data_dir)
    if ca is not None:
        trusted = ca.read_text()
    elif not trusted:
        trusted = _trusted(server, ca_fingerprint)
    at = door.Door(door.SignedIn(server, ca=trusted))
    answer = _by_device(at, provider) if provider else _by_password(at, user)
    one = door.take(server, trusted, answer)
    with kept.locked():
        kept.put(one)
    click.echo(t("login.done", user=one.user, server=server))


def _where(kept: door.Kept, server: str | None, data_dir: Path | None) -> tuple[str, str]:
    """The server and, where it is known, its CA: the one given, this machine's platform, or the last one."""
    from roost.embedded import record
    from roost.embedded.door import url, urls

    layout = data_directory.layout(data_dir)
    here = record.load(layout.record) if layout.record.exists() else None
    ours = urls(here) if here is not None else ()
    if here is not None and server in {None, *ours, *(one.replace(str(here.address), "127.0.0.1") for one in ours)}:
        return (server or url(here)).rstrip("/"), layout.machines_ca.read_text()
    chosen = (server or kept.current()).rstrip("/")
    if not chosen:
        raise RoostError(
            "ServerMissing", "no platform runs here; say where it is: roost login --server https://HOST:7445"
        )
    known = kept.get(chosen)
    return chosen, known.ca if known is not None else ""


def _trusted(server: str, wanted: str | None) -> str:
    """The CA of a server that is met for the first time; empty where the system's own vouch for it."""
    try:
        door.Door(door.SignedIn(server)).call("GET", "/roost/v1/info")
        return ""
    except RoostError as error:
        if error.reason != "CertificateNotTrusted":
            raise
    pem = door.unverified_ca(server)
    found = door.fingerprint(pem) if pem else ""
    if wanted is not None:
        if not found or wanted.replace(":", "").upper() != found.replace(":", ""):
            raise RoostError(
                "FingerprintDiffers", f"{server} names a CA with the fingerprint {found or 'none'}, not the one given"
            )
    elif not sys.stdin.isatty() or not click.confirm(t("login.trust", server=server, fingerprint=found), err=True):
        raise RoostError(
            "CertificateNotTrusted",
            f"the CA of {server} is not known here; name it with --ca FILE, or its fingerprint with --ca-fingerprint "
            "(`roost status` on the platform's machine shows it)",
        )
    return pem


def _by_password(at: door.Door, user: str | None) -> dict[str, Any]:
    if sys.stdin.isatty():
        name = user or click.prompt(t("login.user-prompt"), default="admin", err=True)
        password = click.prompt(t("login.password-prompt"), hide_input=True, err=True)
    else:
        name, password = user or "admin", sys.stdin.readline().rstrip("\n")
    body = {"username": name, "password": password}
    return at.call("POST", "/roost/v1/login?mode=token", body, patience=PATIENCE)


def _by_device(at: door.Door, provider: str) -> dict[str, Any]:
    """The device flow: the person confirms in any browser, here or elsewhere."""
    begun = at.call("POST", "/roost/v1/device", {"provider": provider}, patience=PATIENCE)
    where = begun.get("verificationURIComplete") or begun["verificationURI"]
    click.echo(t("login.device", where=where, code=begun["userCode"]), err=True)
    end = time.monotonic() + float(begun["expiresIn"])
    while time.monotonic() < end:
        time.sleep(float(begun["interval"]))
        answer = at.call("POST", "/roost/v1/device/token", {"deviceCode": begun["deviceCode"]})
        if "accessToken" in answer:
            return answer
    raise RoostError("SignInFailed", "nobody confirmed the sign-in in time; run `roost login` again")
