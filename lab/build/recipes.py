"""How each program is built from its Go module: literal recipes, and nothing else.

A recipe's hash is part of the name under which its result is cached, so that editing one
rebuilds that one alone. `programs` carries the recipes out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from lab.build import cache
from lab.build.failure import BuildError
from lab.build.versions import Release

# kubeadm built by a much newer Go parses URLs more strictly and fails its own proxy check, so
# Kubernetes takes the toolchain of its time; the second one is for what asks for more.
GO_OF_THE_TIME = "1.22.10"
GO_NEWER = "1.24.11"
LAB_MODULE = "roost.invalid/lab"

CNI_PLUGINS = {
    "ipam": ("dhcp", "host-local", "static"),
    "main": ("bridge", "dummy", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "tap", "vlan"),
    "meta": ("bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"),
}


@dataclass(frozen=True)
class Recipe:
    """One group of programs that come from one module (or modules of one release)."""

    name: str
    version: str
    modules: tuple[str, ...]
    programs: tuple[tuple[str, str], ...]  # program, package; in the order of need
    expected_seconds: int
    work_bytes: int
    go: str = GO_OF_THE_TIME
    ldflags: tuple[str, ...] = ()  # may hold {commit} and {time} of the first module
    tags: tuple[str, ...] = ()
    cgo: bool = False
    apt: tuple[str, ...] = ()
    staging_version: str = ""  # what v0.0.0 stands for in the go.mod of Kubernetes
    own: tuple[tuple[str, str], ...] = ()  # files of the lab's own: path within its module, text

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def key(self) -> str:
        """Name in the cache; estimates of time and space are no part of the recipe."""
        content = asdict(self)
        del content["expected_seconds"], content["work_bytes"]
        if not self.own:
            del content["own"]  # Results from before there was this field stay good.
        return f"{self.name}-{self.version}-{cache.recipe_hash(content)}"


def kubernetes(version: str) -> Recipe:
    major, minor, _ = version.split(".")
    stamps = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "{commit}",
        "buildDate": "{time}",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    names = ("kubeadm", "kubelet", "kube-apiserver", "kubectl", "kube-controller-manager")
    return Recipe(
        name="kubernetes",
        version=version,
        modules=(f"k8s.io/kubernetes@v{version}",),
        programs=tuple((name, f"k8s.io/kubernetes/cmd/{name}") for name in (*names, "kube-scheduler", "kube-proxy")),
        expected_seconds=480,
        work_bytes=7_000_000_000,
        ldflags=tuple(f"-X {package}.{key}={value}" for package in packages for key, value in stamps.items()),
        staging_version=f"v0.{version.split('.', 1)[1]}",
    )


def etcd(version: str) -> Recipe:
    names = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
    return Recipe(
        name="etcd",
        version=version,
        modules=tuple(f"go.etcd.io/etcd/{part}/v3@v{version}" for part in names.values()),
        programs=tuple((name, f"go.etcd.io/etcd/{part}/v3") for name, part in names.items()),
        expected_seconds=80,
        work_bytes=2_000_000_000,
        ldflags=("-X go.etcd.io/etcd/api/v3/version.GitSHA={commit}",),
    )


def containerd(version: str) -> Recipe:
    module = "github.com/containerd/containerd" + ("/v2" if version.startswith("2.") else "")
    old = version.startswith("1.")
    return Recipe(
        name="containerd",
        version=version,
        modules=(f"{module}@v{version}",),
        programs=tuple((name, f"{module}/cmd/{name}") for name in ("containerd", "containerd-shim-runc-v2", "ctr")),
        expected_seconds=110,
        work_bytes=2_500_000_000,
        go=GO_NEWER if old else GO_OF_THE_TIME,
        ldflags=(
            f"-X {module}/version.Version=v{version}",
            f"-X {module}/version.Package={module}",
            f"-X {module}/version.Revision={{commit}}",
        ),
        tags=("no_btrfs", "no_devmapper", "no_zfs") + (("no_aufs",) if old else ()),
    )


def runc(version: str) -> Recipe:
    module = "github.com/opencontainers/runc"
    return Recipe(
        name="runc",
        version=version,
        modules=(f"{module}@v{version}",),
        programs=(("runc", module),),
        expected_seconds=30,
        work_bytes=1_000_000_000,
        ldflags=(
            f"-X main.version={version}",
            "-X main.gitCommit={commit}",
            "-linkmode external",
            "-extldflags -static",
        ),
        tags=("seccomp", "netgo", "osusergo"),
        cgo=True,
        apt=("gcc", "libc6-dev", "libseccomp-dev", "pkg-config"),
    )


def cni_plugins(version: str) -> Recipe:
    module = "github.com/containernetworking/plugins"
    return Recipe(
        name="cni-plugins",
        version=version,
        modules=(f"{module}@v{version}",),
        programs=tuple(
            (name, f"{module}/plugins/{kind}/{name}") for kind, names in CNI_PLUGINS.items() for name in names
        ),
        expected_seconds=30,
        work_bytes=1_000_000_000,
        ldflags=(f"-X {module}/pkg/utils/buildversion.BuildVersion=v{version}",),
    )


def crictl(version: str) -> Recipe:
    return Recipe(
        name="crictl",
        version=version,
        modules=(f"sigs.k8s.io/cri-tools@v{version}",),
        programs=(("crictl", "sigs.k8s.io/cri-tools/cmd/crictl"),),
        expected_seconds=70,
        work_bytes=1_500_000_000,
        go=GO_NEWER,
        ldflags=(f"-X sigs.k8s.io/cri-tools/pkg/version.Version=v{version}",),
    )


def registry(version: str) -> Recipe:
    module = "github.com/distribution/distribution/v3"
    return Recipe(
        name="registry",
        version=version,
        modules=(f"{module}@v{version}",),
        programs=(("registry", f"{module}/cmd/registry"),),
        expected_seconds=120,
        work_bytes=2_000_000_000,
        go=GO_NEWER,
        ldflags=(
            f"-X {module}/version.version={version}",
            f"-X {module}/version.revision={{commit}}",
            f"-X {module}/version.mainpkg={module}",
        ),
    )


def coredns(version: str) -> Recipe:
    return Recipe(
        name="coredns",
        version=version,
        modules=(f"github.com/coredns/coredns@v{version}",),
        programs=(("coredns", "github.com/coredns/coredns"),),
        expected_seconds=130,
        work_bytes=2_500_000_000,
        ldflags=("-X github.com/coredns/coredns/coremain.GitCommit={commit}",),
    )


def flannel(version: str) -> Recipe:
    module = "github.com/flannel-io/flannel"
    return Recipe(
        name="flannel",
        version=version,
        modules=(f"{module}@v{version}",),
        programs=(("flanneld", module),),
        expected_seconds=80,
        work_bytes=2_000_000_000,
        ldflags=(
            f"-X {module}/pkg/version.Version=v{version}",
            "-linkmode external",
            "-extldflags -static",
        ),
        tags=("netgo", "osusergo"),
        cgo=True,  # its udp backend is C
        apt=("gcc", "libc6-dev"),
    )


def flannel_cni_plugin(version: str) -> Recipe:
    """The flannel CNI plugin. The published one that knows IPv6 is no module that can be had: see go/flannel."""
    source = Path(__file__).parent / "go" / "flannel" / "main.go"
    return Recipe(
        name="flannel-cni-plugin",
        version=version,
        modules=(),
        programs=(("flannel", f"{LAB_MODULE}/flannel"),),
        expected_seconds=10,
        work_bytes=500_000_000,
        own=(("flannel/main.go", source.read_text()),),
    )


MAKERS = {
    "kubernetes": kubernetes,
    "etcd": etcd,
    "containerd": containerd,
    "runc": runc,
    "cni-plugins": cni_plugins,
    "crictl": crictl,
    "registry": registry,
    "coredns": coredns,
    "flannel": flannel,
    "flannel-cni-plugin": flannel_cni_plugin,
}


def recipe(group: str, version: str) -> Recipe:
    return MAKERS[group](version.removeprefix("v"))


def recipes_of(row: Release) -> list[Recipe]:
    """Everything that one Kubernetes version needs, in the order in which others wait for it."""
    return [
        kubernetes(row.kubernetes),
        etcd(row.etcd),
        containerd(row.containerd),
        runc(row.runc),
        cni_plugins(row.cni_plugins),
        crictl(row.crictl),
        registry(row.registry),
        coredns(row.coredns),
        flannel(row.flannel),
        flannel_cni_plugin(row.flannel_cni_plugin),
    ]


def group_of(program: str) -> str:
    """Which group builds a program: kubeadm is in kubernetes, ctr in containerd."""
    for group, sample in SAMPLE_VERSIONS.items():
        if program in dict(recipe(group, sample).programs):
            return group
    raise BuildError(
        step=f"find the program {program}",
        cause="no recipe builds it",
        remedy="see lab/build/recipes.py for the programs that there are",
    )


SAMPLE_VERSIONS = {group: "2.0.0" if group == "containerd" else "1.0.0" for group in MAKERS}
