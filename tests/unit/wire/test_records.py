"""What is written is cut into records of TLS that are full, and nothing is lost, doubled or reordered."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from roost.wire.transport import RECORD, next_record

SIZES = st.one_of(st.integers(0, 40), st.integers(RECORD - 3, RECORD + 3), st.integers(0, 5 * RECORD))


@given(st.lists(SIZES, max_size=8))
def test_records_hold_everything_in_order_and_all_but_the_last_are_full(sizes: list[int]) -> None:
    pieces = [bytes((number % 251,)) * size for number, size in enumerate(sizes)]
    left = deque(pieces)
    records: list[bytes] = []
    while left:
        record = bytes(next_record(left))
        if record:
            records.append(record)
    assert b"".join(records) == b"".join(pieces)
    assert all(len(record) == RECORD for record in records[:-1])


def test_a_large_piece_is_not_copied() -> None:
    piece = bytes(4 * RECORD)
    left: deque[bytes | bytearray | memoryview] = deque([piece])
    while left:
        record = next_record(left)
        assert isinstance(record, memoryview) and record.obj is piece
