"""Docker as the container runtime, behind the feature gate cri-docker: dockerd, cri-dockerd and their settings.

dockerd and cri-dockerd come from the bundle, where a person put them (`roost bundle create --program`). Flags given
as dockerExtraArgs go to /etc/sysconfig/docker; pairs whose key is one of daemon.json go there, since dockerd does not
start when a setting stands in both. Called by the phases of the runtime, the programs and the images.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from roost.api.v1alpha1.cluster import ClusterSpec, RuntimeType
from roost.bundle.model import Image as BundleImage
from roost.bundle.remote import basic, parse_address
from roost.node.quote import word
from roost.node.thing import Action, Blocked, Change, Observed, Payload, Thing
from roost.node.things.directory import Directory
from roost.node.things.file import File
from roost.node.things.image import IMAGES
from roost.node.things.residue import Residue
from roost.node.things.unit import Unit
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, RegistrySource
from roost.providers.onprem.preflight.look import Found

PROGRAMS: Final = ("docker", "cri-dockerd")
SOCKET: Final = layout.DOCKER_SOCKET
ROOT: Final = "/var/lib/docker"
DAEMON: Final = "/etc/docker/daemon.json"
FLAGS: Final = "/etc/sysconfig/docker"
ACCESS: Final = "/etc/docker/roost"
"""Holds the sign-in at the cluster's registry; only root can read it."""
ONLY_IN_FILE: Final = frozenset(
    {
        "builder", "containerd-namespace", "default-address-pools", "default-network-opts", "default-ulimits",
        "exec-opts", "features", "hosts", "labels", "log-opts", "max-concurrent-downloads", "max-concurrent-uploads",
        "max-download-attempts", "node-generic-resources", "proxies", "registry-mirrors", "runtimes", "storage-opts",
    }
)  # fmt: skip
"""Keys of daemon.json whose value is no single flag: they are written there, as is every value of more than one."""
_UNITS: Final = {"Ki": "k", "Mi": "m", "Gi": "g"}

DOCKER_UNIT: Final = f"""\
[Unit]
Description=Docker, the container engine
After=network.target local-fs.target

[Service]
Type=notify
EnvironmentFile=-{FLAGS}
ExecStart=/usr/local/bin/dockerd $OPTIONS
ExecReload=/bin/kill -s HUP $MAINPID
Delegate=yes
KillMode=process
Restart=always
RestartSec=2
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""
CRI_UNIT: Final = """\
[Unit]
Description=cri-dockerd, Docker behind the Container Runtime Interface
After=docker.service
Requires=docker.service

[Service]
Type=notify
ExecStart=/usr/local/bin/cri-dockerd --container-runtime-endpoint={socket} --pod-infra-container-image={pause} \
--network-plugin=cni --cni-conf-dir=/etc/cni/net.d --cni-bin-dir=/opt/cni/bin \
--cni-cache-dir=/var/lib/cni/cache{families}
Delegate=yes
KillMode=process
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
"""


def chosen(spec: ClusterSpec) -> bool:
    return layout.on_premises(spec).runtime.type is RuntimeType.DOCKER


def root(spec: ClusterSpec) -> str:
    """Docker's data-root: images, containers and their logs."""
    data = layout.on_premises(spec).runtime.data_directory
    return ROOT if data is None else f"{data.rstrip('/')}/docker"


def residue(spec: ClusterSpec) -> Residue:
    return Residue(
        name="runtime",
        stop_units=("kubelet.service", "cri-docker.service"),
        runtime_unit="docker.service",
        runtime_endpoint=SOCKET,
        directories=(
            root(spec), "/run/docker", "/run/containerd", "/var/lib/cri-dockerd", "/var/lib/containerd",
            "/etc/docker", "/opt/containerd",
        ),
        mounts=(f"{root(spec)}/", "/run/docker/"),
        links=("docker0", "br-*"),
        chains=("DOCKER*",),
        sysctls=("net.ipv4.ip_forward",),
    )  # fmt: skip


def split_arguments(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """dockerExtraArgs: flags, and keys of daemon.json with their values. Pure.

    A value that is a JSON list or object can only stand in the file; one list of words is the form that
    people write for `insecure-registries` and the like.
    """
    flags: dict[str, str] = {}
    keys: dict[str, Any] = {}
    for name, text in given.items():
        value = _json(text)
        if isinstance(value, (dict, list)):
            keys[name] = value
        elif name in ONLY_IN_FILE:
            keys[name] = value if value is not None else text
        else:
            flags[name] = text
    return flags, keys


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def daemon(spec: ClusterSpec, *, cgroup_driver: str) -> dict[str, Any]:
    """daemon.json; a key that somebody gives, here or as a flag, takes the place of roost's."""
    wanted = layout.on_premises(spec)
    flags, keys = split_arguments(wanted.docker_extra_args)
    own = {
        "data-root": root(spec),
        # Docker would set FORWARD to DROP and add rules of its own, in the way of the network plugin's and of no
        # journal. Containers that are no Pods then have the host's network, or none beyond the machine.
        "iptables": False,
        "exec-opts": [f"native.cgroupdriver={cgroup_driver}"],
        "log-driver": "json-file",
        "log-opts": {
            "max-size": _size(wanted.runtime.log_max_size),
            "max-file": str(wanted.runtime.log_max_files),
        },
    }
    return {**{key: value for key, value in own.items() if key not in flags}, **keys}


def _size(text: str) -> str:
    """100Mi as Docker writes it, for which k, m and g are powers of 1024 too."""
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", text)
    return f"{match.group(1)}{_UNITS[match.group(2)]}" if match else text


def sysconfig(spec: ClusterSpec) -> str:
    """The environment file: OPTIONS with every flag, as systemd splits it into words."""
    flags, _ = split_arguments(layout.on_premises(spec).docker_extra_args)
    words = " ".join(shlex.quote(f"--{name}={value}") for name, value in sorted(flags.items()))
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'# Flags of dockerd: spec.onPremises.dockerExtraArgs.\nOPTIONS="{escaped}"\n'


def registry_files(source: RegistrySource | None) -> list[Thing]:
    """What dockerd needs to fetch from the cluster's registry: its CA and the sign-in."""
    if source is None:
        return []
    host = source.address.split("/", 1)[0]
    parse_address(source.address)
    made: list[Thing] = []
    if source.ca_pem:
        made.append(File(f"/etc/docker/certs.d/{host}/ca.crt", source.ca_pem))
    if source.password is not None:
        access = basic(source.username, source.password).reveal().removeprefix("Basic ")
        text = json.dumps({"auths": {host: {"auth": access}}}, indent=1)
        made += [Directory(ACCESS, 0o700), File(f"{ACCESS}/config.json", text, mode=0o600, secret=True)]
    return made


def things(ctx: Context, found: Found, *, programs: str) -> list[Thing]:
    """The settings and the two units; `programs`: digests of what they run."""
    network = layout.on_premises(ctx.spec).network
    pause = f"registry.k8s.io/pause:{ctx.bundle.components['pause']}"
    config = File(
        DAEMON, json.dumps(daemon(ctx.spec, cgroup_driver=found.cgroup_driver), indent=2, sort_keys=True) + "\n"
    )
    flags = File(FLAGS, sysconfig(ctx.spec))
    families = " --ipv6-dual-stack=true" if ":" in network.pod_cidr else ""
    shim = CRI_UNIT.format(socket=SOCKET, pause=pause, families=families)
    data = layout.on_premises(ctx.spec).runtime.data_directory
    disk: list[Thing] = [] if data is None else [Directory(data.rstrip("/")), Directory(root(ctx.spec), 0o710)]
    return [
        *disk,
        config,
        flags,
        *registry_files(ctx.registry),
        Unit("docker.service", DOCKER_UNIT, restart_key=f"{config.digest} {flags.digest} {programs}"),
        Unit("cri-docker.service", shim, restart_key=programs),
    ]


@dataclass(frozen=True)
class DockerImage:
    """An image under its upstream name, fetched under the name that the cluster's registry has for it.

    Docker has no mirrors but for docker.io, so that it pulls the explicit name and gives it the other one.
    """

    name: str
    source: str
    identity: str
    """Digest of the image's configuration, which Docker calls its Id."""

    @property
    def key(self) -> str:
        return f"image:{self.name}"

    def observe(self) -> str:
        ask = f"docker image inspect --format '{{{{.Id}}}}' {word(self.name)} 2>/dev/null"
        return f'(\nPATH="/usr/local/bin:$PATH"\nfield digest "$({ask} || :)"\n)'

    def diff(self, observed: Observed) -> Change | Blocked | None:
        digest = observed.get("digest", "")
        if digest == self.identity:
            return None
        if not digest:
            return Change(self.key, Action.CREATE, f"pull {self.name}", parallel=IMAGES)
        summary = f"pull {self.name} again: it is {digest}, the bundle has {self.identity}"
        return Change(self.key, Action.UPDATE, summary, parallel=IMAGES)

    def apply(self, change: Change) -> str:  # noqa: ARG002
        docker = f"docker --config {ACCESS}"
        return (
            f'PATH="/usr/local/bin:$PATH"; export PATH\n{docker} pull --quiet {word(self.source)} >/dev/null\n'
            f"docker tag {word(self.source)} {word(self.name)}\ndocker rmi --no-prune {word(self.source)} >/dev/null"
        )

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return ()


def image(source: RegistrySource, wanted: BundleImage) -> DockerImage:
    return DockerImage(wanted.name, f"{source.address.rstrip('/')}/{wanted.name}", wanted.config_digest)
