"""The mirror's HTTP side on a tiny tree: files, ranges, manifests, refusals."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.build import images, mirror
from lab.build.imagespecs import ImageSpec, Layer, Runtime
from lab.build.progress import Progress
from lab.build.registry import OCI_INDEX, OCI_MANIFEST, Asked, accepts, parse
from lab.build.server import IDENTITY_PATH, MirrorServer, byte_range, file_below
from lab.build.tarball import Entry

PATH = "/dl.example/v1/tool"


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> object:
        return json.loads(self.body)


class Client:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)

    def __call__(self, path: str, method: str = "GET", **headers: str) -> Answer:
        self.connection.request(method, path, headers=headers)
        return Answer(self.connection.getresponse())


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ROOST_LAB_CACHE", str(tmp_path))
    tool = tmp_path / "mirror" / "files" / PATH.lstrip("/")
    tool.parent.mkdir(parents=True)
    tool.write_bytes(bytes(range(100)))
    layer = Layer("tool", ("1",), lambda: [Entry("tool", content=b"tool")])
    spec = ImageSpec("registry.example/a/tool:v1", (layer,), Runtime())
    images.ensure(spec, Progress(total=1, write=lambda _line: None))
    server = MirrorServer(("127.0.0.1", 0), tmp_path / "mirror")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Client(server.server_address[1])
    yield made
    made.connection.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_whole_in_part_and_by_head(client: Client) -> None:
    whole = client(PATH)
    assert (whole.status, whole.body) == (200, bytes(range(100)))
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = client(PATH, Range="bytes=10-19")
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Range"] == "bytes 10-19/100"
    rest = client(PATH, Range="bytes=95-")
    assert (rest.status, rest.body) == (206, bytes(range(95, 100)))
    head = client(PATH, method="HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "100")
    beyond = client(PATH, Range="bytes=100-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */100")


def test_what_is_not_there_is_named(client: Client) -> None:
    missing = client("/dl.example/v2/tool")
    assert missing.status == 404
    assert b"/dl.example/v2/tool" in missing.body
    assert client("/dl.example/v1").status == 404
    assert client("/../mirror/tags").status == 404
    assert client("/%2e%2e/%2e%2e/etc/passwd").status == 404


def test_a_tag_leads_to_the_index_and_for_old_clients_to_the_manifest(client: Client) -> None:
    url = "/v2/registry.example/a/tool/manifests/v1"
    index = client(url)
    assert index.headers["Content-Type"] == OCI_INDEX
    known = client(url, Accept=f"{OCI_INDEX}, {OCI_MANIFEST}")
    assert known.headers["Content-Type"] == OCI_INDEX
    manifest = client(url, Accept=OCI_MANIFEST)
    assert manifest.headers["Content-Type"] == OCI_MANIFEST
    digest = index.headers["Docker-Content-Digest"]
    again = client(f"/v2/registry.example/a/tool/manifests/{digest}", method="HEAD", Accept=OCI_MANIFEST)
    assert (again.status, again.headers["Content-Type"]) == (200, OCI_INDEX)
    layer = json.loads(manifest.body)["layers"][0]
    blob = client(f"/v2/registry.example/a/tool/blobs/{layer['digest']}")
    assert (blob.status, len(blob.body)) == (200, layer["size"])


def test_the_registry_tells_its_tags_and_refuses_in_its_own_form(client: Client) -> None:
    assert client("/v2/").status == 200
    tags = client("/v2/registry.example/a/tool/tags/list")
    assert tags.json() == {"name": "registry.example/a/tool", "tags": ["v1"]}
    for url, code in [
        ("/v2/registry.example/a/tool/manifests/v2", "MANIFEST_UNKNOWN"),
        ("/v2/registry.example/b/manifests/v1", "NAME_UNKNOWN"),
        ("/v2/registry.example/b/tags/list", "NAME_UNKNOWN"),
        (f"/v2/registry.example/a/tool/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
    ]:
        refused = client(url)
        assert refused.status == 404
        assert json.loads(refused.body)["errors"][0]["code"] == code
    assert client("/v2/a/tool/manifests/v1?ns=registry.example").status == 200


def test_it_says_which_cache_it_serves(client: Client, tmp_path: Path) -> None:
    assert client(IDENTITY_PATH).json() == {"root": str(tmp_path / "mirror")}
    overview = client("/").body.decode()
    assert PATH.lstrip("/") in overview
    assert "registry.example/a/tool:v1" in overview


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("bytes=0-0", (0, 0)),
        ("bytes=5-1000", (5, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=-1000", (0, 99)),
        ("bytes=1-2,5-6", None),
        ("bytes=9-2", None),
        ("lines=1-2", None),
        ("bytes=-", None),
    ],
)
def test_ranges(header: str | None, wanted: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == wanted


def test_a_range_of_nothing_cannot_be_satisfied() -> None:
    with pytest.raises(ValueError):
        byte_range("bytes=0-", 0)


def test_paths_stay_below_the_root_and_unfinished_files_are_hidden(tmp_path: Path) -> None:
    (tmp_path / ".tool.new").write_text("unfinished")
    (tmp_path / "tool").write_text("finished")
    assert file_below(tmp_path, "/tool") == tmp_path / "tool"
    assert file_below(tmp_path, "/.tool.new") is None
    assert file_below(tmp_path / "x", "/../tool") is None


def test_registry_paths() -> None:
    digest = f"sha256:{'a' * 64}"
    assert parse("/v2/host.example/a/b/manifests/v1") == Asked("manifests", "host.example/a/b", "v1")
    assert parse(f"/v2/h/a/blobs/{digest}") == Asked("blobs", "h/a", digest)
    assert parse("/v2/h/a/blobs/latest") is None
    assert parse("/v2/h/../a/manifests/v1") is None
    assert parse("/v2/a/manifests/v1", "h.example") == Asked("manifests", "h.example/a", "v1")
    assert parse("/v2/h.example/a/manifests/v1", "h.example") == Asked("manifests", "h.example/a", "v1")


def test_accept_headers() -> None:
    assert accepts([], OCI_INDEX)
    assert accepts(["text/html, */*;q=0.1"], OCI_INDEX)
    assert accepts([OCI_MANIFEST, f"{OCI_INDEX};q=0.5"], OCI_INDEX)
    assert not accepts([OCI_MANIFEST], OCI_INDEX)


def test_a_process_is_known_by_pid_and_start_time() -> None:
    own = mirror.start_time(os.getpid())
    assert own is not None
    assert own == mirror.start_time(os.getpid())
    assert mirror.start_time(2**22 + 1) is None


def test_a_pid_file_of_another_process_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_LAB_CACHE", str(tmp_path))
    record = {"pid": os.getpid(), "start_time": 1, "url": "http://127.0.0.1:1"}
    (tmp_path / "mirror.json").write_text(json.dumps(record))
    assert mirror.running() is None
    assert not mirror.stop()
    assert not (tmp_path / "mirror.json").exists()


def test_the_mirror_of_another_cache_keeps_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.setattr(mirror, "DEFAULT_LISTEN", place)
        assert mirror.usual() == "127.0.0.1:0"
    assert mirror.usual() == place
