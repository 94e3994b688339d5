"""Where images come from: a private registry, the public one, and the platform's own at an external name.

What `crictl pull` on a machine does is the proof.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import checks
import pytest
from harness import BRIDGE_ADDRESS, PORT_BASE, REGISTRY_PORT, Managed, Story, as_file, cluster_file, eventually, run
from registries import PrivateRegistry

from lab.machines.machine import Machine
from roost.kube import pki

pytestmark = [pytest.mark.lab, pytest.mark.story(5)]
PAUSE = "registry.k8s.io/pause:3.10"


@pytest.fixture
def private(tmp_path: Path) -> Iterator[PrivateRegistry]:
    made = PrivateRegistry(tmp_path / "private")
    yield made
    made.stop()


def crictl(machine: Machine, *words: str, check: bool = True) -> str:
    done = machine.run(
        f"crictl --runtime-endpoint unix:///run/containerd/containerd.sock {' '.join(words)} 2>&1", check=check
    )
    return done.stdout


def pull_anew(machine: Machine, image: str) -> str:
    crictl(machine, "rmi", image, check=False)
    return crictl(machine, "pull", image)


def containerd_pid(machine: Machine) -> str:
    return machine.run("systemctl show -p MainPID --value containerd").stdout.strip()


def phase_reason(cluster: Managed, kind: str) -> str:
    conditions = cluster.object().get("status", {}).get("conditions", [])
    return next((c["reason"] for c in conditions if c["type"] == kind and c["status"] == "False"), "")


def push(story: Story, private: PrivateRegistry, password: str, *, prefix: str = "") -> None:
    file = private.directory / "credential"
    file.write_text(f"robot:{password}\n")
    story.platform.roost(
        "bundle", "push", "1.31.4", "--registry", private.address + prefix, "--credential", str(file),
        "--ca", str(private.directory / "ca.crt"), timeout=300,
    )  # fmt: skip


@pytest.mark.parameter(
    "spec.onPremises.registry.type",
    "spec.onPremises.registry.address",
    "spec.onPremises.registry.credential",
    "spec.onPremises.registry.ca",
)
@pytest.mark.changes("spec.onPremises.registry.credential")
def test_a_private_registry(story: Story, private: PrivateRegistry) -> None:
    """One machine whose images are nowhere else; a wrong password is named first, another one needs no restart."""
    (machine,) = machines = story.make_machines(1)
    before = machine.snapshot()
    private.start("not-a-secret")
    story.platform.start("1.31.4", address=None)
    wish = {"type": "Private", "address": f"{private.address}/k8s", "credential": {"name": "pull"}, "ca": private.ca}
    text = cluster_file(machines, registry=wish)
    cluster = Managed(story.platform, "demo")

    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "another-one")) + "---\n" + text)
    eventually(lambda: phase_reason(cluster, "PreflightPassed") == "RegistryCredentialRefused", timeout=60)
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "not-a-secret")))
    eventually(lambda: phase_reason(cluster, "PreflightPassed") == "RegistryImagesMissing", timeout=60)
    assert machine.changes_since(before) == []
    push(story, private, "not-a-secret", prefix="/k8s")
    story.platform.kubectl("annotate", "cluster", "demo", "cluster.alauda.io/retry-now=1", "--overwrite")
    cluster.wait_available()
    nothing_is_planned(story)

    assert "up to date" in pull_anew(machine, PAUSE)
    assert "k8s/registry.k8s.io/pause" in private.pulls()
    hosts = "/etc/containerd/certs.d/registry.k8s.io/hosts.toml"
    assert machine.run(f"stat -c '%a %U' {hosts}").stdout.split() == ["600", "root"]
    assert "not-a-secret" not in story.platform.get("cluster", "demo", "-n", "default").__str__()

    # Another password: the file is rewritten, the runtime goes on.
    pid, acts = containerd_pid(machine), checks.acts(cluster)
    written = machine.run(f"sha256sum {hosts}").stdout
    private.admit("another-one")
    assert "authorization failed" in crictl(machine, "pull", PAUSE, check=False)
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "another-one")))
    eventually(lambda: machine.run(f"sha256sum {hosts}").stdout != written, timeout=60)
    assert "up to date" in pull_anew(machine, PAUSE)
    assert containerd_pid(machine) == pid
    eventually(lambda: checks.acts(cluster)[machine.name] == acts[machine.name] + 1, timeout=30)

    # Another Secret: the same.
    written = machine.run(f"sha256sum {hosts}").stdout
    private.admit("not-a-secret")
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull-2", "not-a-secret")))
    named = json.dumps({"spec": {"onPremises": {"registry": {"credential": {"name": "pull-2"}}}}})
    story.platform.kubectl("patch", "cluster", "demo", "--type=merge", "-p", named)
    eventually(lambda: machine.run(f"sha256sum {hosts}").stdout != written, timeout=60)
    assert "up to date" in pull_anew(machine, PAUSE)
    assert containerd_pid(machine) == pid

    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    assert machine.changes_since(before) == []


def nothing_is_planned(story: Story) -> None:
    """A plan for a cluster that is as wished knows the registry that it was made with."""
    assert "nothing to do" in story.platform.roost("plan", "demo").stdout


REFERENCE = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  annotations:
    nginx.ingress.kubernetes.io/backend-protocol: HTTPS
  name: registry-address
  namespace: kube-system
  labels:
    service_name: registry
spec:
  rules:
    - host: DOMAIN
      http:
        paths:
PATHS
  tls:
    - secretName: registry-address.tls
      hosts:
        - DOMAIN
---
apiVersion: v1
kind: Service
metadata:
  labels:
    name: registry
    service_name: registry
  name: registry
  namespace: kube-system
spec:
  ports:
    - protocol: TCP
      port: 443
      targetPort: 60080
  selector:
    component: registry
  type: ClusterIP
"""
PATHS = (
    "/v2/", "/v2/_catalog", "/v2/./tags/list", "/v2/./manifests/[A-Za-z0-9_+.-:]+", "/v2/./blobs/[A-Za-z0-9-:]+",
    "/v2/./blobs/uploads/[A-Za-z0-9-:]+", "/auth/token",
)  # fmt: skip
OWN_ADDRESS = '{"spec":{"onPremises":{"registry":{"type":"BuiltIn","address":null,"ca":null}}}}'
DOMAIN = "registry.roost.test"
EXTERNAL = f"{DOMAIN}:{PORT_BASE + 510}"


def reference_manifests() -> str:
    """As the reference document has them."""
    path = (
        "          - backend:\n              service:\n                name: registry\n                port:\n"
        "                  number: 443\n            path: {}\n            pathType: ImplementationSpecific"
    )
    return REFERENCE.replace("PATHS", "\n".join(path.format(p) for p in PATHS)).replace("DOMAIN", DOMAIN)


def give_certificate(story: Story, authority: pki.KeyPair, directory: Path, *, days: int) -> None:
    profile = pki.Profile("registry", "server", hosts=(DOMAIN,))
    leaf = pki.issue(authority, profile, now=pki.utc_now(), life=timedelta(days=days))
    (directory / "custom.crt").write_text(leaf.certificate_pem)
    (directory / "custom.key").write_text(leaf.key_pem.reveal())
    made = story.platform.kubectl(
        "create", "secret", "tls", "registry-address.tls", f"--cert={directory}/custom.crt",
        f"--key={directory}/custom.key", "-n", "kube-system", "--dry-run=client", "-o", "yaml",
    ).stdout  # fmt: skip
    story.platform.kubectl("apply", "-f", "-", stdin=made)


def global_reason(story: Story) -> str:
    found = story.platform.get("cluster", "global", "-n", "roost-system")
    conditions = found.get("status", {}).get("conditions", [])
    return next((c["reason"] for c in conditions if c["type"] == "RegistryAddressReady"), "")


@pytest.mark.parameter(
    "spec.onPremises.registry.type", "spec.onPremises.registry.address", "spec.onPremises.registry.ca"
)
@pytest.mark.changes("spec.onPremises.registry.address", "spec.onPremises.registry.ca")
@pytest.mark.verify
def test_the_own_registry_at_an_external_name(story: Story, tmp_path: Path) -> None:
    """The reference's three manifests as they stand; the certificate's end is warned of, a new one taken up."""
    (machine,) = machines = story.make_machines(1)
    story.lab.give_name(DOMAIN, [BRIDGE_ADDRESS])
    before = machine.snapshot()
    story.platform.start("1.31.4")
    authority = pki.create_authority("custom", now=pki.utc_now())
    give_certificate(story, authority, tmp_path, days=20)
    story.platform.kubectl("create", "-f", "-", stdin=reference_manifests())
    eventually(lambda: global_reason(story) == "RegistryCertificateExpiring", timeout=90)
    eventually(lambda: "registry-front" in story.platform.processes(), timeout=30)
    served = story.platform.processes()["registry-front"]

    wish = {"type": "BuiltIn", "address": EXTERNAL, "ca": authority.certificate_pem}
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines, registry=wish))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    assert "up to date" in pull_anew(machine, PAUSE)
    assert "up to date" in crictl(machine, "pull", f"{EXTERNAL}/automation/qaimages:hellworld")
    nothing_is_planned(story)
    hosts = machine.run("cat /etc/containerd/certs.d/registry.k8s.io/hosts.toml").stdout
    assert f"https://{EXTERNAL}/v2/registry.k8s.io" in hosts and "Authorization" in hosts

    give_certificate(story, authority, tmp_path, days=300)
    eventually(lambda: global_reason(story) == "Succeeded", timeout=90)
    ends = f"echo | openssl s_client -connect {BRIDGE_ADDRESS}:{PORT_BASE + 510} -servername {DOMAIN} 2>/dev/null"
    eventually(lambda: days_left(ends) > 280, timeout=30)
    assert story.platform.processes()["registry-front"] == served
    assert "up to date" in pull_anew(machine, PAUSE)

    # The platform's own address in place of the name: the files are rewritten, the runtime goes on.
    pid = containerd_pid(machine)
    story.platform.kubectl("patch", "cluster", "demo", "--type=merge", "-p", OWN_ADDRESS)
    own = f"https://{BRIDGE_ADDRESS}:{REGISTRY_PORT}/v2/registry.k8s.io"
    eventually(
        lambda: own in machine.run("cat /etc/containerd/certs.d/registry.k8s.io/hosts.toml").stdout, timeout=60
    )
    assert "up to date" in pull_anew(machine, PAUSE)
    assert containerd_pid(machine) == pid
    nothing_is_planned(story)

    story.platform.kubectl("delete", "ingress", "registry-address", "-n", "kube-system")
    eventually(lambda: "registry-front" not in story.platform.processes(), timeout=30)
    eventually(lambda: global_reason(story) == "", timeout=90)
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    assert machine.changes_since(before) == []


def days_left(command: str) -> int:
    script = f"{command} | openssl x509 -noout -enddate | cut -d= -f2"
    ends = run("sh", "-c", script).stdout.strip()
    left = datetime.strptime(ends, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC) - datetime.now(UTC)
    return left.days


@pytest.mark.parameter("spec.onPremises.registry.type")
@pytest.mark.changes("spec.onPremises.registry.type")
@pytest.mark.verify
def test_the_public_registry(story: Story, private: PrivateRegistry) -> None:
    """From the uploaded file; another file reaches a cluster that runs."""
    (machine,) = machines = story.make_machines(1)
    before = machine.snapshot()
    private.start("not-a-secret")
    story.platform.start("1.31.4", address=None)
    push(story, private, "not-a-secret")
    cluster = Managed(story.platform, "demo")
    text = cluster_file(machines, registry={"type": "Public"})
    refused = story.platform.kubectl("apply", "-f", "-", stdin=text, check=False)
    assert refused.returncode == 1 and "public-registry-credential" in refused.stderr
    upload(story, private, "not-a-secret")
    eventually(lambda: story.platform.kubectl("apply", "-f", "-", stdin=text).returncode == 0, timeout=30)
    cluster.wait_available()
    pid = containerd_pid(machine)
    private.admit("another-one")
    upload(story, private, "another-one")

    def pulls() -> bool:
        crictl(machine, "rmi", PAUSE, check=False)
        return "up to date" in crictl(machine, "pull", PAUSE, check=False)

    eventually(pulls, timeout=60, every=2)
    assert containerd_pid(machine) == pid
    nothing_is_planned(story)

    # The same registry as a private one: the cluster no longer depends on the upload.
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(private.secret("pull", "another-one")))
    wish = {"type": "Private", "address": private.address, "credential": {"name": "pull"}, "ca": private.ca}
    patch = json.dumps({"spec": {"onPremises": {"registry": wish}}})
    story.platform.kubectl("patch", "cluster", "demo", "--type=merge", "-p", patch)
    eventually(lambda: cluster.object()["status"]["phase"] == "Running", timeout=60)
    upload(story, private, "not-a-secret")
    assert pulls()
    assert containerd_pid(machine) == pid
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    assert machine.changes_since(before) == []


def upload(story: Story, private: PrivateRegistry, password: str) -> None:
    """The file as a person uploads it."""
    file = private.directory / "credential.json"
    file.write_text(json.dumps({"address": private.address, "user": "robot", "token": password, "ca": private.ca}))
    made = story.platform.kubectl(
        "create", "secret", "generic", "public-registry-credential", f"--from-file={file}", "-n", "roost-system",
        "--dry-run=client", "-o", "yaml",
    ).stdout  # fmt: skip
    credential = {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "CloudCredential",
        "metadata": {"name": "public-registry-credential", "namespace": "roost-system"},
        "spec": {"type": "PublicRegistry", "secret": {"name": "public-registry-credential"}},
    }
    story.platform.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=made)
    story.platform.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=as_file(credential))
