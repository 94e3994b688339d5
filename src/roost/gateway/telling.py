"""Tells on the Cluster `global` where the gateway is reached, for whoever gives such an address to others.

`status.addresses` is what a Cluster's annotation `cpaas.io/platform-url` is compared with (api/validation). The
gateway knows them, also those that an administrator adds while it runs; so it writes them. Made by run.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from typing import Final

from roost.api.errors import RoostError
from roost.api.names import API_VERSION, GLOBAL_CLUSTER, GROUP, SYSTEM_NAMESPACE, VERSION
from roost.gateway.serving import host_of
from roost.kube.lean import Lean

EVERY_SECONDS: Final = 5.0
_PATH: Final = f"/apis/{GROUP}/{VERSION}/namespaces/{SYSTEM_NAMESPACE}/clusters/{GLOBAL_CLUSTER}/status"
_LOG: Final = logging.getLogger("roost.gateway")


class Telling:
    def __init__(self, api: Lean, addresses: Callable[[], tuple[str, ...]]) -> None:
        """`addresses`: all of them, each as host:port."""
        self._api = api
        self._addresses = addresses
        self._told: tuple[str, ...] | None = None

    async def run(self) -> None:
        """For ever; writes on change alone."""
        while True:
            try:
                await self.look()
            except (RoostError, OSError, TimeoutError) as error:
                _LOG.info("the gateway's addresses are not written yet: %s", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Raises RoostError where `global` does not exist yet."""
        found = reachable_by_others(self._addresses())
        if found == self._told:
            return
        body = {
            "apiVersion": API_VERSION,
            "kind": "Cluster",
            "metadata": {"name": GLOBAL_CLUSTER, "namespace": SYSTEM_NAMESPACE},
            "status": {"addresses": list(found)},
        }
        await self._api.apply(_PATH, body, manager="roost-gateway-addresses")
        self._told = found


def reachable_by_others(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that only this computer reaches."""
    return tuple(address for address in addresses if not _is_own(host_of(address)))


def _is_own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
