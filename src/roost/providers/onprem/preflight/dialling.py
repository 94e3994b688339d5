"""What the platform itself reaches: one connection that waits for a name, and the addresses of a name.

The same that roost-probe does on machines, with the same fields. Called by forwarding.py and virtual.py's caller.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

from roost.node.calling import Line

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 2.0


async def dial(host: str, port: int) -> Line:
    """`ok`, and `banner` or `error`."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return {"ok": False, "error": "no answer in time: packets may be dropped on the way"}
    except socket.gaierror as error:
        return {"ok": False, "error": f"the name is not resolved: {error.strerror}"}
    except ConnectionRefusedError:
        return {"ok": False, "error": "connection refused: nothing listens there, or a firewall rejects"}
    except OSError as error:
        return {"ok": False, "error": error.strerror or str(error)}
    try:
        async with asyncio.timeout(READ_SECONDS):
            line = await reader.readline()
    except (TimeoutError, OSError, ValueError):
        line = b""
    finally:
        writer.close()
    return {"ok": True, "banner": line.decode(errors="replace").strip()}


async def resolve(name: str) -> tuple[str, ...]:
    """The addresses of a name as the platform sees them; none where it is not known."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(sorted({str(ipaddress.ip_address(str(each[4][0]).partition("%")[0])) for each in found}))
