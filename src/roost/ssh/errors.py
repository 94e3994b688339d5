"""What can go wrong between roost and a machine. Reasons become conditions as they are.

RoostError
├── RetryLater
│   ├── Unreachable            no route, refused, timed out, proxy down (the message names which)
│   └── ConnectionLost         the session broke while a command ran; the act may go on on the machine
└── PermanentFailure
    ├── AuthenticationFailed   password or key refused (looked at again after 1 to 15 minutes)
    ├── PassphraseWrong        the private key could not be opened
    ├── ProxyAuthenticationFailed
    ├── HostKeyChanged         another key than the pinned or trusted one; both fingerprints named
    └── SudoRefused            no sudo, not allowed, or its password is wrong or missing
"""

from __future__ import annotations

from roost.api.errors import PermanentFailure, RetryLater


class Unreachable(RetryLater):
    def __init__(self, message: str) -> None:
        super().__init__("MachineUnreachable", message)


class ConnectionLost(RetryLater):
    def __init__(self, message: str) -> None:
        super().__init__("ConnectionLost", message)


class CommandTimedOut(RetryLater):
    def __init__(self, message: str) -> None:
        super().__init__("CommandTimedOut", message)


class AuthenticationFailed(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("AuthenticationFailed", message)


class PassphraseWrong(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("PassphraseWrong", message)


class PrivateKeyInvalid(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("PrivateKeyInvalid", message)


class ProxyAuthenticationFailed(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("ProxyAuthenticationFailed", message)


class HostKeyChanged(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("HostKeyChanged", message)


class SudoRefused(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("SudoRefused", message)
