"""Types and reasons of conditions. Types are stable; reasons are CamelCase and listed in the reference docs.

Conditions are output only: nothing in roost resumes from one. A cluster being created carries one
condition per phase, in the order of `CLUSTER_PHASES`.
"""

from __future__ import annotations

from typing import Final

# On a Cluster, in the order in which a creation passes them.
VALIDATED: Final = "Validated"
PREFLIGHT_PASSED: Final = "PreflightPassed"
MACHINES_PREPARED: Final = "MachinesPrepared"
CONTROL_PLANE_INITIALIZED: Final = "ControlPlaneInitialized"
NETWORK_INSTALLED: Final = "NetworkInstalled"
WORKERS_JOINED: Final = "WorkersJoined"
ADDONS_INSTALLED: Final = "AddonsInstalled"
AVAILABLE: Final = "Available"
CLUSTER_PHASES: Final = (
    VALIDATED,
    PREFLIGHT_PASSED,
    MACHINES_PREPARED,
    CONTROL_PLANE_INITIALIZED,
    NETWORK_INSTALLED,
    WORKERS_JOINED,
    ADDONS_INSTALLED,
    AVAILABLE,
)

# On a Machine, in order.
REACHABLE: Final = "Reachable"
CHECKED: Final = "Checked"
"""Preflight on this machine passed."""
PREPARED: Final = "Prepared"
"""Programs, runtime, kernel settings and images are on the machine."""
JOINED: Final = "Joined"
"""kubeadm init or join is done and the Node exists."""
READY: Final = "Ready"
MACHINE_PHASES: Final = (REACHABLE, CHECKED, PREPARED, JOINED, READY)

DELETING: Final = "Deleting"
"""On both kinds while they go: what is being undone, and what holds it up."""

# Reasons of conditions that are Unknown or False without an error.
WAITING: Final = "Waiting"
IN_PROGRESS: Final = "InProgress"
SUCCEEDED: Final = "Succeeded"
PAUSED: Final = "Paused"
AWAITING_APPROVAL: Final = "AwaitingApproval"
NETWORK_PLUGIN_MISSING: Final = "NetworkPluginMissing"
