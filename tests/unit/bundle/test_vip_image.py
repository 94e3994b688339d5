"""The image of the self-built VIP: what is taken of packages, and that the same packages give the same bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from roost.bundle import vipimage
from roost.bundle.debian import Entry, data_of, layer, merged
from roost.bundle.errors import BundleDamaged
from roost.bundle.layout import Layout
from tests.contract.bundle.fake_mirror import debian_package

FILES = {
    "./usr/sbin/haproxy": b"program",
    "./lib/x86_64-linux-gnu/libc.so.6": b"library",
    "./usr/lib/x86_64-linux-gnu/gconv/BIG5.so": b"not needed",
    "./usr/share/doc/haproxy/copyright": b"licence",
    "./usr/share/man/man1/haproxy.1.gz": b"manual",
    "./etc/haproxy/haproxy.cfg": b"settings",
}


def made(path: Path) -> tuple[Layout, str]:
    layout = Layout(path)
    layout.prepare()
    entry = vipimage.write(layout, ("amd64",), fetch=lambda _: debian_package(FILES), probe=lambda _: b"probe")
    return layout, entry.digest


def test_only_programs_libraries_and_licences_are_taken(tmp_path: Path) -> None:
    layout, digest = made(tmp_path / "a")
    manifest = layout.read_document(layout.read_document(digest)["manifests"][0]["digest"])
    with tarfile.open(fileobj=io.BytesIO(layout.read(manifest["layers"][0]["digest"]))) as tar:
        names = set(tar.getnames())
        assert tar.extractfile("usr/bin/roost-probe").read() == b"probe"  # type: ignore[union-attr]
    assert {"usr/sbin/haproxy", "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/share/doc/haproxy/copyright"} <= names
    assert not [name for name in names if "gconv" in name or "man1" in name or "haproxy.cfg" in name]


def test_the_same_packages_give_the_same_image(tmp_path: Path) -> None:
    assert made(tmp_path / "a")[1] == made(tmp_path / "b")[1]
    one, two = Entry("b", 0o644, content=b"b"), Entry("a/c", 0o644, content=b"c")
    assert layer({"b": one, "a/c": two}) == layer({"a/c": two, "b": one})


def test_directories_of_the_root_lie_below_usr() -> None:
    assert merged("./lib/x/libc.so.6") == "usr/lib/x/libc.so.6"
    assert merged("./usr/sbin/haproxy") == "usr/sbin/haproxy"
    assert merged("./etc/passwd") == "etc/passwd"


def test_what_is_no_package_is_said() -> None:
    with pytest.raises(BundleDamaged, match="haproxy"):
        data_of(b"<html>", "haproxy")


def test_the_lock_pins_every_package_of_both_architectures() -> None:
    locked = vipimage.lock()
    assert set(locked) == {"amd64", "arm64"}
    for packages in locked.values():
        assert {"haproxy", "keepalived", "libc6"} <= {package.name for package in packages}
        assert all(len(package.sha256) == 64 and package.path.startswith("pool/") for package in packages)
    assert vipimage.name().startswith("cluster.alauda.io/roost/vip:2.6.12-2.2.7-")
