"""Work of kubeadm as a thing: done when what it made is there, made from the same wish, and unchanged since.

kubeadm keeps no record of the configuration from which it made a file, so the script leaves a stamp beside
the journal: the hash of the wish and the digests of what came out. Used by the phases that call kubeadm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from roost.node.quote import word, words
from roost.node.thing import Payload
from roost.node.things.run import RunOnce

PATH = 'PATH="/usr/local/bin:/usr/local/sbin:$PATH"; export PATH'


@dataclass(frozen=True)
class Produced:
    """`outputs` are files. `followed`: of these a change by others is noticed, not only their absence."""

    name: str
    wish: str
    """Everything that decides what is made; only its hash leaves this process."""
    outputs: tuple[str, ...]
    followed: bool = False
    clear: tuple[str, ...] = ()
    """Removed before the work when it was made from another wish: kubeadm keeps what it finds."""
    also: str = ":"
    """A further condition, as sh: done only when it holds."""

    def stamp(self, cluster_id: str) -> str:
        return f"/var/lib/roost/{cluster_id}/made/{self.name}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.wish.encode()).hexdigest()

    def guard(self, cluster_id: str) -> str:
        stamp = word(self.stamp(cluster_id))
        # Paths in the stamp are relative to the root, which is "$R/".
        check = f'(tail -n +2 "$R"{stamp} | (cd "$R/" && sha256sum --check --status))' if self.followed else ":"
        present = " && ".join(f'[ -s "$R"{word(path)} ]' for path in self.outputs) or ":"
        return (
            f"{PATH}\n"
            f'if [ "$(head -n 1 "$R"{stamp} 2>/dev/null)" = {self.digest} ] && {present} &&\n'
            f"  {check} && {self.also}; then field state done; else field state needed; fi"
        )

    def script(self, cluster_id: str, work: str) -> str:
        """`work` with what goes before and after it. The stamp is written last: a kill before it repeats the work."""
        stamp = word(self.stamp(cluster_id))
        former = f'"$(head -n 1 "$R"{stamp} 2>/dev/null)"'
        old = " ".join(f'"$R"{word(path)}' for path in self.clear)
        clear = f"[ {former} = {self.digest} ] || rm -f -- {old}" if self.clear else ":"
        made = words([path.removeprefix("/") for path in self.outputs])
        sums = f'(cd "$R/" && sha256sum -- {made})' if self.followed else ":"
        return (
            f"{PATH}\numask 077\n"
            f'mkdir -p "$R"{word(self.stamp(cluster_id).rsplit("/", 1)[0])}\n'
            f"{clear}\n{work}\n"
            f'{{ echo {self.digest}; {sums}; }} > "$R"{stamp}.new\n'
            f'mv -f "$R"{stamp}.new "$R"{stamp}'
        )

    def thing(self, cluster_id: str, summary: str, work: str, files: Sequence[Payload] = ()) -> RunOnce:
        return RunOnce(
            key=f"kubeadm:{self.name}",
            summary=summary,
            guard=self.guard(cluster_id),
            script=self.script(cluster_id, work),
            files=tuple(files),
        )
