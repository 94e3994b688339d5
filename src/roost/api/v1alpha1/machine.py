"""Machine: a server of an on-premises Cluster, reached over SSH. Its Kubernetes Node is the result."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from roost.api.conditions import JOINED
from roost.api.markers import Frozen, Says, cel
from roost.api.model import Condition, Model, Name, ObjectMeta, SecretReference, Status
from roost.api.names import API_VERSION
from roost.api.v1alpha1.cluster import Retry
from roost.api.v1alpha1.onpremises import Device


class Role(StrEnum):
    CONTROL_PLANE = "ControlPlane"
    WORKER = "Worker"


class Addresses(Model):
    """Addresses by which the other machines of the cluster reach this one."""

    ipv4: str | None = Field(
        default=None,
        min_length=7,
        max_length=15,
        description="The machine's IPv4 address inside the cluster's network; required with ipFamily IPv4 and "
        "DualStack.",
    )
    ipv6: str | None = Field(
        default=None,
        min_length=2,
        max_length=45,
        description="The machine's IPv6 address inside the cluster's network; required with ipFamily IPv6 and "
        "DualStack.",
    )

    @property
    def primary(self) -> str:
        """The address in the family that comes first: IPv4 where there is one."""
        return self.ipv4 or self.ipv6 or ""

    @property
    def every(self) -> tuple[str, ...]:
        """Every address that is given, IPv4 first."""
        return tuple(address for address in (self.ipv4, self.ipv6) if address)


class SSHProxy(Model):
    """A SOCKS5 server in front of the machine's SSH port."""

    address: str = Field(min_length=3, max_length=260, description="host:port of the SOCKS5 server.")
    credential: SecretReference | None = Field(
        default=None, description="Secret of type kubernetes.io/basic-auth with user name and password."
    )


class SSHAccess(Model):
    """How roost signs in."""

    address: str | None = Field(
        default=None,
        min_length=1,
        max_length=253,
        description="Address of the SSH service; the machine's own address when not given.",
    )
    port: int = Field(default=22, ge=1, le=65535, description="Port of the SSH service.")
    user: Annotated[
        str,
        Says("user", "a user name is at most 32 of a-z, 0-9, _ and -, and begins with a letter or _"),
    ] = Field(
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


class TaintEffect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Taint(Model):
    """A taint that is kept on the Node."""

    key: str = Field(min_length=1, max_length=317, description="Such as node-role.kubernetes.io/infra.")
    value: str | None = Field(default=None, max_length=63, description="Such as reserved; it may be left out.")
    effect: TaintEffect = Field(description="What happens to Pods that don't tolerate it.")


class MachineSpec(Model):
    """A server, the Cluster it belongs to and how roost signs in there."""

    cluster_name: Annotated[
        Name,
        Frozen(
            key="clusterName",
            because="a Machine can't move to another Cluster; delete it and create it again for the other one",
        ),
    ] = Field(description="The Cluster in the same namespace that this machine belongs to.")
    role: Annotated[
        Role,
        Frozen(
            key="role",
            after=JOINED,
            because="the machine has joined in this role; delete the Machine and create it again in the other one",
        ),
    ] = Field(description="ControlPlane or Worker.")
    display_name: str | None = Field(default=None, max_length=253, description="Name for people.")
    addresses: Annotated[
        Addresses,
        Frozen(
            key="addresses",
            after=JOINED,
            because="the Node and its certificates carry the address; "
            "delete the Machine and create it again with the other one",
        ),
    ] = Field(description="The machine's addresses.")
    allow_apps: bool = Field(
        default=False,
        description="Whether a control plane takes workload too; without it, its Node has the taint NoSchedule.",
    )
    roles: list[Name] = Field(
        default_factory=list,
        max_length=16,
        description="Further roles of a worker, such as infra or log: each is a label "
        "node-role.kubernetes.io/ROLE without a value, kept on the Node.",
    )
    labels: dict[
        Annotated[str, StringConstraints(max_length=317)], Annotated[str, StringConstraints(max_length=63)]
    ] = Field(default_factory=dict, max_length=64, description="Labels that are kept on the Node.")
    taints: list[Taint] = Field(default_factory=list, max_length=32, description="Taints that are kept on the Node.")
    nic: Annotated[
        Device | None,
        Frozen(
            key="machineNetwork",
            after=JOINED,
            because="the network plugin already uses it on this machine; "
            "delete the Machine and create it again with the other one",
        ),
    ] = Field(default=None, description="KubeOVN: network device of this machine, instead of the cluster's.")
    bridge_network: Annotated[
        Name | None,
        Frozen(
            key="machineNetwork",
            after=JOINED,
            because="the network plugin already uses it on this machine; "
            "delete the Machine and create it again with the other one",
        ),
    ] = Field(
        default=None,
        description="Underlay: an existing bridge network that a machine added later joins.",
    )
    ssh: SSHAccess = Field(description="How roost signs in.")


class MachineFacts(Status):
    """What was found on the machine at the last look."""

    hostname: str | None = Field(default=None, max_length=253, description="Host name.")
    operating_system: str | None = Field(default=None, max_length=253, description="Operating system and release.")
    kernel: str | None = Field(default=None, max_length=253, description="Release of the kernel.")
    architecture: str | None = Field(default=None, max_length=32, description="Such as amd64 or arm64.")
    cpus: int | None = Field(default=None, ge=0, description="Number of processors.")
    memory_mi_b: int | None = Field(default=None, ge=0, alias="memoryMiB", description="Memory in MiB.")
    container_runtime: str | None = Field(default=None, max_length=253, description="Container runtime and version.")
    kubelet: str | None = Field(default=None, max_length=253, description="Version of the kubelet.")


class Acts(Status):
    """The engine's own record: how many changing acts ran on this machine, and the last one."""

    count: int = Field(default=0, ge=0, description="Changing acts since the Machine was created.")
    last: str | None = Field(default=None, max_length=1024, description="Title of the last one.")
    last_time: datetime | None = Field(default=None, description="When it was started.")


class Difference(Status):
    """A thing on the machine that is not as wished."""

    thing: str = Field(max_length=1024, description="Key of the thing, such as file:/etc/containerd/config.toml.")
    action: Literal["Create", "Update", "Delete", "Run", "Blocked"] = Field(
        description="What has to be done to it; Blocked: it is somebody else's, and roost leaves it alone."
    )
    summary: str = Field(default="", max_length=512, description="What differs, without secrets.")


class Drift(Status):
    """What was no longer as roost left it, though nobody wished anything else."""

    time: datetime = Field(description="When roost found it.")
    differences: list[Difference] = Field(
        default_factory=list, max_length=64, description="The things, and what differed."
    )


class Things(Status):
    """What roost keeps on the machine, and how it was at the last look."""

    keys: list[Annotated[str, StringConstraints(max_length=1024)]] = Field(
        default_factory=list,
        max_length=512,
        description="Every thing by its key, in the order in which they are made.",
    )
    differing: list[Difference] = Field(
        default_factory=list, max_length=512, description="Those that are not as wished yet."
    )
    wish: str | None = Field(
        default=None, max_length=64, description="Mark of the wish that all of them were last found to follow."
    )
    drift: Drift | None = Field(
        default=None, description="The last time that things were no longer as roost left them, and which."
    )


class MachineStatus(Status):
    """Computed from the conditions and from what was observed; read by nothing in roost."""

    phase: str | None = Field(
        default=None, max_length=64, description="Summary for people: Waiting, Preparing, Joining, Ready, …"
    )
    message: str | None = Field(default=None, max_length=32768, description="What is going on, in one line.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="Generation of the spec that this status tells about."
    )
    node_name: str | None = Field(default=None, max_length=253, description="The Node that this machine became.")
    host_key: str | None = Field(
        default=None,
        max_length=2048,
        description="Host key pinned at first use, in known_hosts form without the address.",
    )
    facts: MachineFacts | None = Field(default=None, description="What was found on the machine at the last look.")
    acts: Acts | None = Field(default=None, description="The engine's own record of changing acts.")
    things: Things | None = Field(default=None, description="What roost keeps on the machine, and what drifted.")
    retry: Retry | None = Field(default=None, description="How a failed step goes on.")
    conditions: list[Condition] = Field(
        default_factory=list, max_length=64, description="One condition per phase of the machine, and Ready."
    )


class Machine(Model):
    """A server that is, or becomes, a node of an on-premises Cluster."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self.metadata.name.size() <= 63",
                "the name of a Machine has at most 63 characters, since roost writes it into labels and unit names",
            ),
        )
    )

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["Machine"] = Field(default="Machine", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: MachineSpec = Field(description="What is wanted.")
    status: MachineStatus | None = Field(default=None, description="What was found; written by roost.")
