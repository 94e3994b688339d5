"""The only place that wires rooms together: what `python -m roost.main` runs as the platform's own processes.

`controllers` and `admission` are started by the supervisor, with a data directory; anything else is the
command line.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roost.embedded.layout import Layout
    from roost.embedded.record import Record
    from roost.kube.client import Client

PROCESSES = ("controllers", "admission", "gateway", "gateway-2", "gateway-3", "gateway-4", "registry-front")


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] and arguments[0] in PROCESSES and arguments[1:2] == ["--data-dir"]:
        return _process(arguments[0], Path(arguments[2]))
    from roost.cli import groups

    return groups.main(arguments)


def _process(name: str, data_dir: Path) -> int:
    # What is imported stays for good: collecting garbage meanwhile costs a tenth of a start.
    gc.disable()
    from roost.embedded import record
    from roost.embedded.layout import Layout

    layout = Layout(data_dir)
    chosen = record.load(layout.record)
    if chosen is None:
        sys.stderr.write(f"error: no platform in {data_dir}; `roost up` starts this process\n")
        return 1
    if name == "registry-front":
        from roost.embedded.front import process

        _collect_from_now_on()
        process.run(layout, chosen)
        return 0
    if name == "admission":
        from roost.admission.server import serve

        _collect_from_now_on()
        serve(
            kubeconfig=layout.kubeconfig("admission"),
            certificate=layout.certificate("webhook"),
            key=layout.key("webhook"),
            port=chosen.ports.webhook,
            ready=layout.run / "admission.ready",
            served=layout.served,
        )
        return 0
    if name.startswith("gateway"):
        return _gateway(layout, chosen, number=int(name.partition("-")[2] or 1))
    from roost.controllers.run import run
    from roost.embedded import registry

    source = registry.source(layout, chosen)
    _collect_from_now_on()
    run(
        kubeconfig=layout.kubeconfig("controllers"),
        data_dir=layout.root,
        registry=source,
        attached=_attached(layout, chosen),
        metrics_port=chosen.ports.metrics,
    )
    return 0


def _gateway(layout: Layout, chosen: Record, *, number: int) -> int:
    """`number`: which of the gateways; the first one alone issues the certificate that all of them use."""
    from roost.embedded import door, pki
    from roost.embedded.ports import LOOPBACK
    from roost.gateway.registration.registrar import Authority
    from roost.gateway.run import Settings, serve

    _collect_from_now_on()
    agents = pki.tunnel_authority(layout)
    serve(
        Settings(
            kubeconfig=layout.kubeconfig("gateway"),
            certificate=layout.certificate("gateway"),
            key=layout.key("gateway"),
            ca=layout.machines_ca,
            audit=layout.audit,
            audit_own="" if number == 1 else f"gateway-{number}",
            hosts=door.hosts(chosen),
            port=chosen.ports.gateway if number == 1 else chosen.ports.further_gateway(number),
            ready=layout.run / ("gateway.ready" if number == 1 else f"gateway-{number}.ready"),
            own_token=layout.own_token,
            first_password=layout.first_password,
            renew=(lambda names: _renew(layout, chosen, names)) if number == 1 else None,
            hops=LOOPBACK if chosen.gateways > 1 else None,
            tunnel_authority=Authority(agents.certificate_pem, agents.key_pem),
        )
    )
    return 0


def _attached(layout: Layout, chosen: Record) -> Callable[[str, str], Client]:
    """How the controllers reach registered clusters: through the gateway, with the platform's own token."""
    from dataclasses import replace

    from roost.api.masked import Masked
    from roost.kube.client import Client, SharedTransport
    from roost.kube.kubeconfig import Access

    gateway = f"https://127.0.0.1:{chosen.ports.gateway}"
    shared: list[tuple[Access, SharedTransport]] = []

    def client(namespace: str, name: str) -> Client:
        # All clusters are behind one address: with connections of its own for each, thousands would stay open.
        access = Access(
            gateway, ca_pem=layout.machines_ca.read_text(), token=Masked(layout.own_token.read_text().strip())
        )
        if not shared or shared[0][0] != access:
            shared[:] = [(access, SharedTransport(access))]
        own = replace(access, server=f"{gateway}/clusters/{namespace}/{name}")
        return Client(own, timeout=20.0, transport=shared[0][1])

    return client


def _renew(layout: Layout, chosen: Record, names: tuple[str, ...]) -> None:
    """For the gateway: its certificate vouches for what an administrator added, too."""
    from roost.embedded import door

    if door.added(layout) != names:
        door.add(layout, names)
        from roost.embedded import pki
        from roost.kube.pki import utc_now

        pki.renew_gateway(layout, chosen, now=utc_now())


def _collect_from_now_on() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
