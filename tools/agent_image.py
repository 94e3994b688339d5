"""Makes the image of the agent as one archive, for `ctr images import` or a registry.

`python tools/agent_image.py OUT.tar`.

Packages are taken from the machine's own apt sources and compared with the lock (agent.lock.json). Called by hand and
by the stories of registered clusters; a bundle gets the image from `roost bundle create`.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from roost.bundle import agentimage
from roost.bundle.debian import Package
from roost.bundle.layout import INDEX_FILE, LAYOUT_CONTENT, LAYOUT_FILE, OCI_INDEX, REF_NAME, Layout, canonical

CACHE = Path("/var/cache/roost-lab/agent-packages")


def fetch(package: Package, cache: Path = CACHE) -> bytes:
    """The package's bytes, kept by digest."""
    kept = cache / f"{package.sha256}.deb"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            wanted = f"{package.name}={package.version}"
            command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", wanted]
            subprocess.run(command, cwd=scratch, check=True, capture_output=True)
            content = next(Path(scratch).glob("*.deb")).read_bytes()
        if hashlib.sha256(content).hexdigest() != package.sha256:
            raise SystemExit(f"{package.name} {package.version} is not the package of the lock")
        kept.write_bytes(content)
    return kept.read_bytes()


def build(target: Path, architecture: str = "amd64", *, name: str | None = None) -> str:
    """Writes the archive; gives the image's name."""
    title = name or agentimage.name()
    with tempfile.TemporaryDirectory() as scratch:
        layout = Layout(Path(scratch))
        (Path(scratch) / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        made = agentimage.write(layout, (architecture,), fetch=fetch)
        entry = made.document() | {"annotations": {REF_NAME: title, "io.containerd.image.name": title}}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        (Path(scratch) / INDEX_FILE).write_bytes(canonical(index))
        (Path(scratch) / LAYOUT_FILE).write_bytes(LAYOUT_CONTENT)
        with tarfile.open(target, "w") as archive:
            for path in sorted(Path(scratch).rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    archive.add(path, str(path.relative_to(scratch)))
    return title


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
