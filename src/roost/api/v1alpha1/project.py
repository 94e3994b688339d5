"""Project: clusters and people that belong together."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from roost.api.model import Condition, Model, Name, ObjectMeta, Status
from roost.api.names import API_VERSION


class ProjectRole(StrEnum):
    ADMIN = "Admin"
    EDITOR = "Editor"
    VIEWER = "Viewer"


class Member(Model):
    """A user or a group, and what it may do in the project's clusters."""

    user: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = Field(
        default=None, description="Name of a user; either this or group."
    )
    group: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = Field(
        default=None, description="Name of a group; either this or user."
    )
    role: ProjectRole = Field(description="Admin, Editor or Viewer.")


class ProjectCluster(Model):
    """A Cluster of the project."""

    namespace: Name = Field(description="Its namespace.")
    name: Name = Field(description="Its name.")


class ProjectSpec(Model):
    """Clusters and members."""

    display_name: str | None = Field(default=None, max_length=253, description="Name for people.")
    members: list[Member] = Field(default_factory=list, max_length=1000, description="Who belongs to it.")
    clusters: list[ProjectCluster] = Field(
        default_factory=list,
        max_length=1000,
        description="Clusters that belong to it; each is Available when it joins.",
    )


class JoinedCluster(Status):
    """A Cluster that belongs, or shall belong, to the project."""

    namespace: str = Field(max_length=63, description="Its namespace.")
    name: str = Field(max_length=63, description="Its name.")
    joined: bool = Field(default=False, description="Whether it belongs to the project.")
    message: str | None = Field(default=None, max_length=4096, description="What it waits for.")


class ProjectStatus(Status):
    """Which clusters have joined."""

    clusters: list[JoinedCluster] = Field(
        default_factory=list, max_length=5000, description="Clusters of the project, and those that name it."
    )
    observed_generation: int | None = Field(
        default=None, ge=0, description="Generation of the spec that this status tells about."
    )
    conditions: list[Condition] = Field(default_factory=list, max_length=64, description="Ready.")


class Project(Model):
    """Clusters and people that belong together."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["Project"] = Field(default="Project", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, labels and annotations.")
    spec: ProjectSpec = Field(
        default_factory=ProjectSpec, description="What is wanted.", json_schema_extra={"default": {}}
    )
    status: ProjectStatus | None = Field(default=None, description="What was found; written by roost.")
