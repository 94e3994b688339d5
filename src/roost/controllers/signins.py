"""Sign-ins that a machine or its proxy refused are not tried again before their time, so that no account is locked.

A Connector around the pool's. The wait is the machine's own: other machines of the same cluster, and other causes,
are looked at as often as they need. Made by wiring, which also says when somebody changed something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from roost.api.errors import PermanentFailure, RoostError
from roost.controllers.delays import is_sign_in, sign_in_wait
from roost.ssh.connection import Connection, Connector, Target


@dataclass(frozen=True)
class Refusal:
    error: RoostError
    times: int
    until: float
    """On the loop's clock."""


class SignIns:
    """Equal targets share a wait; one whose credentials were corrected is another target, and is tried at once."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._refusals: dict[Target, Refusal] = {}

    async def __call__(self, target: Target) -> Connection:
        """Raises what was said before while its wait lasts."""
        former = self._refusals.get(target)
        clock = asyncio.get_running_loop().time
        if former is not None and clock() < former.until:
            raise PermanentFailure(former.error.reason, former.error.message)
        try:
            connection = await self._connector(target)
        except RoostError as error:
            if is_sign_in(error.reason):
                times = former.times + 1 if former is not None else 1
                self._refusals[target] = Refusal(error, times, clock() + sign_in_wait(times))
            raise
        self._refusals.pop(target, None)
        return connection

    def forget(self, machines: Collection[str]) -> None:
        """Somebody changed something about these Machines, or asked to try now."""
        for target in [target for target in self._refusals if target.name in machines]:
            del self._refusals[target]
