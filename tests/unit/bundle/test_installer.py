"""Kube-OVN's manifest out of a shell script that writes it with here documents; the script is never run."""

from __future__ import annotations

import pytest
import yaml

from roost.bundle import images, installer
from roost.bundle.errors import ChecksumMismatch
from roost.bundle.versions import ImageName

SCRIPT = r"""#!/usr/bin/env bash
set -euo pipefail

IPV6=${IPV6:-false}
REGISTRY="kubeovn"
VERSION="v1.12.22"
POD_CIDR="10.16.0.0/16"                # Do NOT overlap with NODE/SVC/JOIN CIDR
if [ "$IPV6" = "true" ]; then
  POD_CIDR="fd00:10:16::/64"
fi
DPDK="false"
count=$(kubectl get no -lkube-ovn/role=master --no-headers | wc -l)
addresses=$(kubectl get no -o wide | awk '{print $6}' | tr \\n ',')

cat <<EOF > kube-ovn-crd.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: vlans.kubeovn.io
EOF

if $DPDK; then
  cat <<EOF > ovn.yaml
kind: Deployment
metadata: {name: ovn-dpdk}
EOF
else
  cat <<EOF > ovn.yaml
kind: Deployment
metadata: {name: ovn-central}
spec:
  replicas: $count
  image: "$REGISTRY/kube-ovn:${VERSION}"
  nodes: "$addresses"
  price: \$5
EOF
fi
cat <<'EOF' > literal.yaml
text: $NOT_A_VARIABLE
EOF
cat <<EOF > never.yaml
text: $UNKNOWN
EOF

kubectl apply -f kube-ovn-crd.yaml
kubectl apply -n kube-system -f ovn.yaml
kubectl apply -f literal.yaml
"""


def test_what_the_script_applies_is_the_manifest() -> None:
    crd, central, literal = yaml.safe_load_all(installer.manifest(SCRIPT.encode()))
    assert crd["metadata"]["name"] == "vlans.kubeovn.io"
    assert central["metadata"]["name"] == "ovn-central", "the last way of writing a file is the plain one"
    assert central["spec"] == {
        "replicas": 1,
        "image": "kubeovn/kube-ovn:v1.12.22",
        "nodes": "127.0.0.1",
        "price": "$5",
    }
    assert literal == {"text": "$NOT_A_VARIABLE"}


def test_defaults_are_those_outside_of_branches() -> None:
    found = installer.assignments(SCRIPT.splitlines())
    assert (found["POD_CIDR"], found["IPV6"], found["DPDK"]) == ("10.16.0.0/16", "false", "false")
    assert "count" not in found


def test_a_variable_that_nobody_knows_is_named() -> None:
    script = SCRIPT + "kubectl apply -f never.yaml\n"
    with pytest.raises(ChecksumMismatch, match=r"never.yaml.*\$UNKNOWN"):
        installer.manifest(script.encode())


@pytest.mark.parametrize("hostile", ["$(rm -rf /)", "`id`"])
def test_nothing_of_the_script_is_ever_run(hostile: str) -> None:
    script = f"cat <<EOF > a.yaml\ntext: {hostile}\nEOF\nkubectl apply -f a.yaml\n"
    with pytest.raises(ChecksumMismatch, match="does not know"):
        installer.manifest(script.encode())


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(ChecksumMismatch, match="not Kube-OVN's installer"):
        installer.manifest(b"<html>not found</html>")


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("kubeovn/kube-ovn:v1", "docker.io/kubeovn/kube-ovn:v1"),
        ("busybox:1", "docker.io/library/busybox:1"),
        ("quay.io/calico/node:v3", "quay.io/calico/node:v3"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
    ],
)
def test_an_image_is_named_with_its_registry(name: str, full: str) -> None:
    assert images.full_name(ImageName(name, "node")).name == full
