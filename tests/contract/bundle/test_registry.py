"""A real bundle from the lab's mirror, in a real registry, fetched by roost-probe as a machine does."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.build import cache
from lab.build import mirror as lab_mirror
from roost.api.masked import Masked
from roost.bundle import registry
from roost.bundle.images import host_architecture
from roost.bundle.layout import OCI_INDEX, OCI_MANIFEST, Descriptor, Layout
from roost.bundle.model import Bundle
from roost.bundle.probe import probe_path
from roost.bundle.push import push, push_blocking
from roost.bundle.store import Store
from roost.kube import pki
from tests.contract.bundle.conftest import Maker

pytestmark = [pytest.mark.programs, pytest.mark.anyio]

VERSION = "1.31.4"
SECRET = Masked("not-a-secret-" * 3)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    if not (cache.mirror_root() / "records" / f"kubernetes-{VERSION}.json").exists():
        pytest.skip(f"the lab has not built {VERSION}: python -m lab build --kubernetes {VERSION}")
    store = Store(tmp_path_factory.mktemp("data") / "bundles")
    return store.create(VERSION, [host_architecture()], mirror=lab_mirror.ensure_running())


@dataclass(frozen=True)
class Registry:
    """Both processes on one storage."""

    loopback: str
    tls: str
    ca: Path


@pytest.fixture(scope="module")
def running(real: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    path = tmp_path_factory.mktemp("registry")
    with tarfile.open(real.blob(real.program("registry", host_architecture()).digest)) as archive:
        archive.extract(registry.PROGRAM, path, filter="data")
    authority = pki.create_authority("test", now=pki.utc_now())
    leaf = pki.issue(authority, pki.Profile("registry", "server", hosts=("127.0.0.1",)), now=pki.utc_now())
    (path / "ca.pem").write_text(authority.certificate_pem)
    (path / "tls.crt").write_text(leaf.certificate_pem)
    (path / "tls.key").write_text(leaf.key_pem.reveal())
    port, tls_port = _free_port(), _free_port()
    storage = path / "storage"
    (path / "rw.yml").write_text(registry.writable(storage=storage, port=port, secret=SECRET))
    (path / "ro.yml").write_text(
        registry.readonly(
            storage=storage,
            address=f"127.0.0.1:{tls_port}",
            certificate=path / "tls.crt",
            key=path / "tls.key",
            secret=SECRET,
        )
    )
    children = [_start(path, name) for name in ("rw", "ro")]
    found = Registry(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}", path / "ca.pem")
    try:
        for url in (found.loopback, found.tls):
            _wait(f"{url}{registry.HEALTH_PATH}", found.ca, path)
        yield found
    finally:
        for child in children:
            child.terminate()
            child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(path: Path, name: str) -> subprocess.Popen[bytes]:
    with (path / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [str(path / registry.PROGRAM), *registry.arguments(path / f"{name}.yml")],
            env={**os.environ, **registry.ENVIRONMENT},
            stdout=log,
            stderr=log,
        )


def _wait(url: str, ca: Path, path: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            assert _get(url, ca)[0] == 200
            return
        except OSError:
            logs = "".join(log.read_text() for log in path.glob("*.log"))
            assert time.monotonic() < deadline, logs
            time.sleep(0.05)


def _get(url: str, ca: Path, accept: str = "*/*") -> tuple[int, bytes, str]:
    context = ssl.create_default_context(cafile=str(ca))
    handler = urllib.request.HTTPSHandler(context=context)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
    with opener.open(urllib.request.Request(url, headers={"Accept": accept}), timeout=10) as answer:
        return answer.status, answer.read(), answer.headers.get("Docker-Content-Digest", "")


async def test_a_real_release_is_pushed_once_and_pulled_back_by_digest(real: Bundle, running: Registry) -> None:
    first = await push(real, running.loopback)
    assert first.bytes > 100 << 20
    assert (await push(real, running.loopback)).blobs == 0
    for image in real.images:
        repository, _, tag = image.name.rpartition(":")
        base = f"{running.tls}/v2/{repository}"
        content, digest = _get(f"{base}/manifests/{tag}", running.ca, OCI_INDEX)[1:]
        assert digest == image.index_digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
        manifest = json.loads(_get(f"{base}/manifests/{image.manifest_digest}", running.ca, OCI_MANIFEST)[1])
        for each in (manifest["config"], *manifest["layers"]):
            blob = _get(f"{base}/blobs/{each['digest']}", running.ca)[1]
            assert f"sha256:{hashlib.sha256(blob).hexdigest()}" == each["digest"]


async def test_a_machine_fetches_programs_with_the_probe(real: Bundle, running: Registry, tmp_path: Path) -> None:
    await push(real, running.loopback)
    machine = [program for program in real.programs if program.name in ("kubelet", "containerd", "runc", "kubeadm")]
    lines = [
        f"{running.tls}/v2/roost/programs/blobs/{each.digest}\t{each.digest[7:]}\t{tmp_path / each.name}\n"
        for each in machine
    ]
    (tmp_path / "list").write_text("".join(lines))
    probe = str(probe_path(host_architecture()))
    command = [probe, "fetch", "--ca", str(running.ca), "--list", str(tmp_path / "list")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    reports = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {report["status"] for report in reports} == {"fetched"}
    for each in machine:
        assert f"sha256:{hashlib.sha256((tmp_path / each.name).read_bytes()).hexdigest()}" == each.digest
    check = subprocess.run(
        [probe, "http-check", f"{running.tls}/v2/", "--ca", str(running.ca)], capture_output=True, check=False
    )
    assert json.loads(check.stdout)["ok"] is True


async def test_machines_can_not_write(running: Registry) -> None:
    request = urllib.request.Request(f"{running.tls}/v2/evil/blobs/uploads/", method="POST", data=b"")
    handler = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(running.ca)))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=10)
    assert caught.value.code == 405
    caught.value.close()


async def test_only_the_platforms_programs_stay_out(real: Bundle, running: Registry) -> None:
    await push(real, running.loopback)
    names: dict[str, Any] = json.loads(_get(f"{running.loopback}/v2/_catalog?n=1000", running.ca)[1])
    assert "roost/programs" in names["repositories"]
    assert "roost/platform" not in names["repositories"]


async def test_a_partial_index_keeps_upstreams_digest_and_grows(maker: Maker, running: Registry) -> None:
    """The fake release has more architectures upstream than the bundle takes."""
    image = maker.mirror.add_image("registry.example.com/partial:1", ("amd64", "arm64"))
    wanted = f"sha256:{hashlib.sha256(image).hexdigest()}"
    bundle = maker.create("amd64", extra_images=["registry.example.com/partial:1"])
    push_blocking(bundle, running.loopback)
    base = f"{running.tls}/v2/registry.example.com/partial/manifests"
    assert _get(f"{base}/1", running.ca, OCI_INDEX)[2] == wanted
    arm = next(each for each in _children(bundle, wanted) if each.architecture == "arm64")
    with pytest.raises(urllib.error.HTTPError) as caught:
        _get(f"{base}/{arm.digest}", running.ca, OCI_MANIFEST)
    caught.value.close()
    assert push_blocking(maker.create("arm64"), running.loopback).blobs > 0
    assert _get(f"{base}/{arm.digest}", running.ca, OCI_MANIFEST)[2] == arm.digest


def _children(bundle: Bundle, index: str) -> list[Descriptor]:
    return [Descriptor.parse(each) for each in Layout(bundle.path).read_document(index)["manifests"]]
