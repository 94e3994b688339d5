"""How a long run over a bundle tells what it is doing. Drawn by cli/bundle, logged by `roost up`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Step:
    """The state of one item. `total` is None while the size is unknown."""

    item: str
    """Such as `kubeadm amd64` or `registry.k8s.io/pause:3.10`."""
    done: int
    total: int | None
    state: Literal["running", "done", "present"]
    """present: the bytes were there already, nothing was fetched."""


Progress = Callable[[Step], None]
"""Called from worker threads, often; must be quick and must not raise."""


def silent(_step: Step) -> None:
    """For callers that show nothing."""
