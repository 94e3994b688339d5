"""`roost up`: starts the platform in the foreground, detached, or as a systemd service."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
import traceback
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
    from roost.embedded import sequence
    from roost.embedded.record import Record


@click.command("up", help=t("up.help"))
@click.option("--data-dir", type=click.Path(path_type=Path, readable=False), default=None, help=t("option.data-dir"))
@click.option("--address", default=None, help=t("up.address"))
@click.option("--port-base", type=int, default=None, help=t("up.port-base"))
@click.option("--gateways", type=click.IntRange(1, 4), default=None, help=t("up.gateways"))
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
    gateways: int | None,
    kubernetes_version: str | None,
    mirror: str | None,
    detach: bool,
    service: bool,
    programs: Path | None,
    without: str,
) -> None:
    from roost.embedded import sequence, start

    layout = data_directory.layout(data_dir)
    options = sequence.Options(
        layout=layout,
        kubernetes_version=kubernetes_version.removeprefix("v") if kubernetes_version else None,
        port_base=port_base,
        address=address,
        gateways=gateways,
        mirror=mirror,
        programs=programs,
        without=frozenset(filter(None, without.split(","))),
        webhooks=_webhooks,
    )
    if not (detach or service):
        start.run(options, report=_report_to_person(layout), progress=_fetching(_report_to_person(layout)))
        return
    from roost.embedded import status

    if status.is_ready(layout) and not service:
        _refuse_changes(layout, address=address, port_base=port_base, gateways=gateways)
        click.echo(t("up.already", data_dir=layout.root))
    else:
        _detached(options, as_service=service)
    explain_use(layout)


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
    _explain_sign_in(layout, known)
    if known.registry_address:
        click.echo(t("up.registry", address=known.registry_address))
    else:
        click.echo(t("up.no-address"))


def _explain_sign_in(layout: Layout, known: Record) -> None:
    """Where the door is; the first password once, after that only where it lies."""
    from roost.embedded.door import first_password, url

    shown = first_password(layout)
    if shown is None:
        click.echo(t("up.door-known", url=url(known)) + "\n")
        return
    click.echo(t("up.door", url=url(known), password=shown, file=layout.first_password) + "\n")


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


def _detached(options: sequence.Options, *, as_service: bool) -> None:
    """Goes on in a process of its own, and follows it until it is ready."""
    from roost.embedded import files, service, stop

    layout = options.layout
    if as_service:
        service.check()
        asyncio.run(stop.stop(layout))
    files.make_directories(layout.directories)
    reading, writing = os.pipe()
    # A fork of this process has imported all it needs; a new interpreter would start from nothing.
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_in_background(options, writing))
    os.close(writing)
    _follow(reading, child, layout)
    if as_service:
        # What was asked for now stands in platform.json: the unit needs no options.
        asyncio.run(stop.stop(layout))
        os.waitpid(child, 0)
        service.install(layout.root)
        click.echo(t("up.service-installed", unit=service.NAME))


def _in_background(options: sequence.Options, writing: int) -> int:
    """The forked process: a session of its own, its words into a log, its progress to the starter."""
    from roost.embedded import start

    os.setsid()
    os.chdir("/")
    log = os.open(options.layout.log("up"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    report = _report_to_starter(writing)
    try:
        start.run(options, report=report, progress=_fetching(report))
        return 0
    except RoostError as error:
        report("failed", 0.0, json.dumps({"reason": error.reason, "message": error.message}))
    except KeyboardInterrupt:
        return 130
    except BaseException:
        traceback.print_exc()
    return 1


def _report_to_starter(writing: int) -> Callable[[str, float, str], None]:
    """One JSON document per line, to the log and, until it goes away, to the starter."""
    listening = [True]

    def report(step: str, seconds: float, detail: str) -> None:
        line = json.dumps({"step": step, "seconds": round(seconds, 2), "detail": detail}) + "\n"
        os.write(2, line.encode())
        if not listening[0]:
            return
        try:
            os.write(writing, line.encode())
        except OSError:
            listening[0] = False
        if step in ("ready", "failed"):
            os.close(writing)
            listening[0] = False

    return report


def _follow(reading: int, child: int, layout: Layout) -> None:
    """Shows the steps of the forked process until it is ready; raises what it raised."""
    with os.fdopen(reading) as lines:
        for line in lines:
            step = json.loads(line)
            if step["step"] == "failed":
                failure = json.loads(step["detail"])
                os.waitpid(child, 0)
                raise PermanentFailure(failure["reason"], failure["message"])
            seconds = f"{step['seconds']:.1f}"
            click.echo(t(f"up.step.{step['step']}", seconds=seconds, detail=step["detail"]), err=True)
            if step["step"] == "ready":
                return
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    from roost.embedded.supervise import last_words

    raise PermanentFailure(
        "PlatformStartFailed",
        f"`roost up` ended with exit code {code} before it was ready; its last words: "
        f"{last_words(layout.log('up'))} (whole log: {layout.log('up')})",
    )


def _refuse_changes(layout: Layout, *, address: str | None, port_base: int | None, gateways: int | None) -> None:
    """Options that differ from what runs need a restart; say so instead of ignoring them."""
    from roost.embedded import record

    known = record.load(layout.record)
    if known is None:
        return
    if (
        (address is not None and (address or None) != known.address)
        or (port_base is not None and port_base != known.port_base)
        or (gateways is not None and gateways != known.gateways)
    ):
        raise PermanentFailure(
            "AlreadyRunning",
            f"the platform in {layout.root} already runs, with other options; "
            "run `roost down` first, then `roost up` with the new ones",
        )
