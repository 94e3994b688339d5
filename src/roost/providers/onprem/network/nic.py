"""Which network device a network plugin uses on a machine. Pure; read by the plugins and by preflight.

The order is that of the creation form, from first to last:
Kube-OVN underlay: the Machine's, the cluster's; overlay: the Machine's, the cluster's, that of the default
route; Calico and Flannel: the cluster's, that of the default route.
"""

from __future__ import annotations

import re
from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec, NetworkPlugin
from roost.providers.onprem import layout
from roost.providers.onprem.context import MachineInput

_USUAL: Final = re.compile(r"(eth|en|wl|ww).*")


def chosen(spec: ClusterSpec, machine: MachineInput) -> str | None:
    """The device that somebody chose for this machine; None: the plugin takes that of the default route."""
    wanted = layout.on_premises(spec).network
    if wanted.plugin is NetworkPlugin.CUSTOM:
        return None
    if wanted.plugin is NetworkPlugin.KUBE_OVN and machine.spec.nic is not None:
        return machine.spec.nic
    return wanted.nic


def is_usual(name: str) -> bool:
    """Whether monitoring collects the traffic of a device of this name by itself."""
    return _USUAL.fullmatch(name) is not None
