"""Opens the TCP connection below SSH, directly or through a SOCKS5 proxy, and says precisely what failed."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import Final

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy as SocksProxy

from roost.ssh.connection import Proxy, Target
from roost.ssh.errors import ProxyAuthenticationFailed, Unreachable

CONNECT_TIMEOUT: Final = 10.0

_REMEDIES: Final = {
    errno.ECONNREFUSED: "the machine answers and nothing listens there; check spec.ssh.port and that sshd runs",
    errno.EHOSTUNREACH: "check the address, that the machine is on, and the route to it",
    errno.ENETUNREACH: "this computer has no route to that network; check the address and the routes",
    errno.ETIMEDOUT: "check the address, that the machine is on, and firewalls on the way",
    errno.ECONNRESET: "something on the way or the machine closed the connection; check firewalls and sshd's log",
}


def place(target: Target) -> str:
    """Machine, address and proxy, as every message begins."""
    via = f" through the SOCKS5 proxy {target.proxy.host}:{target.proxy.port}" if target.proxy else ""
    return f"{target.name} ({target.address}:{target.port}{via})"


def unreachable(target: Target, error: OSError) -> Unreachable:
    """An operating system's error with its name, number and remedy."""
    number = error.errno
    if isinstance(error, socket.gaierror):
        return Unreachable(f"{place(target)}: the name can't be resolved ({error.strerror}); check spec.ssh.address")
    name = errno.errorcode.get(number, "") if number else ""
    text = os.strerror(number) if number and name else str(error)
    remedy = _REMEDIES.get(number or 0, "check the address, the port and the network")
    return Unreachable(f"{place(target)}: {text}{f' ({name})' if name else ''}; {remedy}")


async def open_socket(target: Target) -> socket.socket:
    """A connected, non-blocking socket. Raises Unreachable or ProxyAuthenticationFailed."""
    if target.proxy is not None:
        return await _through_proxy(target, target.proxy)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await _direct(target)
    except TimeoutError:
        raise Unreachable(
            f"{place(target)}: no answer within {CONNECT_TIMEOUT:.0f} s; {_REMEDIES[errno.ETIMEDOUT]}"
        ) from None
    except OSError as error:
        raise unreachable(target, error) from error


async def _direct(target: Target) -> socket.socket:
    """Tries each address of the name in the resolver's order; raises the last error."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.address, target.port, type=socket.SOCK_STREAM)
    last: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            last = error
        except BaseException:
            sock.close()
            raise
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise last


async def _through_proxy(target: Target, proxy: Proxy) -> socket.socket:
    """Names go to the proxy as they are: it resolves them."""
    client = SocksProxy(
        proxy_type=ProxyType.SOCKS5,
        host=proxy.host,
        port=proxy.port,
        username=proxy.user,
        password=proxy.password.reveal() if proxy.password is not None else None,
        rdns=True,
    )
    where = f"{target.name}: the SOCKS5 proxy {proxy.host}:{proxy.port}"
    try:
        sock = await client.connect(dest_host=target.address, dest_port=target.port, timeout=CONNECT_TIMEOUT)
    except ProxyTimeoutError:
        raise Unreachable(
            f"{where} gave no connection to {target.address}:{target.port} within {CONNECT_TIMEOUT:.0f} s; "
            "check that the proxy runs and that it reaches the machine"
        ) from None
    except ProxyConnectionError as error:
        raise Unreachable(f"{where} can't be reached ({error}); check spec.ssh.proxy.address") from None
    except ProxyError as error:
        raise _refused(target, where, proxy, error) from None
    except ValueError:
        raise ProxyAuthenticationFailed(
            f"{where}: user name and password must be ASCII of at most 255 characters; "
            "correct them in the Secret of spec.ssh.proxy"
        ) from None
    except OSError as error:
        raise Unreachable(f"{where} broke the connection ({error}); check that it speaks SOCKS5") from None
    return sock


def _refused(target: Target, where: str, proxy: Proxy, error: ProxyError) -> Unreachable | ProxyAuthenticationFailed:
    text = str(error)
    if error.error_code is None and "uthentication" in text:
        user = f"user {proxy.user}" if proxy.user else "a connection without user name"
        return ProxyAuthenticationFailed(
            f"{where} refused {user} ({text}); correct user name and password in the Secret of spec.ssh.proxy"
        )
    return Unreachable(
        f"{where} can't reach {target.address}:{target.port} ({text}); "
        "check the address and port of the machine as the proxy sees them"
    )
