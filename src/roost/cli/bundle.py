"""`roost bundle`: makes, lists, checks, moves and removes release bundles. A thin skin over bundle.store."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from roost.bundle.create import GIVEN
from roost.bundle.extras import EXTRAS
from roost.bundle.images import host_architecture
from roost.bundle.model import Bundle
from roost.bundle.progress import Progress, Step
from roost.bundle.store import Store
from roost.bundle.verify import Report
from roost.bundle.versions import ARCHITECTURES, PARTS, Part
from roost.cli import data_directory, printing
from roost.cli.i18n import t

if TYPE_CHECKING:
    from rich.progress import TaskID

_MIB = 1 << 20
_FILE = click.Path(path_type=Path, dir_okay=False)

_data_dir = click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))


@click.group("bundle", help=t("bundle.help"))
def command() -> None:
    pass


def _store(data_dir: Path | None) -> Store:
    return Store(data_directory.layout(data_dir).bundles)


def _complete_version(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    store = _store(context.params.get("data_dir"))
    return [version for version in store.versions() if version.startswith(incomplete)]


def _given(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, Path]]:
    """NAME=FILE, of programs that no bundle fetches."""
    found: list[tuple[str, Path]] = []
    for value in values:
        name, _, file = value.partition("=")
        if name not in GIVEN or not Path(file).is_file():
            raise click.BadParameter(f"{value}: {', '.join(GIVEN)} and a file, such as {GIVEN[0]}=FILE.tgz")
        found.append((name, Path(file)))
    return found


@command.command("create", help=t("bundle.create"))
@click.option("--kubernetes", "version", required=True, help=t("bundle.kubernetes"))
@click.option("--mirror", default=None, envvar="ROOST_MIRROR", help=t("bundle.mirror"))
@click.option("--arch", "architectures", multiple=True, type=click.Choice(ARCHITECTURES), help=t("bundle.arch"))
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help=t("bundle.part"))
@click.option("--image", "extra_images", multiple=True, metavar="NAME", help=t("bundle.image"))
@click.option("--with", "extras", multiple=True, type=click.Choice(sorted(EXTRAS)), help=t("bundle.with"))
@click.option("--program", "given", multiple=True, metavar="NAME=FILE", callback=_given, help=t("bundle.program"))
@click.option("--jobs", type=click.IntRange(1, 32), default=6, show_default=True, help=t("bundle.jobs"))
@click.option("--repair", is_flag=True, help=t("bundle.repair"))
@printing.output_option
@_data_dir
def create(
    version: str,
    mirror: str | None,
    architectures: tuple[str, ...],
    parts: tuple[Part, ...],
    extra_images: tuple[str, ...],
    extras: tuple[str, ...],
    given: tuple[tuple[str, Path], ...],
    jobs: int,
    repair: bool,
    output: str,
    data_dir: Path | None,
) -> None:
    with _shown() as progress:
        bundle = _store(data_dir).create(
            version,
            architectures or (host_architecture(),),
            mirror=mirror,
            parts=parts or PARTS,
            extra_images=extra_images,
            extras=extras,
            given=given,
            jobs=jobs,
            repair=repair,
            progress=progress,
        )
    _print([bundle], output)


@command.command("list", help=t("bundle.list"))
@printing.output_option
@_data_dir
def list_bundles(output: str, data_dir: Path | None) -> None:
    store = _store(data_dir)
    # Newest first: that is the one to take.
    bundles = store.list()[::-1]
    for problem in store.problems().values():
        click.echo(t("bundle.unreadable", message=problem.message), err=True)
    if not bundles and output == "table":
        click.echo(t("bundle.none", path=store.path), err=True)
        return
    _print(bundles, output)


@command.command("verify", help=t("bundle.verify"))
@click.argument("versions", nargs=-1, metavar="[VERSION]...", shell_complete=_complete_version)
@printing.output_option
@_data_dir
@click.pass_context
def verify(context: click.Context, versions: tuple[str, ...], output: str, data_dir: Path | None) -> None:
    store = _store(data_dir)
    with _shown() as progress:
        reports = [store.verify(version, progress=progress) for version in versions or store.versions()]
    _print_reports(reports, output)
    if not all(report.sound for report in reports):
        context.exit(1)


@command.command("export", help=t("bundle.export"))
@click.argument("version", metavar="VERSION", shell_complete=_complete_version)
@click.argument("file", metavar="FILE", type=_FILE)
@_data_dir
def export(version: str, file: Path, data_dir: Path | None) -> None:
    with _shown() as progress:
        digest = _store(data_dir).export(version, file, progress=progress)
    click.echo(f"{digest.removeprefix('sha256:')}  {file}")


@command.command("import", help=t("bundle.import"))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@printing.output_option
@_data_dir
def import_bundle(file: Path, output: str, data_dir: Path | None) -> None:
    with _shown() as progress:
        bundle = _store(data_dir).import_(file, progress=progress)
    _print([bundle], output)


@command.command("remove", help=t("bundle.remove"))
@click.argument("version", metavar="VERSION", shell_complete=_complete_version)
@_data_dir
def remove(version: str, data_dir: Path | None) -> None:
    _store(data_dir).remove(version)
    click.echo(t("bundle.removed", version=version))


@command.command("push", help=t("bundle.push"))
@click.argument("version", metavar="VERSION", shell_complete=_complete_version)
@click.option("--registry", "address", required=True, metavar="ADDRESS", help=t("bundle.push.registry"))
@click.option("--credential", type=click.File(), default=None, metavar="FILE", help=t("bundle.push.credential"))
@click.option("--ca", type=click.File(), default=None, metavar="FILE", help=t("bundle.push.ca"))
@_data_dir
def push(version: str, address: str, credential: Any, ca: Any, data_dir: Path | None) -> None:
    from roost.bundle import credential as credentials
    from roost.bundle.push import push_blocking
    from roost.bundle.remote import RemoteRegistry, parse_address

    parse_address(address)
    known = credentials.read(credential.read(), address, where=credential.name) if credential else None
    registry = RemoteRegistry(
        address.strip().rstrip("/"),
        ca.read() if ca else "",
        known.username if known else "",
        known.password if known else None,
    )
    bundle = _store(data_dir).get(version)
    with _shown() as progress:
        sent = push_blocking(bundle, registry, progress=progress)
    click.echo(
        t(
            "bundle.pushed",
            version=bundle.version,
            address=registry.address,
            blobs=sent.blobs,
            size=f"{sent.bytes / _MIB:.0f}",
            documents=sent.documents,
        )
    )


def size_of(bundle: Bundle) -> int:
    """Bytes that the bundle takes on disk."""
    return sum(path.stat().st_size for path in (bundle.path / "blobs" / "sha256").iterdir())


def document(bundle: Bundle) -> dict[str, Any]:
    """A bundle for `-o json` and `-o yaml`."""
    return {
        "version": bundle.version,
        "architectures": list(bundle.architectures),
        "parts": {architecture: list(parts) for architecture, parts in bundle.parts.items()},
        "components": dict(bundle.components),
        "images": sorted({image.name for image in bundle.images}),
        "digest": bundle.digest,
        "bytes": size_of(bundle),
        "path": str(bundle.path),
    }


def report_document(report: Report) -> dict[str, Any]:
    """A verification for `-o json` and `-o yaml`."""
    damaged = [
        {"digest": each.digest, "content": each.content, "problem": each.problem, "found": each.found}
        for each in report.damaged
    ]
    return {"version": report.version, "blobs": report.blobs, "bytes": report.bytes, "damaged": damaged}


def _print(bundles: list[Bundle], output: str) -> None:
    if output == "name":
        for bundle in bundles:
            click.echo(bundle.version)
    elif output == "table":
        headers = [t("bundle.version"), t("bundle.architectures"), t("bundle.size"), "containerd", "etcd", "Digest"]
        printing.table(headers, [_row(bundle) for bundle in bundles])
    else:
        printing.structured([document(bundle) for bundle in bundles], output)


def _row(bundle: Bundle) -> list[str]:
    return [
        bundle.version,
        architectures_in_words(bundle.parts),
        f"{size_of(bundle) / _MIB:.0f} MiB",
        bundle.components.get("containerd", ""),
        bundle.components.get("etcd", ""),
        bundle.digest[:19],
    ]


def architectures_in_words(parts: Mapping[str, tuple[str, ...]]) -> str:
    """`amd64, arm64 (machine)`: a part is named only where the other one is lacking."""
    return ", ".join(
        architecture if len(present) == len(PARTS) else f"{architecture} ({', '.join(present)})"
        for architecture, present in parts.items()
    )


def _print_reports(reports: list[Report], output: str) -> None:
    if output == "name":
        for report in reports:
            click.echo(report.version)
    elif output == "table":
        for report in reports:
            _print_report(report)
    else:
        printing.structured([report_document(report) for report in reports], output)


def _print_report(report: Report) -> None:
    size = f"{report.bytes / _MIB:.0f}"
    if report.sound:
        click.echo(t("bundle.sound", version=report.version, blobs=report.blobs, size=size))
        return
    for each in report.damaged:
        click.echo(
            t(
                "bundle.damaged", digest=each.digest, content=each.content, problem=each.problem, found=each.found
            ).rstrip()
        )
    click.echo(t("bundle.unsound", version=report.version, count=len(report.damaged), blobs=report.blobs))


@contextmanager
def _shown() -> Generator[Progress]:
    """Progress on stderr: bars on a terminal, else a line when an item is done."""
    if sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield plain_progress()


def plain_progress() -> Progress:
    """A line for each item that is done; what has neither size nor bytes (waiting) is said when it begins."""
    begin = time.monotonic()
    said: set[str] = set()

    def show(step: Step) -> None:
        if step.state == "running":
            if step.done or step.total is not None or step.item in said:
                return
            said.add(step.item)
        size = f"  {step.done / _MIB:.1f} MiB" if step.done else ""
        click.echo(f"{time.monotonic() - begin:7.1f} s  {t(f'bundle.{step.state}')}  {step.item}{size}", err=True)

    return show


@contextmanager
def _bars() -> Generator[Progress]:
    from threading import Lock

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    lock = Lock()
    tasks: dict[str, TaskID] = {}
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )

    def show(step: Step) -> None:
        with lock:
            if step.item not in tasks:
                tasks[step.item] = bars.add_task(step.item, total=step.total)
            task = tasks[step.item]
        bars.update(task, completed=step.done, total=step.total, visible=step.state == "running")
        if step.state != "running":
            bars.console.print(
                f"{t(f'bundle.{step.state}')}  {step.item}  {step.done / _MIB:.1f} MiB", highlight=False
            )

    with bars:
        yield show
