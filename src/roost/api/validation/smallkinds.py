"""Rules for MachineCheck, MachineDraft and CloudCredential."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from roost.api.v1alpha1.cloudcredential import CloudCredentialSpec, CloudCredentialType
from roost.api.v1alpha1.machinecheck import MachineCheckSpec
from roost.api.v1alpha1.machinedraft import DraftedMachine, MachineDraftSpec
from roost.api.validation.access import check_access, check_host_key
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import check_address
from roost.api.validation.secret import Wanted, check_secret
from roost.api.validation.shape import join
from roost.api.validation.world import World

_SECRET_TEXT: Final = re.compile(r"PRIVATE KEY|(?i:passw(or)?d|token|secret)\s*[=:]")
"""What a person pastes into the wrong field."""


def check_check(namespace: str, _name: str, spec: MachineCheckSpec, world: World) -> Verdict:
    """A MachineCheck: the same rules of access as for a Machine."""
    errors: list[FieldError] = []
    if spec.ssh.address is None and not spec.addresses.every:
        errors.append(error("check.address", "spec.ssh.address", "FieldValueRequired"))
    if spec.addresses.ipv4 is not None:
        path, other = "spec.addresses.ipv4", "spec.addresses.ipv6"
        errors += check_address(spec.addresses.ipv4, path, 4, other=other, example="192.168.10.11")
    if spec.addresses.ipv6 is not None:
        path, other = "spec.addresses.ipv6", "spec.addresses.ipv4"
        errors += check_address(spec.addresses.ipv6, path, 6, other=other, example="fd00:10::11")
    return Verdict(errors) + check_access(namespace, spec.ssh, world)


def check_draft(_namespace: str, _name: str, spec: MachineDraftSpec, _world: World) -> Verdict:
    """A draft is unfinished, so that nothing is judged but this: it holds no secrets."""
    errors: list[FieldError] = []
    for number, machine in enumerate(spec.machines):
        base = join("spec.machines", number)
        errors += [
            error("draft.secret", f"{base}.{field}", "FieldValueForbidden")
            for field, text in _texts(machine)
            if text is not None and (_SECRET_TEXT.search(text) or "\n" in text)
        ]
        for place, key in enumerate(machine.ssh.host_keys if machine.ssh else ()):
            errors += check_host_key(key, join(base, "ssh", "hostKeys", place)) if key else []
    return Verdict(errors)


def _texts(machine: DraftedMachine) -> Iterator[tuple[str, str | None]]:
    yield "name", machine.name
    yield "displayName", machine.display_name
    yield "nic", machine.nic
    yield from ((join("labels", key), value) for key, value in machine.labels.items())
    if machine.ssh is not None:
        yield "ssh.address", machine.ssh.address
        yield "ssh.user", machine.ssh.user
        if machine.ssh.proxy is not None:
            yield "ssh.proxy.address", machine.ssh.proxy.address


def check_owner(owner: object, author: str) -> list[FieldError]:
    """A draft belongs to whoever writes it; the author is known to the webhook alone."""
    if owner == author:
        return []
    return [error("draft.owner", "spec.owner", "FieldValueForbidden", given=str(owner), right=author)]


CREDENTIALS: Final = {
    CloudCredentialType.PUBLIC_REGISTRY: (Wanted("Opaque", ()),),
    CloudCredentialType.AWS: (Wanted("Opaque", ("accessKeyID", "secretAccessKey", "region")),),
}


def check_credential(namespace: str, _name: str, spec: CloudCredentialSpec, world: World) -> Verdict:
    """The Secret may come later: public-registry-credential is there, empty, from the first start on."""
    found = check_secret(namespace, spec.secret.name, "spec.secret.name", CREDENTIALS[spec.type], world)
    late = [finding for finding in found.errors if finding.reason == "FieldValueNotFound"]
    return Verdict([finding for finding in found.errors if finding not in late], [*late, *found.notices])
