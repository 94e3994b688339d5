"""`roost kubeconfig NAME`: a way into a cluster through the gateway, or, for administrators, past it."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from roost.api.errors import RoostError
from roost.api.names import GLOBAL_CLUSTER, KUBECONFIG_KEY, kubeconfig_secret
from roost.cli import data_directory, door, platform_api
from roost.cli.i18n import t


@click.command("kubeconfig", help=t("kubeconfig.help"))
@click.argument("name")
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@click.option("--file", "-f", "file", type=click.Path(dir_okay=False, path_type=Path), help=t("kubeconfig.file"))
@click.option("--direct", is_flag=True, help=t("kubeconfig.direct"))
@click.option("--server", default=None, envvar=door.SERVER, help=t("login.server"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def command(
    name: str, namespace: str, file: Path | None, direct: bool, server: str | None, data_dir: Path | None
) -> None:
    text = _direct(name, namespace, server, data_dir) if direct else _through(name, namespace, server)
    if file is None:
        sys.stdout.write(text)
        return
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)
    click.echo(t("kubeconfig.written", file=file), err=True)


def _through(name: str, namespace: str, server: str | None) -> str:
    at, token = door.signed_in(server)
    path = "/roost/v1/kubeconfig"
    if name != GLOBAL_CLUSTER:
        path = f"/roost/v1/clusters/{door.part(namespace)}/{door.part(name)}/kubeconfig"
    return str(at.call("GET", path, token=token))


def _direct(name: str, namespace: str, server: str | None, data_dir: Path | None) -> str:
    """On the platform's own machine its owner needs no sign-in; elsewhere the gateway asks for the right."""
    admin = data_directory.admin_kubeconfig(data_dir)
    if server is None and (admin.exists() or not door.Kept().current()):
        return (
            admin.read_text() if name == GLOBAL_CLUSTER else fetch(platform_api.PlatformApi(admin), namespace, name)
        )
    at, token = door.signed_in(server)
    if name == GLOBAL_CLUSTER:
        raise RoostError(
            "NoDirectWay", "the platform's own API is reached directly on its machine alone; leave out --direct"
        )
    path = f"/roost/v1/clusters/{door.part(namespace)}/{door.part(name)}/kubeconfig?direct=1"
    return str(at.call("GET", path, token=token))


def fetch(api: platform_api.PlatformApi, namespace: str, name: str) -> str:
    """The kubeconfig's text. Raises RoostError when the cluster has none yet."""
    try:
        secret = api.get(platform_api.secret_path(namespace, kubeconfig_secret(name)))
    except RoostError as error:
        if error.reason != "NotFound":
            raise
        api.get(platform_api.path("clusters", namespace=namespace, name=name))
        raise RoostError(
            "KubeconfigMissing",
            f"cluster {namespace}/{name} has no kubeconfig yet: its API has not answered so far. "
            f"`roost progress {name} -n {namespace}` shows what it waits for.",
        ) from error
    return base64.b64decode(secret["data"][KUBECONFIG_KEY]).decode()
