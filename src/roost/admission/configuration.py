"""What makes the API server ask the webhook, and the policies that it carries out without us.

Applied by `roost up` once the webhook answers. A policy (CEL inside the API server) is preferred where
it can say the rule: it holds while our process is away, and blocks nothing else then.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from roost.api.names import ADMISSION_USER, CONTROLLERS_USER, GLOBAL_CLUSTER, GROUP, SYSTEM_NAMESPACE, VERSION
from roost.api.registry import KINDS

WEBHOOK: Final = f"validate.{GROUP}"
PATH: Final = "/validate"
TIMEOUT: Final = 5
_API: Final = "admissionregistration.k8s.io/v1"
_OWN_USERS: Final = f"['{CONTROLLERS_USER}', '{ADMISSION_USER}']"

NO_NODES: Final = (
    "global has no nodes in this form: nothing can run here; create it in a managed cluster, with the kubeconfig "
    "that `roost kubeconfig NAME` prints"
)
STAYS: Final = (
    "the Cluster global stands for the platform itself and can't be deleted; `roost down` stops the platform"
)


def manifests(ca_pem: str, port: int) -> list[dict[str, Any]]:
    """Everything at once: policies first, since they need nobody."""
    return [*policies(), webhook_configuration(ca_pem, port)]


def webhook_configuration(ca_pem: str, port: int) -> dict[str, Any]:
    """Create and update of roost's kinds, never their status; not what roost itself writes.

    What is being deleted is not asked about, so that finalizers go even with a broken webhook; for the
    same reason deletion itself is a policy's business.
    """
    return {
        "apiVersion": _API,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "roost"},
        "webhooks": [
            {
                "name": WEBHOOK,
                "clientConfig": {
                    "url": f"https://127.0.0.1:{port}{PATH}",
                    "caBundle": base64.b64encode(ca_pem.encode()).decode(),
                },
                "rules": [
                    {
                        "apiGroups": [GROUP],
                        "apiVersions": [VERSION],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": [kind.plural for kind in KINDS],
                        "scope": "*",
                    }
                ],
                "matchConditions": [
                    {"name": "not-by-roost", "expression": f"!(request.userInfo.username in {_OWN_USERS})"},
                    {"name": "stays", "expression": "!has(object.metadata.deletionTimestamp)"},
                ],
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                # It remembers what it admitted for some seconds; not of a dry run.
                "sideEffects": "NoneOnDryRun",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": TIMEOUT,
            }
        ],
    }


def policies() -> list[dict[str, Any]]:
    """ValidatingAdmissionPolicies with their bindings; need Kubernetes 1.30 for the platform itself."""
    return [
        *_policy(
            "roost-no-nodes",
            rules=[
                _rule("", ["pods", "replicationcontrollers"], ["CREATE"]),
                _rule("apps", ["deployments", "daemonsets", "statefulsets", "replicasets"], ["CREATE"]),
                _rule("batch", ["jobs", "cronjobs"], ["CREATE"]),
            ],
            expression="false",
            message=NO_NODES,
        ),
        *_policy(
            "roost-platform-cluster",
            rules=[_rule(GROUP, ["clusters"], ["DELETE"])],
            expression=f"!(oldObject.metadata.namespace == '{SYSTEM_NAMESPACE}' && "
            f"oldObject.metadata.name == '{GLOBAL_CLUSTER}')",
            message=STAYS,
        ),
    ]


def _rule(group: str, resources: list[str], operations: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": operations, "resources": resources}


def _policy(name: str, *, rules: list[dict[str, Any]], expression: str, message: str) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": rules},
                "validations": [{"expression": expression, "message": message, "reason": "Forbidden"}],
            },
        },
        {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
