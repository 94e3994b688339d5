"""Secrets become stars; output is bounded at the end that matters less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.api.masked import MASK, Masked
from roost.ssh.connection import Target
from roost.ssh.output import Collector, Masker, maskers

NOTHING = Masker([])


@given(st.lists(st.binary(max_size=50)))
def test_lines_do_not_depend_on_how_bytes_are_cut(pieces: list[bytes]) -> None:
    lines: list[str] = []
    collector = Collector(10**6, NOTHING, tail=False, on_line=lines.append)
    for piece in pieces:
        collector.feed(piece)
    collector.finish()
    expected = b"".join(pieces).split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert lines == [line.decode(errors="replace") for line in expected]


def test_secrets_are_masked_in_lines_and_in_the_text() -> None:
    lines: list[str] = []
    mask = Masker([Masked("hunter-2"), None, Masked("first line of a key\nsecond line of a key")])
    collector = Collector(1000, mask, tail=True, on_line=lines.append)
    collector.feed(b"the password is hunter-2\nsecond line of a key\n")
    text = collector.finish()
    assert lines == [f"the password is {MASK}", MASK]
    assert "hunter-2" not in text and "second line" not in text


def test_head_or_tail_is_kept() -> None:
    head = Collector(4, NOTHING, tail=False)
    tail = Collector(4, NOTHING, tail=True)
    for collector in (head, tail):
        collector.feed(b"abcdefgh")
    assert head.finish().startswith("abcd")
    assert tail.finish().endswith("efgh")


def test_a_password_that_is_an_everyday_word_does_not_spoil_what_is_read() -> None:
    out, err = maskers(Target("m1", "192.0.2.1", password=Masked("root")), [Masked("token-1")])
    assert out("root:root token-1") == f"root:root {MASK}"
    assert err("root, token-1") == f"{MASK}, {MASK}"
