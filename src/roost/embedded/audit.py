"""Who did what, from the first day: the API server's audit policy. Bodies are logged for roost's kinds only.

Called by start.
"""

from __future__ import annotations

import json
from typing import Any, Final

from roost.api.names import GROUP
from roost.embedded.files import write_if_changed
from roost.embedded.layout import Layout

_READS: Final = ["get", "list", "watch"]

POLICY: Final[dict[str, Any]] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # The platform's own reads and heartbeats would drown the rest.
        {"level": "None", "userGroups": ["system:roost:platform"], "verbs": _READS},
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "None", "nonResourceURLs": ["/livez*", "/readyz*", "/healthz*", "/version", "/openapi*", "/api*"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io"}, {"group": "events.k8s.io"}]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        # Never a body that may hold a secret.
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "configmaps"]}]},
        {"level": "Metadata", "resources": [{"group": "authentication.k8s.io"}]},
        {"level": "Metadata", "verbs": _READS},
        {"level": "Request", "resources": [{"group": GROUP}]},
        {"level": "Metadata"},
    ],
}


def ensure(layout: Layout) -> None:
    write_if_changed(layout.audit_policy, json.dumps(POLICY, indent=2))
