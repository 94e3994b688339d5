"""Rules for how roost signs in to a machine: address, proxy, host keys, Secrets. For Machine and MachineCheck."""

from __future__ import annotations

import re
from typing import Final

from roost.api.v1alpha1.machine import SSHAccess
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import check_host, check_host_port
from roost.api.validation.secret import Wanted, check_secret
from roost.api.validation.shape import join
from roost.api.validation.world import World

SSH: Final = "spec.ssh"
_HOST_KEY: Final = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|"
    r"sk-ecdsa-sha2-nistp256@openssh\.com|ssh-dss) AAAA[A-Za-z0-9+/]+={0,2}( .*)?"
)
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
SIGN_IN: Final = (
    Wanted("kubernetes.io/ssh-auth", ("ssh-privatekey",)),
    Wanted("kubernetes.io/basic-auth", ("password",)),
)
PROXY_SIGN_IN: Final = (Wanted("kubernetes.io/basic-auth", ("username", "password")),)


def check_access(namespace: str, ssh: SSHAccess, world: World) -> Verdict:
    errors: list[FieldError] = []
    if ssh.address is not None:
        errors += check_host(ssh.address, f"{SSH}.address", example="192.168.10.11", own=True)
    if ssh.proxy is not None:
        errors += check_host_port(ssh.proxy.address, f"{SSH}.proxy.address")
    for number, key in enumerate(ssh.host_keys):
        errors += check_host_key(key, join(SSH, "hostKeys", number))
    return Verdict(errors) + _secrets(namespace, ssh, world)


def check_host_key(key: str, path: str) -> list[FieldError]:
    if "PRIVATE KEY" in key:
        return [error("hostkey.private", path, "FieldValueForbidden")]
    if not _HOST_KEY.fullmatch(key.strip()) and not _FINGERPRINT.fullmatch(key.strip()):
        return [error("hostkey.form", path)]
    return []


def _secrets(namespace: str, ssh: SSHAccess, world: World) -> Verdict:
    verdict = check_secret(namespace, ssh.credential.name, f"{SSH}.credential.name", SIGN_IN, world)
    if ssh.proxy is not None and ssh.proxy.credential is not None:
        path = f"{SSH}.proxy.credential.name"
        verdict += check_secret(namespace, ssh.proxy.credential.name, path, PROXY_SIGN_IN, world)
    return verdict
