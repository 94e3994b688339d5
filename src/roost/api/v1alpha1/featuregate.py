"""FeatureGate: a switch of the platform. roost makes one for each feature that it knows, off."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from roost.api.model import Model, ObjectMeta
from roost.api.names import API_VERSION


class FeatureGateSpec(Model):
    """On or off."""

    enabled: bool = Field(default=False, description="Whether the feature can be used.")


class FeatureGate(Model):
    """A switch of the platform, such as cri-docker."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["FeatureGate"] = Field(default="FeatureGate", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, labels and annotations.")
    spec: FeatureGateSpec = Field(
        default_factory=FeatureGateSpec, description="What is wanted.", json_schema_extra={"default": {}}
    )
