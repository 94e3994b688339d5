"""The mux: two of them, joined by lists of messages, for any order of acts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.tunnel.frames import (
    FIN,
    INITIAL_WINDOW,
    LARGEST_WINDOW,
    Frame,
    ProtocolError,
    Reset,
    Type,
    decode,
    encode,
)
from roost.tunnel.mux import Changed, Limits, Mux, Opened, Stream


@dataclass
class Pair:
    """The platform's side and the agent's; `move` carries what both have to say."""

    platform: Mux = field(default_factory=lambda: Mux(opens=True))
    agent: Mux = field(default_factory=lambda: Mux(opens=False))
    opened: list[Stream] = field(default_factory=list)

    def move(self, *, rounds: int = 1000) -> None:
        for _ in range(rounds):
            moved = False
            for source, target in ((self.platform, self.agent), (self.agent, self.platform)):
                while (pulled := source.pull()) is not None:
                    moved = True
                    for event in target.receive(pulled[0], 0.0):
                        if isinstance(event, Opened):
                            self.opened.append(event.stream)
            if not moved:
                return
        raise AssertionError("the two never come to rest")


def opened(pair: Pair) -> tuple[Stream, Stream]:
    here = pair.platform.open(b"head")
    pair.move()
    there = pair.opened[-1]
    pair.agent.accept(there, b"ok")
    pair.move()
    return here, there


def drain(mux: Mux, stream: Stream) -> bytes:
    found = b""
    while data := mux.take(stream, 10_000, 0.0):
        found += data
    return found


def test_a_request_and_its_answer() -> None:
    pair = Pair()
    here, there = opened(pair)
    assert there.head == b"head" and here.answer == b"ok"
    pair.platform.send(here, b"question")
    pair.platform.finish(here)
    pair.move()
    assert drain(pair.agent, there) == b"question" and there.fin_received
    pair.agent.send(there, b"answer")
    pair.agent.finish(there)
    pair.move()
    assert drain(pair.platform, here) == b"answer" and here.ended and there.ended
    assert pair.platform.streams == {} and pair.agent.streams == {}


@given(st.lists(st.binary(min_size=1, max_size=50_000), max_size=30), st.integers(1, 70_000))
@settings(max_examples=40, deadline=None)
def test_everything_arrives_once_and_in_order(pieces: list[bytes], limit: int) -> None:
    pair = Pair()
    here, there = opened(pair)
    for piece in pieces:
        pair.agent.send(there, piece)
    pair.agent.finish(there)
    found = b""
    for _ in range(10_000):
        pair.move()
        data = pair.platform.take(here, limit, 0.0)
        if not data and here.fin_received:
            break
        found += data
    assert found == b"".join(pieces)


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "take", "finish", "reset", "open", "move"]), st.integers(0, 5)),
        max_size=60,
    )
)
@settings(max_examples=80, deadline=None)
def test_any_order_of_acts_keeps_the_books(acts: list[tuple[str, int]]) -> None:
    pair = Pair()
    pairs: list[tuple[Stream, Stream]] = []
    for act, number in acts:
        if act == "open":
            pairs.append(opened(pair))
        elif act == "move":
            pair.move()
        elif pairs:
            here, there = pairs[number % len(pairs)]
            if act == "send":
                pair.agent.send(there, b"x" * 100_000)
            elif act == "take":
                pair.platform.take(here, 60_000, 0.0)
            elif act == "finish":
                pair.agent.finish(there)
            else:
                pair.platform.reset_stream(here, Reset.CANCELLED)
    pair.move()
    for mux in (pair.platform, pair.agent):
        assert mux._unread == sum(stream.unread for stream in mux.streams.values())
        assert mux._unanswered == 0
        for stream in mux.streams.values():
            assert 0 <= stream.unread <= LARGEST_WINDOW
            assert stream.granted >= 0 and stream.credit >= 0
            assert stream.queued == sum(map(len, stream.outbox))
    for here, there in pairs:
        if here.reset is None and not here.ended:
            # What one side may still send is what the other still grants.
            assert there.credit == here.granted


def test_who_reads_nothing_holds_one_window_and_stalls_nobody() -> None:
    pair = Pair()
    stalled, reading = opened(pair), opened(pair)
    pair.agent.send(stalled[1], b"a" * 1_000_000)
    pair.move()
    assert stalled[0].unread == INITIAL_WINDOW
    pair.agent.send(reading[1], b"b" * 3_000_000)
    pair.agent.finish(reading[1])
    found = 0
    for _ in range(1000):
        pair.move()
        data = pair.platform.take(reading[0], 65536, 0.0)
        if not data and reading[0].fin_received:
            break
        found += len(data)
    assert found == 3_000_000 and stalled[0].unread == INITIAL_WINDOW


def test_streams_take_turns() -> None:
    pair = Pair()
    first, second = opened(pair), opened(pair)
    pair.agent.send(first[1], b"a" * 200_000)
    pair.agent.send(second[1], b"b" * 200_000)
    order: list[int] = []
    while (pulled := pair.agent.pull()) is not None:
        order += [frame.stream for frame in decode(pulled[0]) if frame.type is Type.DATA]
    assert order[:4] in ([1, 3, 1, 3], [3, 1, 3, 1])


def test_what_waits_unread_is_bounded() -> None:
    pair = Pair(platform=Mux(opens=True, limits=Limits(unread=600_000)))
    streams = [opened(pair) for _ in range(4)]
    for here, there in streams:
        pair.agent.send(there, b"x" * INITIAL_WINDOW)
        pair.move()
        assert pair.platform._unread <= 600_000 + INITIAL_WINDOW
        del here
    assert any(here.reset == Reset.OVERLOADED for here, _ in streams)


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(Type.OPEN, 1, b"from the agent")],
        [Frame(Type.DATA, 7, b"never opened")],
        [Frame(Type.DATA, 2, b"even")],
        [Frame(Type.DATA, 1, b"before its answer")],
        [Frame(Type.OPEN_OK, 1), Frame(Type.OPEN_OK, 1)],
        [Frame(Type.OPEN_OK, 1), *[Frame(Type.DATA, 1, b"x" * 65536)] * 5],
        [Frame(Type.OPEN_OK, 1), Frame(Type.DATA, 1, b"", flags=FIN), Frame(Type.DATA, 1, b"after its end")],
        [Frame(Type.OPEN_OK, 1), Frame(Type.WINDOW, 1, value=0)],
        [Frame(Type.OPEN_OK, 1), Frame(Type.WINDOW, 1, value=LARGEST_WINDOW * 3)],
    ],
)
def test_an_agent_that_breaks_the_rules_ends_its_session(frames: list[Frame]) -> None:
    platform = Mux(opens=True)
    platform.open(b"head")
    *before, last = frames
    for frame in before:
        platform.receive(encode(frame), 0.0)
    with pytest.raises(ProtocolError):
        platform.receive(encode(last), 0.0)


def test_a_peer_that_only_asks_for_answers_is_cut_off() -> None:
    platform = Mux(opens=True, limits=Limits(control=100))
    with pytest.raises(ProtocolError, match="does not read"):
        platform.receive(encode(Frame(Type.PING, value=1)) * 101, 0.0)


@given(st.lists(st.binary(max_size=80), max_size=20))
@settings(max_examples=200, deadline=None)
def test_random_messages_break_nothing(messages: list[bytes]) -> None:
    for opens in (True, False):
        mux = Mux(opens=opens)
        if opens:
            mux.open(b"head")
        for message in messages:
            try:
                for event in mux.receive(message, 0.0):
                    assert isinstance(event, Opened | Changed) or event is not None
            except ProtocolError:
                break


def test_frames_for_a_stream_that_has_just_ended_are_let_pass() -> None:
    pair = Pair()
    here, there = opened(pair)
    pair.agent.send(there, b"late")
    message = pair.agent.pull()
    assert message is not None
    pair.platform.reset_stream(here, Reset.CANCELLED)
    assert pair.platform.receive(message[0], 0.0) == []
    pair.move()
    assert there.reset == Reset.CANCELLED


def test_a_fast_reader_is_granted_more() -> None:
    pair = Pair()
    pair.platform.round_trip = 0.05
    here, there = opened(pair)
    now = 1.0
    for _ in range(200):
        pair.agent.send(there, b"x" * 100_000)
        while (pulled := pair.agent.pull()) is not None:
            pair.platform.receive(pulled[0], now)
        while pair.platform.take(here, 65536, now):
            now += 0.001
        while (pulled := pair.platform.pull()) is not None:
            pair.agent.receive(pulled[0], now)
    assert here.window == LARGEST_WINDOW
