"""`roost new`: writes a commented file to start from. Secrets go in by reference to files of the person."""

from __future__ import annotations

import ipaddress
import sys
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
    ipv4: {address}
  ssh:
    user: {user}
    # port: 22
    # address: 203.0.113.7    # where SSH answers, when it is not the address above
    # hostKeys: [SHA256:…]    # trusted from the start; without it the first key met is pinned
    credential:
      name: {name}-ssh
"""

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
  onPremises:
    controlPlaneEndpoint:
      host: {endpoint}
      # port: 6443
    network:
      plugin: Flannel       # or Custom: none is installed
      podCIDR: 10.16.0.0/16
      serviceCIDR: 10.112.0.0/12
      # ipsPerNode: 256     # podCIDR divided by it is the largest number of nodes
    # nodeName: Hostname    # or IP
    # kubeletExtraArgs: {{}}
    # apiServerExtraArgs: {{}}
    # publicAlternativeNames: []
"""


def machine(given: str, cluster: str, role: str, number: int) -> tuple[str, str]:
    """Name and IPv4 address of `[NAME=]ADDRESS`. Raises ValueError for anything that is no address."""
    name, equals, address = given.rpartition("=")
    if not equals:
        name = f"{cluster}-control-plane-{number}" if role == "ControlPlane" else f"{cluster}-worker-{number}"
    return name, str(ipaddress.IPv4Address(address))


def cluster_file(
    *,
    name: str,
    namespace: str,
    version: str,
    control_plane: str,
    workers: tuple[str, ...],
    user: str,
    key: str | None,
    file: str,
) -> str:
    """The text of the file. `key` is the private key's text, or None for a place to fill in."""
    lines = (key or "REPLACE-ME: the private key, as it stands in its file").strip().splitlines()
    parts = [
        HEADER.format(file=file, name=name),
        CREDENTIAL.format(name=name, namespace=namespace, key="\n".join(f"    {line}" for line in lines)),
    ]
    endpoint = machine(control_plane, name, "ControlPlane", 1)[1]
    given = [(control_plane, "ControlPlane", 1), *((w, "Worker", n) for n, w in enumerate(workers, 1))]
    for value, role, number in given:
        machine_name, address = machine(value, name, role, number)
        parts.append(
            MACHINE.format(
                machine=machine_name, namespace=namespace, name=name, role=role, address=address, user=user
            )
        )
    parts.append(CLUSTER.format(name=name, namespace=namespace, version=version, endpoint=endpoint))
    return "".join(parts)


@click.command("new", help=t("new.help"))
@click.argument("name")
@click.option("--control-plane", required=True, metavar="[NAME=]ADDRESS", help=t("new.control-plane"))
@click.option("--worker", "workers", multiple=True, metavar="[NAME=]ADDRESS", help=t("new.worker"))
@click.option("--user", default="root", show_default=True, help=t("new.user"))
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=t("new.key"))
@click.option("--kubernetes", "version", default="1.31.4", show_default=True, help=t("new.kubernetes"))
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@click.option("--file", "-f", "file", type=click.Path(dir_okay=False, path_type=Path), help=t("new.file"))
def command(
    name: str,
    control_plane: str,
    workers: tuple[str, ...],
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
            control_plane=control_plane,
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
