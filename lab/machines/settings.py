"""Where a lab lives and what its things are called: state, cache, bridge, addresses.

Everything that a lab makes carries its number in its name, so that several labs can run beside each other on one
box and each finds, and clears, only what is its own.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

FIRST_HOST = 11
MAX_MACHINES = 200
MACHINE_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")


class LabError(Exception):
    """Something that the lab could not do; the message says what, why and what helps."""


@dataclass(frozen=True)
class Settings:
    number: int
    state: Path
    cache: Path

    @staticmethod
    def from_environment(environ: dict[str, str] | None = None) -> Settings:
        values = dict(os.environ) if environ is None else environ
        text = values.get("ROOST_LAB_NUMBER", "0")
        if not text.isdigit() or int(text) > 99:
            raise LabError(f"ROOST_LAB_NUMBER is «{text}»: it must be a number from 0 to 99")
        number = int(text)
        default_state = "/var/lib/roost-lab" + (f"-{number}" if number else "")
        return Settings(
            number=number,
            state=Path(values.get("ROOST_LAB_STATE", default_state)),
            cache=Path(values.get("ROOST_LAB_CACHE", "/var/cache/roost-lab")),
        )

    @property
    def bridge(self) -> str:
        return f"roostlab{self.number}"

    @property
    def cgroup(self) -> str:
        """The directory below the caller's own control group that holds those of the machines."""
        return "roostlab" + (str(self.number) if self.number else "")

    @property
    def prefix(self) -> str:
        """What the container manager's names of machines, and thus of their host-side links, begin with."""
        return f"rl{self.number}-"

    @property
    def machines(self) -> Path:
        return self.state / "machines"

    @property
    def host_ipv4(self) -> str:
        return f"10.209.{self.number}.1"

    @property
    def host_ipv6(self) -> str:
        return f"{self._ipv6_net()}::1"

    def ipv4(self, index: int) -> str:
        return f"10.209.{self.number}.{FIRST_HOST + index}"

    def ipv6(self, index: int) -> str:
        """The digits of the last group are those of the IPv4 address's last byte, so that people can pair them."""
        return f"{self._ipv6_net()}::{FIRST_HOST + index}"

    def _ipv6_net(self) -> str:
        return "fd00:209" + (f":0:{self.number}" if self.number else "")


def check_name(name: str) -> str:
    if not MACHINE_NAME.match(name):
        raise LabError(
            f"«{name}» cannot be a machine's name: it must be a DNS label of lower-case letters, digits and hyphens,"
            " at most 32 characters"
        )
    return name
