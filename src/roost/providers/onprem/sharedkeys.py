"""The CA and the other keys that all control planes share, on their way from one machine to another.

They pass through this process masked, over roost's own SSH connections, and are kept nowhere. Called by the
provider right before a control plane joins.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from roost.api.errors import RetryLater
from roost.api.masked import Masked
from roost.providers.onprem.kubeadm.run import PKI
from roost.ssh.connection import Command, Connection

FILES: Final = (
    "ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key",
)  # fmt: skip
OPTIONAL: Final = ("vip-password.conf",)
"""Only where the cluster has a self-built VIP."""
_SECONDS: Final = 30.0


@dataclass(frozen=True)
class SharedKeys:
    """A tar archive of FILES, relative to kubeadm's directory of certificates."""

    archive: Masked
    """In base64."""

    def tar(self) -> bytes:
        return base64.b64decode(self.archive.reveal())


def script() -> str:
    optional = " ".join(OPTIONAL)
    return (
        f"cd {PKI} || exit 1\n"
        f"set -- {' '.join(FILES)}\n"
        f'for name in {optional}; do [ ! -e "$name" ] || set -- "$@" "$name"; done\n'
        'tar -cf - -- "$@" | base64 -w 0\n'
    )


async def fetch(connection: Connection) -> SharedKeys:
    """From a control plane. Reads only. Raises RetryLater KeysNotRead."""
    result = await connection.run(Command("read the keys that control planes share", script()), timeout=_SECONDS)
    archive = Masked(result.stdout.strip())
    try:
        whole = result.exit_status == 0 and bool(base64.b64decode(archive.reveal(), validate=True))
    except binascii.Error:
        whole = False
    if not whole:
        target = connection.target
        raise RetryLater(
            "KeysNotRead",
            f"{target.name} ({target.address}): the keys that control planes share can't be read below {PKI}: "
            f"{result.stderr.strip()[-300:] or 'the answer was cut off'}",
        )
    return SharedKeys(archive)
