"""CloudCredential: a credential of a service outside, the Secret that holds it, and whether it works."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from roost.api.markers import Frozen
from roost.api.model import ClusterReference, Condition, Model, ObjectMeta, SecretReference, Status
from roost.api.names import API_VERSION


class CloudCredentialType(StrEnum):
    PUBLIC_REGISTRY = "PublicRegistry"
    AWS = "AWS"


class CloudCredentialSpec(Model):
    """What it is for and where it is."""

    display_name: str | None = Field(default=None, max_length=253, description="Name for people.")
    type: Annotated[
        CloudCredentialType,
        Frozen(
            key="credentialType",
            because="clusters use it as what it is; create another CloudCredential of the other type",
        ),
    ] = Field(description="PublicRegistry or AWS.")
    secret: SecretReference = Field(
        description="Secret that holds it. PublicRegistry: the uploaded file under credential.json, with address, "
        "user, token and ca. AWS: accessKeyID, secretAccessKey and region."
    )


class CloudCredentialStatus(Status):
    """Whether it works, and who relies on it. Never what it holds."""

    valid: bool | None = Field(default=None, description="Whether it can be used; absent until it is known.")
    message: str | None = Field(default=None, max_length=32768, description="Why not, and what to do.")
    address: str | None = Field(default=None, max_length=512, description="Address of the service.")
    expires: datetime | None = Field(default=None, description="When it is no longer valid, where that is known.")
    used_by: list[ClusterReference] = Field(
        default_factory=list, max_length=5000, description="Clusters that use it."
    )
    observed_generation: int | None = Field(
        default=None, ge=0, description="Generation of the spec that this status tells about."
    )
    conditions: list[Condition] = Field(default_factory=list, max_length=64, description="Ready.")


class CloudCredential(Model):
    """A credential of a service outside. Whoever may use it need not be able to read it."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["CloudCredential"] = Field(default="CloudCredential", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: CloudCredentialSpec = Field(description="What is wanted.")
    status: CloudCredentialStatus | None = Field(default=None, description="What was found; written by roost.")
