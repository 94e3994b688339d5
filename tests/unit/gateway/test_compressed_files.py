"""The console's files are handed out compressed to whoever takes them so, and whole to everybody else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from roost.gateway import static


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "assets").mkdir()
    for name in ("assets/a.js", "assets/a.js.br", "assets/a.js.gz", "icon.svg", "alone.gz"):
        (tmp_path / name).write_bytes(name.encode())
    return dict(static._found(tmp_path))  # pyright: ignore[reportPrivateUsage]


def chosen(file: Any, accepted: bytes | None) -> str | None:
    headers = ((b"Accept-Encoding", accepted),) if accepted is not None else ()
    request = cast("Any", SimpleNamespace(headers=headers))
    return static._encoding(request, file)  # pyright: ignore[reportPrivateUsage]


def test_compressed_forms_have_no_address_of_their_own(found: dict[str, Any]) -> None:
    assert sorted(found) == ["alone.gz", "assets/a.js", "icon.svg"]


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        (b"gzip, deflate, br, zstd", "br"),
        (b"gzip", "gzip"),
        (b"br;q=0, gzip;q=0.5", "gzip"),
        (b"identity", None),
        (b"", None),
        (None, None),
    ],
)
def test_the_smallest_form_that_the_client_takes(
    found: dict[str, Any], accepted: bytes | None, wanted: str | None
) -> None:
    assert chosen(found["assets/a.js"], accepted) == wanted
    assert chosen(found["icon.svg"], accepted) is None
