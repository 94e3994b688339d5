"""Registries that want a token, and their refusals, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from roost.bundle.errors import ChecksumMismatch, UpstreamRefused
from roost.bundle.fetch import Answer, Fetcher, HttpStatus
from roost.bundle.layout import OCI_INDEX, Layout, digest_of
from roost.bundle.pull import Puller, Reference

REFERENCE = Reference("docker.io", "flannel/flannel", "v1")
INDEX = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
CHALLENGE = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull"'


@dataclass
class Stub(Fetcher):
    """Answers by URL; wants a token where there is a challenge."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    challenge: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list[tuple[str, str | None]])

    def read(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        token = (headers or {}).get("Authorization")
        self.asked.append((url, token))
        if url not in self.answers:
            raise HttpStatus(url, 404, {}, "")
        if self.challenge and "/v2/" in url and token != "Bearer not-real":
            raise HttpStatus(url, 401, {"www-authenticate": self.challenge}, "")
        return self.answers[url]


TOKEN_URL = "https://auth.docker.io/token?scope=repository%3Aa%3Apull&service=registry.docker.io"
MANIFEST_URL = "https://registry-1.docker.io/v2/flannel/flannel/manifests/v1"


def _layout(path: Path) -> Layout:
    layout = Layout(path)
    layout.prepare()
    return layout


def test_an_anonymous_token_is_fetched_once_for_a_repository(tmp_path: Path) -> None:
    answers = {
        TOKEN_URL: Answer(b'{"token":"not-real"}', {}),
        MANIFEST_URL: Answer(INDEX, {"content-type": OCI_INDEX}),
    }
    stub = Stub(answers=answers, challenge=CHALLENGE)
    puller = Puller(stub, None)
    layout = _layout(tmp_path)
    assert puller.resolve(REFERENCE, layout).digest == digest_of(INDEX)
    puller.resolve(REFERENCE, layout)
    assert [url for url, _ in stub.asked] == [MANIFEST_URL, TOKEN_URL, MANIFEST_URL, MANIFEST_URL]
    assert stub.asked[1][1] is None


@pytest.mark.parametrize("challenge", ['Basic realm="x"', 'Bearer realm="http://evil.example/token"', "Negotiate"])
def test_other_sign_ins_are_refused(challenge: str, tmp_path: Path) -> None:
    stub = Stub(answers={MANIFEST_URL: Answer(INDEX, {})}, challenge=challenge)
    with pytest.raises(UpstreamRefused, match="sign-in of a kind"):
        Puller(stub, None).resolve(REFERENCE, _layout(tmp_path))


def test_with_a_mirror_the_registry_is_a_folder(tmp_path: Path) -> None:
    url = "http://m:1/v2/docker.io/flannel/flannel/manifests/v1"
    stub = Stub(answers={url: Answer(INDEX, {"content-type": OCI_INDEX})})
    assert Puller(stub, "http://m:1/").resolve(REFERENCE, _layout(tmp_path)).media_type == OCI_INDEX


def test_a_document_other_than_announced_is_refused(tmp_path: Path) -> None:
    headers = {"content-type": OCI_INDEX, "docker-content-digest": f"sha256:{'0' * 64}"}
    stub = Stub(answers={MANIFEST_URL: Answer(INDEX, headers)})
    with pytest.raises(ChecksumMismatch, match=f"{MANIFEST_URL}: expected sha256:0000"):
        Puller(stub, None).resolve(REFERENCE, _layout(tmp_path))


def test_a_document_that_is_no_image_is_refused(tmp_path: Path) -> None:
    stub = Stub(answers={MANIFEST_URL: Answer(b"{}", {"content-type": "text/html; charset=utf-8"})})
    with pytest.raises(UpstreamRefused, match="'text/html' is not an image"):
        Puller(stub, None).resolve(REFERENCE, _layout(tmp_path))


def test_a_missing_image_names_its_url(tmp_path: Path) -> None:
    with pytest.raises(UpstreamRefused, match=f"{MANIFEST_URL} answered 404"):
        Puller(Stub(), None).resolve(REFERENCE, _layout(tmp_path))
