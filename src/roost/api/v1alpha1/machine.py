"""Machine: a server of an on-premises Cluster, reached over SSH. Its Kubernetes Node is the result."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from roost.api.model import Condition, Model, Name, ObjectMeta, SecretReference, Status
from roost.api.names import API_VERSION
from roost.api.v1alpha1.cluster import Retry


class Role(StrEnum):
    CONTROL_PLANE = "ControlPlane"
    WORKER = "Worker"


class Addresses(Model):
    """Addresses by which the other machines of the cluster reach this one."""

    ipv4: str = Field(max_length=15, description="The machine's IPv4 address inside the cluster's network.")


class SSHProxy(Model):
    """A SOCKS5 server in front of the machine's SSH port."""

    address: str = Field(max_length=260, description="host:port of the SOCKS5 server.")
    credential: SecretReference | None = Field(
        default=None, description="Secret of type kubernetes.io/basic-auth with user name and password."
    )


class SSHAccess(Model):
    """How roost signs in."""

    address: str | None = Field(
        default=None, max_length=253, description="Address of the SSH service; the IPv4 address when not given."
    )
    port: int = Field(default=22, ge=1, le=65535, description="Port of the SSH service.")
    user: str = Field(
        default="root",
        min_length=1,
        max_length=32,
        pattern=r"^[a-z_][a-z0-9_-]*\$?$",
        description="User to sign in as: root, or one who may use sudo.",
    )
    credential: SecretReference = Field(
        description="Secret of type kubernetes.io/ssh-auth (ssh-privatekey, optional passphrase and sudo-password) "
        "or kubernetes.io/basic-auth (password)."
    )
    proxy: SSHProxy | None = Field(default=None, description="SOCKS5 proxy to go through.")
    host_keys: list[Annotated[str, StringConstraints(min_length=16, max_length=2048)]] = Field(
        default_factory=list,
        max_length=16,
        description="Trusted host keys, as `ssh-keyscan` prints them without the address, or as SHA256:… "
        "fingerprints. Without any, the key met first is pinned.",
    )


class MachineSpec(Model):
    cluster_name: Name = Field(description="The Cluster in the same namespace that this machine belongs to.")
    role: Role = Field(description="ControlPlane or Worker.")
    display_name: str | None = Field(default=None, max_length=253, description="Name for people.")
    addresses: Addresses = Field(description="The machine's addresses.")
    ssh: SSHAccess = Field(description="How roost signs in.")


class MachineFacts(Status):
    """What was found on the machine at the last look."""

    hostname: str | None = None
    operating_system: str | None = None
    kernel: str | None = None
    architecture: str | None = None
    cpus: int | None = None
    memory_mi_b: int | None = Field(default=None, alias="memoryMiB")
    container_runtime: str | None = None
    kubelet: str | None = None


class Acts(Status):
    """The engine's own record: how many changing acts ran on this machine, and the last one."""

    count: int = 0
    last: str | None = None
    last_time: datetime | None = None


class MachineStatus(Status):
    phase: str | None = None
    message: str | None = None
    observed_generation: int | None = None
    node_name: str | None = None
    host_key: str | None = None
    """Pinned at first use: the key in known_hosts form, without the address."""
    facts: MachineFacts | None = None
    acts: Acts | None = None
    retry: Retry | None = None
    conditions: list[Condition] = Field(default_factory=list)


class Machine(Model):
    """A server that is, or becomes, a node of an on-premises Cluster."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = API_VERSION
    kind: Literal["Machine"] = "Machine"
    metadata: ObjectMeta
    spec: MachineSpec
    status: MachineStatus | None = None
