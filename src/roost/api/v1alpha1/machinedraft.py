"""MachineDraft: the kept input of the machine form of a cluster that does not exist yet. It never holds a secret."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from roost.api.model import Model, ObjectMeta, SecretReference
from roost.api.names import API_VERSION
from roost.api.v1alpha1.machine import Addresses, Role, Taint

Text = Annotated[str, StringConstraints(max_length=253)]


class DraftedProxy(Model):
    """A SOCKS5 server as far as it is filled in."""

    address: Text | None = Field(default=None, description="host:port of the SOCKS5 server.")
    credential: SecretReference | None = Field(default=None, description="A Secret's name, never what it holds.")


class DraftedAccess(Model):
    """How roost will sign in, as far as it is filled in."""

    address: Text | None = Field(default=None, description="Address of the SSH service.")
    port: int | None = Field(default=None, ge=0, le=65535, description="Port of the SSH service.")
    user: Text | None = Field(default=None, description="User to sign in as.")
    credential: SecretReference | None = Field(default=None, description="A Secret's name, never what it holds.")
    proxy: DraftedProxy | None = Field(default=None, description="SOCKS5 proxy to go through.")
    host_keys: list[Annotated[str, StringConstraints(max_length=2048)]] = Field(
        default_factory=list, max_length=16, description="Trusted host keys; public ones alone."
    )


class DraftedMachine(Model):
    """A Machine as far as it is filled in."""

    name: Text | None = Field(default=None, description="Name of the Machine.")
    display_name: Text | None = Field(default=None, description="Name for people.")
    role: Role | None = Field(default=None, description="ControlPlane or Worker.")
    addresses: Addresses | None = Field(default=None, description="The machine's addresses.")
    allow_apps: bool | None = Field(default=None, description="Whether a control plane takes workload too.")
    roles: list[Text] = Field(default_factory=list, max_length=16, description="Further roles of a worker.")
    labels: dict[
        Annotated[str, StringConstraints(max_length=317)], Annotated[str, StringConstraints(max_length=63)]
    ] = Field(default_factory=dict, max_length=64, description="Labels of the Node.")
    taints: list[Taint] = Field(default_factory=list, max_length=32, description="Taints of the Node.")
    nic: Text | None = Field(default=None, description="Network device of this machine.")
    ssh: DraftedAccess | None = Field(default=None, description="How roost will sign in.")


class MachineDraftSpec(Model):
    """What was in the form."""

    owner: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(
        description="User who keeps it: whoever writes it. The most recent draft of a user in a namespace stays."
    )
    machines: list[DraftedMachine] = Field(
        default_factory=list, max_length=100, description="Machines in the order of the form."
    )


class MachineDraft(Model):
    """The kept input of the machine form, without secrets. The most recent one of each user is kept."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["MachineDraft"] = Field(default="MachineDraft", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: MachineDraftSpec = Field(description="What was in the form.")
