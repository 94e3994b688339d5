"""Rules for clusters that exist already: imported (the platform dials them) and registered (they dial the platform).

What only the cluster or the Secret's content can tell (certificate, rights, a kubeconfig that runs
programs) is checked by the importer before it uses anything.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from roost.api.v1alpha1.attached import Imported, Registered, RegistrationApproval
from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import check_host, is_dns_name, parse_address
from roost.api.validation.registry import check_pem
from roost.api.validation.world import KnownSecret, World

IMPORTED: Final = "spec.imported"
REGISTERED: Final = "spec.registered"
EXAMPLE: Final = "https://10.0.0.1:6443"


def check_imported(namespace: str, spec: ClusterSpec, wanted: Imported, world: World) -> Verdict:
    errors = _version(spec)
    if wanted.server is not None:
        errors += check_server(wanted.server, f"{IMPORTED}.server")
    errors += check_pem(wanted.ca, f"{IMPORTED}.ca")
    name = wanted.tls_server_name
    if name is not None and not is_dns_name(name) and parse_address(name) is None:
        errors += [error("host.form", f"{IMPORTED}.tlsServerName", given=name, right="kubernetes.default.svc")]
    return Verdict(errors) + _credential(namespace, wanted, world)


def check_registered(spec: ClusterSpec, wanted: Registered) -> Verdict:
    errors = _version(spec)
    if wanted.accepted is not None and wanted.approval is not RegistrationApproval.MANUAL:
        errors.append(error("accepted.automatic", f"{REGISTERED}.accepted", "FieldValueForbidden"))
    return Verdict(errors)


def check_server(text: str, path: str) -> list[FieldError]:
    """The URL of an API: https, a host that is not the platform itself, and nothing secret in it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return [error("server.form", path, given=text, right=EXAMPLE)]
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        # The text itself is not repeated: it may hold a password.
        return [error("server.user", path, "FieldValueForbidden")]
    if parts.scheme == "http":
        return [error("server.http", path, given=text, right=f"https{text[4:]}")]
    if parts.scheme != "https" or not host or text != text.strip():
        return [error("server.form", path, given=text, right=EXAMPLE)]
    if parts.query or parts.fragment or "?" in text or "#" in text or port == 0:
        return [error("server.form", path, given=text, right=f"https://{parts.netloc}{parts.path}")]
    return check_host(host, path, example="10.0.0.1")


def _version(spec: ClusterSpec) -> list[FieldError]:
    if spec.version is None:
        return []
    return [error("version.found", "spec.version", "FieldValueForbidden", given=spec.version)]


def _credential(namespace: str, wanted: Imported, world: World) -> Verdict:
    name, path = wanted.credential.name, f"{IMPORTED}.credential.name"
    found = world.secret(namespace, name)
    if found is None:
        absent = error("import.secret.absent", path, "FieldValueNotFound", given=name, namespace=namespace)
        return Verdict([absent]) if world.secrets_complete else Verdict(notices=[absent])
    return Verdict(_keys(found, name, path, wanted))


def _keys(found: KnownSecret, name: str, path: str, wanted: Imported) -> list[FieldError]:
    if found.type != "Opaque":
        return [error("secret.type", path, given=name, type=found.type, types="Opaque")]
    if "kubeconfig" in found.keys:
        return []
    if "token" not in found.keys:
        return [error("import.secret.keys", path, given=name)]
    if wanted.server is None:
        return [error("server.required", f"{IMPORTED}.server", "FieldValueRequired", given=name, right=EXAMPLE)]
    return []
