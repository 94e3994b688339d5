"""A systemd unit: its file, whether it starts at boot, whether it runs, and with which configuration."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from roost.node.quote import path_state, word
from roost.node.thing import Action, Blocked, Change, Observed, Payload
from roost.node.things.file import foreign


@dataclass(frozen=True)
class Unit:
    """`active=None`: start and stop are somebody else's (kubelet before kubeadm has run).

    `restart_key`: a digest of everything whose change needs a restart, besides the unit's own file
    (programs, configuration files, drop-ins). The unit restarts when it differs from the one kept at
    the last start by roost. Drop-ins are File things that stand before the unit.
    """

    name: str
    content: str | None = None
    """The file /etc/systemd/system/NAME; None: the unit comes with the operating system."""
    enabled: bool = True
    active: bool | None = True
    restart_key: str = ""

    @property
    def key(self) -> str:
        return f"unit:{self.name}"

    @property
    def path(self) -> str:
        return f"/etc/systemd/system/{self.name}"

    @property
    def stamp(self) -> str:
        """What the unit has to have been started with."""
        return hashlib.sha256(f"{self.restart_key}\n{self.content or ''}".encode()).hexdigest()

    @property
    def places(self) -> tuple[str, ...]:
        return () if self.content is None else (self.path,)

    def observe(self) -> str:
        return f"{path_state(self.path)}; unit_state {word(self.name)}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        differences: list[str] = []
        if self.content is not None:
            if (
                observed["state"] != "absent"
                and observed["sha256"] != hashlib.sha256(self.content.encode()).hexdigest()
            ):
                if observed["journaled"] != "yes":
                    return foreign(self.key, self.path, ["the content differs"])
                differences.append("rewrite its file")
            elif observed["state"] == "absent":
                differences.append("write its file")
        if (observed["enabled"] in ("enabled", "static", "generated", "alias", "indirect")) != self.enabled:
            differences.append("enable it" if self.enabled else "disable it")
        if observed["reload"] == "yes":
            differences.append("reload systemd's view of it")
        active = observed["active"] in ("active", "activating", "reloading")
        if self.active is not None and active != self.active:
            differences.append(f"start it (it is {observed['active']})" if self.active else "stop it")
        elif self.active and observed["stamp"] != self.stamp:
            differences.append("restart it, since what it was started with has changed")
        if not differences:
            return None
        action = Action.CREATE if observed["state"] == "absent" and self.content is not None else Action.UPDATE
        return Change(self.key, action, f"{self.name}: {', '.join(differences)}")

    def apply(self, change: Change) -> str:  # noqa: ARG002
        parts = [f"journal_unit {word(self.name)}"]
        if self.content is not None:
            parts.append(f'put_file {word(self.path)} 0644 root:root "$P/content"')
        parts.append("systemctl daemon-reload")
        parts.append(f"unit_{'enable' if self.enabled else 'disable'} {word(self.name)}")
        if self.active is not None:
            parts.append(
                f"unit_start {word(self.name)} {self.stamp}" if self.active else f"unit_stop {word(self.name)}"
            )
        return "\n".join(parts)

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return () if self.content is None else (Payload("content", content=self.content.encode()),)
