"""What a start may take as it was left: keys, certificates and kubeconfigs that were checked in full, and what
the controllers wrote of the bundles.

A full check of keys parses every certificate, which costs a start more than etcd itself takes; this one reads a
stamp. Called by sequence and by pki, which writes the stamp. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path

from roost import __version__
from roost.embedded.files import write_private
from roost.embedded.layout import Layout
from roost.embedded.record import Record


def is_fresh(layout: Layout, record: Record, *, now: datetime) -> bool:
    """Nothing changed since the last full check, and nothing is due by its age."""
    try:
        stamp = json.loads(layout.pki_checked.read_bytes())
        return stamp["mark"] == _mark(layout, record) and now < datetime.fromisoformat(stamp["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def stamp(layout: Layout, record: Record, *, until: datetime) -> None:
    write_private(layout.pki_checked, json.dumps({"mark": _mark(layout, record), "until": until.isoformat()}))


def is_behind(looked: Path, bundles: Path) -> bool:
    """Bundles came, went or were replaced since `looked`, the controllers' note that they had looked at them."""
    try:
        noted = looked.stat().st_mtime_ns
        return any(path.stat().st_mtime_ns >= noted for path in (bundles, *bundles.glob("*")) if path.exists())
    except OSError:
        return True


def _mark(layout: Layout, record: Record) -> str:
    """Digest of everything that a full check depends on; files by size, times and inode."""
    files = sorted([*layout.pki.glob("*.crt"), *layout.pki.glob("*.key"), *layout.config.glob("*.kubeconfig")])
    lines = [__version__, str(record.address), str(record.port_base), *map(_state, [*files, layout.admin_kubeconfig])]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _state(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_mode}"
