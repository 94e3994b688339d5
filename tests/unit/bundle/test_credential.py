"""Addresses and credentials of registries in the forms in which people have them."""

from __future__ import annotations

import base64
import json

import pytest

from roost.api.masked import MASK
from roost.bundle import credential
from roost.bundle.credential import CredentialUnreadable
from roost.bundle.remote import RegistryAddressInvalid, RemoteRegistry, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port", "prefix"),
    [
        ("registry.example.com", "registry.example.com", 443, ""),
        ("10.0.0.9:5000", "10.0.0.9", 5000, ""),
        ("[fd00::9]:5000/team/k8s", "fd00::9", 5000, "/team/k8s"),
        ("harbor.example.com/k8s/", "harbor.example.com", 443, "/k8s"),
    ],
)
def test_reads_addresses(text: str, host: str, port: int, prefix: str) -> None:
    found = parse_address(text)
    assert (found.host, found.port, found.prefix) == (host, port, prefix)


@pytest.mark.parametrize(
    "text",
    ["", "https://registry.example.com", "me:secret@host", "host:0", "host:70000", "host/../etc", "host/UP", "a b",
     "host?x=1", "-host", 'host"]\nca = "x'],
)  # fmt: skip
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(RegistryAddressInvalid):
        parse_address(text)


def test_takes_the_entry_of_this_registry() -> None:
    encoded = base64.b64encode(b"robot:pass:word").decode()
    text = json.dumps(
        {"auths": {"other.example.com": {"auth": "x"}, "https://registry.example.com:5000/v2/": {"auth": encoded}}}
    )
    found = credential.read(text, "registry.example.com:5000/team", where="config.json")
    assert (found.username, found.password.reveal()) == ("robot", "pass:word")
    assert "pass:word" not in repr(found)
    with pytest.raises(CredentialUnreadable, match=r"no credential of registry.example.com:443.*other.example.com"):
        credential.read(text, "registry.example.com", where="config.json")


def test_reads_a_line_and_a_map() -> None:
    assert credential.read("robot:a:b\n", "host", where="-").password.reveal() == "a:b"
    assert credential.read("user: robot\ntoken: t\n", "host", where="-").username == "robot"
    for text in ("", "robot", "robot:", "user: robot\n", '{"auths": {"host": {"auth": "%%%"}}}'):
        with pytest.raises(CredentialUnreadable):
            credential.read(text, "host", where="-")


def test_reads_the_file_of_a_public_registry() -> None:
    found = credential.public(
        '{"address": "images.example.com", "user": "org", "token": "t0", "ca": "PEM"}', where="f"
    )
    assert (found.address, found.username, found.ca_pem) == ("images.example.com", "org", "PEM")
    assert MASK in str(found.password)
    assert "t0" not in repr(found)
    assert credential.public("address: images.example.com", where="f").password is None
    for text, cause in (
        ("user: org", "no key address"),
        ("address: a.example.com\nuser: org", "both user and token"),
        ("address: a.example.com\nexec: sh", "unknown keys: exec"),
    ):
        with pytest.raises(CredentialUnreadable, match=cause):
            credential.public(text, where="f")


def test_signs_in_with_each_request() -> None:
    registry = RemoteRegistry("host", "", "robot", credential.read("robot:p", "host", where="-").password)
    assert registry.basic() == "Basic " + base64.b64encode(b"robot:p").decode()
    assert RemoteRegistry("host").basic() is None
