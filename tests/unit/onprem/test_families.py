"""IP families: addresses, networks and how they are cut up, against kube-controller-manager's own rule."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.api.errors import PermanentFailure
from roost.api.v1alpha1.machine import Addresses
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.kubeadm.run import node_settings
from tests.unit.onprem import made

PODS, SERVICES = "10.16.0.0/16,fd00:16::/56", "10.112.0.0/12,fd00:112::/112"
DUAL = {"ipFamily": "DualStack", "podCIDR": PODS, "serviceCIDR": SERVICES}
SIX = {"ipFamily": "IPv6", "podCIDR": "fd00:16::/56", "serviceCIDR": "fd00:112::/112"}


def machine(name: str = "cp1", role: str = "ControlPlane", **addresses: str | None) -> MachineInput:
    one = made.machine(name, "10.200.0.11", role)
    given = Addresses(**{"ipv4": "10.200.0.11", "ipv6": "fd00:200::11", **addresses})
    return replace(one, spec=one.spec.model_copy(update={"addresses": given}))


def test_the_addresses_that_count_are_those_of_the_clusters_families() -> None:
    assert families.addresses(made.spec(), machine()) == ("10.200.0.11",)
    assert families.addresses(made.spec(network=SIX), machine()) == ("fd00:200::11",)
    assert families.addresses(made.spec(network=DUAL), machine()) == ("10.200.0.11", "fd00:200::11")


def test_an_address_is_compared_as_the_kernel_writes_it() -> None:
    assert families.addresses(made.spec(network=SIX), machine(ipv6="FD00:200:0:0::11")) == ("fd00:200::11",)


@pytest.mark.parametrize(("network", "lacks"), [({}, "ipv4"), (SIX, "ipv6"), (DUAL, "ipv6")])
def test_a_missing_address_is_named_with_the_field(network: dict[str, str], lacks: str) -> None:
    with pytest.raises(PermanentFailure, match=f"spec.addresses.{lacks}") as caught:
        families.addresses(made.spec(network=network), machine(**{lacks: None}))
    assert caught.value.reason == "AddressMissing"


def kubeadm(network: dict[str, str]) -> list[config.Document]:
    ctx = made.context(machine(), spec_=made.spec(network=network))
    return config.init_documents(
        ctx.spec, machine(), "demo", node_settings(ctx, machine(), made.found()), patches=None
    )


def test_dual_stack_reaches_every_component() -> None:
    init, cluster, _, proxy = kubeadm(DUAL)
    assert {"name": "node-ip", "value": "10.200.0.11,fd00:200::11"} in init["nodeRegistration"]["kubeletExtraArgs"]
    assert init["localAPIEndpoint"]["advertiseAddress"] == "10.200.0.11"
    assert cluster["networking"]["podSubnet"] == proxy["clusterCIDR"] == PODS
    assert cluster["networking"]["serviceSubnet"] == SERVICES
    assert set(cluster["apiServer"]["certSANs"]) >= {"10.200.0.11", "fd00:200::11"}
    assert cluster["controllerManager"]["extraArgs"] == [
        {"name": "node-cidr-mask-size-ipv4", "value": "24"},
        {"name": "node-cidr-mask-size-ipv6", "value": "72"},
    ]


def test_ipv6_alone_reaches_every_component() -> None:
    init, cluster, _, proxy = kubeadm({**SIX, "ipsPerNode": 128})  # type: ignore[dict-item]
    assert {"name": "node-ip", "value": "fd00:200::11"} in init["nodeRegistration"]["kubeletExtraArgs"]
    assert init["localAPIEndpoint"]["advertiseAddress"] == "fd00:200::11"
    assert proxy["clusterCIDR"] == "fd00:16::/56"
    assert cluster["controllerManager"]["extraArgs"] == [{"name": "node-cidr-mask-size", "value": "72"}]


def test_an_endpoint_of_ipv6_has_brackets() -> None:
    wanted = made.spec(network=SIX, controlPlaneEndpoint={"host": "fd00:200::11"})
    assert layout.endpoint(wanted) == "[fd00:200::11]:6443"


@given(st.integers(48, 120), st.sampled_from([2**n for n in range(4, 13)]))
def test_a_part_is_one_that_kube_controller_manager_takes(prefix: int, per_node: int) -> None:
    """It refuses a part shorter than the network, and more than 2^16 parts."""
    part = families.part(str(ipaddress.ip_network(f"fd00::/{prefix}")), per_node)
    assert prefix <= part <= 128
    assert part - prefix <= 16
    if 128 - part < (per_node - 1).bit_length():
        assert part == prefix, "too small only where the whole network is"


@given(st.integers(8, 28), st.sampled_from([2**n for n in range(4, 13)]))
def test_a_part_of_ipv4_holds_just_the_addresses_of_a_node(prefix: int, per_node: int) -> None:
    part = families.part(f"10.0.0.0/{prefix}" if prefix > 8 else "10.0.0.0/8", per_node)
    assert part == max(prefix, 32 - (per_node - 1).bit_length())
