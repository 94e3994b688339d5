"""Hatchling's hook: a wheel or sdist of roost carries the built console, so whoever installs it needs no Node.

In a checkout with .venv the console is brought up to date first. An sdist holds it already, so that a wheel made
from one needs nothing either. An editable install is left alone: tools/setup.sh builds the console there.
"""

# Hatchling is there only while a package is built.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUntypedBaseClass=false

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleInside(BuildHookInterface):
    root: str

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if version != "editable":
            ensure(Path(self.root))


def ensure(root: Path) -> None:
    """Raises RuntimeError when there is no console to carry."""
    script = root / "tools/console.sh"
    if script.exists() and (root / ".venv/bin/python").exists():
        # pip's isolated build hides the libraries of .venv from every Python below it.
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        subprocess.run([str(script)], cwd=root, check=True, env=own)
    if not (root / "src/roost/gateway/static/index.html").exists():
        raise RuntimeError(
            "the web console is not built, and a package without it would serve an empty page; "
            "run `make console` in the checkout, then build the package again"
        )
