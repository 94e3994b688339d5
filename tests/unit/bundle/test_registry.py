from __future__ import annotations

from pathlib import Path

import yaml

from roost.api.masked import Masked
from roost.bundle import registry

SECRET = Masked("s" * 32)


def test_writes_are_taken_on_loopback_only() -> None:
    config = yaml.safe_load(registry.writable(storage=Path("/d"), port=7500, secret=SECRET))
    assert config["http"]["addr"] == "127.0.0.1:7500"
    assert "tls" not in config["http"]
    assert "readonly" not in config["storage"]["maintenance"]


def test_machines_are_served_over_tls_and_read_only() -> None:
    text = registry.readonly(
        storage=Path("/d"), address="10.0.0.1:7501", certificate=Path("/c.crt"), key=Path("/c.key"), secret=SECRET
    )
    config = yaml.safe_load(text)
    assert config["http"]["addr"] == "10.0.0.1:7501"
    assert config["http"]["tls"] == {"certificate": "/c.crt", "key": "/c.key", "minimumtls": "tls1.2"}
    assert config["storage"]["maintenance"]["readonly"] == {"enabled": True}


def test_both_share_storage_and_secret_and_keep_partial_indexes() -> None:
    first = yaml.safe_load(registry.writable(storage=Path("/d"), port=1, secret=SECRET))
    second = yaml.safe_load(
        registry.readonly(storage=Path("/d"), address="a:1", certificate=Path("c"), key=Path("k"), secret=SECRET)
    )
    for config in (first, second):
        assert config["storage"]["filesystem"]["rootdirectory"] == "/d"
        assert config["http"]["secret"] == SECRET.reveal()
        assert config["validation"]["manifests"]["indexes"]["platforms"] == "none"
    assert registry.ENVIRONMENT["OTEL_TRACES_EXPORTER"] == "none"
