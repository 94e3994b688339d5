"""What the self-built VIP is on a machine: files, the static Pod, and the signal by which both programs read anew.

Part of a control plane's steps: on the one that makes the cluster before kubelet starts, on the others after their
own API server is ready. A changed list of peers rewrites two files and moves no address. Removal rewrites them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roost.bundle import vipimage
from roost.node.facts import NodeFacts
from roost.node.quote import word
from roost.node.thing import Thing
from roost.node.things.file import File
from roost.node.things.residue import Residue
from roost.node.things.run import RunOnce
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm.produced import PATH
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.vip import address, render
from roost.providers.onprem.vip.address import Peer, Virtual

SHARED_KEY: Final = "vip:password"
RELOAD_KEY: Final = "vip:reload"
LIVE_KEY: Final = "vip:live"
MANIFEST: Final = f"/etc/kubernetes/manifests/{render.POD}.yaml"


def residue(virtual: Virtual) -> Residue:
    """keepalived takes its address away when it ends; killed, it can't."""
    return Residue(name="vip", addresses=(virtual.address,))


def interface(found: NodeFacts, own: str) -> str:
    """The device that holds the machine's own address; that of the default route where none was seen."""
    named = [each.interface for each in found.addresses if each.address == own]
    return named[0] if named else found.default_interface or "eth0"


def password() -> RunOnce:
    """At random, on the control plane that makes the cluster. keepalived's form: one line of its configuration."""
    path = render.PEERS_FILE
    return RunOnce(
        key=SHARED_KEY,
        summary="choose the password of the virtual address's peers",
        guard=f'if [ -s "$R"{path} ]; then field state done; else field state needed; fi',
        script=(
            "umask 077\n"
            f'mkdir -p "$R"{path.rsplit("/", 1)[0]}\n'
            f'{{ printf "auth_pass "; od -An -N4 -tx1 /dev/urandom | tr -d " \\n"; echo; }} > "$R"{path}.new\n'
            f'mv -f "$R"{path}.new "$R"{path}'
        ),
    )


def files(virtual: Virtual, peers: Sequence[Peer], own: str, device: str) -> list[Thing]:
    """The configuration, and what makes running programs read it."""
    balancing = File(f"{render.DIRECTORY}/haproxy.cfg", render.haproxy(virtual, peers))
    holding = File(f"{render.DIRECTORY}/keepalived.conf", render.keepalived(virtual, peers, own, device))
    return [balancing, holding, _reload(render.digest(balancing.digest, holding.digest))]


def _reload(digest: str) -> RunOnce:
    """haproxy's master process starts new workers at USR2, keepalived reads anew at HUP; neither moves the address.

    Where they do not run yet there is nobody to tell: they begin with what is there.
    """
    loaded = f"{render.DIRECTORY}/loaded"
    signal = (
        "signal() {\n"
        '  id=$(crictl ps --quiet --state running --name "^$1\\$" 2>/dev/null | head -n 1)\n'
        '  [ -n "$id" ] || return 0\n'
        "  pid=$(crictl inspect --output go-template --template '{{.info.pid}}' \"$id\" 2>/dev/null) || return 0\n"
        '  [ -z "$pid" ] || kill -s "$2" "$pid"\n'
        "}\n"
    )
    return RunOnce(
        key=RELOAD_KEY,
        summary="let haproxy and keepalived read their configuration",
        guard=(
            f'if [ "$(cat "$R"{loaded} 2>/dev/null)" = {digest} ]; then field state done; else field state needed; fi'
        ),
        script=f'{PATH}\n{signal}signal haproxy USR2\nsignal keepalived HUP\necho {digest} > "$R"{loaded}',
    )


def live() -> RunOnce:
    """From now on the address is held only where the API server is ready."""
    path = f"{render.DIRECTORY}/{render.LIVE}"
    return RunOnce(
        key=LIVE_KEY,
        summary="hold the virtual address only while the API server is ready",
        guard=f'if [ -e "$R"{path} ]; then field state done; else field state needed; fi',
        script=f': > "$R"{word(path)}',
    )


def of_founder(ctx: Context, machine: MachineInput, found: Found) -> tuple[list[Thing], list[Thing]]:
    """Things before kubelet starts, and those after the API answers; empty without a self-built VIP."""
    virtual = address.wanted(ctx.spec)
    if virtual is None:
        return [], []
    own = machine.spec.addresses.primary
    before = [password(), *files(virtual, address.peers(ctx), own, interface(found.node, own)), manifest()]
    return before, [live()]


def of_plane(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    """Things after the machine's own API server is ready; the password came with the shared keys."""
    virtual = address.wanted(ctx.spec)
    if virtual is None:
        return []
    own = machine.spec.addresses.primary
    return [
        shared_password(),
        *files(virtual, address.peers(ctx), own, interface(found.node, own)),
        live(),
        manifest(),
    ]


def shared_password() -> RunOnce:
    """The password must be there: without it two keepaliveds would both hold the address."""
    path = render.PEERS_FILE
    return RunOnce(
        key=SHARED_KEY,
        summary="look for the password of the virtual address's peers",
        guard=f'if [ -s "$R"{path} ]; then field state done; else field state needed; fi',
        script=f'[ -s "$R"{path} ] || {{ echo "{path} did not come with the shared keys"; exit 1; }}',
    )


def manifest() -> File:
    return File(MANIFEST, render.pod(vipimage.name()), mode=0o600)
