"""How a script reaches /bin/sh: in frames on standard input, so that no process list shows any of it.

Standard input holds `[sudo password] LF`, `@roost LENGTH LF`, the script, then the payload. A shell
that reads its script from standard input reads ahead and would swallow the payload; so a fixed
one-line loader reads exactly the script and leaves the rest to it. The first line on standard output
is `@roost PROCESS-GROUP`. Pure; used by both connections.
"""

from __future__ import annotations

from typing import Final, Literal

Elevation = Literal["root", "sudo", "sudo-password"]
"""How the signed-in user becomes root; found out once per connection."""

_HEADER: Final = "@roost "

# It tells its process group first: a root session of OpenSSH takes no signals, so a command that is to
# end is ended by another one. Lines before the header are skipped, since sudo leaves its password line
# unread where it needs none.
LOADER: Final = (
    "LC_ALL=C; export LC_ALL; "
    f'read -r _ _ _ _ g _ </proc/$$/stat; echo "{_HEADER}$g"; '
    f'while IFS= read -r l; do case $l in "{_HEADER}"*) break;; esac; done; '
    f'eval "$(head -c "${{l#{_HEADER}}}")"'
)

PROBE: Final = (
    '[ "$(id -u)" = 0 ] && echo root && exit; '
    "LC_ALL=C sudo -n true 2>/dev/null && echo sudo && exit; "
    "LC_ALL=C sudo -S -k -p '' true && echo sudo-password"
)
"""Prints the Elevation; needs the sudo password as the only line of standard input. Holds no secret."""


def exec_line(elevation: Elevation) -> str:
    """What the SSH server is asked to run: the same words for every script."""
    sh = f"/bin/sh -c '{LOADER}'"
    if elevation == "root":
        return f"exec {sh}"
    if elevation == "sudo":
        return f"exec env LC_ALL=C sudo -n {sh}"
    return f"exec env LC_ALL=C sudo -S -p '' {sh}"


def probe_line() -> str:
    return f"exec /bin/sh -c '{PROBE.replace(chr(39), _QUOTED_QUOTE)}'"


_QUOTED_QUOTE: Final = "'\\''"


def process_group(first_line: str) -> int | None:
    """What the loader told, from the first line of its output."""
    number = first_line.removeprefix(_HEADER).strip()
    return int(number) if first_line.startswith(_HEADER) and number.isdecimal() and int(number) > 1 else None


def frame(script: str, *, sudo_password: str | None = None) -> bytes:
    """The bytes that go before the payload."""
    body = script.encode()
    prefix = f"{sudo_password}\n" if sudo_password is not None else ""
    return f"{prefix}{_HEADER}{len(body)}\n".encode() + body
