"""What carries frames: binary WebSocket messages, by the sans-IO half of `websockets`. No I/O of its own.

A WebSocket on 443 passes the load balancers and proxies that stand before a platform. Compression is off (frames
carry TLS and packed data, and compressing others' secrets beside attackers' text leaks them), messages are limited.
`session` feeds bytes in and writes what comes out.
"""

from __future__ import annotations

import logging
from typing import Final

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from roost.api.exchange import Headers
from roost.tunnel.frames import LARGEST_MESSAGE, SUBPROTOCOL, ProtocolError

PATH: Final = "/tunnel/v1/connect"
_LOG: Final = logging.getLogger("roost.tunnel.websocket")
_LOG.setLevel(logging.WARNING)
"""Each connection that opens and closes is told by the hub and the agent, in their words."""


class Refused(Exception):
    """The other side did not agree to a tunnel. `status` is that of its HTTP answer, 0 when it was none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Carrier:
    """One WebSocket, after `accepted` or during `dialled`."""

    def __init__(self, protocol: ClientProtocol | ServerProtocol) -> None:
        self._protocol = protocol
        self._part: bytearray | None = None
        """A fragmented message so far."""

    @property
    def is_open(self) -> bool:
        return self._protocol.state is State.OPEN

    def receive(self, data: bytes) -> list[bytes | bytearray]:
        """Whole messages. Raises ProtocolError, or Refused while the other side has yet to agree."""
        self._protocol.receive_data(data)
        messages: list[bytes | bytearray] = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                message = self._message(event)
                if message is not None:
                    messages.append(message)
            elif isinstance(event, Response):
                self._agreed(event)
        if self._protocol.parser_exc is not None and self._protocol.close_rcvd is None:
            raise ProtocolError(f"the WebSocket broke: {self._protocol.parser_exc}")
        return messages

    def send(self, message: bytes) -> None:
        """For `outgoing`; dropped once the WebSocket is closing."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_binary(message)

    def close(self, code: int, reason: str) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason[:120])

    def outgoing(self) -> list[bytes]:
        """What must be written now. An empty string says: end the connection."""
        return self._protocol.data_to_send()

    @property
    def farewell(self) -> str:
        """What the other side said when it closed, or nothing."""
        said = self._protocol.close_rcvd
        return said.reason if said is not None else ""

    @property
    def was_closed(self) -> bool:
        """The other side closed it in the orderly way."""
        return self._protocol.close_rcvd is not None

    def _message(self, frame: Frame) -> bytes | bytearray | None:
        if frame.opcode is Opcode.TEXT:
            raise ProtocolError("a text message; the tunnel is binary")
        if frame.opcode is Opcode.BINARY:
            if frame.fin:
                return bytes(frame.data) if isinstance(frame.data, memoryview) else frame.data
            self._part = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._part is not None:
            self._part += frame.data
            if frame.fin:
                whole, self._part = self._part, None
                return whole
        return None

    def _agreed(self, response: Response) -> None:
        assert isinstance(self._protocol, ClientProtocol)
        failure = self._protocol.handshake_exc
        if failure is None:
            return
        if response.status_code != 101:
            body = bytes(response.body or b"")[:300].decode(errors="replace").strip()
            raise Refused(response.status_code, f"HTTP {response.status_code} {response.reason_phrase}: {body}")
        raise Refused(0, f"no WebSocket: {failure}")


def dialled(url: str) -> Carrier:
    """The agent's side. `outgoing` holds the request."""
    protocol = ClientProtocol(
        parse_uri(url),
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        max_size=LARGEST_MESSAGE,
        extensions=None,
        logger=_LOG,
    )
    protocol.send_request(protocol.connect())
    return Carrier(protocol)


def accepted(headers: Headers) -> Carrier:
    """The platform's side, for a request that the gateway has read. `outgoing` holds the answer.

    Raises Refused when the request asks for no tunnel; the gateway answers that itself.
    """
    protocol = ServerProtocol(
        subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=LARGEST_MESSAGE, extensions=None, logger=_LOG
    )
    lines = [b"GET " + PATH.encode() + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    protocol.receive_data(b"\r\n".join([*lines, b"", b""]))
    request = next((event for event in protocol.events_received() if isinstance(event, Request)), None)
    if request is None:
        raise Refused(400, "the request can't be read as one for a WebSocket")
    offered = b",".join(value for name, value in headers if name.lower() == b"sec-websocket-protocol")
    if SUBPROTOCOL.encode() not in [each.strip() for each in offered.split(b",")]:
        raise Refused(400, f"this address takes WebSockets that speak {SUBPROTOCOL}")
    response = protocol.accept(request)
    if response.status_code != 101:
        raise Refused(400, f"this address takes WebSockets that speak {SUBPROTOCOL}: {protocol.handshake_exc}")
    protocol.send_response(response)
    return Carrier(protocol)
