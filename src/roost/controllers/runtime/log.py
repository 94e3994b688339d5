"""structlog for the controllers' process: one JSON line per event on standard output, with bound keys.

Keys used throughout: cluster, machine, phase, reconcile_id. `Masked` prints as stars here as everywhere.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, cast

import structlog
from structlog.stdlib import BoundLogger


def configure(*, debug: bool = False) -> None:
    """Once, by `run`. Text on a terminal, JSON otherwise."""
    plain = sys.stdout.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if plain else structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )


def logger(**keys: Any) -> BoundLogger:
    return cast("BoundLogger", structlog.get_logger(**keys))


def bind(**keys: Any) -> None:
    """Bind keys to everything that the current task logs."""
    structlog.contextvars.bind_contextvars(**keys)
