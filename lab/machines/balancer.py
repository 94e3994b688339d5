"""A load balancer in front of control planes, as a person would have one: plain TCP, on the lab's bridge address."""

from __future__ import annotations

import itertools
import selectors
import socket
import threading
from collections.abc import Sequence

PORTS = (6443, 11780, 11781)


class Balancer:
    """Forwards each port to the same port of the servers in turn; a server that refuses is passed over.

    `behind`: another port of the servers, for all.
    """

    def __init__(
        self, address: str, servers: Sequence[str], ports: Sequence[int] = PORTS, *, behind: int | None = None
    ) -> None:
        self.servers = list(servers)
        self._turn = itertools.count()
        self._listeners = [socket.create_server((address, port)) for port in ports]
        for listener, port in zip(self._listeners, ports, strict=True):
            threading.Thread(target=self._serve, args=(listener, behind or port), daemon=True).start()

    def close(self) -> None:
        for listener in self._listeners:
            # A thread that waits in accept would keep a socket that is only closed, and its port.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _serve(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client, port), daemon=True).start()

    def _forward(self, client: socket.socket, port: int) -> None:
        server = self._connect(port)
        if server is None:
            client.close()
            return
        both = selectors.DefaultSelector()
        both.register(client, selectors.EVENT_READ, server)
        both.register(server, selectors.EVENT_READ, client)
        try:
            while True:
                for key, _ in both.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = source.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)
        except OSError:
            return
        finally:
            both.close()
            client.close()
            server.close()

    def _connect(self, port: int) -> socket.socket | None:
        servers = list(self.servers)
        first = next(self._turn)
        for step in range(len(servers)):
            try:
                connected = socket.create_connection((servers[(first + step) % len(servers)], port), timeout=1)
            except OSError:
                continue
            connected.settimeout(None)
            return connected
        return None
