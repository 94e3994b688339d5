"""The bundles of one data directory: `<data directory>/bundles/<version>/`. The door to this room.

Called by the command line, `roost up`, the controllers and tests. Opening a bundle reads some thirty small
documents and takes a few milliseconds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from roost.api.errors import RoostError
from roost.bundle import artifact, probe, transfer, versions
from roost.bundle.create import INCOMING, Creation, Wish, discard_damaged, missing, parts_of, same_components
from roost.bundle.errors import ArchitectureMissing, BundleDamaged, BundleMissing, BundleRefused, StorageFailed
from roost.bundle.extras import EXTRAS
from roost.bundle.fetch import Fetcher, is_storage
from roost.bundle.layout import INDEX_FILE, Layout
from roost.bundle.model import Bundle
from roost.bundle.progress import Progress, Step, silent
from roost.bundle.verify import Report, verify_bundle
from roost.bundle.versions import ARCHITECTURES, PARTS, Part


class Store:
    """Bundles under one directory, which is made when the first one is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def versions(self) -> tuple[str, ...]:
        """Versions of the finished bundles, oldest first."""
        if not self.path.is_dir():
            return ()
        names = [
            each.name
            for each in self.path.iterdir()
            if not each.name.startswith(".") and (each / INDEX_FILE).is_file()
        ]
        return tuple(sorted(names, key=lambda name: [int(part) if part.isdigit() else 0 for part in name.split(".")]))

    def list(self) -> list[Bundle]:
        """Every bundle that can be opened; one that can't does not hide the others (see `problems`)."""
        return [bundle for version in self.versions() if isinstance(bundle := self._try(version), Bundle)]

    def problems(self) -> dict[str, RoostError]:
        """Version to what is wrong, for the bundles that `list` leaves out."""
        tried = {version: self._try(version) for version in self.versions()}
        return {version: found for version, found in tried.items() if isinstance(found, RoostError)}

    def _try(self, version: str) -> Bundle | RoostError:
        try:
            return artifact.open_bundle(self.path / version)
        except (BundleDamaged, BundleRefused) as error:
            return error

    def get(self, version: str) -> Bundle:
        """Raises BundleMissing, which says what to do, BundleDamaged, BundleRefused."""
        wanted = versions.normalize(version)
        path = self.path / wanted
        if not (path / INDEX_FILE).is_file():
            present = ", ".join(self.versions()) or "none"
            raise BundleMissing(
                f"there is no bundle of Kubernetes {wanted} in {self.path} (present: {present}); "
                f"run `roost bundle create --kubernetes {wanted}`, or `roost bundle import FILE`"
            )
        return artifact.open_bundle(path)

    def find(self, version: str) -> Bundle | None:
        """As get, but None when there is none."""
        try:
            return self.get(version)
        except BundleMissing:
            return None

    def create(
        self,
        version: str,
        architectures: Iterable[str],
        *,
        mirror: str | None = None,
        parts: Iterable[Part] = PARTS,
        extra_images: Iterable[str] = (),
        extras: Iterable[str] = (),
        given: Iterable[tuple[str, Path]] = (),
        jobs: int = 6,
        repair: bool = False,
        progress: Progress = silent,
        probe_path: Callable[[str], Path] = probe.probe_path,
        fetcher: Fetcher | None = None,
    ) -> Bundle:
        """Make a bundle, or add parts, architectures and images to one. Does nothing where all is there.

        `extra_images` are images of one's own choice under their full names; machines can pull them, none
        pulls them in advance. `extras` are names of further manifests (bundle.extras), `given` archives of
        programs as files (create.GIVEN). `repair` hashes a finished bundle first and fetches what is damaged.
        """
        row = versions.release(version)
        wish = Wish(row, _known(architectures), frozenset(parts), tuple(extra_images), mirror, jobs)
        wish = replace(wish, extras=tuple(extras), given=tuple(given))
        with self._writing(), self._locked(row.kubernetes, progress):
            final = self.path / row.kubernetes
            incoming = self.path / f"{INCOMING}{row.kubernetes}"
            if repair and final.exists():
                wish = self._demote(wish, final, incoming)
            bundle = self.find(row.kubernetes)
            lacking = missing(wish, bundle)
            if bundle is not None and not lacking:
                return bundle
            if bundle is not None:
                same_components(bundle, row)
                shutil.rmtree(incoming, ignore_errors=True)
            else:
                discard_damaged(Layout(incoming))
            layout = Layout(incoming if bundle is None else final)
            layout.path.mkdir(exist_ok=True)
            Creation(
                wish,
                layout,
                bundle,
                siblings=[Layout(self.path / each) for each in self.versions() if each != row.kubernetes],
                probe=probe_path,
                progress=progress,
                fetcher=fetcher or Fetcher(),
            ).run(lacking)
            if bundle is None:
                transfer.publish(incoming, final)
            return artifact.open_bundle(final)

    def _demote(self, wish: Wish, final: Path, incoming: Path) -> Wish:
        """Turn a finished bundle into an unfinished one with the same contents wished for."""
        try:
            bundle = artifact.open_bundle(final)
        except BundleDamaged:
            bundle = None  # Its documents are what is damaged: only the wish is known.
        if bundle is not None:
            together = frozenset[Part]().union(*(parts_of(bundle, each) for each in bundle.parts))
            extra = {image.name for image in bundle.images if image.purpose == "test"} | set(wish.extra_images)
            wish = replace(
                wish,
                architectures=tuple(sorted({*wish.architectures, *bundle.parts})),
                parts=wish.parts | together,
                extra_images=tuple(sorted(extra)),
                extras=tuple(sorted({*wish.extras, *(name for name in EXTRAS if name in bundle.manifests)})),
            )
        shutil.rmtree(incoming, ignore_errors=True)
        final.rename(incoming)
        (incoming / INDEX_FILE).unlink(missing_ok=True)
        return wish

    def verify(self, version: str, *, progress: Progress = silent) -> Report:
        """Hash every blob. The report names each damaged one; nothing is changed."""
        return verify_bundle(self.get(version), progress=progress)

    def export(self, version: str, file: Path, *, progress: Progress = silent) -> str:
        """Write one .tar, the same bytes for the same bundle. Returns the file's sha256 digest."""
        bundle = self.get(version)
        with _storage(file.parent):
            return transfer.export_bundle(bundle, file, progress=progress)

    def import_(self, file: Path, *, progress: Progress = silent) -> Bundle:
        """Read a .tar that export wrote, checking each blob on the way. Raises BundleDamaged, BundleRefused."""
        with self._writing():
            return transfer.import_bundle(self.path, file, progress=progress)

    def remove(self, version: str) -> None:
        """Raises BundleMissing. The caller knows whether a cluster or the platform still uses it."""
        wanted = versions.normalize(version)
        incoming = self.path / f"{INCOMING}{wanted}"
        final = self.path / wanted
        if not final.exists() and not incoming.exists():
            self.get(wanted)
        with self._locked(wanted, silent):
            gone = self.path / f".removed-{wanted}-{os.getpid()}"
            for each in (final, incoming):
                if each.exists():
                    each.rename(gone)
                    shutil.rmtree(gone)

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Makes the directories of the store and names what the disk refuses."""
        with _storage(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            yield

    @contextmanager
    def _locked(self, version: str, progress: Progress) -> Generator[None]:
        """One run at a time for each version; a second one waits and then finds the work done."""
        with (self.path / f".lock-{version}").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress(Step(f"waiting for another run on the bundle of {version}", 0, None, "running"))
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield


@contextmanager
def _storage(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if not is_storage(error):
            raise
        where = error.filename or path
        raise StorageFailed(
            f"{where}: {error.strerror}; {_free(path)}. A bundle takes some 700 MiB: make room, or name another "
            "data directory (--data-dir); what was fetched is kept"
        ) from error


def _free(path: Path) -> str:
    for each in (path, *path.parents):
        if each.exists():
            return f"{shutil.disk_usage(each).free >> 20} MiB are free in {each}"
    return "there is no such directory"


def _known(architectures: Iterable[str]) -> tuple[str, ...]:
    chosen = tuple(sorted(set(architectures)))
    unknown = [each for each in chosen if each not in ARCHITECTURES]
    if unknown or not chosen:
        raise ArchitectureMissing(
            f"architecture {', '.join(unknown) or '(none named)'} is not supported; "
            f"supported are {', '.join(ARCHITECTURES)}"
        )
    return chosen
