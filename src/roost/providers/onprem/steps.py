"""What a machine goes through on its way into a cluster, in order: the product in one list, a file for each line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from roost.node.thing import Thing
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.layout import Seat
from roost.providers.onprem.phases import (
    certificates,
    images,
    initialize,
    join,
    kernel,
    kubelet,
    plane,
    programs,
    record,
    registry,
    runtime,
)
from roost.providers.onprem.preflight.look import Found

Act = Literal["prepare", "init", "join"]
EVERY: Final = tuple(Seat)


@dataclass(frozen=True)
class Phase:
    title: str
    act: Act
    """Phases of one act go to the machine together, as one script in one transient unit."""
    seats: tuple[Seat, ...]
    things: Callable[[Context, MachineInput, Found], list[Thing]]


PHASES: Final = (
    Phase("Record what is there", "prepare", EVERY, record.things),
    Phase("Kernel", "prepare", EVERY, kernel.things),
    Phase("Programs", "prepare", EVERY, programs.things),
    Phase("Registry", "prepare", EVERY, registry.things),
    Phase("Container runtime", "prepare", EVERY, runtime.things),
    Phase("kubelet", "prepare", EVERY, kubelet.things),
    Phase("Certificates", "prepare", (Seat.FOUNDER,), certificates.things),
    Phase("Images", "prepare", EVERY, images.things),
    Phase("Control plane", "init", (Seat.FOUNDER,), initialize.things),
    Phase("Join", "join", (Seat.WORKER,), join.things),
    Phase("Join as a control plane", "join", (Seat.PLANE,), plane.things),
)


def things(ctx: Context, machine: MachineInput, found: Found, *acts: Act) -> list[Thing]:
    """All things of a machine for these acts (all acts when none is named), in order."""
    seat = layout.seat(ctx, machine)
    return [
        thing
        for phase in PHASES
        if seat in phase.seats and (not acts or phase.act in acts)
        for thing in phase.things(ctx, machine, found)
    ]
