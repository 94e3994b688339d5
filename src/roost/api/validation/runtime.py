"""Rules for the container runtime: Docker only behind its feature gate, its settings, and the data directory."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Final

from roost.api.v1alpha1.onpremises import OnPremises, RuntimeType
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.gates import CRI_DOCKER
from roost.api.validation.shape import join
from roost.api.validation.texts import Term
from roost.api.validation.world import World

WAY: Final = "spec.onPremises"
PATH: Final = f"{WAY}.runtime"
_NAMES: Final = "bin boot dev etc lib lib64 proc root run sbin sys tmp usr"
SYSTEM: Final = tuple(f"/{name}" for name in _NAMES.split())
"""Directories whose content is not data, or does not outlive a start."""
OWN: Final = ("/var/lib/kubelet", "/var/lib/etcd", "/var/lib/roost", "/var/log/pods", "/var/log/containers")

_LOGS: Final = Term(
    "write runtime.logMaxSize and runtime.logMaxFiles instead", "请改写 runtime.logMaxSize 和 runtime.logMaxFiles"
)
_DATA: Final = Term("write runtime.dataDirectory instead", "请改写 runtime.dataDirectory")
_CGROUPS: Final = Term("it has to agree with kubelet", "必须与 kubelet 一致")
_SOCKET: Final = Term("cri-dockerd reaches Docker there", "cri-dockerd 通过它访问 Docker")
_FILES: Final = Term("roost keeps its files there and undoes them there", "roost 在该位置保存并还原文件")
DOCKERS_OWNED: Final[Mapping[str, Term]] = {
    "log-driver": _LOGS,
    "log-opt": _LOGS,
    "log-opts": _LOGS,
    "data-root": _DATA,
    "graph": _DATA,
    "exec-opt": _CGROUPS,
    "exec-opts": _CGROUPS,
    "host": _SOCKET,
    "hosts": _SOCKET,
    "containerd": _SOCKET,
    "config-file": _FILES,
    "pidfile": _FILES,
}
"""What roost sets itself; a setting given both as a flag and in daemon.json keeps dockerd from starting."""
_FLAG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_runtime(wanted: OnPremises, world: World, *, initialized: bool) -> Verdict:
    """`initialized`: the cluster runs; a gate that was closed meanwhile stops nothing."""
    verdict = Verdict()
    docker = wanted.runtime.type is RuntimeType.DOCKER
    if docker:
        enabled = world.gate(CRI_DOCKER)
        closed = error("docker.gate", f"{PATH}.type", "FieldValueForbidden", gate=CRI_DOCKER)
        if enabled is False and initialized:
            verdict += Verdict(notices=[error("docker.gate.closed", f"{PATH}.type", gate=CRI_DOCKER)])
        elif enabled is False:
            verdict += Verdict([closed])
        elif enabled is None:
            notice = error("docker.gate.unknown", f"{PATH}.type", gate=CRI_DOCKER)
            verdict += Verdict(notices=[notice])
    elif wanted.docker_extra_args:
        path = f"{WAY}.dockerExtraArgs"
        verdict += Verdict(
            [error("docker.args", path, "FieldValueForbidden", given=", ".join(wanted.docker_extra_args))]
        )
    if docker:
        for name, value in wanted.docker_extra_args.items():
            verdict += Verdict(_docker(name, value, join(WAY, "dockerExtraArgs", name)))
    return verdict + Verdict(_directory(wanted.runtime.data_directory))


def belongs_to_daemon_json(value: str) -> bool:
    """A list or an object in JSON can't be said by a flag: such a pair goes to daemon.json."""
    try:
        return isinstance(json.loads(value), dict | list)
    except ValueError:
        return False


def _docker(name: str, value: str, path: str) -> list[FieldError]:
    if name.startswith("-"):
        return [error("flag.dashes", path, given=name, right=name.lstrip("-").partition("=")[0])]
    if "=" in name:
        key, _, rest = name.partition("=")
        return [error("flag.equals", path, given=name, right=f"{key}: {rest}")]
    if not _FLAG.fullmatch(name):
        return [error("flag.form", path, given=name, right="registry-mirrors")]
    if name in DOCKERS_OWNED:
        return [error("flag.owned", path, "FieldValueForbidden", given=name, because=DOCKERS_OWNED[name])]
    if re.search(r"[\x00-\x1f\x7f]", value):
        return [error("flag.value", path)]
    if value[:1] in "{[" and value and not belongs_to_daemon_json(value):
        return [error("docker.json", path, given=name)]
    return []


def _directory(text: str | None) -> list[FieldError]:
    path = f"{PATH}.dataDirectory"
    if text is None:
        return []
    plain = posixpath.normpath(text)
    if not text.startswith("/") or re.search(r"[\s\x00-\x1f\x7f'\"\\$`;&|<>*?()\[\]{}!#%]", text):
        return [error("directory.form", path, given=text)]
    if plain != text or text.startswith("//"):
        return [error("directory.spelled", path, given=text, right="/" + plain.lstrip("/"))]
    if text == "/" or any(text == place or text.startswith(f"{place}/") for place in SYSTEM):
        return [error("directory.system", path, given=text)]
    if any(text == place or text.startswith(f"{place}/") or place.startswith(f"{text}/") for place in OWN):
        return [error("directory.own", path, given=text)]
    return []
