"""Stable names: group, labels, annotations, finalizers. Everything that another program may rely on."""

from __future__ import annotations

from typing import Final, Literal

GROUP: Final = "cluster.alauda.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final[Literal["cluster.alauda.io/v1alpha1"]] = "cluster.alauda.io/v1alpha1"

SYSTEM_NAMESPACE: Final = "roost-system"
"""Holds what is the platform's own."""
GLOBAL_CLUSTER: Final = "global"
"""Name of the read-only Cluster in the system namespace that stands for the platform itself."""

# Annotations on objects in the platform's API.
ID_ANNOTATION: Final = f"{GROUP}/id"
"""Immutable id of a Cluster; journals, locks and units on machines carry it. It survives a move."""
RETRY_NOW_ANNOTATION: Final = f"{GROUP}/retry-now"
"""A time stamp; a new value ends the current back-off at once."""
FORCE_REMOVAL_ANNOTATION: Final = f"{GROUP}/force-removal"
"""`true` on a Machine or Cluster that is being deleted: machines that can't be restored are let go as they are."""
PLATFORM_URL_ANNOTATION: Final = "cpaas.io/platform-url"

FINALIZER: Final = f"{GROUP}/cleanup"
"""On Clusters and Machines: the machines are restored before the object goes."""
IN_USE_FINALIZER: Final = f"{GROUP}/in-use"
"""On Secrets that a Machine names: they stay until their last user is gone."""

CLUSTER_LABEL: Final = f"{GROUP}/cluster"
"""On objects that roost writes for a Cluster: the Cluster's name."""

FIELD_MANAGER: Final = "roost"

# Identities of roost's own processes, as user names of their client certificates.
CONTROLLERS_USER: Final = "system:roost:controllers"
ADMISSION_USER: Final = "system:roost:admission"
GATEWAY_USER: Final = "system:roost:gateway"
REGISTRY_USER: Final = "system:roost:registry"
PLATFORM_GROUP: Final = "system:roost:platform"

PUBLIC_REGISTRY_CREDENTIAL: Final = "public-registry-credential"
"""The CloudCredential of the system namespace that clusters with the public registry use, and its Secret."""
CREDENTIAL_FILE_KEY: Final = "credential.json"
"""Key of that Secret: the uploaded file."""

KUBECONFIG_KEY: Final = "value"


def kubeconfig_secret(cluster: str) -> str:
    """Name of the Secret that holds a cluster's kubeconfig under KUBECONFIG_KEY, as with Cluster API."""
    return f"{cluster}-kubeconfig"
