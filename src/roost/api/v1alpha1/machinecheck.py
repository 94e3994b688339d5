"""MachineCheck: can this machine be reached and used? roost answers in its status and deletes it later."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from roost.api.model import Condition, Model, Name, ObjectMeta, Status
from roost.api.names import API_VERSION
from roost.api.v1alpha1.machine import Addresses, MachineFacts, SSHAccess


class MachineCheckSpec(Model):
    """How the machine is reached, as in a Machine."""

    cluster_name: Name | None = Field(
        default=None, description="The Cluster that the machine is meant for, whose networks it is compared with."
    )
    addresses: Addresses = Field(
        default_factory=Addresses, description="The machine's addresses.", json_schema_extra={"default": {}}
    )
    ssh: SSHAccess = Field(description="How roost signs in.")
    keep_seconds: int = Field(
        default=600, ge=10, le=86400, description="How long the answer is kept before the MachineCheck is deleted."
    )


class MachineCheckStatus(Status):
    """The answer."""

    ok: bool | None = Field(default=None, description="Whether the machine can be used; absent until it is known.")
    reason: str | None = Field(default=None, max_length=1024, description="Why not, as one word for programs.")
    message: str | None = Field(
        default=None, max_length=32768, description="Why not, for people: the cause, the evidence and what to do."
    )
    observed_generation: int | None = Field(
        default=None, ge=0, description="Generation of the spec that this status tells about."
    )
    checked_time: datetime | None = Field(default=None, description="When the machine was looked at.")
    host_key: str | None = Field(
        default=None, max_length=2048, description="Host key that was met, to be compared and given in ssh.hostKeys."
    )
    facts: MachineFacts | None = Field(default=None, description="What was found on the machine.")
    conditions: list[Condition] = Field(
        default_factory=list, max_length=64, description="Reachable and Checked, as on a Machine."
    )


class MachineCheck(Model):
    """A question: can this machine be reached and used? It is answered in the status and deleted after a while."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["MachineCheck"] = Field(default="MachineCheck", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: MachineCheckSpec = Field(description="What is asked.")
    status: MachineCheckStatus | None = Field(default=None, description="The answer; written by roost.")
