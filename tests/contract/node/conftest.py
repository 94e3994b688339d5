"""One lab machine for the tests of this folder, in a lab of its own number."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lab.machines.lab import Lab
from lab.machines.machine import Machine
from lab.machines.settings import Settings
from roost.api.masked import Masked
from roost.node.engine import undo
from roost.ssh.asyncssh_connector import connect
from roost.ssh.connection import Connection, Target

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "node"))

from engine_made import CLUSTER

NUMBER = 97


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    lab = Lab(Settings(NUMBER, tmp_path_factory.mktemp("lab") / "state", Settings.from_environment().cache))
    yield lab.up(1)[0]
    lab.down()


@pytest.fixture
def target(machine: Machine) -> Target:
    return Target(
        machine.name,
        machine.ipv4,
        private_key=Masked(machine.ssh_key_path.read_text()),
        host_keys=(machine.host_key,),
    )


@pytest.fixture
async def connection(target: Target) -> AsyncIterator[Connection]:
    made = await connect(target)
    yield made
    await undo(made, CLUSTER)  # A test that failed must not take the others with it.
    await made.close()
