"""Plan: what roost will do to a Cluster's machines and objects, written by roost before it acts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from roost.api.model import Model, ObjectMeta
from roost.api.names import API_VERSION


class PlannedChange(Model):
    """One thing that will differ afterwards."""

    thing: str = Field(max_length=1024, description="Key of the thing, such as file:/etc/containerd/config.toml.")
    action: Literal["Create", "Update", "Delete", "Run"] = Field(description="What is done to it.")
    summary: str = Field(default="", max_length=4096, description="What changes, without secrets.")


class MachinePlan(Model):
    """What will be done on one machine."""

    name: str = Field(max_length=253, description="Name of the Machine.")
    changes: list[PlannedChange] = Field(
        default_factory=list, max_length=4096, description="In the order in which they happen."
    )


class PlanSpec(Model):
    """All changes, in order, and the hash that approves them."""

    cluster_name: str = Field(max_length=253, description="The Cluster.")
    hash: str = Field(max_length=128, description="Identifies the content; spec.approvedPlan names it.")
    machines: list[MachinePlan] = Field(
        default_factory=list, max_length=5000, description="Per machine, in order of its name."
    )
    objects: list[PlannedChange] = Field(
        default_factory=list,
        max_length=4096,
        description="Objects in the managed cluster's API, such as DaemonSet/kube-flannel.",
    )


class Plan(Model):
    """What roost will do to a Cluster. Written by roost before it acts."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["Plan"] = Field(default="Plan", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: PlanSpec = Field(description="What will be done.")
