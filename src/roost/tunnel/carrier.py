"""What carries frames: binary WebSocket messages. No I/O of its own.

A WebSocket on 443 passes the load balancers and proxies that stand before a platform. Compression is off (frames
carry TLS and packed data, and compressing others' secrets beside attackers' text leaks them), messages are limited.
`websockets` agrees on the connection and masks; the messages themselves are read and written here, since its parser
copies each byte four times, which is most of what a tunnel costs. `session` feeds bytes in and writes what comes out.
"""

from __future__ import annotations

import logging
import secrets
from typing import Final

from websockets.client import ClientProtocol
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from roost.api.exchange import Headers
from roost.tunnel.frames import LARGEST_MESSAGE, SUBPROTOCOL, Bytes, ProtocolError
from roost.tunnel.masking import apply_mask

PATH: Final = "/tunnel/v1/connect"
LARGEST_HEAD: Final = 64 * 1024
_FIN, _RESERVED, _MASKED = 0x80, 0x70, 0x80
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_CONTROL_MOST: Final = 125
_LOG: Final = logging.getLogger("roost.tunnel.websocket")
_LOG.setLevel(logging.WARNING)
"""Each connection that opens and closes is told by the hub and the agent, in their words."""


class Refused(Exception):
    """The other side did not agree to a tunnel. `status` is that of its HTTP answer, 0 when it was none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Carrier:
    """One WebSocket. `dialling`: the client's side, until the other side has agreed; None on the platform's side."""

    def __init__(self, first: list[bytes], dialling: ClientProtocol | None = None) -> None:
        self._dialling = dialling
        self._is_client = dialling is not None
        self._out: list[Bytes] = list(first)
        self._head = bytearray()
        """Of the other side's HTTP answer, so far."""
        self._rest = bytearray()
        """Of a frame that is not whole yet."""
        self._part: bytearray | None = None
        """A fragmented message so far."""
        self._said_goodbye = False
        self._farewell: str | None = None

    @property
    def is_open(self) -> bool:
        return self._dialling is None and not self._said_goodbye and self._farewell is None

    def receive(self, data: Bytes) -> list[Bytes]:
        """Whole messages; views of `data` where it holds them whole, so good only as long as `data` is.

        Raises ProtocolError, or Refused while the other side has yet to agree.
        """
        if self._dialling is not None:
            data = self._agreed(self._dialling, data)
        messages: list[Bytes] = []
        view = memoryview(data)
        while view and self._farewell is None:
            if self._rest:
                view = self._complete(view)
                if not (need := _length(self._rest)) or len(self._rest) < need:
                    break
                whole, self._rest = memoryview(self._rest), bytearray()
            else:
                need = _length(view)
                if not need or len(view) < need:
                    self._rest += view
                    break
                whole, view = view[:need], view[need:]
            message = self._frame(whole)
            if message is not None:
                messages.append(message)
        return messages

    def send(self, *parts: Bytes) -> None:
        """One message of these parts, for `outgoing`; dropped once the WebSocket is closing."""
        if self.is_open:
            self._write(_BINARY, parts)

    def close(self, code: int, reason: str) -> None:
        if self.is_open:
            self._said_goodbye = True
            self._write(_CLOSE, (code.to_bytes(2, "big") + reason.encode()[:120].decode(errors="ignore").encode(),))

    def outgoing(self) -> list[Bytes]:
        """What must be written now."""
        out, self._out = self._out, []
        return out

    @property
    def farewell(self) -> str:
        """What the other side said when it closed, or nothing."""
        return self._farewell or ""

    @property
    def was_closed(self) -> bool:
        """The other side closed it in the orderly way."""
        return self._farewell is not None

    # Reading.

    def _complete(self, view: memoryview) -> memoryview:
        """Moves what the frame that was begun still lacks to it; gives what is left."""
        while view:
            need = _length(self._rest)
            lacks = (need or len(self._rest) + 1) - len(self._rest)
            if lacks <= 0:
                break
            self._rest += view[:lacks]
            view = view[lacks:]
        return view

    def _frame(self, raw: memoryview) -> Bytes | None:
        """What one whole frame says: a message, where it completes one."""
        first, second = raw[0], raw[1]
        if first & _RESERVED:
            raise ProtocolError("a WebSocket frame with reserved bits")
        if bool(second & _MASKED) is self._is_client:
            raise ProtocolError("a WebSocket frame that is masked the wrong way")
        start = 2 + {126: 2, 127: 8}.get(second & 0x7F, 0)
        payload: Bytes = raw[start:]
        if not self._is_client:
            payload = apply_mask(raw[start + 4 :], bytes(raw[start : start + 4]))
        operation, is_last = first & 0x0F, bool(first & _FIN)
        if operation >= _CLOSE:
            self._control(operation, bytes(payload), is_last=is_last)
            return None
        if operation == _TEXT:
            raise ProtocolError("a text message; the tunnel is binary")
        if operation not in {_BINARY, _CONTINUATION} or (operation == _CONTINUATION) is (self._part is None):
            raise ProtocolError(f"a WebSocket frame out of place (operation {operation})")
        if self._part is None:
            if is_last:
                return payload
            self._part = bytearray(payload)
            return None
        self._part += payload
        if len(self._part) > LARGEST_MESSAGE:
            raise ProtocolError(f"a message of more than {LARGEST_MESSAGE} bytes")
        if not is_last:
            return None
        whole, self._part = self._part, None
        return whole

    def _control(self, operation: int, payload: bytes, *, is_last: bool) -> None:
        if not is_last or len(payload) > _CONTROL_MOST:
            raise ProtocolError("a WebSocket control frame that is too long, or in parts")
        if operation == _PING:
            if self.is_open:
                self._write(_PONG, (payload,))
        elif operation == _CLOSE:
            if not self._said_goodbye:
                self._write(_CLOSE, (payload[:2],))
            self._farewell = payload[2:].decode(errors="replace")
        elif operation != _PONG:
            raise ProtocolError(f"a WebSocket frame of an unknown operation {operation}")

    # Writing.

    def _write(self, operation: int, parts: tuple[Bytes, ...]) -> None:
        size = sum(map(len, parts))
        bit = _MASKED if self._is_client else 0
        if size < 126:
            head = bytes((_FIN | operation, bit | size))
        elif size < 65536:
            head = bytes((_FIN | operation, bit | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((_FIN | operation, bit | 127)) + size.to_bytes(8, "big")
        if not self._is_client:
            self._out += (head, *parts)
            return
        key = secrets.token_bytes(4)
        self._out.append(head + key)
        for part in parts:
            self._out.append(apply_mask(part, key))
            turn = len(part) % 4
            key = key[turn:] + key[:turn]

    # The agreement.

    def _agreed(self, dialling: ClientProtocol, data: Bytes) -> Bytes:
        """Reads the other side's HTTP answer; gives what stands behind it."""
        rest: Bytes = b""
        if not self._head.endswith(b"\r\n\r\n"):
            known = len(self._head)
            self._head += data
            end = self._head.find(b"\r\n\r\n", max(0, known - 3))
            if end < 0:
                if len(self._head) > LARGEST_HEAD:
                    raise Refused(0, "no WebSocket: an HTTP answer with headers without end")
                return b""
            rest = bytes(self._head[end + 4 :])
            del self._head[end + 4 :]
            dialling.receive_data(bytes(self._head))
        else:
            rest = data
        if dialling.state is not State.OPEN and len(rest):
            dialling.receive_data(bytes(rest))
        for event in dialling.events_received():
            if isinstance(event, Response):
                _judge(dialling, event)
        if dialling.state is not State.OPEN:
            return b""
        self._dialling = None
        return rest


def _length(raw: bytearray | memoryview) -> int:
    """Of the whole frame that begins here; 0 while that is not known. Raises ProtocolError for one too long."""
    if len(raw) < 2:
        return 0
    size = raw[1] & 0x7F
    start = 2 + (4 if raw[1] & _MASKED else 0)
    if size >= 126:
        wide = 2 if size == 126 else 8
        if len(raw) < 2 + wide:
            return 0
        size = int.from_bytes(raw[2 : 2 + wide], "big")
        start += wide
    if size > LARGEST_MESSAGE:
        raise ProtocolError(f"a message of {size} bytes; at most {LARGEST_MESSAGE}")
    return start + size


def _judge(dialling: ClientProtocol, response: Response) -> None:
    failure = dialling.handshake_exc
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
    return Carrier([data for data in protocol.data_to_send() if data], protocol)


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
    return Carrier([data for data in protocol.data_to_send() if data])
