"""Signs in to a machine with asyncssh: the Connector that a Pool uses outside tests.

The host key is judged before anything is sent that authenticates. Nothing of the local user's SSH
set-up (agent, configuration, known_hosts, keys) takes part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncssh

from roost.ssh.connection import Target
from roost.ssh.errors import AuthenticationFailed, HostKeyChanged, SudoRefused, Unreachable
from roost.ssh.framing import Elevation, probe_line
from roost.ssh.keys import ALGORITHMS, algorithm_attempts, fingerprint, is_trusted, parse_private_key
from roost.ssh.output import Masker
from roost.ssh.session import AsyncsshConnection
from roost.ssh.sockets import open_socket, place, unreachable

LOGIN_TIMEOUT: Final = 20.0
"""From the open socket to the signed-in session: sshd may wait for a DNS answer about us."""
KEEPALIVE_INTERVAL: Final = 15
KEEPALIVE_COUNT: Final = 3


async def connect(target: Target) -> AsyncsshConnection:
    """Raises Unreachable, HostKeyChanged, AuthenticationFailed, PassphraseWrong, PrivateKeyInvalid,
    ProxyAuthenticationFailed or SudoRefused."""
    key = None
    if target.private_key is not None:
        key = parse_private_key(target.private_key, target.passphrase, machine=target.name)
    changed: HostKeyChanged | None = None
    for algorithms in algorithm_attempts(target.host_keys):
        try:
            ssh = await _sign_in(target, key, algorithms)
        except HostKeyChanged as error:
            changed = changed or error
        except (asyncssh.KeyExchangeFailed, Unreachable) as error:
            if changed is not None:
                continue  # The machine has no key of the type just asked for.
            if isinstance(error, Unreachable):
                raise
            raise Unreachable(
                f"{place(target)}: sshd and roost have no common algorithm ({error.reason}); "
                f"roost needs one of the host key types {', '.join(ALGORITHMS)}"
            ) from error
        else:
            try:
                return AsyncsshConnection(
                    ssh, target, _text(ssh.get_server_host_key()), await _elevation(ssh, target)
                )
            except BaseException:
                ssh.abort()
                raise
    raise changed or AssertionError("an attempt returns or raises")


class _Client(asyncssh.SSHClient):
    """Judges the host key; answers keyboard-interactive with the password, whatever the prompt says."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.offered = ""
        self.connection: asyncssh.SSHClientConnection | None = None
        self._password_tried = False
        """A wrong password is tried once, by whichever method comes first: accounts get locked."""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        self.offered = _text(key)
        return is_trusted(self.target.host_keys, self.offered)

    def password_auth_requested(self) -> str | None:
        if self._password_tried or self.target.password is None:
            return None
        self._password_tried = True
        return self.target.password.reveal()

    def kbdint_auth_requested(self) -> str | None:
        return "" if self.target.password is not None and not self._password_tried else None

    def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002
        instructions: str,  # noqa: ARG002
        lang: str,  # noqa: ARG002
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str] | None:
        if not prompts:
            return []
        hidden = [prompt for prompt, echo in prompts if not echo]
        if len(prompts) != 1 or not hidden or self._password_tried or self.target.password is None:
            return None
        self._password_tried = True
        return [self.target.password.reveal()]


def _no_known_hosts(_host: str, _address: str, _port: int | None) -> tuple[list[str], list[str], list[str]]:
    return [], [], []


async def _sign_in(
    target: Target, key: asyncssh.SSHKey | None, algorithms: tuple[str, ...]
) -> asyncssh.SSHClientConnection:
    sock = await open_socket(target)
    client = _Client(target)
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT):
            return await asyncssh.connect(
                target.address,
                target.port,
                sock=sock,
                config=None,
                client_factory=lambda: client,
                # Empty lists: every key is put before validate_host_public_key.
                known_hosts=_no_known_hosts,
                server_host_key_algs=list(algorithms),
                username=target.user,
                preferred_auth=["publickey", "password", "keyboard-interactive"],
                client_keys=[key] if key is not None else None,
                agent_path=None,
                gss_auth=False,
                gss_kex=False,
                compression_algs=None,
                keepalive_interval=KEEPALIVE_INTERVAL,
                keepalive_count_max=KEEPALIVE_COUNT,
            )
    except asyncssh.HostKeyNotVerifiable:
        raise HostKeyChanged(_host_key_message(target, client.offered)) from None
    except asyncssh.PermissionDenied:
        raise AuthenticationFailed(_refusal(client)) from None
    except asyncssh.KeyExchangeFailed:
        raise
    except TimeoutError:
        raise Unreachable(
            f"{place(target)}: the port is open, but no SSH session came about within {LOGIN_TIMEOUT:.0f} s"
            f"{_banner(client)}; check that it is sshd that listens there and that the machine is not overloaded"
        ) from None
    except (asyncssh.DisconnectError, asyncssh.Error) as error:
        raise _broken(client, error) from error
    except OSError as error:
        raise unreachable(target, error) from error
    finally:
        if client.connection is None:
            sock.close()


def _broken(client: _Client, error: asyncssh.Error) -> Unreachable | AuthenticationFailed:
    if "authentication" in error.reason.lower():
        return AuthenticationFailed(_refusal(client) + f" (sshd: {error.reason})")
    return Unreachable(
        f"{place(client.target)}: the SSH handshake failed ({error.reason}){_banner(client)}; "
        "check that sshd listens there, and its MaxStartups when many connect at once"
    )


def _banner(client: _Client) -> str:
    version = client.connection.get_extra_info("server_version") if client.connection is not None else None
    return f"; the server calls itself {version}" if version else "; it has sent no SSH banner"


def _refusal(client: _Client) -> str:
    target = client.target
    given = [
        name
        for name, value in (("the private key", target.private_key), ("the password", target.password))
        if value is not None
    ]
    methods = [*client.connection.get_server_auth_methods()] if client.connection is not None else []
    still = f"; it still offers {', '.join(methods)}" if methods else ""
    hint = "; for root it may also be `PermitRootLogin` in sshd_config" if target.user == "root" else ""
    return (
        f"{place(target)}: sshd refused {' and '.join(given) or 'a sign-in without credentials'} "
        f"of user {target.user}{still}. Correct user, password or key in the Secret{hint}"
    )


def _host_key_message(target: Target, offered: str) -> str:
    known = ", ".join(key if key.startswith("SHA256:") else _shown(key) for key in target.host_keys)
    return (
        f"{place(target)}: the machine shows the host key {_shown(offered)}, trusted are {known}. "
        "Was the machine installed anew, put the new key into spec.ssh.hostKeys; otherwise somebody may be "
        "answering in its place. Nothing was sent to it"
    )


def _shown(host_key: str) -> str:
    try:
        return f"{host_key.split(maxsplit=1)[0]} {fingerprint(host_key)}"
    except (ValueError, IndexError):
        return f"«{host_key[:40]}» (not a public key)"


async def _elevation(ssh: asyncssh.SSHClientConnection, target: Target) -> Elevation:
    """root needs nothing; others are asked once, so that a wrong password is tried once and no more."""
    if target.user == "root":
        return "root"
    password = target.sudo_password or target.password
    line = f"{password.reveal()}\n" if password is not None else ""
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT):
            probed = await ssh.run(probe_line(), input=line)
    except TimeoutError:
        raise SudoRefused(
            f"{place(target)}: sudo of user {target.user} did not answer within {LOGIN_TIMEOUT:.0f} s"
        ) from None
    except (asyncssh.Error, OSError) as error:
        raise Unreachable(f"{place(target)}: the session broke while sudo was tried ({error})") from error
    found = str(probed.stdout or "").strip()
    if found in ("root", "sudo", "sudo-password"):
        return found
    said = Masker([password])(str(probed.stderr or "")).strip().replace("\n", "; ")
    raise SudoRefused(
        f"{place(target)}: user {target.user} can't become root ({said or 'sudo is not installed'}). "
        "Sign in as root, allow the user sudo for all commands, or correct `sudo-password` in the Secret"
    )


def _text(key: asyncssh.SSHKey | None) -> str:
    """Type and key, without comment."""
    if key is None:
        return ""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])
