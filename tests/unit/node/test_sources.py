"""Where blobs come from: roost's registry by a helper that is sent once per boot, or the connection."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from engine_made import CLUSTER, TARGET, Blobs, Part, archive, sha, tree

from roost.node.act import Act, ActResult, Registry, Sources
from roost.node.engine import apply, compare, observe, undo
from roost.node.scripts import act_script
from roost.node.staging import Feed, Staging
from roost.node.thing import Change, Thing
from roost.node.things.archive import Archive, Program
from roost.node.things.file import File
from roost.node.things.image import Image
from roost.ssh.connection import Connection
from roost.ssh.fake import FakeMachine

pytestmark = pytest.mark.anyio

KUBELET = b"kubelet " * 10_000
KUBECTL = b"kubectl " * 10_000
CA = "-----BEGIN CERTIFICATE-----\n"
PROBE = b"""#!/bin/sh
[ "$1 $2 $4" = 'fetch --ca --list' ] && grep -q BEGIN "$3" || exit 9
while IFS='\t' read -r url sum out; do
  echo "$url" >>"$ROOST_ROOT/fetched"
  cp "$ROOST_ROOT/served/$sum" "$out" || { echo "$url: 404 Not Found" >&2; exit 4; }
done <"$5"
"""


def programs() -> list[Thing]:
    return [
        Program("/usr/local/bin/kubelet", f"sha256:{sha(KUBELET)}"),
        Program("/usr/local/bin/kubectl", f"sha256:{sha(KUBECTL)}"),
    ]


async def bring(connection: Connection, things: list[Thing], sources: Sources) -> ActResult:
    comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
    return await apply(connection, Act(CLUSTER, "prepare", "prepare", things, comparison.changes, sources))


async def test_programs_are_fetched_by_the_machine(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    blobs = Blobs(PROBE)
    sources = Sources(blobs, Registry("192.0.2.1:7501", CA), probe=f"sha256:{sha(PROBE)}")
    machine.write(f"served/{sha(KUBELET)}", KUBELET.decode())

    first = await bring(connection, programs(), sources)
    assert (first.failed_key, first.exit_status) == ("fetch", 4)
    assert "404 Not Found" in first.evidence

    machine.write(f"served/{sha(KUBECTL)}", KUBECTL.decode())
    assert (await bring(connection, programs(), sources)).ok
    assert (machine.root / "usr/local/bin/kubectl").read_bytes() == KUBECTL
    url = f"https://192.0.2.1:7501/v2/roost/programs/blobs/sha256:{sha(KUBECTL)}"
    assert (machine.root / "fetched").read_text().splitlines().count(url) == 2
    assert blobs.opened == [f"sha256:{sha(PROBE)}"], "the helper travels once, and nothing else over SSH"
    seen = await observe(connection, [], cluster_id=CLUSTER)
    assert seen.facts.probe == f"sha256:{sha(PROBE)}"


async def test_a_registry_without_a_helper_is_a_mistake_of_ours(tmp_path: Path) -> None:
    connection = await FakeMachine(tmp_path).connect(TARGET)
    with pytest.raises(ValueError, match="roost-probe"):
        await bring(connection, programs(), Sources(Blobs(), Registry("192.0.2.1:7501", CA)))


# Unpacks once a second one has begun, fails where none does, and breaks off afterwards while `broken` is there.
TAR = """#!/bin/sh
case " $* " in *" -xzf "*) ;; *) exec /bin/tar "$@" ;; esac
: >"$ROOST_ROOT/begun.$$"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ "$(ls "$ROOST_ROOT" | grep -c '^begun')" -ge 2 ] && break
  sleep 0.3
done
[ "$(ls "$ROOST_ROOT" | grep -c '^begun')" -ge 2 ] || { echo "it was alone" >&2; exit 3; }
/bin/tar "$@"
[ ! -e "$ROOST_ROOT/broken" ] || exit 9
"""


async def test_archives_are_unpacked_together_and_leave_nothing_when_they_break_off(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    machine.program("tar", TAR)
    packed = {name: archive({f"bin/{name}": name.encode() * 1000}) for name in ("one", "two")}
    things: list[Thing] = [
        Archive(name, f"sha256:{sha(data)}", "/opt/made/here", [Part(f"bin/{name}", sha(name.encode() * 1000))])
        for name, data in packed.items()
    ]
    before = tree(machine.root)
    machine.write("broken", "")
    broken = await bring(connection, things, Sources(Blobs(*packed.values())))
    assert (broken.exit_status, broken.failed_key) == (9, "archive:one"), broken.evidence
    (machine.root / "broken").unlink()
    assert len(list((machine.root / "opt/made/here").glob(".roost-*.tmp"))) == 2
    assert (await bring(connection, things, Sources(Blobs(*packed.values())))).ok
    assert (machine.root / "opt/made/here/bin/two").read_bytes() == b"two" * 1000
    assert list((machine.root / "opt/made/here").glob(".roost-*")) == []
    machine.write("broken", "")
    (machine.root / "opt/made/here/bin/one").unlink()
    (machine.root / "opt/made/here/bin/two").unlink()
    assert not (await bring(connection, things, Sources(Blobs(*packed.values())))).ok
    assert (await undo(connection, CLUSTER)).ok
    for mark in (*machine.root.glob("begun.*"), machine.root / "broken"):
        mark.unlink()
    assert tree(machine.root) == before


# A pull adds a line to what `ctr images ls` prints; b gets other bytes than the bundle has.
CRICTL = """#!/bin/sh
for name; do :; done
case $name in */b:*) digest=wrong ;; *) digest=right ;; esac
echo "$name type sha256:$digest 1MB linux/amd64 -" >>"$ROOST_ROOT/.fake/output/ctr"
"""


async def test_images_are_pulled_together_and_compared(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    machine.program("crictl", CRICTL)
    with socket.socket(socket.AF_UNIX) as runtime:
        runtime.bind(str(tmp_path / "cri.sock"))
        things: list[Thing] = [
            Image(f"registry.example/{name}:v1", ("sha256:right",), endpoint=f"unix://{tmp_path}/cri.sock")
            for name in ("a", "b", "c")
        ]
        result = await bring(connection, things, Sources(Blobs()))
    assert result.exit_status == 0 and result.steps_done == 3
    assert [found.key for found in result.unverified] == ["image:registry.example/b:v1"]
    assert "sha256:wrong" in str(result.unverified[0].difference)


# GNU timeout that is over at the first time and lets the program end at the second.
OUT_OF_BREATH = """#!/bin/sh
shift
case $1 in ctr) ;; *) exec "$@" ;; esac
if [ ! -e "$ROOST_ROOT/late" ]; then : >"$ROOST_ROOT/late"; exit 124; fi
exec "$@"
"""


async def test_a_list_of_images_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    machine.program("timeout", OUT_OF_BREATH)
    machine.output("ctr", "registry.example/a:v1 type sha256:right 1MB linux/amd64 -\n")
    with socket.socket(socket.AF_UNIX) as runtime:
        runtime.bind(str(tmp_path / "cri.sock"))
        things: list[Thing] = [
            Image("registry.example/a:v1", ("sha256:right",), endpoint=f"unix://{tmp_path}/cri.sock")
        ]
        seen = await observe(connection, things, cluster_id=CLUSTER)
    assert seen.things["image:registry.example/a:v1"] == {"digest": "sha256:right", "runtime": "up"}


def test_programs_and_images_wait_for_each_other() -> None:
    things: list[Thing] = [*programs(), *(Image(f"registry.example/{name}:v1", ("x",)) for name in "ab")]
    absent = {"state": "absent", "wrong": "0", "missing": "1", "digest": ""}
    changes = [(thing, change) for thing in things if isinstance(change := thing.diff(absent), Change)]
    act = Act(CLUSTER, "prepare", "prepare", things, [change for _, change in changes], Sources(Blobs()))
    script = act_script(act, "act-1", changes, fetches=False)
    calls = [line for line in script.splitlines() if line.startswith("together ")]
    assert [(line.count("program:"), line.count("image:")) for line in calls] == [(2, 0), (0, 2)]


def test_what_needs_no_blob_does_not_wait_for_the_registry() -> None:
    things: list[Thing] = [File("/etc/a", "a"), *programs(), File("/etc/b", "b")]
    absent = {"state": "absent", "wrong": "0", "missing": "1"}
    changes = [(thing, change) for thing in things if isinstance(change := thing.diff(absent), Change)]
    act = Act(CLUSTER, "prepare", "prepare", things, [change for _, change in changes], Sources(Blobs()))
    lines = act_script(act, "act-1", changes, fetches=True).splitlines()
    words = [line.split()[0] for line in lines if line.split()[:1] and not line.startswith(" ")]
    assert words[words.index("fetch") :][:5] == ["fetch", "step", "fetched", "together", "step"]


async def test_a_failed_import_is_named_among_those_that_run_together(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    machine.program(
        "ctr", '#!/bin/sh\nfor f; do :; done\ngrep -q good "$f" || { echo "no: $f is bad" >&2; exit 5; }\n'
    )
    blobs = Blobs()
    blobs.blobs = {"image:a": b"good", "image:b": b"bad", "image:c": b"good"}
    things: list[Thing] = [Image(name, ("x",), archive=f"image:{name}") for name in ("a", "b", "c")]
    result = await bring(connection, things, Sources(blobs))
    assert (result.exit_status, result.failed_key) == (5, "image:b")
    assert "is bad" in result.evidence
    assert blobs.opened == ["image:a", "image:b", "image:c"]


async def test_chunks_are_framed_and_of_even_size() -> None:
    blobs = Blobs(b"x" * 2_500_000, piece=1000)
    key = next(iter(blobs.blobs))
    feed = Feed(Staging(b"tar", keys=[key]), blobs)
    feed.want(0)
    feed.end()
    pieces = [piece async for piece in feed.stream()]
    assert pieces[0] == b"tar" and pieces[-1] == b"0\n"
    assert [piece.partition(b"\n")[0] for piece in pieces[1:-1]] == [b"1048576", b"1048576", b"402848"]
