"""A kubeconfig of anybody is read without running or opening anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.kube.kubeconfig import build, parse


def document(user: dict[str, Any], cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443"} | (cluster or {})}],
    }


def test_what_is_built_is_read_back() -> None:
    text = build("https://a:1", "CA", "CERT", Masked("KEY"), cluster="c1", user="me")
    access = parse(text)
    assert (access.server, access.ca_pem, access.certificate_pem) == ("https://a:1", "CA", "CERT")
    assert access.key_pem is not None
    assert access.key_pem.reveal() == "KEY"
    assert yaml.safe_load(text.reveal())["contexts"][0]["name"] == "me@c1"
    assert "KEY" not in repr(access)


@pytest.mark.parametrize("plugin", ["exec", "auth-provider"])
def test_programs_of_the_author_are_refused(plugin: str) -> None:
    with pytest.raises(PermanentFailure, match=plugin) as caught:
        parse(document({plugin: {"command": "/bin/sh"}}))
    assert caught.value.reason == "KubeconfigUnsupported"


def test_files_are_read_only_beside_a_file_of_ones_own(tmp_path: Path) -> None:
    secret = tmp_path / "key.pem"
    secret.write_text("KEY")
    given = document({"client-key": str(secret), "client-certificate-data": "Q0VSVA=="})
    with pytest.raises(PermanentFailure, match="another computer"):
        parse(given)
    own = tmp_path / "config"
    own.write_text(yaml.safe_dump(document({"client-key": "key.pem"})))
    key = parse(own).key_pem
    assert key is not None
    assert key.reveal() == "KEY"


def test_a_damaged_text_is_not_quoted() -> None:
    with pytest.raises(PermanentFailure) as caught:
        parse(Masked("users: [token: hunter2\n  : :"))
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"server": "http://10.0.0.1"}, "https://"),
        ({"certificate-authority-data": "%%%"}, "base64"),
    ],
)
def test_wrong_clusters_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentFailure, match=words):
        parse(document({"token": "t"}, change))


def test_a_missing_entry_is_named() -> None:
    broken = document({"token": "t"})
    broken["contexts"][0]["context"]["cluster"] = "other"
    with pytest.raises(PermanentFailure, match="clusters has no entry 'other'"):
        parse(broken)
