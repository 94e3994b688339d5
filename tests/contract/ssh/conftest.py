"""A real sshd for the tests of this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sshd_server import SSHD, Server, sshd


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not SSHD.exists() or os.geteuid() != 0:
        pytest.skip("needs root and Debian's openssh-server")
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running
