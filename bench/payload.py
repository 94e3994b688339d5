"""Lays out what the expert's script sends: programs and configuration as one tar per role, images as archives.

Made before any clock runs, from the same bundle that roost uses. Called by creation; by hand:
`python -m bench.payload BUNDLES VERSION DIR`.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tarfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from roost.bundle.archive import BundleBlobs, archive_key
from roost.bundle.model import Bundle
from roost.bundle.store import Store

ARCHITECTURE: Final = "amd64"
PLACES: Final = {
    "kubeadm": "usr/local/bin/kubeadm",
    "kubelet": "usr/local/bin/kubelet",
    "kubectl": "usr/local/bin/kubectl",
    "runc": "usr/local/bin/runc",
}
ARCHIVES: Final = {"containerd": "usr/local", "cni-plugins": "opt/cni/bin", "crictl": "usr/local/bin"}
NOT_ON_WORKERS: Final = frozenset({"kubectl"})
IMAGES: Final = {
    # CoreDNS may be placed on any node, and the machines have nowhere to pull it from.
    "worker": frozenset({"node", "addon"}),
    "control-plane": frozenset({"node", "control-plane", "addon"}),
}

CONTAINERD: Final = """\
version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
"""
CONTAINERD_UNIT: Final = """\
[Unit]
After=network.target
[Service]
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
[Install]
WantedBy=multi-user.target
"""
KUBELET_UNIT: Final = """\
[Unit]
After=containerd.service
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
KUBEADM: Final = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: "@ADDRESS@"}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v{version}
controlPlaneEndpoint: "@ENDPOINT@:6443"
networking: {{podSubnet: 10.244.0.0/16, serviceSubnet: 10.112.0.0/12}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack: {{maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}
"""


def prepare(bundles: Path, version: str, target: Path) -> None:
    """Everything into a directory: version, flannel.yaml, programs-ROLE.tar, images-ROLE.tar."""
    bundle = Store(bundles).get(version)
    target.mkdir(parents=True, exist_ok=True)
    (target / "version").write_text(bundle.version)
    (target / "flannel.yaml").write_bytes(bundle.manifest("flannel"))
    for role, purposes in IMAGES.items():
        programs(bundle, target / f"programs-{role}.tar", role)
        asyncio.run(images(bundle, target / f"images-{role}.tar", purposes))


def add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def programs(bundle: Bundle, file: Path, role: str) -> None:
    """Not compressed: on the lab's links it takes longer to unpack what is compressed than to send what is not."""
    pause = next(image.name for image in bundle.images_for(ARCHITECTURE) if "/pause:" in image.name)
    with tarfile.open(file, "w") as archive:
        for name, place in PLACES.items():
            if role == "control-plane" or name not in NOT_ON_WORKERS:
                program = bundle.program(name, ARCHITECTURE)
                add(archive, place, bundle.blob(program.digest).read_bytes(), 0o755)
        for name, place in ARCHIVES.items():
            program = bundle.program(name, ARCHITECTURE)
            with tarfile.open(bundle.blob(program.digest), "r:gz") as source:
                for member in source:
                    content = source.extractfile(member)
                    if content is not None:
                        add(archive, f"{place}/{member.name.removeprefix('./')}", content.read(), 0o755)
        add(archive, "etc/containerd/config.toml", CONTAINERD.format(pause=pause).encode())
        add(archive, "etc/systemd/system/containerd.service", CONTAINERD_UNIT.encode())
        add(archive, "etc/systemd/system/kubelet.service", KUBELET_UNIT.encode())
        add(archive, "etc/crictl.yaml", b"runtime-endpoint: unix:///run/containerd/containerd.sock\n")
        add(archive, "etc/kubeadm.yaml", KUBEADM.format(version=bundle.version).encode(), 0o600)


async def images(bundle: Bundle, file: Path, purposes: Collection[str]) -> None:
    """One OCI archive with every image, as `ctr images export` of several names gives."""
    blobs = BundleBlobs(bundle)
    seen: set[str] = set()
    index: list[object] = []
    with tarfile.open(file, "w") as archive:
        for image in bundle.images_for(ARCHITECTURE):
            if image.purpose not in purposes:
                continue
            content = b"".join([chunk async for chunk in blobs.open(archive_key(image))])
            with tarfile.open(fileobj=io.BytesIO(content)) as one:
                for member in one:
                    body = one.extractfile(member)
                    if body is None:
                        continue
                    data = body.read()
                    if member.name == "index.json":
                        index += json.loads(data)["manifests"]
                    elif member.name not in seen:
                        seen.add(member.name)
                        add(archive, member.name, data)
        add(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": index}).encode())


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
