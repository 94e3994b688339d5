"""Whatever a path, a link or a content holds, it arrives as it is and comes back as it was."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from engine_made import CLUSTER, TARGET, Blobs, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roost.node.act import Act, Sources
from roost.node.engine import apply, compare, observe, undo
from roost.node.protocol import parse_field
from roost.node.quote import word
from roost.node.scripts import escape, unescape
from roost.node.thing import Thing
from roost.node.things.file import File
from roost.node.things.symlink import Symlink
from roost.ssh.fake import FakeMachine

# Names as people and attackers give them: quotes, blanks, line breaks, options, expansions, other scripts.
NAMES = st.text(
    alphabet=st.one_of(
        st.sampled_from("'\"\\$`;&|<>*?[]()#~! \n\t-=%@é中"), st.characters(codec="ascii", min_codepoint=33)
    ),
    min_size=1,
    max_size=24,
).filter(lambda name: name not in (".", "..") and "/" not in name and not name.startswith(".roost-"))


# An act runs some shells, so each example has several names at once.
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.lists(NAMES, min_size=4, max_size=6, unique=True), content=st.binary(max_size=300))
def test_paths_contents_and_targets(names: list[str], content: bytes) -> None:
    asyncio.run(there_and_back(names, content))


async def there_and_back(names: list[str], content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        machine = FakeMachine(Path(directory))
        before = tree(machine.root)
        things: list[Thing] = []
        for number, (name, other) in enumerate(zip(names, reversed(names), strict=True)):
            things += [File(f"/etc/{number}{name}/f{other}", content), Symlink(f"/etc/l{name}", other)]
        connection = await machine.connect(TARGET)
        comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
        act = Act(CLUSTER, "a", f"t {names[0]}", things, comparison.changes, Sources(Blobs()))
        result = await apply(connection, act)
        assert result.ok, result
        for number, (name, other) in enumerate(zip(names, reversed(names), strict=True)):
            assert (machine.root / "etc" / f"{number}{name}" / f"f{other}").read_bytes() == content
            assert (machine.root / "etc" / f"l{name}").readlink() == Path(other)
        again = compare(things, await observe(connection, things, cluster_id=CLUSTER))
        assert not again.changes and not again.blocked
        undone = await undo(connection, CLUSTER)
        assert undone.ok, undone
        assert tree(machine.root) == before


@given(st.text())
def test_protocol_words(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped and "\t" not in escaped
    assert unescape(escaped) == text


def test_fields() -> None:
    assert parse_field("a\tb c") == ("a", "b c")
    assert parse_field("a:hex\t0a41") == ("a", "\nA")
    assert parse_field("what a program prints") is None
    assert parse_field("a:hex\tzz") is None


def test_nul_is_no_word() -> None:
    with pytest.raises(ValueError, match="NUL"):
        word("a\0b")
