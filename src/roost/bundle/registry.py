"""Configuration of roost's image registry: CNCF distribution, unchanged, as two processes on one storage.

One listens on loopback and takes writes (push); the other serves machines over TLS on the platform's
address and refuses writes. Called by embedded, which runs them. Pure.

Both are told not to ask that every platform of an image index is there: a bundle keeps upstream's index
as it is and holds only the wanted architectures of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from roost.api.masked import Masked

ENVIRONMENT: Final = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
"""To be set for both processes: distribution exports traces unless told otherwise."""
PROGRAM: Final = "registry"
HEALTH_PATH: Final = "/v2/"
"""Answers 200 when the registry serves."""


def arguments(config: Path) -> tuple[str, ...]:
    """The command line behind the program."""
    return ("serve", str(config))


def writable(*, storage: Path, port: int, secret: Masked) -> str:
    """For the process on loopback. The file holds a secret: 0600."""
    config = _base(storage, secret)
    config["http"]["addr"] = f"127.0.0.1:{port}"
    config["storage"]["delete"] = {"enabled": True}
    config["storage"]["maintenance"] = {
        "uploadpurging": {"enabled": True, "age": "24h", "interval": "12h", "dryrun": False}
    }
    return _text(config)


def readonly(*, storage: Path, address: str, certificate: Path, key: Path, secret: Masked) -> str:
    """For the process that machines reach. `address` is host:port, an IPv6 host in brackets."""
    config = _base(storage, secret)
    config["http"]["addr"] = address
    config["http"]["tls"] = {"certificate": str(certificate), "key": str(key), "minimumtls": "tls1.2"}
    config["storage"]["maintenance"] = {"uploadpurging": {"enabled": False}, "readonly": {"enabled": True}}
    return _text(config)


def _base(storage: Path, secret: Masked) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "warn", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "redirect": {"disable": True}},
        "http": {
            "secret": secret.reveal(),
            "relativeurls": True,
            "headers": {"X-Content-Type-Options": ["nosniff"]},
        },
        "validation": {"manifests": {"indexes": {"platforms": "none"}}},
    }


def _text(config: dict[str, Any]) -> str:
    # YAML takes JSON, and a starting platform need not import a YAML library for it.
    return json.dumps(config, indent=2) + "\n"
