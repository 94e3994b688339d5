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

# On a Cluster that existed before the platform knew it, in the order in which it is looked at.
PARSED: Final = "Parsed"
ADDRESS_ALLOWED: Final = "AddressAllowed"
TLS_VERIFIED: Final = "TLSVerified"
AUTHENTICATED: Final = "Authenticated"
VERSION_SUPPORTED: Final = "VersionSupported"
IDENTITY_UNIQUE: Final = "IdentityUnique"
PERMISSIONS: Final = "Permissions"
NOT_MANAGED_ELSEWHERE: Final = "NotManagedElsewhere"
CLOCK_SKEW: Final = "ClockSkew"
"""True: the clocks agree."""
DISCOVERY: Final = "Discovery"
UPGRADES: Final = "Upgrades"
ADOPTED: Final = "Adopted"
"""roost signs in with a short-lived credential of its own; the one that was given is forgotten."""
IMPORT_CHECKS: Final = (
    PARSED,
    ADDRESS_ALLOWED,
    REACHABLE,
    TLS_VERIFIED,
    AUTHENTICATED,
    VERSION_SUPPORTED,
    IDENTITY_UNIQUE,
    PERMISSIONS,
    NOT_MANAGED_ELSEWHERE,
    CLOCK_SKEW,
    DISCOVERY,
    UPGRADES,
    ADOPTED,
)

# On a registered Cluster; the gateway writes them.
ACCEPTED: Final = "Accepted"
TUNNEL_CONNECTED: Final = "TunnelConnected"
API_SERVER_HEALTHY: Final = "APIServerHealthy"
AGENT_CURRENT: Final = "AgentCurrent"
CERTIFICATE_VALID: Final = "CertificateValid"
REGISTERED: Final = (ACCEPTED, TUNNEL_CONNECTED, API_SERVER_HEALTHY, AGENT_CURRENT, CERTIFICATE_VALID)

# On the Cluster `global`.
REGISTRY_ADDRESS_READY: Final = "RegistryAddressReady"
"""The registry's external name; absent where nobody asked for one."""

OTHERS: Final = (*(kind for kind in IMPORT_CHECKS if kind != REACHABLE), *REGISTERED, REGISTRY_ADDRESS_READY)
"""Types that stand in none of the lists above; each has words in i18n/conditions.json."""

# Reasons of conditions that are Unknown or False without an error.
WAITING: Final = "Waiting"
IN_PROGRESS: Final = "InProgress"
SUCCEEDED: Final = "Succeeded"
PAUSED: Final = "Paused"
AWAITING_APPROVAL: Final = "AwaitingApproval"
NETWORK_PLUGIN_MISSING: Final = "NetworkPluginMissing"
