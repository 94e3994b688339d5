"""Proxies of the environment: used for every host but this computer."""

from __future__ import annotations

import pytest

from roost.bundle.fetch import Fetcher
from tests.contract.bundle.fake_mirror import Mirror


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch, mirror: Mirror) -> Mirror:
    """The mirror's handler answers by whole URL too, as a proxy is asked."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, mirror.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return mirror


def test_another_host_is_asked_through_the_proxy(proxy: Mirror) -> None:
    proxy.files["http://upstream.invalid/file"] = b"by proxy"
    assert Fetcher().read("http://upstream.invalid/file").content == b"by proxy"


def test_a_mirror_on_this_computer_is_asked_directly(proxy: Mirror) -> None:
    with Mirror() as own:
        own.files["file"] = b"direct"
        assert Fetcher().read(f"{own.url}/file").content == b"direct"
        assert [path for path, _ in proxy.requests] == []


def test_no_proxy_is_honoured(proxy: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "upstream.invalid")
    with pytest.raises(Exception, match=r"upstream\.invalid"):
        Fetcher(attempts=1).read("http://upstream.invalid/file")
    assert proxy.requests == []
