"""Which data directory a command means: `--data-dir`, then ROOST_DATA_DIR, then the default of the user."""

from __future__ import annotations

import os
from pathlib import Path

from roost.embedded.layout import Layout, default_root


def layout(given: Path | None) -> Layout:
    """The layout of the data directory; nothing is read or made."""
    chosen = given or default_root(os.environ, user_id=os.geteuid())
    return Layout(chosen.expanduser().absolute())


def admin_kubeconfig(given: Path | None) -> Path:
    """Path of the administrator's kubeconfig; it may not exist."""
    return layout(given).admin_kubeconfig
