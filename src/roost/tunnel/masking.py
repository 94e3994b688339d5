"""The mask that a WebSocket's client lays over what it sends: four bytes, again and again. Pure.

websockets has it in C where the installation holds that. The agent's image does not, since it holds nothing that was
compiled for one architecture; there, four translations of every fourth byte take half the time of websockets' own
substitute, which makes one number of the whole message.
"""

from __future__ import annotations

from typing import Final

from roost.tunnel.frames import Bytes

_TABLES: Final = tuple(bytes(value ^ key for value in range(256)) for key in range(256))


def masked(data: Bytes, key: bytes) -> Bytes:
    """The same length; masking twice gives the data again."""
    raw = data if isinstance(data, bytes) else bytes(data)
    found = bytearray(len(raw))
    for turn in range(4):
        found[turn::4] = raw[turn::4].translate(_TABLES[key[turn]])
    return found


try:
    from websockets.speedups import apply_mask
except ImportError:
    apply_mask = masked

__all__ = ["apply_mask", "masked"]
