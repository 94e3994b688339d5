"""Finds roost-probe, the static helper that machines run. Its source is helper/, built by `make helper`.

The built programs are package data beside this module; create packs them into each bundle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from roost import __version__
from roost.bundle.errors import ProbeMissing

NAME: Final = "roost-probe"
VERSION: Final = __version__
DIRECTORY: Final = Path(__file__).parent / "helper" / "bin"


def probe_path(architecture: str, directory: Path = DIRECTORY) -> Path:
    """The program for one architecture. Raises ProbeMissing."""
    path = directory / f"{NAME}-linux-{architecture}"
    if not path.is_file():
        raise ProbeMissing(
            f"{NAME} for {architecture} is not at {path}: this roost was not packaged with it; "
            "in a checkout, `make helper` builds it"
        )
    return path
