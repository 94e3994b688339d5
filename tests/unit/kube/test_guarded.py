"""An API's address that somebody gave: only what it stands for, if that is allowed, is ever dialled."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
import pytest

from roost.kube import guarded
from roost.kube.guarded import AddressRefused, GuardedTransport, Place, Policy
from roost.kube.kubeconfig import Access

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def policy(*found: str, platform: str = "10.0.0.1") -> Policy:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return found

    return Policy(platform=frozenset({platform}), platform_ports=range(7000, 7511), resolve=resolve)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "169.254.169.254", "fe80::1%eth0", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
     "0.0.0.0", "::", "224.0.0.1", "ff02::1", "240.0.0.1"],
)  # fmt: skip
async def test_addresses_that_no_cluster_has_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused, match="no cluster lives there"):
        await guarded.addresses(Place("api.example.com", 6443, "api.example.com"), policy(address))


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    with pytest.raises(AddressRefused):
        await guarded.addresses(Place("api.example.com", 6443, "x"), policy("10.0.0.9", "127.0.0.1"))


async def test_the_platforms_own_ports_are_refused_and_others_beside_it_are_not() -> None:
    assert await guarded.addresses(Place("h", 6443, "h"), policy("10.0.0.1")) == ["10.0.0.1"]
    for port in (7443, 7501):
        with pytest.raises(AddressRefused, match="the platform itself"):
            await guarded.addresses(Place("h", port, "h"), policy("10.0.0.1"))
    assert await guarded.addresses(Place("h", 7443, "h"), policy("192.168.1.5")) == ["192.168.1.5"]


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.9:6443", "https://user:pw@10.0.0.9", "https://10.0.0.9/a/../b", "https://10.0.0.9/?x=1",
     "https://10.0.0.9/%2e%2e", "https://10.0.0.9:99999", "https://", "file:///etc/passwd", "10.0.0.9:6443"],
)  # fmt: skip
def test_only_a_plain_url_is_an_address(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        guarded.place(Access(url))
    assert "pw" not in str(refused.value)


async def test_a_name_that_moves_after_the_check_is_tested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: good at first, the platform's loopback later. What is dialled is always what was tested."""
    answers = [["10.0.0.9"], ["127.0.0.1"]]
    dialled: list[tuple[str, object]] = []

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    class Inner(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            dialled.append((request.url.host, request.extensions["sni_hostname"]))
            return httpx2.Response(200, request=request)

    monkeypatch.setattr(guarded, "transport_for", lambda _access: Inner())
    monkeypatch.setattr(guarded, "AGAIN_AFTER", 0.0)
    transport = GuardedTransport(Access("https://api.example.com:6443"), Policy(resolve=resolve))
    async with httpx2.AsyncClient(base_url="https://api.example.com:6443", transport=transport) as client:
        assert (await client.get("/version")).status_code == 200
        with pytest.raises(AddressRefused):
            await client.get("/version")
    assert dialled == [("10.0.0.9", "api.example.com")]
