"""`roost up`: starts the platform in the foreground, detached, or as a systemd service."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roost.api.errors import PermanentFailure, RoostError
from roost.cli import data_directory
from roost.cli.i18n import t
from roost.embedded.layout import Layout

if TYPE_CHECKING:
    from roost.bundle.progress import Step

REPORT_FD = "ROOST_REPORT_FD"
"""File descriptor on which a detached `up` tells its starter how it goes: one JSON document per line."""


@click.command("up", help=t("up.help"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
@click.option("--address", default=None, help=t("up.address"))
@click.option("--port-base", type=int, default=None, help=t("up.port-base"))
@click.option("--kubernetes", "kubernetes_version", default=None, help=t("up.kubernetes"))
@click.option("--mirror", default=None, envvar="ROOST_MIRROR", help=t("up.mirror"))
@click.option("--detach", is_flag=True, help=t("up.detach"))
@click.option("--service", is_flag=True, help=t("up.service"))
@click.option("--programs", type=click.Path(path_type=Path, exists=True, file_okay=False), hidden=True)
@click.option("--without", default="", hidden=True)
def command(
    data_dir: Path | None,
    address: str | None,
    port_base: int | None,
    kubernetes_version: str | None,
    mirror: str | None,
    detach: bool,
    service: bool,
    programs: Path | None,
    without: str,
) -> None:
    from roost.embedded import start

    layout = data_directory.layout(data_dir)
    options = start.Options(
        layout=layout,
        kubernetes_version=kubernetes_version.removeprefix("v") if kubernetes_version else None,
        port_base=port_base,
        address=address,
        mirror=mirror,
        programs=programs,
        without=frozenset(filter(None, without.split(","))),
        webhooks=_webhooks,
    )
    if detach or service:
        from roost.embedded import status

        if status.is_ready(layout) and not service:
            _changed_while_running(layout, options.address, options.port_base)
            click.echo(t("up.already", data_dir=layout.root))
            explain_use(layout)
            return
        _detached(sys.argv[1:], layout, as_service=service)
        explain_use(layout)
        return
    report = _report_to_starter() if REPORT_FD in os.environ else _report_to_person(layout)
    try:
        start.run(options, report=report, progress=_fetching(report))
    except RoostError as error:
        report("failed", 0.0, json.dumps({"reason": error.reason, "message": error.message}))
        raise


def explain_use(layout: Layout) -> None:
    """Where the platform is and how it is used, also from another computer."""
    from roost.embedded import record

    known = record.load(layout.record)
    if known is None:
        return
    port = known.ports.api
    click.echo(
        t(
            "up.use",
            server=known.server,
            kubeconfig=layout.admin_kubeconfig,
            data_dir=layout.root,
            port=port,
            user=os.environ.get("USER", "root"),
            host=known.address or socket.gethostname(),
        )
    )
    if layout != data_directory.layout(None):
        click.echo(t("up.other-directory", data_dir=layout.root) + "\n")
    if known.registry_address:
        click.echo(t("up.registry", address=known.registry_address))
    else:
        click.echo(t("up.no-address"))


def _fetching(report: Callable[[str, float, str], None]) -> Callable[[Step], None]:
    """One line per item that was fetched for the platform's programs; called from threads."""
    began = time.monotonic()

    def fetching(step: Step) -> None:
        if step.state == "done":
            megabytes = max(1, step.done // 1_000_000)
            report("fetched", time.monotonic() - began, f"{step.item} ({megabytes} MB)")

    return fetching


def _webhooks(ca_pem: str, port: int) -> list[dict[str, Any]]:
    from roost.admission.configuration import manifests

    return manifests(ca_pem, port)


def _report_to_person(layout: Layout) -> Callable[[str, float, str], None]:
    def report(step: str, seconds: float, detail: str) -> None:
        if step == "failed":
            return
        click.echo(t(f"up.step.{step}", seconds=f"{seconds:.1f}", detail=detail), err=step != "ready")
        if step == "ready":
            explain_use(layout)

    return report


def _report_to_starter() -> Callable[[str, float, str], None]:
    """Tells the starter until it goes away; the log keeps everything."""
    descriptor = int(os.environ.pop(REPORT_FD))
    os.set_inheritable(descriptor, False)
    open_ = [True]

    def report(step: str, seconds: float, detail: str) -> None:
        line = json.dumps({"step": step, "seconds": seconds, "detail": detail})
        click.echo(line, err=True)
        if not open_[0]:
            return
        try:
            os.write(descriptor, f"{line}\n".encode())
        except OSError:
            open_[0] = False
        if step in ("ready", "failed") and open_[0]:
            os.close(descriptor)
            open_[0] = False

    return report


def _detached(arguments: list[str], layout: Layout, *, as_service: bool) -> None:
    """Starts this command once more as a process of its own and follows it until it is ready."""
    from roost.embedded import files, service

    files.make_directories(layout.directories)
    if as_service:
        service.check()
    kept = [argument for argument in arguments if argument not in ("--detach", "--service")]
    reading, writing = os.pipe()
    with files.explained(layout.log("up")), layout.log("up").open("ab") as log:
        layout.log("up").chmod(0o600)
        child = subprocess.Popen(
            [sys.executable, "-m", "roost.main", *kept],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            env={**os.environ, REPORT_FD: str(writing)},
            start_new_session=True,
            cwd="/",
        )
    os.close(writing)
    _follow(reading, child, layout)
    if as_service:
        # What was asked for now stands in platform.json: the unit needs no options.
        from roost.embedded import stop

        asyncio.run(stop.stop(layout))
        service.install(layout.root)
        click.echo(t("up.service-installed", unit=service.NAME))


def _follow(reading: int, child: subprocess.Popen[bytes], layout: Layout) -> None:
    with os.fdopen(reading) as lines:
        for line in lines:
            step = json.loads(line)
            if step["step"] == "failed":
                failure = json.loads(step["detail"])
                child.wait()
                raise PermanentFailure(failure["reason"], failure["message"])
            seconds = f"{step['seconds']:.1f}"
            click.echo(t(f"up.step.{step['step']}", seconds=seconds, detail=step["detail"]), err=True)
            if step["step"] == "ready":
                return
    child.wait()
    from roost.embedded.supervise import last_words

    raise PermanentFailure(
        "PlatformStartFailed",
        f"`roost up` ended with exit code {child.returncode} before it was ready; its last words: "
        f"{last_words(layout.log('up'))} (whole log: {layout.log('up')})",
    )


def _changed_while_running(layout: Layout, address: str | None, port_base: int | None) -> None:
    """Options that differ from what runs need a restart; say so instead of ignoring them."""
    from roost.embedded import record

    known = record.load(layout.record)
    if known is None:
        return
    if (address is not None and (address or None) != known.address) or (
        port_base is not None and port_base != known.port_base
    ):
        raise PermanentFailure(
            "AlreadyRunning",
            f"the platform in {layout.root} already runs, with other options; "
            "run `roost down` first, then `roost up` with the new ones",
        )
