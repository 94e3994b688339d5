"""`roost credential`: what kubectl calls for a token, as the kubeconfigs of `roost kubeconfig` say."""

from __future__ import annotations

import json
import time

import click

from roost.cli import door
from roost.cli.i18n import t


@click.command("credential", help=t("login.credential-help"), hidden=True)
@click.option("--server", required=True, help=t("login.server"))
def command(server: str) -> None:
    at, token = door.signed_in(server)
    status: dict[str, str] = {"token": token}
    if at.signed_in.access == token:
        end = time.gmtime(at.signed_in.expires - door.EARLY_SECONDS)
        status["expirationTimestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", end)
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    click.echo(json.dumps(credential))
