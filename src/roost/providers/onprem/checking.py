"""One look at one machine that belongs to no cluster yet: can it be reached and used? Changes nothing there.

Called by the controller of MachineCheck. The same observation and the same checks as preflight, as far as
they need no cluster; where one is named, its networks are compared too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import MachineFacts
from roost.api.v1alpha1.onpremises import Endpoint, OnPremises
from roost.node import engine
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.preflight import addresses, machine, space
from roost.providers.onprem.preflight.look import LOOK_KEY, Found, look, parse
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding
from roost.ssh.connection import Connector

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""Id of no cluster: nothing that stands on the machine counts as ours."""
NEWEST: Final = "1.31.4"
"""Stands in for a version where none is asked for; no check of one machine depends on it."""
_OF_A_CLUSTER: Final = (machine.network, machine.reachability)
"""Checks that compare with a cluster's networks and endpoint."""


@dataclass(frozen=True)
class Checked:
    """What was found."""

    facts: MachineFacts
    host_key: str
    findings: tuple[Finding, ...]


async def check(
    connect: Connector, asked: MachineInput, *, spec: ClusterSpec | None, architectures: Sequence[str]
) -> Checked:
    """`architectures`: those that can be installed; none: not judged. Raises the errors of ssh.errors."""
    connection = await connect(asked.target)
    before = time.time()
    observation = await engine.observe(connection, [look({})], cluster_id=NOBODY)
    found = parse(observation.things[LOOK_KEY], observation.facts, observer_clock=(before + time.time()) / 2)
    return Checked(facts_of(found), connection.host_key, findings(asked, found, spec, architectures))


def findings(
    asked: MachineInput, found: Found, spec: ClusterSpec | None, architectures: Sequence[str]
) -> tuple[Finding, ...]:
    """Pure: what preflight would say of this machine alone."""
    known = tuple(architectures) or (found.node.architecture,)
    subject = Subject(spec or _any(asked), asked, found, NOBODY, known)
    judges = machine.CHECKS if spec else tuple(judge for judge in machine.CHECKS if judge not in _OF_A_CLUSTER)
    more = addresses.CHECKS if spec and asked.spec.addresses.every else ()
    return tuple(finding for judge in (*judges, *more, *space.CHECKS) for finding in judge(subject))


def facts_of(found: Found) -> MachineFacts:
    node = found.node
    return MachineFacts(
        hostname=node.hostname,
        operating_system=node.os_name,
        kernel=node.kernel,
        architecture=node.architecture,
        cpus=node.cpus,
        memoryMiB=node.memory // (1024 * 1024),
    )


def _any(asked: MachineInput) -> ClusterSpec:
    """A cluster whose parameters are all defaults, for checks that ask one."""
    host = asked.spec.addresses.primary or asked.target.address
    return ClusterSpec(version=NEWEST, on_premises=OnPremises(control_plane_endpoint=Endpoint(host=host)))
