"""Kernel settings: the value now, and a file in /etc/sysctl.d for the next boot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from roost.node.quote import path_state, word, words
from roost.node.thing import Action, Blocked, Change, Observed, Payload
from roost.node.things.file import foreign


@dataclass(frozen=True)
class Sysctl:
    """A group of settings with one file. A value that is right already is never written.

    A setting that the kernel does not know (`net.bridge.*` without br_netfilter) is written to the
    file alone when `optional` names it; otherwise it is a Blocked.
    """

    name: str
    """Of the file: /etc/sysctl.d/NAME.conf."""
    values: Mapping[str, str]
    optional: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"sysctl:{self.name}"

    @property
    def path(self) -> str:
        return f"/etc/sysctl.d/{self.name}.conf"

    @property
    def data(self) -> bytes:
        return "".join(f"{key} = {value}\n" for key, value in sorted(self.values.items())).encode()

    @property
    def places(self) -> tuple[str, ...]:
        return (self.path,)

    def observe(self) -> str:
        return f"{path_state(self.path)}; sysctl_state {words(sorted(self.values))}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        wrong: list[str] = []
        for key, value in sorted(self.values.items()):
            current = observed.get(f"sysctl:{key}")
            if current is None:
                if key not in self.optional:
                    return Blocked(
                        self.key,
                        "SysctlMissing",
                        f"the kernel has no setting {key}, which must be {value}; "
                        "load the module that brings it, or run a kernel that has it",
                    )
            elif current.split() != value.split():
                wrong.append(f"{key} from {current} to {value}")
        digest = hashlib.sha256(self.data).hexdigest()
        file_right = observed["state"] == "file" and observed["sha256"] == digest
        if file_right and not wrong:
            return None
        if observed["state"] != "absent" and observed["journaled"] != "yes" and not file_right:
            return foreign(self.key, self.path, ["the content differs"])
        action = Action.CREATE if observed["state"] == "absent" else Action.UPDATE
        return Change(self.key, action, "; ".join([f"set {w}" for w in wrong] or [f"write {self.path}"]))

    def apply(self, change: Change) -> str:  # noqa: ARG002
        settings = "\n".join(f"put_sysctl {word(k)} {word(v)}" for k, v in sorted(self.values.items()))
        return f'put_file {word(self.path)} 0644 root:root "$P/content"\n{settings}'

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return (Payload("content", content=self.data),)
