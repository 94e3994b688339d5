"""`roost up --service`: the platform as a systemd unit, so that it comes back after a reboot.

Called by cli/up, cli/down and status. `unit` is pure.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from roost.api.errors import PermanentFailure
from roost.embedded.files import explained

NAME: Final = "roost.service"
UNIT: Final = Path("/etc/systemd/system") / NAME
_DATA_DIR: Final = 'Environment="ROOST_DATA_DIR='


def unit(data_dir: Path, *, python: str = sys.executable) -> str:
    """Text of the unit. Options of `up` are in the data directory; the unit needs none."""
    return f"""\
[Unit]
Description=roost, the platform that creates and looks after Kubernetes clusters
After=network-online.target local-fs.target
Wants=network-online.target

[Service]
Type=notify
NotifyAccess=main
{_DATA_DIR}{data_dir}"
ExecStart={python} -m roost.main up
Restart=on-failure
RestartSec=2
TimeoutStartSec=600
TimeoutStopSec=120
# roost ends its children itself, in order.
KillMode=mixed
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
"""


def install(data_dir: Path) -> None:
    """Writes and enables the unit and starts it; returns when the platform is ready."""
    check()
    other = installed_data_dir()
    if other is not None and other != data_dir:
        raise PermanentFailure(
            "ServiceTaken", f"{UNIT} already starts the platform in {other}; `roost down --service` there first"
        )
    with explained(UNIT):
        UNIT.write_text(unit(data_dir))
        UNIT.chmod(0o644)
    _systemctl("daemon-reload")
    _systemctl("enable", NAME)
    _systemctl("restart", NAME)


def remove() -> bool:
    """Stops and removes the unit; False where there was none."""
    if not UNIT.exists():
        return False
    check()
    _systemctl("disable", "--now", NAME)
    with explained(UNIT):
        UNIT.unlink()
    _systemctl("daemon-reload")
    return True


def installed_for(data_dir: Path) -> str | None:
    """Name of the unit that starts this data directory at boot, or None."""
    return NAME if installed_data_dir() == data_dir else None


def installed_data_dir() -> Path | None:
    try:
        lines = UNIT.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(_DATA_DIR):
            return Path(line.removeprefix(_DATA_DIR).removesuffix('"'))
    return None


def check() -> None:
    """Raises PermanentFailure where a unit can't be installed."""
    if os.geteuid() != 0:
        raise PermanentFailure("PermissionDenied", f"{UNIT} is root's; run this as root (sudo)")
    if not Path("/run/systemd/system").is_dir():
        raise PermanentFailure(
            "SystemdMissing", "systemd does not run this machine; start the platform with `roost up --detach` instead"
        )


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        text = done.stderr.strip() or done.stdout.strip()
        raise PermanentFailure(
            "ServiceFailed",
            f"systemctl {' '.join(arguments)}: {text}; `journalctl -u {NAME}` has the platform's words",
        )
