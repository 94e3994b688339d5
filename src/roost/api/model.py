"""Base of every model: camelCase in YAML, snake_case in Python, unknown fields refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from roost.api.markers import Says

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63),
    Says("name", "a name is a DNS label: at most 63 of a-z, 0-9 and -, not at the ends"),
]
"""A DNS label."""


class Model(BaseModel):
    """Fields are aliased to camelCase; `model_dump(by_alias=True, exclude_none=True)` gives the wire form."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Status(BaseModel):
    """Base of what roost writes: unknown fields are kept, since a newer roost may have written them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class Condition(Status):
    """As in Kubernetes' API conventions (metav1.Condition)."""

    type: str = Field(max_length=316, description="What is told about, such as Available.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="Generation of the spec that this tells about."
    )
    last_transition_time: datetime = Field(description="When the status last changed.")
    reason: str = Field(min_length=1, max_length=1024, description="Why, as one CamelCase word for programs.")
    message: str = Field(
        default="",
        max_length=32768,
        description="Why, for people: the machine, the cause, the evidence and what to do.",
    )


class ObjectMeta(BaseModel):
    """The part of metav1.ObjectMeta that roost reads; the rest is kept as it is."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    resource_version: str | None = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: list[str] = Field(default_factory=list)


class SecretReference(Model):
    """A Secret in the same namespace."""

    name: Name = Field(description="Name of a Secret in the same namespace.")


class ClusterReference(Model):
    """A Cluster, in the same namespace unless another is named."""

    namespace: Name | None = Field(default=None, description="Its namespace; the same one when it is not given.")
    name: Name = Field(description="Name of the Cluster.")
