"""`roost validate -f`: judges files with the rules of the webhook; touches nothing, and needs no platform.

Where one runs on this computer, it is asked which versions can be installed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any, cast

import click

from roost.api.documents import Unreadable, load
from roost.api.errors import RoostError
from roost.api.validation.documents import Placed, validate_texts
from roost.api.validation.findings import FieldError
from roost.api.validation.texts import Language
from roost.cli import data_directory, platform_api, printing
from roost.cli.i18n import choose, t

ERRORS = 1
"""Exit code when a document is refused. 2 is click's: wrong usage, or a file that can't be read."""


@click.command("validate", help=t("validate.help"))
@click.option("--filename", "-f", "files", multiple=True, required=True, metavar="FILE", help=t("validate.filename"))
@click.option("--release", "releases", multiple=True, metavar="VERSION", help=t("validate.release"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
@click.option("--with", "existing", multiple=True, metavar="FILE", help=t("validate.with"))
@click.option(
    "--output", "-o", type=click.Choice(("text", "json", "yaml")), default="text", help=t("validate.output")
)
def command(
    files: tuple[str, ...], releases: tuple[str, ...], data_dir: Path | None, existing: tuple[str, ...], output: str
) -> None:
    texts = {file: _read(file) for file in files}
    installable = list(releases) or _installable(data_dir)
    placed = validate_texts(texts, releases=installable, existing=_objects(existing))
    if not placed:
        raise click.UsageError(t("validate.empty", files=", ".join(files)))
    wrong = sum(len(one.judged.verdict.errors) for one in placed)
    if output == "text":
        _print(placed, wrong)
    else:
        printing.structured({"valid": wrong == 0, "documents": [_record(one) for one in placed]}, output)
    if wrong:
        raise click.exceptions.Exit(ERRORS)


def _installable(data_dir: Path | None) -> list[str] | None:
    """Versions that the platform on this computer can install; None where none runs, or it has none yet."""
    layout = data_directory.layout(data_dir)
    if not layout.ready.exists():
        return None
    try:
        api = platform_api.PlatformApi(layout.admin_kubeconfig)
        releases = api.get(platform_api.path("kubernetesreleases"))["items"]
    except RoostError as error:
        click.echo(t("validate.unasked", why=error.message), err=True)
        return None
    return sorted(item["metadata"]["name"] for item in releases) or None


def _read(file: str) -> str:
    try:
        # click knows `-` as standard input.
        with cast("IO[str]", click.open_file(file, encoding="utf-8")) as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise click.UsageError(t("validate.unreadable", file=file, why=why or str(error))) from error


def _objects(files: tuple[str, ...]) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    for file in files:
        text = _read(file)
        try:
            objects += json.loads(text).get("items", []) if Path(file).suffix == ".json" else load(text)
        except (Unreadable, ValueError, AttributeError) as error:
            raise click.UsageError(t("validate.unreadable", file=file, why=str(error))) from error
    return objects


def _print(placed: list[Placed], wrong: int) -> None:
    for one in placed:
        verdict = one.judged.verdict
        where = f"{one.file}:{one.line}"
        title = f"{where}: {one.judged.title}" if one.judged.index >= 0 else one.file
        if not verdict.errors:
            click.echo(t("validate.fine", title=title))
        for found in verdict.errors:
            click.echo(t("validate.error", title=title, finding=_line(found)))
        for found in verdict.notices:
            click.echo(t("validate.notice", title=title, finding=_line(found)))
    documents = sum(one.judged.index >= 0 for one in placed)
    if wrong:
        click.echo(t("validate.refused", errors=wrong, documents=documents), err=True)
    else:
        click.echo(t("validate.accepted", documents=documents), err=True)


def _line(found: FieldError) -> str:
    text = found.text(cast("Language", choose(os.environ)))
    return f"{found.path}: {text}" if found.path else text


def _record(one: Placed) -> dict[str, Any]:
    judged = one.judged

    def findings(items: list[FieldError]) -> list[dict[str, str]]:
        return [{"field": item.path, "reason": item.reason, "message": item.message} for item in items]

    return {
        "file": one.file,
        "line": one.line,
        "kind": judged.kind,
        "namespace": judged.namespace,
        "name": judged.name,
        "errors": findings(judged.verdict.errors),
        "warnings": findings(judged.verdict.notices),
    }
