"""Writes src/roost/bundle/agent.lock.json: the Debian packages of the agent's image, pinned by digest.

Run by hand when they are to be renewed; see lock_vip.py, which asks apt.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools import lock_vip

PACKAGES = """
libc6 libexpat1 libffi8 libgcc-s1 libpython3.11-minimal libpython3.11-stdlib libssl3 python3-cffi-backend
python3-cryptography python3.11-minimal zlib1g
""".split()  # noqa: SIM905
"""The interpreter, its standard library, cryptography, and every package that holds a library which one loads."""
TARGET = Path(__file__).resolve().parents[1] / "src/roost/bundle/agent.lock.json"

if __name__ == "__main__":
    sys.exit(lock_vip.write(TARGET, PACKAGES))
