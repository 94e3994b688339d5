"""platform.json: what was chosen at the first start, and which roost may use the directory.

Called by start (reads, decides, writes) and by the commands that need ports without asking for flags.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from roost import __version__
from roost.api.errors import PermanentFailure
from roost.embedded.files import write_if_changed
from roost.embedded.ports import DEFAULT_BASE, Ports

SCHEMA: Final = 1
"""Raised when an older roost could no longer use the directory."""


@dataclass(frozen=True)
class Record:
    kubernetes_version: str
    """Version of the platform's own API server."""
    port_base: int = DEFAULT_BASE
    address: str | None = None
    """Where machines reach the registry. None: images travel over SSH."""
    roost_version: str = __version__
    schema_version: int = SCHEMA
    gateways: int = 1
    """Processes of the gateway."""

    @property
    def ports(self) -> Ports:
        return Ports(self.port_base)

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.ports.api}"

    @property
    def registry_address(self) -> str | None:
        """host:port for machines."""
        if self.address is None:
            return None
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.ports.registry_tls}"


def load(path: Path) -> Record | None:
    """The record, or None in a new directory. Raises PermanentFailure for one that can't be used."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PermanentFailure(
            "DataDirectoryUnusable", f"{path}: {error.strerror}; run as the user it belongs to"
        ) from error
    try:
        return decode(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentFailure(
            "DataDirectoryUnusable", f"{path} can't be read ({error}); restore it from a backup of the directory"
        ) from error
    except PermanentFailure as error:
        raise PermanentFailure(error.reason, f"{path.parent}: {error.message}") from error


def decode(value: dict[str, Any]) -> Record:
    schema = int(value["schemaVersion"])
    if schema > SCHEMA:
        raise PermanentFailure(
            "DataDirectoryNewer",
            f"the data directory was written by roost {value.get('roostVersion', '?')} (schema {schema}), which is "
            f"newer than this roost {__version__} (schema {SCHEMA}); use that version or a later one",
        )
    return Record(
        kubernetes_version=str(value["kubernetesVersion"]),
        port_base=int(value["portBase"]),
        address=cast("str | None", value.get("address")),
        roost_version=str(value["roostVersion"]),
        schema_version=schema,
        gateways=int(value.get("gateways", 1)),
    )


def encode(record: Record) -> str:
    fields = asdict(record)
    names = {key: key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:]) for key in fields}
    return json.dumps({names[key]: value for key, value in fields.items()}, indent=2) + "\n"


def save(path: Path, record: Record) -> None:
    write_if_changed(path, encode(record))


def choose(
    former: Record | None,
    *,
    kubernetes_version: str | None,
    port_base: int | None,
    address: str | None,
    newest: str,
    gateways: int | None = None,
) -> Record:
    """What this start uses: what is given now, else what was chosen before, else the default."""
    if address is not None:
        address = _address(address)
    if former is None:
        return Record(
            kubernetes_version=kubernetes_version or newest,
            port_base=DEFAULT_BASE if port_base is None else port_base,
            address=address,
            gateways=gateways or 1,
        )
    wanted = kubernetes_version or former.kubernetes_version
    if _minor(wanted) < _minor(former.kubernetes_version):
        raise PermanentFailure(
            "VersionTooOld",
            f"the data was written by Kubernetes {former.kubernetes_version}; the platform can't go back to {wanted}",
        )
    return replace(
        former,
        kubernetes_version=wanted,
        port_base=former.port_base if port_base is None else port_base,
        address=former.address if address is None else (address or None),
        roost_version=__version__,
        schema_version=SCHEMA,
        gateways=gateways or former.gateways,
    )


def _address(text: str) -> str:
    """An IP address that machines can reach; the empty text (no address any more) passes."""
    if not text:
        return text
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        raise PermanentFailure(
            "AddressInvalid", f"--address {text}: give one IP address of this machine that the machines reach"
        ) from None
    if parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast:
        raise PermanentFailure(
            "AddressInvalid", f"--address {text}: machines can't reach that; give an address they can connect to"
        )
    return str(parsed)


def _minor(version: str) -> tuple[int, int]:
    parts = version.removeprefix("v").split(".")
    return int(parts[0]), int(parts[1])
