"""The lab's name server: answers for machines and for names that a test gives, and says of all others at once that
they do not exist, since a lab has no way to the outside.

Started by `Lab.up`, on the bridge's address; runs until `Lab.down`.
"""

from __future__ import annotations

import ipaddress
import json
import select
import socket
import struct
import subprocess
import sys
from pathlib import Path

from lab.machines import processes
from lab.machines.settings import Settings

MARK = "roost-lab-names"
DOMAIN = "lab"
TYPE_A, TYPE_AAAA, CLASS_IN = 1, 28, 1
NO_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED = 0, 3, 4


def given_file(state: Path) -> Path:
    return state / "names.json"


def table(settings: Settings) -> dict[str, list[str]]:
    """Every known name with its addresses, read afresh for each question."""
    known: dict[str, list[str]] = {}
    for record in settings.machines.glob("*/machine.json"):
        try:
            machine = json.loads(record.read_text())
        except (OSError, json.JSONDecodeError):
            continue  # being made or removed just now
        for name in (machine["name"], f"{machine['name']}.{DOMAIN}"):
            known[name] = [machine["ipv4"], machine["ipv6"]]
    given = given_file(settings.state)
    return known | (json.loads(given.read_text()) if given.is_file() else {})


def answer(query: bytes, known: dict[str, list[str]]) -> bytes | None:
    """The reply to one DNS message; None where it is none that can be answered."""
    if len(query) < 12:
        return None
    identifier, flags, questions = struct.unpack_from("!HHH", query)
    if flags & 0x8000 or questions != 1:
        return None
    labels: list[str] = []
    position = 12
    while position < len(query) and query[position]:
        length = query[position]
        labels.append(query[position + 1 : position + 1 + length].decode("ascii", "replace").lower())
        position += 1 + length
    end = position + 5
    if len(query) < end:
        return None
    kind, net = struct.unpack_from("!HH", query, position + 1)
    code, records = NO_ERROR, b""
    addresses = known.get(".".join(labels))
    count = 0
    if (flags >> 11) & 0xF:
        code = NOT_IMPLEMENTED
    elif addresses is None:
        code = NO_SUCH_NAME
    else:
        wanted = {TYPE_A: 4, TYPE_AAAA: 6}.get(kind) if net == CLASS_IN else None
        for address in map(ipaddress.ip_address, addresses):
            if address.version == wanted:
                records += struct.pack("!HHHIH", 0xC00C, kind, CLASS_IN, 1, len(address.packed)) + address.packed
                count += 1
    # A reply, authoritative, with recursion «available»: resolvers turn elsewhere without.
    reply = 0x8480 | (flags & 0x0100) | code
    return struct.pack("!HHHHHH", identifier, reply, 1, count, 0, 0) + query[12:end] + records


def serve(settings: Settings) -> int:
    datagrams: list[socket.socket] = []
    streams: list[socket.socket] = []
    for family, address in ((socket.AF_INET, settings.host_ipv4), (socket.AF_INET6, settings.host_ipv6)):
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        datagram.bind((address, 53))
        datagrams.append(datagram)
        stream = socket.socket(family, socket.SOCK_STREAM)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind((address, 53))
        stream.listen(8)
        streams.append(stream)
    while True:
        for ready in select.select([*datagrams, *streams], [], [])[0]:
            try:
                if ready in datagrams:
                    query, sender = ready.recvfrom(4096)
                    reply = answer(query, table(settings))
                    if reply:
                        ready.sendto(reply, sender)
                else:
                    _serve_stream(ready.accept()[0], settings)
            except OSError:
                continue  # the asker has gone


def _serve_stream(connection: socket.socket, settings: Settings) -> None:
    with connection:
        connection.settimeout(2)
        message = connection.recv(4096)
        reply = answer(message[2:], table(settings))
        if reply:
            connection.sendall(struct.pack("!H", len(reply)) + reply)


def start(settings: Settings, repository: Path) -> None:
    """Starts the server unless it runs. Where something else has the port, that one answers instead."""
    if running(settings):
        return
    code = "import sys; sys.path.insert(0, sys.argv[2]); from lab.machines import nameserver as n;"
    code += " n.main(sys.argv[3:])"
    where = [str(settings.number), str(settings.state), str(settings.cache)]
    with (settings.state / "names.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-S", "-B", "-c", code, MARK, str(repository), *where],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def running(settings: Settings) -> list[int]:
    return processes.with_arguments(MARK, str(settings.state))


def main(argv: list[str]) -> int:
    number, state, cache = argv
    return serve(Settings(int(number), Path(state), Path(cache)))
