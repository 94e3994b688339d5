"""What a command printed: split into lines, bounded, with secrets replaced by stars. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from roost.api.masked import MASK, Masked
from roost.ssh.connection import Target

STDOUT_LIMIT: Final = 16 * 1024 * 1024
STDERR_LIMIT: Final = 64 * 1024
LINE_LIMIT: Final = 64 * 1024
_SHORTEST_PART: Final = 8


class Masker:
    """Replaces secrets in text. Of a secret with several lines, such as a key, each longer line counts too."""

    def __init__(self, secrets: Iterable[Masked | None]) -> None:
        values: set[str] = set()
        for secret in secrets:
            if secret is None or not secret.reveal().strip():
                continue
            value = secret.reveal()
            values.add(value)
            values.update(line for line in value.splitlines() if len(line) >= _SHORTEST_PART)
        self._values = sorted(values, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text


def maskers(target: Target, secrets: Iterable[Masked]) -> tuple[Masker, Masker]:
    """For stdout and for stderr of a command.

    The target's own credentials are in no script, so nothing prints them but, at worst, sudo or ssh in a
    complaint. In stdout, which programs read, a password such as `root` would be taken for what it is not.
    """
    own = (target.password, target.private_key, target.passphrase, target.sudo_password)
    given = tuple(secrets)
    return Masker(given), Masker([*given, *own])


class Collector:
    """Takes bytes as they come, calls `on_line` for each whole line, and keeps a bounded text.

    `keep` says which end of an overlong output is kept: the head of stdout, the tail of stderr.
    """

    def __init__(self, limit: int, mask: Masker, *, tail: bool, on_line: Callable[[str], None] | None = None) -> None:
        self._limit = limit
        self._mask = mask
        self._tail = tail
        self._on_line = on_line
        self._kept = bytearray()
        self._line = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> None:
        self._keep(data)
        if self._on_line is None:
            return
        self._line += data
        *whole, rest = self._line.split(b"\n")
        self._line = bytearray(rest[-LINE_LIMIT:])
        for line in whole:
            self._emit(line)

    def finish(self) -> str:
        """The kept text; a last line without a line break is shown to `on_line` first."""
        if self._line and self._on_line is not None:
            self._emit(self._line)
            self._line.clear()
        text = self._mask(self._kept.decode(errors="replace"))
        if not self._cut:
            return text
        return f"[cut]\n{text}" if self._tail else f"{text}\n[cut at {self._limit} bytes]\n"

    def _keep(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > self._limit:
            self._cut = True
            if self._tail:
                del self._kept[: -self._limit]
            else:
                del self._kept[self._limit :]

    def _emit(self, line: bytes | bytearray) -> None:
        if self._on_line is not None:
            self._on_line(self._mask(line[-LINE_LIMIT:].decode(errors="replace")))
