"""`roost import NAME`: takes in a cluster that exists and whose API the platform reaches.

`--dry-run` makes every check from here and stores nothing. Otherwise a Secret and a Cluster are written, and the
platform does the rest; the given credential is erased there once roost has one of its own. Credentials come from
files or standard input, never as arguments.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.names import API_VERSION, GLOBAL_CLUSTER
from roost.cli import data_directory, platform_api, printing
from roost.cli.i18n import said, t

if TYPE_CHECKING:
    from roost.providers.imported.checks import Platform, Report, Wish

_PROFILES = ("Observe", "Operate", "Admin")
_WAIT = 90.0
_FILE = click.File()


@click.command("import", help=t("import.help"))
@click.argument("name")
@click.option("--kubeconfig", type=_FILE, default=None, metavar="FILE", help=t("import.kubeconfig"))
@click.option("--server", default=None, metavar="URL", help=t("import.server"))
@click.option("--ca", type=_FILE, default=None, metavar="FILE", help=t("import.ca"))
@click.option("--token-file", "token", type=_FILE, default=None, metavar="FILE", help=t("import.token"))
@click.option("--tls-server-name", default=None, help=t("import.tls-server-name"))
@click.option("--profile", type=click.Choice(_PROFILES), default="Admin", show_default=True, help=t("import.profile"))
@click.option("--allow-unsupported-version", is_flag=True, help=t("import.allow-unsupported-version"))
@click.option("--takeover", is_flag=True, help=t("import.takeover"))
@click.option("--dry-run", is_flag=True, help=t("import.dry-run"))
@click.option("--no-wait", is_flag=True, help=t("import.no-wait"))
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@printing.output_option
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
@click.pass_context
def command(
    context: click.Context,
    name: str,
    kubeconfig: Any,
    server: str | None,
    ca: Any,
    token: Any,
    tls_server_name: str | None,
    profile: str,
    allow_unsupported_version: bool,
    takeover: bool,
    dry_run: bool,
    no_wait: bool,
    namespace: str,
    output: str,
    data_dir: Path | None,
) -> None:
    if (kubeconfig is None) == (token is None):
        raise click.UsageError(t("import.one-of"))
    secret = {"kubeconfig": kubeconfig.read()} if kubeconfig is not None else {"token": token.read().strip()}
    imported: dict[str, Any] = {
        "server": server,
        "ca": ca.read() if ca is not None else None,
        "tlsServerName": tls_server_name,
        "credential": {"name": f"{name}-import"},
        "profile": profile,
        "allowUnsupportedVersion": allow_unsupported_version,
        "takeover": takeover,
    }
    imported = {key: value for key, value in imported.items() if value is not None}
    if dry_run:
        report = asyncio.run(_look(imported, secret, namespace, name, data_dir))
        _show(report, output)
        if report.problems:
            context.exit(1)
        return
    api = platform_api.PlatformApi(data_directory.admin_kubeconfig(data_dir))
    _create(api, namespace, name, imported, secret)
    click.echo(t("import.begun", name=name, namespace=namespace), err=True)
    if not no_wait:
        _wait(api, namespace, name)


async def _look(
    imported: dict[str, Any], secret: dict[str, str], namespace: str, name: str, data_dir: Path | None
) -> Report:
    from roost.api.v1alpha1.cluster import Profile
    from roost.kube.guarded import Policy
    from roost.kube.pki import utc_now
    from roost.providers.imported import checks
    from roost.providers.imported.given import Given

    given = Given(
        str(imported.get("server") or ""),
        str(imported.get("ca") or ""),
        str(imported.get("tlsServerName") or ""),
        Masked(secret["token"]) if "token" in secret else None,
        Masked(secret["kubeconfig"]) if "kubeconfig" in secret else None,
    )
    wish: Wish = checks.Wish(
        given, Profile(imported["profile"]), imported["allowUnsupportedVersion"], imported["takeover"]
    )
    return await checks.look(wish, _platform(namespace, name, data_dir), Policy(), now=utc_now)


def _platform(namespace: str, name: str, data_dir: Path | None) -> Platform:
    """Whom the platform knows already; nobody where none runs here."""
    from roost.providers.imported.checks import Platform

    try:
        api = platform_api.PlatformApi(data_directory.admin_kubeconfig(data_dir))
        own = str(api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])
        listed = cast("list[dict[str, Any]]", api.get(platform_api.path("clusters"))["items"])
    except RoostError as error:
        click.echo(t("import.alone", message=said(error.message)), err=True)
        return Platform()
    known: dict[str, str] = {}
    for item in listed:
        where = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        uid = cast("dict[str, Any]", item.get("status") or {}).get("uid")
        if uid and where != f"{namespace}/{name}" and item["metadata"]["name"] != GLOBAL_CLUSTER:
            known[str(uid)] = where
    return Platform(own, known)


def _show(report: Report, output: str) -> None:
    rows = [[check.type, check.status, check.reason, check.message] for check in report.checks]
    if output == "table":
        headers = [t("import.check"), t("import.status"), t("import.reason"), t("import.message")]
        printing.table(headers, [[*row[:-1], said(row[-1])] for row in rows])
        click.echo(t("import.not-possible" if report.problems else "import.possible"), err=True)
    elif output == "name":
        for check in report.problems:
            click.echo(check.type)
    else:
        keys = ("type", "status", "reason", "message")
        printing.structured([dict(zip(keys, row, strict=True)) for row in rows], output)


def _create(
    api: platform_api.PlatformApi, namespace: str, name: str, imported: dict[str, Any], secret: dict[str, str]
) -> None:
    """Both objects or none."""
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    own = f"{name}-import"
    data = {key: base64.b64encode(value.encode()).decode() for key, value in secret.items()}
    api.create(
        secrets,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": own, "namespace": namespace},
            "type": "Opaque",
            "data": data,
        },
    )
    try:
        api.create(
            platform_api.path("clusters", namespace=namespace),
            {
                "apiVersion": API_VERSION,
                "kind": "Cluster",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"imported": imported},
            },
        )
    except RoostError:
        api.delete(f"{secrets}/{own}")
        raise


def _wait(api: platform_api.PlatformApi, namespace: str, name: str) -> None:
    """Until it is Available, or a check says why it can't be."""
    where = platform_api.path("clusters", namespace=namespace, name=name)
    deadline = time.monotonic() + _WAIT
    while time.monotonic() < deadline:
        status = cast("dict[str, Any]", api.get(where).get("status") or {})
        listed = cast("list[dict[str, Any]]", status.get("conditions") or [])
        available = next((one for one in listed if one["type"] == "Available"), None)
        if available is not None and available["status"] == "True":
            click.echo(t("import.done", name=name, version=status.get("version") or "?"))
            for warning in cast("list[str]", status.get("warnings") or []):
                click.echo(t("import.warning", message=said(warning)), err=True)
            return
        if available is not None and available["status"] == "False":
            click.echo(t("import.failed", name=name, namespace=namespace), err=True)
            raise RoostError(str(available["reason"]), str(available["message"]))
        time.sleep(0.5)
    click.echo(t("import.going-on", name=name, namespace=namespace), err=True)
    sys.exit(1)
