"""Further network plugins and given programs come into a bundle only when they are asked for, and stay in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost.bundle.errors import ChecksumMismatch
from roost.bundle.extras import EXTRAS, RAW
from tests.contract.bundle.conftest import Maker
from tests.contract.bundle.fake_mirror import Mirror, archive

FIXTURES = Path(__file__).parents[2] / "fixtures" / "networks"
CALICO = (FIXTURES / "calico.yaml").read_bytes()


@pytest.fixture
def networks(mirror: Mirror) -> Mirror:
    mirror.files[f"{RAW}/{EXTRAS['calico'].path}"] = CALICO
    script = b"VERSION=v1\ncat <<EOF > ovn.yaml\nimage: kubeovn/kube-ovn:$VERSION\nEOF\nkubectl apply -f ovn.yaml\n"
    mirror.files[f"{RAW}/{EXTRAS['kube-ovn'].path}"] = script
    for name in ("cni", "node", "kube-controllers"):
        mirror.add_image(f"docker.io/calico/{name}:v3.28.2", ("amd64",))
    mirror.add_image("docker.io/kubeovn/kube-ovn:v1", ("amd64",))
    return mirror


def test_nothing_of_them_is_fetched_unasked(maker: Maker, networks: Mirror) -> None:
    bundle = maker.create()
    assert set(bundle.manifests) == {"flannel"}
    assert not any(path.startswith(f"/{RAW}") for path, _ in networks.requests)


def test_a_plugin_is_added_to_a_finished_bundle_with_its_images(maker: Maker, networks: Mirror) -> None:
    maker.create()
    bundle = maker.create(extras=["calico"])
    assert bundle.manifest("calico") == CALICO
    assert bundle.components["calico"] == EXTRAS["calico"].version
    assert "docker.io/calico/node:v3.28.2" in {image.name for image in bundle.images}
    networks.requests.clear()
    assert maker.create(extras=["calico"]).digest == bundle.digest
    assert networks.requests == []
    both = maker.create(extras=["kube-ovn"])
    assert set(both.manifests) == {"flannel", "calico", "kube-ovn"}
    assert both.manifest("kube-ovn") == b"image: kubeovn/kube-ovn:v1"
    assert "docker.io/kubeovn/kube-ovn:v1" in {image.name for image in both.images}
    assert maker.store.verify("1.31.4").damaged == ()


def test_given_programs_have_their_place(maker: Maker, networks: Mirror, tmp_path: Path) -> None:
    file = tmp_path / "cri-dockerd.tgz"
    file.write_bytes(archive({"cri-dockerd/cri-dockerd": b"program"}))
    bundle = maker.create(given=[("cri-dockerd", file)])
    program = bundle.program("cri-dockerd", "amd64")
    assert [member.path for member in program.members] == ["cri-dockerd"]
    assert maker.create(extras=["calico"]).program("cri-dockerd", "amd64") == program
    file.write_bytes(archive({"cri-dockerd/cri-dockerd": b"newer"}))
    newer = maker.create(given=[("cri-dockerd", file)])
    assert [each.digest for each in newer.programs if each.name == "cri-dockerd"] != [program.digest]


def test_a_given_file_that_is_no_archive_is_refused(maker: Maker, networks: Mirror, tmp_path: Path) -> None:
    file = tmp_path / "docker.tgz"
    file.write_bytes(b"no archive")
    with pytest.raises(ChecksumMismatch, match=r"docker\.tgz"):
        maker.create(given=[("docker", file)])
