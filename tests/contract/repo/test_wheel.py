"""Whoever installs roost from a package gets the console with it, and needs no Node."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_a_wheel_carries_the_built_console(tmp_path: Path) -> None:
    if not (ROOT / "src/roost/gateway/static/index.html").exists():
        pytest.skip("tools/console.sh builds the console")
    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("roost-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    static = [name.removeprefix("roost/gateway/static/") for name in names if "gateway/static/" in name]
    assert {"index.html", "icon.svg", "first.js"} <= set(static)
    scripts = [name for name in static if name.startswith("assets/") and name.endswith(".js")]
    assert scripts and all(f"{name}.br" in static for name in scripts if f"{name}.gz" in static)
