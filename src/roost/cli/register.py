"""`roost register NAME`: prints the manifest of a cluster's agent, for `kubectl apply -f -` in that cluster.

With --server as whoever is signed in at that platform; without it on the platform's own machine, with the
administrator's kubeconfig. The manifest holds a token: it goes to standard output and nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.cli import data_directory, platform_api
from roost.cli.i18n import t


@click.command("register", help=t("register.help"))
@click.argument("name")
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@click.option("--display-name", default="", help=t("register.display-name"))
@click.option(
    "--profile",
    type=click.Choice(["Observe", "Operate", "Admin"]),
    default=None,
    help=t("register.profile"),
)
@click.option("--manual", is_flag=True, help=t("register.manual"))
@click.option("--expected-uid", default="", help=t("register.expected-uid"))
@click.option("--allow-namespace", "namespaces", multiple=True, metavar="NAME", help=t("register.allow-namespace"))
@click.option("--no-exec", is_flag=True, help=t("register.no-exec"))
@click.option("--no-secrets", is_flag=True, help=t("register.no-secrets"))
@click.option("--url", "urls", multiple=True, metavar="URL", help=t("register.url"))
@click.option("--image", default="", help=t("register.image"))
@click.option("--proxy-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=t("register.proxy"))
@click.option("--minutes", type=click.IntRange(1, 72 * 60), default=60, show_default=True, help=t("register.minutes"))
@click.option("--replicas", type=click.IntRange(1, 5), default=2, show_default=True, help=t("register.replicas"))
@click.option("--server", default=None, help=t("register.server"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def command(
    name: str,
    namespace: str,
    display_name: str,
    profile: str | None,
    manual: bool,
    expected_uid: str,
    namespaces: tuple[str, ...],
    no_exec: bool,
    no_secrets: bool,
    urls: tuple[str, ...],
    image: str,
    proxy_file: Path | None,
    minutes: int,
    replicas: int,
    server: str | None,
    data_dir: Path | None,
) -> None:
    body: dict[str, Any] = {
        "displayName": display_name,
        "profile": profile or "",
        "approval": "Manual" if manual else "Automatic",
        "expectedUID": expected_uid,
        "namespaces": list(namespaces),
        "exec": not no_exec,
        "secrets": not no_secrets,
        "urls": list(urls),
        "lifeSeconds": minutes * 60,
        "replicas": replicas,
    }
    if image:
        body["image"] = image
    if proxy_file is not None:
        body["proxy"] = proxy_file.read_text().strip()
    text = _remote(server, namespace, name, body) if server else _local(data_dir, namespace, name, body)
    click.echo(t("register.use", minutes=minutes, name=name, namespace=namespace), err=True)
    sys.stdout.write(text)


def _remote(server: str, namespace: str, name: str, body: Mapping[str, Any]) -> str:
    from roost.cli import door

    at, token = door.signed_in(server)
    return str(at.call("POST", f"/roost/v1/clusters/{namespace}/{name}/registration", body, token=token))


def _local(data_dir: Path | None, namespace: str, name: str, body: Mapping[str, Any]) -> str:
    import asyncio
    import getpass

    from roost.embedded import door, record
    from roost.providers.registered import creating

    layout = data_directory.layout(data_dir)
    api = platform_api.PlatformApi(layout.admin_kubeconfig)
    known = record.load(layout.record)
    if known is None:
        raise RoostError("PlatformMissing", f"no platform in {layout.root}; start one with `roost up --detach`")
    urls = tuple(body["urls"]) or (door.urls(known) if known.address else ())
    asked = creating.Registration(
        namespace=namespace,
        name=name,
        urls=urls,
        ca_pem=layout.machines_ca.read_text(),
        creator=f"{getpass.getuser()} on the platform's machine",
        display_name=str(body["displayName"]),
        profile=body["profile"] or None,
        manual=body["approval"] == "Manual",
        expected_uid=str(body["expectedUID"]),
        image=str(body.get("image") or ""),
        life=float(body["lifeSeconds"]),
        proxy=Masked(str(body["proxy"])) if body.get("proxy") else None,
        namespaces=tuple(body["namespaces"]),
        exec=bool(body["exec"]),
        secrets=bool(body["secrets"]),
        replicas=int(body["replicas"]),
    )
    text, _ = asyncio.run(creating.create(_Admin(api), asked, sleep=asyncio.sleep))
    return text


class _Admin:
    """creating.Platform with the administrator's kubeconfig; the calls are short, and nothing else runs."""

    def __init__(self, api: platform_api.PlatformApi) -> None:
        self._api = api

    async def get(self, path: str) -> dict[str, Any]:
        return self._api.get(path)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._api.create(path, body)
