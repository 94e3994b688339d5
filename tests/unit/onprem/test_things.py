"""Which things a machine gets, by role, version and what was found on it."""

from __future__ import annotations

import base64
import tomllib
from dataclasses import replace
from typing import Any, cast

import pytest

from roost.api.masked import Masked
from roost.api.v1alpha1.cluster import RegistryType
from roost.node.thing import Thing
from roost.node.things.file import File
from roost.node.things.image import Image
from roost.node.things.residue import Residue
from roost.node.things.run import RunOnce
from roost.node.things.sysctl import Sysctl
from roost.node.things.unit import Unit
from roost.providers.onprem import steps
from roost.providers.onprem.context import Context, MachineInput, RegistrySource
from roost.providers.onprem.kubeadm.config import JoinSecrets
from roost.providers.onprem.phases import join, kernel, runtime
from roost.providers.onprem.phases.registry import hosts_file
from roost.providers.onprem.sources import sources
from tests.unit.onprem import made


def keys(things: list[Thing]) -> list[str]:
    return [thing.key for thing in things]


def of(ctx: Context, machine: MachineInput, key: str, **found: Any) -> Any:
    things = steps.things(ctx, machine, made.found(machine.name, machine.spec.addresses.ipv4 or "", **found))
    return next(thing for thing in things if thing.key == key)


@pytest.mark.parametrize("machine", [made.CP, made.W1])
@pytest.mark.parametrize("registry", [True, False])
def test_every_key_stands_once(machine: MachineInput, registry: bool) -> None:
    found = keys(steps.things(made.context(registry=registry), machine, made.found()))
    assert len(found) == len(set(found))


def test_what_exists_is_recorded_before_anything_is_changed() -> None:
    things = steps.things(made.context(), made.CP, made.found())
    first_other = next(index for index, thing in enumerate(things) if not isinstance(thing, Residue))
    assert not any(isinstance(thing, Residue) for thing in things[first_other:])
    assert first_other == 3


def test_the_control_plane_is_initialized_and_the_worker_joins() -> None:
    head = keys(steps.things(made.context(), made.CP, made.found()))
    worker = keys(steps.things(made.context(), made.W1, made.found("w1", "10.200.0.12")))
    assert [key for key in head if key.startswith("kubeadm:")] == [
        "kubeadm:certificates",
        "kubeadm:manifests",
        "kubeadm:kubelet",
        "kubeadm:ready",
        "kubeadm:upload",
        "kubeadm:addons",
        "kubeadm:finalize",
        "kubeadm:dns",
    ]
    assert [key for key in worker if key.startswith("kubeadm:")] == ["kubeadm:join"]
    assert "program:/usr/local/bin/kubectl" in head
    assert "program:/usr/local/bin/kubectl" not in worker


def test_core_dns_waits_for_flannel_and_for_no_other_network() -> None:
    flannel = of(made.context(), made.CP, "kubeadm:dns")
    custom = of(made.context(spec_=made.spec(network={"plugin": "Custom"})), made.CP, "kubeadm:dns")
    assert "[ -e /run/flannel/subnet.env ]" in flannel.script
    assert '"${ready:-0}" -lt 2 ]' in flannel.script, "both machines"
    assert "flannel" not in custom.script
    assert '--cache-dir="$P/' in flannel.script, "kubectl get leaves a cache in the home directory"
    assert "addon coredns" in flannel.script and "addon coredns" in custom.script


def images(ctx: Context, machine: MachineInput) -> list[Image]:
    found = made.found(machine.name, machine.spec.addresses.ipv4)
    return [thing for thing in steps.things(ctx, machine, found) if isinstance(thing, Image)]


def names(found: list[Image]) -> set[str]:
    return {image.name.rsplit("/", 1)[1].split(":")[0] for image in found}


def test_images_are_those_of_the_role() -> None:
    ctx = made.context()
    assert names(images(ctx, made.CP)) == {"kube-apiserver", "kube-proxy", "coredns", "flannel"}
    assert names(images(ctx, made.W1)) == {"kube-proxy", "flannel"}
    assert all(image.archive is None for image in images(ctx, made.CP))


def test_without_a_registry_images_travel_over_ssh_and_nothing_is_left_to_be_pulled_later() -> None:
    ctx = made.context(registry=False)
    assert names(images(ctx, made.W1)) == {"kube-proxy", "flannel", "coredns"}
    assert all(image.archive for image in images(ctx, made.W1))
    assert not [key for key in keys(steps.things(ctx, made.W1, made.found())) if "certs.d" in key]


def test_a_custom_network_brings_nothing_of_flannel() -> None:
    ctx = made.context(spec_=made.spec(network={"plugin": "Custom"}))
    assert "flannel" not in names(images(ctx, made.W1))
    residue = of(ctx, made.W1, "residue:network")
    assert "cni0" not in residue.links
    assert "/etc/cni" in residue.directories


def test_registries_keep_their_upstream_behind_roosts() -> None:
    text = hosts_file("docker.io", RegistrySource("10.200.0.1:7501", "PEM"))
    assert text.splitlines()[0] == 'server = "https://registry-1.docker.io"'
    assert '[host."https://10.200.0.1:7501/v2/docker.io"]' in text
    assert "override_path = true" in text
    files = [key for key in keys(steps.things(made.context(), made.W1, made.found())) if "certs.d" in key]
    assert files == [
        "file:/etc/containerd/certs.d/docker.io/hosts.toml",
        "file:/etc/containerd/certs.d/registry.k8s.io/hosts.toml",
        "file:/etc/containerd/certs.d/10.200.0.1:7501/hosts.toml",
    ]


def test_a_private_registry_is_signed_in_to_in_files_that_root_alone_reads() -> None:
    private = RegistrySource("images.example.com/team", "", "robot", Masked("pass:word"), RegistryType.PRIVATE, False)
    ctx = made.context(registry_=private)
    found = [cast("File", thing) for thing in steps.things(ctx, made.W1, made.found()) if "certs.d" in thing.key]
    assert {(file.mode, file.secret) for file in found} == {(0o600, True)}
    parsed = {file.path.split("/")[-2]: tomllib.loads(file.data.decode()) for file in found}
    assert set(parsed) == {"docker.io", "registry.k8s.io", "images.example.com"}
    url = "https://images.example.com/v2/team/registry.k8s.io"
    header = parsed["registry.k8s.io"]["host"][url]["header"]["Authorization"]
    assert header == ["Basic " + base64.b64encode(b"robot:pass:word").decode()]
    own = parsed["images.example.com"]
    assert own["server"] == "https://images.example.com"
    assert "override_path" not in own["host"]["https://images.example.com"]
    # No CA is given: the machine's own authorities count, and no file of roost's is named.
    assert "registry-ca" not in "".join(file.data.decode() for file in found)
    assert "pass:word" not in repr(found)
    # Programs are roost's own and travel over SSH.
    assert sources(ctx, "amd64").registry is None
    assert not any(image.archive for image in images(ctx, made.W1))


def test_the_runtimes_configuration_follows_its_version_and_the_machine() -> None:
    new = cast("File", of(made.context(), made.W1, f"file:{runtime.CONFIG}")).data.decode()
    assert new.startswith("version = 3\n")
    assert 'sandbox = "registry.k8s.io/pause:3.10"' in new
    assert "SystemdCgroup = true" in new
    assert "restrict_oom_score_adj = false" in new
    old = cast(
        "File",
        of(
            made.context(spec_=made.spec("1.28.15")),
            made.W1,
            f"file:{runtime.CONFIG}",
            oom_lowering=False,
            node={"cgroup_version": 1, "systemd_cgroups": False},
        ),
    ).data.decode()
    assert old.startswith("version = 2\n")
    assert 'sandbox_image = "registry.k8s.io/pause:3.9"' in old
    assert "SystemdCgroup = false" in old
    assert "restrict_oom_score_adj = true" in old


def test_the_runtime_restarts_for_its_configuration_but_not_for_a_registry() -> None:
    def key(ctx: Context, **found: Any) -> str:
        return cast("Unit", of(ctx, made.W1, "unit:containerd.service", **found)).restart_key

    before = key(made.context())
    assert key(made.context(registry=False)) == before
    assert key(made.context(), oom_lowering=False) != before


def test_inotify_limits_are_raised_and_never_lowered() -> None:
    values = cast("Sysctl", of(made.context(), made.W1, "sysctl:90-roost-kubernetes")).values
    assert values["fs.inotify.max_user_instances"] == "8192"
    assert "fs.inotify.max_user_watches" not in values
    sysctls = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 1 << 20}
    again = cast("Sysctl", of(made.context(), made.W1, "sysctl:90-roost-kubernetes", sysctls=sysctls)).values
    assert again == values


def test_a_second_look_asks_the_same_although_tokens_differ() -> None:
    first = [thing.observe() for thing in steps.things(made.context(), made.CP, made.found())]
    second = [thing.observe() for thing in steps.things(made.context(), made.CP, made.found())]
    assert first == second


def wishes(**changes: Any) -> dict[str, str]:
    things = steps.things(made.context(spec_=made.spec(**changes)), made.CP, made.found())
    return {thing.key: thing.observe() for thing in things if thing.key.startswith("kubeadm:")}


def test_a_corrected_network_is_taken_up_by_what_depends_on_it() -> None:
    before, after = wishes(), wishes(network={"serviceCIDR": "10.96.0.0/12"})
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"kubeadm:certificates", "kubeadm:manifests", "kubeadm:kubelet"}


def test_no_secret_of_a_join_is_in_its_script_or_in_its_name() -> None:
    secrets = JoinSecrets("abcdef.0123456789abcdef", "PEM\n")
    thing = join.thing(made.context(), made.W1, made.found("w1", "10.200.0.12"), secrets)
    assert isinstance(thing, RunOnce)
    assert secrets.token not in thing.script + thing.guard + thing.summary + repr(thing)
    assert thing.files[0].secret
    assert secrets.token.encode() in (thing.files[0].content or b"")


def test_a_join_without_a_token_refuses_to_run() -> None:
    assert "no token was given" in join.thing(made.context(), made.W1, made.found("w1", "10.200.0.12")).script


def test_the_patch_of_a_node_is_staged_beside_the_configuration() -> None:
    found = made.found("w1", "10.200.0.12", node={"cgroup_version": 1, "systemd_cgroups": False})
    secrets = JoinSecrets("abcdef.0123456789abcdef", "PEM\n")
    thing = join.thing(made.context(), made.W1, found, secrets)
    assert [file.name for file in thing.files] == ["kubeadm.yaml", "patch.yaml", "discovery.conf"]
    assert '"$P/patches/kubeletconfiguration+merge.yaml"' in thing.script
    assert replace(thing, files=()) != thing


def test_a_data_disk_takes_the_runtimes_data_and_the_logs_of_pods() -> None:
    ctx = made.context(spec_=made.spec(runtime={"dataDirectory": "/data/roost/"}))
    config = cast("File", of(ctx, made.W1, f"file:{runtime.CONFIG}")).data.decode()
    assert config.startswith('version = 3\nroot = "/data/roost/containerd"\n')
    link = of(ctx, made.W1, "symlink:/var/log/pods")
    assert link.target == "/data/roost/pods"
    residue = of(ctx, made.W1, "residue:runtime")
    assert {"/data/roost/containerd", "/data/roost/pods"} <= set(residue.directories)
    assert "/data/roost/containerd/" in residue.mounts
    order = keys(steps.things(ctx, made.W1, made.found("w1", "10.200.0.12")))
    assert order.index("directory:/data/roost/pods") < order.index("symlink:/var/log/pods")
    assert order.index("symlink:/var/log/pods") < order.index("unit:kubelet.service")


def test_without_a_data_disk_nothing_is_moved() -> None:
    found = keys(steps.things(made.context(), made.W1, made.found("w1", "10.200.0.12")))
    assert "symlink:/var/log/pods" not in found
    assert "root =" not in cast("File", of(made.context(), made.W1, f"file:{runtime.CONFIG}")).data.decode()


def test_packets_are_forwarded_in_the_clusters_families_alone() -> None:
    dual = {"ipFamily": "DualStack", "podCIDR": "10.16.0.0/16,fd00::/56", "serviceCIDR": "10.96.0.0/12,fd01::/112"}

    def forwarded(**network: Any) -> set[str]:
        ctx = made.context(spec_=made.spec(network=network))
        things = kernel.things(ctx, made.W1, made.found())
        return {key for thing in things if isinstance(thing, Sysctl) for key in thing.values if "forward" in key}

    assert forwarded() == {"net.ipv4.ip_forward"}
    assert forwarded(ipFamily="IPv6", podCIDR="fd00::/56", serviceCIDR="fd01::/112") == {
        "net.ipv6.conf.all.forwarding"
    }
    assert len(forwarded(**dual)) == 2
