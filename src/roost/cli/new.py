"""`roost new`: writes a commented file to start from. Secrets go in by reference to files of the person."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from roost.cli.i18n import t

HEADER: Final = """\
# A Kubernetes cluster for `roost`. Check it with `roost validate -f {file}`, see what would be done with
# `roost plan -f {file}`, make it with `roost kubectl apply -f {file}`, and watch `roost progress {name}`.
# Every field: `roost kubectl explain cluster.spec` and `roost kubectl explain machine.spec`.
"""

CREDENTIAL: Final = """\
---
apiVersion: v1
kind: Secret
metadata:
  name: {name}-ssh
  namespace: {namespace}
type: kubernetes.io/ssh-auth
stringData:
  # The private key that signs in on the machines. With a passphrase, add `passphrase: …`; for a user
  # who needs a password for sudo, add `sudo-password: …`. For sign-in by password use
  # `type: kubernetes.io/basic-auth` with `password: …` instead.
  ssh-privatekey: |
{key}
"""

MACHINE: Final = """\
---
apiVersion: cluster.alauda.io/v1alpha1
kind: Machine
metadata:
  name: {machine}
  namespace: {namespace}
spec:
  clusterName: {name}
  role: {role}
  addresses:
{addresses}
{role_notes}  ssh:
    user: {user}
    # port: 22
    # address: 203.0.113.7    # where SSH answers, when it is not the address above
    # hostKeys: [SHA256:…]    # trusted from the start; without it the first key met is pinned
    # proxy: {{address: "10.0.0.1:1080", credential: {{name: proxy}}}}    # SOCKS5; the Secret is optional
    credential:
      name: {name}-ssh
"""

NOTES: Final = {
    "ControlPlane": "  # allowApps: true          # let it take workload too\n",
    "Worker": """\
  # roles: [infra]           # labels node-role.kubernetes.io/infra, kept on the Node
  # taints: [{key: node-role.kubernetes.io/infra, value: reserved, effect: NoSchedule}]
""",
}

CLUSTER: Final = """\
---
# The Cluster comes last: roost begins when everything it names is there.
apiVersion: cluster.alauda.io/v1alpha1
kind: Cluster
metadata:
  name: {name}
  namespace: {namespace}
spec:
  version: {version}
  # paused: true            # only preflight and plan, nothing is changed on machines
  # approval: Manual        # wait with the plan until spec.approvedPlan names its hash
  # project: shop           # joined once the cluster is Available
  # annotations:            # for components of the cluster; can't be changed later
  #   cpaas.io/platform-url: https://platform.example.com
  onPremises:
    controlPlaneEndpoint:   # a load balancer, a name or a self-built VIP lets more control planes join later
      host: {endpoint}
      # port: 6443
{vip}      # externalAccess: {{host: 203.0.113.10}}    # where the platform reaches the cluster from another network
    network:                # can't be changed later
      plugin: Flannel       # or Calico, KubeOVN, or Custom: none is installed
      ipFamily: {family}
      podCIDR: {pods}
      serviceCIDR: {services}
      # ipsPerNode: 256     # podCIDR divided by it is the largest number of nodes
      # nic: eth1           # device of the network plugin; else that of the default route
    # nodeName: Hostname    # or IP
    # runtime:
    #   type: Containerd    # or Docker, with the FeatureGate cri-docker
    #   logMaxSize: 100Mi
    #   logMaxFiles: 5
    #   dataDirectory: /data/containerd
    # registry:             # BuiltIn, Private (address, credential, ca) or Public
    #   type: BuiltIn
    # kubeletExtraArgs: {{}}  # these, apiServer-, controllerManager- and schedulerExtraArgs can't be changed later
    # publicAlternativeNames: []
"""

VIP: Final = """\
      selfBuiltVIP:
        virtualRouterID: {number}
"""
NETWORKS: Final = {
    "IPv4": ("10.16.0.0/16", "10.112.0.0/12"),
    "IPv6": ("fd00:10:16::/48", "fd00:10:112::/108"),
    "DualStack": ("10.16.0.0/16,fd00:10:16::/48", "10.112.0.0/12,fd00:10:112::/108"),
}
"""Of Pods and of Services."""


@dataclass(frozen=True)
class Given:
    """A machine as it stands on the command line."""

    name: str
    addresses: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]
    role: str

    @property
    def family(self) -> str:
        versions = {address.version for address in self.addresses}
        return "DualStack" if len(versions) == 2 else f"IPv{versions.pop()}"

    def lines(self) -> str:
        return "\n".join(f"    ipv{address.version}: {_quoted(address)}" for address in self.addresses)


def machine(given: str, cluster: str, role: str, number: int) -> Given:
    """Of `[NAME=]ADDRESS[,ADDRESS]`, one of each family at most. Raises ValueError for anything else."""
    name, equals, text = given.rpartition("=")
    if not equals:
        name = f"{cluster}-control-plane-{number}" if role == "ControlPlane" else f"{cluster}-worker-{number}"
    addresses = sorted((ipaddress.ip_address(part.strip()) for part in text.split(",")), key=lambda a: a.version)
    if len({address.version for address in addresses}) != len(addresses):
        raise ValueError(f"{text} holds two addresses of one family")
    return Given(name, tuple(addresses), role)


def _quoted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv6 address that ends with a colon would be a mapping in YAML."""
    return f'"{address}"' if address.version == 6 else str(address)


def cluster_file(
    *,
    name: str,
    namespace: str,
    version: str,
    control_plane: str | Sequence[str],
    workers: tuple[str, ...],
    user: str,
    key: str | None,
    file: str,
    endpoint: str | None = None,
    vip: int | None = None,
) -> str:
    """The text of the file. `key` is the private key's text, or None for a place to fill in; `vip`: the VRID.

    Raises ValueError for machines that can't make one cluster.
    """
    planes = [control_plane] if isinstance(control_plane, str) else list(control_plane)
    given = [
        *(machine(text, name, "ControlPlane", number) for number, text in enumerate(planes, 1)),
        *(machine(text, name, "Worker", number) for number, text in enumerate(workers, 1)),
    ]
    family = given[0].family
    other = next((one for one in given if one.family != family), None)
    if other is not None:
        raise ValueError(f"{given[0].name} is {family} and {other.name} is {other.family}; give all the same")
    if endpoint is None and (len(planes) > 1 or vip is not None):
        raise ValueError("more than one control plane, or a VIP, needs --endpoint")
    lines = (key or "REPLACE-ME: the private key, as it stands in its file").strip().splitlines()
    parts = [
        HEADER.format(file=file, name=name),
        CREDENTIAL.format(name=name, namespace=namespace, key="\n".join(f"    {line}" for line in lines)),
    ]
    parts += [
        MACHINE.format(
            machine=one.name,
            namespace=namespace,
            name=name,
            role=one.role,
            addresses=one.lines(),
            role_notes=NOTES[one.role],
            user=user,
        )
        for one in given
    ]
    pods, services = NETWORKS[family]
    host = endpoint or str(given[0].addresses[0])
    parts.append(
        CLUSTER.format(
            name=name,
            namespace=namespace,
            version=version,
            endpoint=f'"{host}"' if ":" in host else host,
            vip="" if vip is None else VIP.format(number=vip),
            family=family,
            pods=pods,
            services=services,
        )
    )
    return "".join(parts)


@click.command("new", help=t("new.help"))
@click.argument("name")
@click.option(
    "--control-plane",
    "control_planes",
    required=True,
    multiple=True,
    metavar="[NAME=]ADDRESS[,IPV6]",
    help=t("new.control-plane"),
)
@click.option("--worker", "workers", multiple=True, metavar="[NAME=]ADDRESS[,IPV6]", help=t("new.worker"))
@click.option("--endpoint", metavar="HOST", help=t("new.endpoint"))
@click.option("--vip", type=click.IntRange(1, 255), metavar="VRID", help=t("new.vip"))
@click.option("--user", default="root", show_default=True, help=t("new.user"))
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=t("new.key"))
@click.option("--kubernetes", "version", default="1.31.4", show_default=True, help=t("new.kubernetes"))
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@click.option("--file", "-f", "file", type=click.Path(dir_okay=False, path_type=Path), help=t("new.file"))
def command(
    name: str,
    control_planes: tuple[str, ...],
    workers: tuple[str, ...],
    endpoint: str | None,
    vip: int | None,
    user: str,
    key: Path | None,
    version: str,
    namespace: str,
    file: Path | None,
) -> None:
    try:
        text = cluster_file(
            name=name,
            namespace=namespace,
            version=version,
            control_plane=control_planes,
            endpoint=endpoint,
            vip=vip,
            workers=workers,
            user=user,
            key=key.read_text() if key else None,
            file=str(file or f"{name}.yaml"),
        )
    except ValueError as error:
        raise click.UsageError(t("new.address", error=error)) from error
    if file is None:
        sys.stdout.write(text)
        return
    if file.exists():
        raise click.UsageError(t("new.exists", file=file))
    file.touch(mode=0o600)
    file.write_text(text)
    click.echo(t("new.written", file=file), err=True)
