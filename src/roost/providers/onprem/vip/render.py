"""The configuration of haproxy and keepalived and their static Pod, from the peers. Pure.

The same peers give the same bytes, so that a file's digest tells whether anything changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import yaml

from roost.bundle import vipimage
from roost.providers.onprem import layout
from roost.providers.onprem.vip.address import COMPONENT_PORTS, Peer, Virtual

DIRECTORY: Final = f"{layout.KUBERNETES_DIRECTORY}/vip"
PEERS_FILE: Final = "/etc/kubernetes/pki/vip-password.conf"
"""A line of keepalived's configuration; one of the keys that control planes share (sharedkeys.py)."""
LIVE: Final = "live"
"""While this file is missing the address is held whatever the check says: nobody else can."""
SOCKET: Final = "/run/vip/api.sock"
POD: Final = "roost-vip"
_CONFIG: Final = "/etc/vip/config"
_CA: Final = "/etc/vip/ca.crt"
_MOUNTS: Final = {"ca": _CA, "password": "/etc/vip/password.conf"}
_HAPROXY: Final = ("NET_ADMIN", "NET_BIND_SERVICE", "DAC_OVERRIDE")
_KEEPALIVED: Final = ("NET_ADMIN", "NET_RAW", "NET_BROADCAST", "KILL", "DAC_OVERRIDE", "SETUID", "SETGID")
_FIRST_PRIORITY: Final = 250
_STEP: Final = 10
"""A backup waits (256 - priority)/256 s longer: with distinct priorities no two take the address at once."""


def haproxy(virtual: Virtual, peers: Sequence[Peer]) -> str:
    """TLS passes through. A server is used while its own /readyz says so; connections to one that fell are cut.

    `transparent` lets haproxy listen on the address where it is not held at the moment. kube-apiserver's own
    6443 on every address and this one on the VIP share the port (--permit-port-sharing on its side).
    """
    at = layout.joined(virtual.address, virtual.port)
    lines = [
        "# Written by roost; rewritten when a control plane joins or leaves.",
        "global",
        "  log stdout format raw local0 notice",
        "  maxconn 20000",
        # A runtime may hand out 1024 files; with fewer than wanted haproxy takes fewer connections, and runs.
        "  no strict-limits",
        "  nbthread 2",
        "",
        "defaults",
        "  log global",
        "  mode tcp",
        "  option dontlognull",
        "  option redispatch 1",
        "  retries 2",
        "  timeout connect 1s",
        "  timeout check 3s",
        "  timeout client 24h",
        "  timeout server 24h",
        "  option clitcpka",
        "  option srvtcpka",
        "",
        "frontend api",
        f"  bind {at} transparent",
        f"  bind unix@{SOCKET} mode 600",
        "  default_backend api",
        "",
        "backend api",
        "  option httpchk",
        "  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host kubernetes",
        "  http-check expect status 200",
        "  default-server inter 1s fastinter 500ms downinter 1s rise 1 fall 3 check check-ssl verify required "
        f"ca-file {_CA} on-marked-down shutdown-sessions",
        *(f"  server {peer.name} {layout.joined(peer.address, layout.API_PORT)}" for peer in peers),
    ]
    for port in COMPONENT_PORTS:
        lines += [
            "",
            f"frontend component-{port}",
            f"  bind {layout.joined(virtual.address, port)} transparent",
            f"  default_backend component-{port}",
            "",
            f"backend component-{port}",
            "  default-server inter 2s rise 1 fall 2 check on-marked-down shutdown-sessions",
            *(f"  server {peer.name} {layout.joined(peer.address, port)}" for peer in peers),
        ]
    return "\n".join([*lines, ""])


def keepalived(virtual: Virtual, peers: Sequence[Peer], own: str, interface: str) -> str:
    """`own`: this machine's address. A control plane whose haproxy reaches no API server lets the address go."""
    number = next(index for index, peer in enumerate(peers) if peer.address == own)
    others = [peer.address for peer in peers if peer.address != own]
    prefix = 128 if virtual.is_ipv6 else 32
    # VRRP 3, which IPv6 needs, has no passwords.
    authentication = (
        []
        if virtual.is_ipv6
        else ["  authentication {", "    auth_type PASS", "    include /etc/vip/password.conf", "  }"]
    )
    unicast = [f"  unicast_src_ip {own}", "  unicast_peer {", *(f"    {address}" for address in others), "  }"]
    return "\n".join(
        [
            "# Written by roost; rewritten when a control plane joins or leaves.",
            "global_defs {",
            f"  router_id {peers[number].name}",
            "  script_user root",
            "  enable_script_security",
            *(["  vrrp_version 3"] if virtual.is_ipv6 else []),
            "  vrrp_garp_master_delay 1",
            "  vrrp_garp_master_refresh 10",
            "}",
            "",
            "vrrp_script api {",
            f'  script "/{vipimage.PROBE} http-check https://{layout.joined(virtual.address, virtual.port)}/readyz '
            f'--timeout 1500ms --socket {SOCKET} --ca {_CA} --only-with /etc/vip/config/{LIVE}"',
            "  interval 1",
            "  timeout 3",
            "  fall 3",
            "  rise 1",
            "}",
            "",
            "vrrp_instance api {",
            "  state BACKUP",
            "  nopreempt",
            f"  interface {interface}",
            f"  virtual_router_id {virtual.router}",
            f"  priority {_FIRST_PRIORITY - _STEP * number}",
            "  advert_int 1",
            *authentication,
            *(unicast if others else []),
            "  virtual_ipaddress {",
            f"    {virtual.address}/{prefix} dev {interface}",
            "  }",
            "  track_script {",
            "    api",
            "  }",
            "}",
            "",
        ]
    )


def pod(image: str) -> str:
    """The static Pod. Its configuration is read anew by a signal (things.py), so that a change moves no address."""

    def container(name: str, command: list[str], capabilities: Sequence[str], *mounts: str) -> dict[str, Any]:
        return {
            "name": name,
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": command,
            "securityContext": {"capabilities": {"drop": ["ALL"], "add": list(capabilities)}},
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
            "volumeMounts": [
                {"name": "config", "mountPath": "/etc/vip/config", "readOnly": True},
                *({"name": mount, "mountPath": _MOUNTS[mount], "readOnly": True} for mount in mounts),
                {"name": "run", "mountPath": "/run/vip"},
            ],
        }

    def volume(name: str, path: str, kind: str = "File") -> dict[str, Any]:
        return {"name": name, "hostPath": {"path": path, "type": kind}}

    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": POD,
            "namespace": "kube-system",
            "labels": {"app.kubernetes.io/name": POD, "tier": "control-plane"},
        },
        "spec": {
            "hostNetwork": True,
            "priorityClassName": "system-node-critical",
            "terminationGracePeriodSeconds": 5,
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                # -W: the master process takes the new configuration and lets the old workers end their connections.
                container(
                    "haproxy", ["/usr/sbin/haproxy", "-W", "-db", "-f", f"{_CONFIG}/haproxy.cfg"], _HAPROXY, "ca"
                ),
                container(
                    "keepalived",
                    [
                        "/usr/sbin/keepalived", "--vrrp", "--dont-fork", "--log-console",
                        "--use-file=/etc/vip/config/keepalived.conf", "--pid=/run/vip/keepalived.pid",
                        "--vrrp_pid=/run/vip/vrrp.pid",
                    ],
                    _KEEPALIVED,
                    "ca",
                    "password",
                ),
            ],
            "volumes": [
                volume("config", DIRECTORY, "Directory"),
                volume("ca", "/etc/kubernetes/pki/ca.crt"),
                volume("password", PEERS_FILE),
                {"name": "run", "emptyDir": {}},
            ],
        },
    }  # fmt: skip
    return yaml.safe_dump(document, sort_keys=True)


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
