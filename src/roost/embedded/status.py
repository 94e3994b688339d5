"""What runs in a data directory, as seen from outside: processes, health, certificates, addresses.

Called by cli/status and cli/up. Reads only; works while the platform is down, too.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from roost.embedded import components, door, lock, process, record
from roost.embedded.layout import Layout
from roost.embedded.record import Record

State = Literal["absent", "stopped", "starting", "ready", "unhealthy"]


@dataclass(frozen=True)
class ProcessStatus:
    name: str
    pid: int
    resident_bytes: int | None
    seconds: float
    """Since it was started."""


@dataclass(frozen=True)
class Status:
    state: State
    data_dir: Path
    record: Record | None = None
    supervisor: int | None = None
    """Pid of `roost up`."""
    problem: str | None = None
    """Why it is unhealthy."""
    processes: tuple[ProcessStatus, ...] = ()
    certificates: dict[str, datetime] | None = None
    free_bytes: int | None = None
    service: str | None = None
    """The systemd unit that starts it at boot."""


async def collect(layout: Layout) -> Status:
    """Everything; asks the API when the platform runs. Raises PermanentFailure for an unusable directory."""
    known = record.load(layout.record)
    if known is None:
        return Status("absent", layout.root)
    from roost.embedded import pki, service

    supervisor = lock.holder(layout.lock)
    processes = running(layout, supervisor)
    state: State = "stopped" if supervisor is None else "starting"
    problem: str | None = None
    if supervisor is not None and layout.ready.exists():
        problem = await _ask(layout)
        state = "unhealthy" if problem else "ready"
    return Status(
        state=state,
        data_dir=layout.root,
        record=known,
        supervisor=supervisor.pid if supervisor else None,
        problem=problem,
        processes=processes,
        certificates=pki.expiries(layout, known),
        free_bytes=shutil.disk_usage(layout.root).free,
        service=service.installed_for(layout.root),
    )


def running(layout: Layout, supervisor: process.Identity | None) -> tuple[ProcessStatus, ...]:
    """The platform's processes that are alive, the supervisor first."""
    found: list[ProcessStatus] = []
    if supervisor is not None:
        found.append(_process("up", supervisor))
    names = [name for group in components.STOP_ORDER[::-1] for name in group]
    for name in names:
        identity = process.read(layout.process(name))
        if identity is not None and process.is_alive(identity):
            found.append(_process(name, identity))
    return tuple(found)


def is_ready(layout: Layout) -> bool:
    """A supervisor runs and has said «ready»; asks nobody."""
    return layout.ready.exists() and lock.holder(layout.lock) is not None


def encode(status: Status) -> dict[str, Any]:
    """For `-o json` and `-o yaml`: stable names, values as they are."""
    known = status.record
    addresses: dict[str, Any] = {}
    if known is not None:
        addresses = {
            "server": known.server,
            "kubeconfig": str(status.data_dir / "admin.kubeconfig"),
            "kubernetesVersion": known.kubernetes_version,
            "roostVersion": known.roost_version,
            "address": known.address,
            "gateway": door.url(known),
            "registry": known.registry_address,
            "images": "registry" if known.registry_address else "ssh",
            "portBase": known.port_base,
        }
    return {
        "state": status.state,
        "problem": status.problem,
        "dataDir": str(status.data_dir),
        "supervisor": status.supervisor,
        "service": status.service,
        **addresses,
        "processes": [
            {"name": p.name, "pid": p.pid, "residentBytes": p.resident_bytes, "seconds": round(p.seconds, 1)}
            for p in status.processes
        ],
        "certificates": {name: end.isoformat() for name, end in (status.certificates or {}).items()},
        "freeBytes": status.free_bytes,
    }


def soonest(certificates: dict[str, datetime]) -> tuple[str, datetime] | None:
    """The certificate that ends first."""
    return min(certificates.items(), key=lambda item: item[1]) if certificates else None


def parse_ready(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_bytes())
    return {}


def exit_code(state: State) -> int:
    """0 ready, 1 not running, 3 running and not (or not yet) ready."""
    codes: dict[State, int] = {"ready": 0, "absent": 1, "stopped": 1, "starting": 3, "unhealthy": 3}
    return codes[state]


async def _ask(layout: Layout) -> str | None:
    """None when the API says that it is ready, else what it says."""
    from roost.kube.client import connect
    from roost.kube.errors import explain

    client = connect(layout.admin_kubeconfig, timeout=5)
    try:
        await client.text("/readyz")
        return None
    except Exception as error:
        return explain(error, server=client.server).message
    finally:
        await client.close()


def _process(name: str, identity: process.Identity) -> ProcessStatus:
    return ProcessStatus(name, identity.pid, process.resident_bytes(identity.pid), process.age_seconds(identity))


def missing(status: Status, expected: Sequence[str]) -> tuple[str, ...]:
    """Which of the expected processes don't run."""
    alive = {p.name for p in status.processes}
    return tuple(name for name in expected if name not in alive)
