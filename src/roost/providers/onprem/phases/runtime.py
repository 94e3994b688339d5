"""The container runtime. containerd: its configuration for 1.7 and 2.x, and its unit. For Docker see docker.py."""

from __future__ import annotations

from typing import Final

from roost.node.thing import Thing
from roost.node.things.directory import Directory
from roost.node.things.file import File
from roost.node.things.residue import Residue
from roost.node.things.symlink import Symlink
from roost.node.things.unit import Unit
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.phases import docker, programs, registry
from roost.providers.onprem.preflight.look import Found

CONFIG: Final = "/etc/containerd/config.toml"

ROOT: Final = "/var/lib/containerd"
POD_LOGS: Final = "/var/log/pods"


def residue(ctx: Context) -> Residue:
    """What the runtime leaves, wherever its data lies."""
    if docker.chosen(ctx.spec):
        return docker.residue(ctx.spec)
    data = layout.on_premises(ctx.spec).runtime.data_directory
    places = (root(ctx), *((pod_logs(data),) if data is not None else ()))
    return Residue(
        name="runtime",
        stop_units=("kubelet.service",),
        runtime_unit="containerd.service",
        runtime_endpoint=layout.CRI_SOCKET,
        directories=(
            *places,
            "/run/containerd",
            "/opt/containerd",
            "/etc/containerd",
            "/run/nri",
            "/opt/nri",
        ),
        mounts=(f"{root(ctx)}/", "/run/containerd/"),
    )


def root(ctx: Context) -> str:
    """Where containerd keeps images and containers."""
    data = layout.on_premises(ctx.spec).runtime.data_directory
    return ROOT if data is None else f"{data.rstrip('/')}/containerd"


def pod_logs(data_directory: str) -> str:
    """Where the logs of Pods lie on the data disk; /var/log/pods then is a symbolic link to it."""
    return f"{data_directory.rstrip('/')}/pods"


UNIT: Final = """\
[Unit]
Description=containerd, the container runtime
Documentation=https://containerd.io
After=network.target dbus.service local-fs.target

[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
Restart=always
RestartSec=2
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
"""

# config_path: see phases/registry. The sandbox image is pinned, so that garbage collection keeps it.
_VERSION_2: Final = """\
version = 2
{root}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = {restrict}

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{hosts}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "/usr/local/sbin/runc"
        SystemdCgroup = {systemd}
"""

_VERSION_3: Final = """\
version = 3
{root}
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"

[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{hosts}"

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = {restrict}

  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = "/usr/local/sbin/runc"
        SystemdCgroup = {systemd}
"""


def configuration(version: str, *, pause: str, cgroup_driver: str, oom_lowering: bool, root: str = ROOT) -> str:
    """config.toml. Where root may not lower OOM scores (some containers), containerd must not try to."""
    template = _VERSION_2 if version.startswith("1.") else _VERSION_3
    return template.format(
        pause=pause,
        hosts=registry.DIRECTORY,
        # Only where it is not containerd's own: the file stays as it was on machines without a data disk.
        root="" if root == ROOT else f'root = "{root}"\n',
        systemd="true" if cgroup_driver == "systemd" else "false",
        restrict="false" if oom_lowering else "true",
    )


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del machine
    if docker.chosen(ctx.spec):
        return docker.things(ctx, found, programs=programs.digests(ctx, found, *docker.PROGRAMS))
    config = File(
        CONFIG,
        configuration(
            ctx.bundle.components["containerd"],
            pause=f"registry.k8s.io/pause:{ctx.bundle.components['pause']}",
            cgroup_driver=found.cgroup_driver,
            oom_lowering=found.oom_lowering,
            root=root(ctx),
        ),
    )
    restart_key = f"{config.digest} {programs.digests(ctx, found, 'containerd', 'runc')}"
    return [*data_disk(ctx), config, Unit("containerd.service", UNIT, restart_key=restart_key)]


def data_disk(ctx: Context) -> list[Thing]:
    """The directories on the data disk, and the way of Pods' logs to it."""
    data = layout.on_premises(ctx.spec).runtime.data_directory
    if data is None:
        return []
    logs = pod_logs(data)
    return [Directory(data.rstrip("/")), Directory(root(ctx), 0o711), Directory(logs), Symlink(POD_LOGS, logs)]
