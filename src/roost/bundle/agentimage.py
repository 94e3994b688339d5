"""The image of a registered cluster's agent: Debian's Python, what it loads, websockets, and roost's own modules.

No public registry has it: `roost bundle create` and `tools/agent_image.py` make it. Packages by name and digest
(agent.lock.json, written by tools/lock_agent.py) are unpacked, nothing of them is run; websockets and roost's modules
are those of the installation that makes the image, without what was compiled for one architecture. Bytecode lies
beside all of it where the installation's Python is the image's. The same lock, roost and Python give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from roost.bundle import bytecode, debianimage
from roost.bundle.debian import Entry, Package, entries
from roost.bundle.layout import Descriptor, Layout, canonical

REPOSITORY: Final = "cluster.alauda.io/roost/agent"
PYTHON: Final = "usr/bin/python3.11"
HOME: Final = "usr/lib/roost"
_LIBRARY: Final = "usr/lib/python3.11/"
_UNUSED: Final = (
    "__phello__",
    "config-",
    "ctypes/",
    "curses/",
    "dbm/",
    "distutils/",
    "ensurepip/",
    "idlelib/",
    "lib2to3/",
    "pydoc",
    "sqlite3/",
    "test/",
    "tkinter/",
    "turtle",
    "unittest/",
    "venv/",
    "wsgiref/",
    "xmlrpc/",
)
"""Of the standard library; nothing of the agent imports it."""
_OWN: Final = (
    Entry(
        "etc/passwd",
        0o644,
        content=b"root:x:0:0:root:/root:/sbin/nologin\nagent:x:65532:65532::/:/sbin/nologin\n",
    ),
    Entry("etc/group", 0o644, content=b"root:x:0:\nagent:x:65532:\n"),
    Entry("etc/nsswitch.conf", 0o644, content=b"hosts: files dns\n"),
    Entry("bin", 0o777, link="usr/bin"),
    Entry("sbin", 0o777, link="usr/sbin"),
    Entry("lib", 0o777, link="usr/lib"),
    Entry("lib64", 0o777, link="usr/lib64"),
    Entry("proc", 0o555),
    Entry("sys", 0o555),
    Entry("dev", 0o755),
    Entry("run", 0o755),
    Entry("tmp", 0o1777),
)


def lock() -> dict[str, tuple[Package, ...]]:
    """Packages by architecture."""
    return debianimage.lock("agent.lock.json")


@cache
def tag() -> str:
    """roost's version, and what went in: equal content has an equal name."""
    from roost.tunnel.agent.settings import VERSION

    state = hashlib.sha256(canonical({a: [p.sha256 for p in rows] for a, rows in lock().items()}))
    for path, content in sorted(own_files().items()):
        state.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    return f"{VERSION}-{state.hexdigest()[:8]}"


def name() -> str:
    """As the agent's manifest names it."""
    return f"{REPOSITORY}:{tag()}"


def own_files() -> dict[str, bytes]:
    """roost's modules that the agent imports, and websockets', by their paths in the image."""
    found: dict[str, bytes] = {}
    roost = resources.files("roost")
    for path in ("__init__.py", "api/__init__.py", "api/errors.py", "api/exchange.py"):
        found[f"{HOME}/roost/{path}"] = roost.joinpath(path).read_bytes()
    for room in ("tunnel", "wire"):
        for path, content in _modules(roost.joinpath(room)):
            found[f"{HOME}/roost/{room}/{path}"] = content
    for path, content in _modules(resources.files("websockets")):
        if not path.startswith(("legacy/", "sync/", "asyncio/", "trio/")):
            found[f"{HOME}/websockets/{path}"] = content
    return found


def _modules(directory: Traversable) -> Iterator[tuple[str, bytes]]:
    for item in directory.iterdir():
        if item.is_dir() and item.name != "__pycache__":
            for path, content in _modules(item):
                yield f"{item.name}/{path}", content
        elif item.name.endswith(".py"):
            yield item.name, item.read_bytes()


def wanted(path: str) -> bool:
    """Of what packages hold: the interpreter, libraries, the modules that the agent may load, and licences."""
    if path == PYTHON or (path.startswith("usr/share/doc/") and path.endswith("/copyright")):
        return True
    if path.startswith(_LIBRARY):
        rest = path.removeprefix(_LIBRARY)
        return not rest.startswith(_UNUSED) and "/tests/" not in rest
    if path.startswith("usr/lib/python3/dist-packages/"):
        rest = path.removeprefix("usr/lib/python3/dist-packages/")
        return rest.startswith(("cryptography/", "_cffi_backend"))
    directory, _, file = path.rpartition("/")
    if directory.endswith("/ossl-modules"):
        return True  # cryptography of Debian 12 loads OpenSSL's legacy provider.
    flat = directory in ("usr/lib", "usr/lib64") or (directory.startswith("usr/lib/") and directory.count("/") == 2)
    return flat and ".so" in file


def files_of(packages: Mapping[str, bytes]) -> dict[str, Entry]:
    """Everything in the image. `packages`: the bytes of each, by its name."""
    found = {entry.name: entry for entry in _OWN}
    for title in sorted(packages):
        found |= {entry.name: entry for entry in entries(packages[title], title) if wanted(entry.name)}
    found |= {path: Entry(path, 0o644, content=content) for path, content in own_files().items()}
    sources = {path: entry.content for path, entry in found.items() if path.endswith(".py") and entry.content}
    found |= {path: Entry(path, 0o644, content=made) for path, made in bytecode.compiled(sources).items()}
    return found


def write_one(layout: Layout, architecture: str, files: Mapping[str, Entry]) -> Descriptor:
    """The manifest of one architecture."""
    runs = {
        "Env": ["PATH=/usr/bin", f"PYTHONPATH=/{HOME}", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
        "Entrypoint": [f"/{PYTHON}", "-m", "roost.tunnel.agent"],
        "User": "65532:65532",
        "WorkingDir": "/",
    }
    return debianimage.write_one(layout, architecture, files, runs)


def write(
    layout: Layout,
    architectures: Sequence[str],
    kept: Sequence[Descriptor] = (),
    *,
    fetch: Callable[[Package], bytes],
) -> Descriptor:
    """The whole image: its index. `kept`: manifests of other architectures that are there already."""
    locked = lock()
    manifests = list(kept)
    for architecture in architectures:
        packages = {package.name: fetch(package) for package in locked.get(architecture, ())}
        manifests.append(write_one(layout, architecture, files_of(packages)))
    return debianimage.write_index(layout, manifests)
