"""Bytecode for the modules of an image, so that its Python need not compile them at each start.

An image's root is not writable, so without this an agent compiles the standard library anew whenever its pod starts.
Made only by a Python whose bytecode the image's own reads; the same sources give the same bytes. Called by
agentimage.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

READS: Final = (3, 11)
"""The image's Python."""
_CHILD: Final = """
import py_compile, sys, warnings
warnings.simplefilter("ignore")
root = sys.argv[1]
for path in sys.stdin.read().splitlines():
    try:
        py_compile.compile(f"{root}/{path}", f"{root}/{path}c", f"/{path}", doraise=True,
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    except py_compile.PyCompileError:
        pass
"""


def is_possible() -> bool:
    return sys.version_info[:2] == READS and sys.implementation.name == "cpython"


def compiled(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """By path in the image, bytecode for sources by path; nothing for what does not compile, or where it is not
    possible."""
    if not is_possible():
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for path, content in sources.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        # A process of its own with a fixed hash seed: the order within constants follows from it.
        subprocess.run(
            [sys.executable, "-s", "-c", _CHILD, scratch],
            input="\n".join(sorted(sources)).encode(),
            env={**os.environ, "PYTHONHASHSEED": "0"},
            check=True,
        )
        found: dict[str, bytes] = {}
        for path in sources:
            made = root / f"{path}c"
            if made.exists():
                directory, _, name = path.rpartition("/")
                found[f"{directory}/__pycache__/{name.removesuffix('.py')}.cpython-311.pyc"] = made.read_bytes()
        return found
