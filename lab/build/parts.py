"""What images stand on that is no Go program: a Debian root with iptables, busybox, pause.

Each part is made once and cached by the hash of its recipe; `images` puts them into layers.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import apt
from lab.build import cache, tools
from lab.build.progress import Progress
from lab.build.tarball import Entry

IPTABLES_PACKAGES = (
    "iptables",
    "nftables",
    "iproute2",
    "conntrack",
    "kmod",
    "ca-certificates",
    "ebtables",
)
# Nothing of this is read by a program in an image, and it is half of the size.
TRIMMED = (
    "dev/",
    "proc/",
    "sys/",
    "run/",
    "boot/",
    "tmp/",
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/lintian/",
    "usr/share/bug/",
    "usr/share/perl5/",
    "usr/share/zoneinfo/",
    "usr/lib/x86_64-linux-gnu/gconv/",
    "var/cache/",
    "var/lib/apt/",
    "var/lib/dpkg/info/",
    "var/log/",
)
# These name the machine that built the root, or its package mirror.
DROPPED = ("etc/resolv.conf", "etc/hostname", "etc/machine-id", "etc/apt/sources.list")
PAUSE_SOURCE = Path(__file__).with_name("pause.c")
CODENAME = "bookworm"


@dataclass(frozen=True)
class Part:
    """One cached file or folder with the recipe that its name is derived from."""

    name: str
    recipe: tuple[str, ...]
    expected_seconds: int
    make: Callable[[Part, Path], None]

    @property
    def key(self) -> str:
        return f"{self.name}-{cache.recipe_hash(list(self.recipe))}"

    @property
    def path(self) -> Path:
        return cache.parts() / self.key

    def is_made(self) -> bool:
        return self.path.exists()

    def ensure(self, progress: Progress) -> None:
        """Make the part unless it is there; older makes of it go."""
        if self.is_made():
            return
        work = cache.work(self.key)
        finished = work / "finished"
        if finished.is_dir():
            shutil.rmtree(finished)
        finished.unlink(missing_ok=True)
        progress.note(f"making {self.name}")
        self.make(self, finished)
        cache.publish(finished, self.path)
        shutil.rmtree(work, ignore_errors=True)
        for other in cache.parts().glob(f"{self.name}-*"):
            if other != self.path and other.name.rsplit("-", 1)[0] == self.name:
                shutil.rmtree(other) if other.is_dir() else other.unlink()


def _make_debian(part: Part, finished: Path) -> None:
    """A minimal Debian as a tar file, from the machine's own package sources."""
    step = f"make {part.name}"
    cache.require_space(step, 1_500_000_000)
    tools.require_apt(("mmdebstrap",))
    target = finished.with_name("root.tar")
    target.unlink(missing_ok=True)
    # Only what no package script reads; the rest goes when the layer is written.
    unread = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
    excluded = [f"--dpkgopt=path-exclude=/{path}/*" for path in unread]
    tools.run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            f"--include={','.join(part.recipe[1:])}",
            *excluded,
            CODENAME,
            str(target),
            *debian_sources(Path("/etc/apt")),
        ],
        step=step,
        what=f"Debian packages ({', '.join(part.recipe[1:])})",
        log=finished.with_name("mmdebstrap.log"),
    )
    target.rename(finished)


def debian_sources(apt: Path) -> list[str]:
    """The machine's own sources of this Debian release, which may name a mirror near it."""
    candidates = [apt / "sources.list.d" / "debian.sources", apt / "sources.list"]
    return [str(one) for one in candidates if one.is_file() and CODENAME in one.read_text(errors="replace")]


def _make_busybox(part: Part, finished: Path) -> None:
    """The one program of Debian's busybox-static, without installing it on the machine."""
    work = finished.with_name("package")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    step = f"make {part.name}"
    what = "the Debian package busybox-static"
    log = finished.with_name("apt.log")
    apt.wait_for_lists()
    tools.run([*apt.WORDS, "update"], step=step, what="the package lists", log=log)
    tools.run(
        ["apt-get", "-o", "APT::Sandbox::User=root", "download", "busybox-static"],
        step=step,
        what=what,
        log=log,
        cwd=work,
    )
    package = next(work.glob("busybox-static_*.deb"))
    tools.run(["dpkg-deb", "--extract", str(package), str(work)], step=step, what=what, log=log)
    next(path for path in (work / "usr/bin/busybox", work / "bin/busybox") if path.exists()).rename(finished)


def _make_pause(part: Part, finished: Path) -> None:
    tools.require_apt(("gcc", "libc6-dev"))
    tools.run(
        ["gcc", "-Os", "-Wall", "-Werror", "-static", "-s", "-o", str(finished), str(PAUSE_SOURCE)],
        step=f"make {part.name}",
        what=PAUSE_SOURCE.name,
        log=finished.with_name("gcc.log"),
    )


def iptables_root() -> Part:
    return Part("iptables-root", (CODENAME, *IPTABLES_PACKAGES), 60, _make_debian)


def busybox() -> Part:
    return Part("busybox", (CODENAME, "busybox-static"), 8, _make_busybox)


def pause() -> Part:
    return Part("pause", (PAUSE_SOURCE.read_text(),), 3, _make_pause)


def is_kept(name: str) -> bool:
    """Whether a path of the Debian root belongs into a layer; folders themselves always do."""
    path = name.removeprefix("./")
    if path in DROPPED or path.startswith("etc/apt/sources.list.d/"):
        return False
    return bool(path) and not any(path.startswith(one) and path != one for one in TRIMMED)


def root_entries(root: Path) -> list[Entry]:
    """The entries of a Debian root for a layer: trimmed, hard links as files of their own."""
    entries: list[Entry] = []
    with tarfile.open(root) as archive:
        for member in archive.getmembers():
            name = member.name.removeprefix("./")
            if member.isdir():
                if is_kept(f"{name}/"):
                    entries.append(Entry(name, mode=member.mode))
            elif not is_kept(name):
                continue
            elif member.issym():
                entries.append(Entry(name, link=member.linkname))
            elif member.isfile() or member.islnk():
                file = archive.extractfile(member)
                content = file.read() if file else b""
                entries.append(Entry(name, mode=member.mode, content=content))
    return entries


def applets(program: Path) -> list[str]:
    """The names under which a busybox acts."""
    done = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split() if name != "busybox"]
