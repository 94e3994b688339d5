"""A kernel module: loaded now and at each boot, built into the kernel, or absent from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from roost.node.quote import path_state, word
from roost.node.thing import Action, Blocked, Change, Observed, Payload


@dataclass(frozen=True)
class Module:
    """With `required=False` a kernel that has no such module is fine (it may not need it)."""

    name: str
    required: bool = False

    @property
    def key(self) -> str:
        return f"module:{self.name}"

    @property
    def path(self) -> str:
        return f"/etc/modules-load.d/roost-{self.name}.conf"

    @property
    def data(self) -> bytes:
        return f"{self.name}\n".encode()

    @property
    def places(self) -> tuple[str, ...]:
        return (self.path,)

    def observe(self) -> str:
        """Field `module`: builtin, loaded, loadable or missing."""
        return f"{path_state(self.path)}; module_state {word(self.name)}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        found = observed["module"]
        if found == "builtin" or (found == "missing" and not self.required):
            return None
        if found == "missing":
            return Blocked(
                self.key,
                "ModuleMissing",
                f"the running kernel has no module {self.name}; install the package with the modules of this kernel",
            )
        kept = observed["state"] == "file" and observed["sha256"] == hashlib.sha256(self.data).hexdigest()
        if found == "loaded" and kept:
            return None
        action = Action.CREATE if observed["state"] == "absent" else Action.UPDATE
        return Change(self.key, action, f"load module {self.name}, now and at boot")

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return f'put_file {word(self.path)} 0644 root:root "$P/content"\nput_module {word(self.name)}'

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return (Payload("content", content=self.data),)
