"""Which machines need no look: seen as wished by this process, with the same inputs, not long ago.

So that adding a Machine sends no command to the others. In memory only: at the start, and every ten
minutes, everything is observed again. Called by the cluster controller.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from roost.controllers.changes import acted_on
from roost.controllers.runtime.api import Object

OBSERVE_EVERY: Final = 600.0
_NOT_ON_MACHINES: Final = frozenset({"paused", "approval", "approvedPlan"})


def digest(cluster: Object, machine: Object, *others: str) -> str:
    """Of everything that a machine's wish is made from; `others`: bundle, registry, marks of Secrets."""
    spec = {key: value for key, value in acted_on(cluster).items() if key not in _NOT_ON_MACHINES}
    text = json.dumps([spec, acted_on(machine), others], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass
class _Known:
    observed: float
    digests: dict[str, str]


@dataclass
class Settled:
    """Per Cluster (by uid). Times are the event loop's."""

    _known: dict[str, _Known] = field(default_factory=dict[str, _Known])

    def names(self, cluster: str, digests: Mapping[str, str], now: float) -> frozenset[str]:
        """The machines that may be passed over."""
        known = self._known.get(cluster)
        if known is None or now - known.observed >= OBSERVE_EVERY:
            return frozenset()
        return frozenset(name for name, own in digests.items() if known.digests.get(name) == own)

    def record(self, cluster: str, digests: Mapping[str, str], passed_over: frozenset[str], now: float) -> None:
        """After a reconcile that ended well. The ten minutes begin when all were observed."""
        known = self._known.get(cluster)
        observed = known.observed if known is not None and passed_over else now
        self._known[cluster] = _Known(observed, dict(digests))

    def next_look(self, cluster: str, now: float) -> float:
        """Seconds until everything is to be observed again."""
        known = self._known.get(cluster)
        return OBSERVE_EVERY if known is None else max(1.0, known.observed + OBSERVE_EVERY - now)

    def forget(self, cluster: str) -> None:
        self._known.pop(cluster, None)
