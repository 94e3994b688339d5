"""Makes a bundle: fetches every program and image of a release and writes the documents over them.

Called by Store.create. A new bundle grows in `.incoming-VERSION` beside its final name and is renamed
there when it is complete; a run that was killed goes on from what it left, after hashing it again. Parts
and architectures are added to a finished bundle in place: new blobs do not disturb it, and index.json,
replaced last in one step, makes them count.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from roost.bundle import agentimage, artifact, debian, images, upstream, vipimage
from roost.bundle.errors import BundleRefused, ChecksumMismatch
from roost.bundle.extras import EXTRAS, RAW, Extra
from roost.bundle.fetch import Fetcher, HttpStatus, Stopped, Watch, refused
from roost.bundle.layout import Descriptor, Layout, descriptors, digest_of, hash_file, sync_directory
from roost.bundle.model import Bundle, Member, Program
from roost.bundle.probe import NAME as PROBE_NAME
from roost.bundle.probe import VERSION as PROBE_VERSION
from roost.bundle.progress import Progress, Step
from roost.bundle.pull import Puller, Reference
from roost.bundle.versions import PARTS, ImageName, Part, Release

_T = TypeVar("_T")
INCOMING: Final = ".incoming-"
_SCRATCH: Final = "scratch"
GIVEN: Final = ("docker", "cri-dockerd")
"""Programs for the Docker runtime: published without a checksum, so that a person gives them as files."""


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    row: Release
    architectures: tuple[str, ...]
    parts: frozenset[Part]
    extra_images: tuple[str, ...] = ()
    mirror: str | None = None
    jobs: int = 6
    extras: tuple[str, ...] = ()
    """Names of EXTRAS: manifests, with their images, that no bundle holds unless it is asked for them."""
    given: tuple[tuple[str, Path], ...] = ()
    """Archives that a person has by other ways (GIVEN), for the machine's own architecture."""


@dataclass(frozen=True)
class Missing:
    """What a wish needs beyond what is there. Pure, so that a complete bundle costs no network."""

    parts: dict[str, frozenset[Part]]
    """Every part of the bundle when it is done, by architecture."""
    sources: tuple[upstream.Source, ...]
    probes: tuple[str, ...]
    """Architectures that lack roost-probe."""
    images: bool
    """Whether anything of images or upstream manifests is lacking."""
    given: bool = False
    """Whether archives are given, which then take the place of those that the bundle has."""

    def __bool__(self) -> bool:
        return bool(self.sources or self.probes or self.images or self.given)


def parts_of(bundle: Bundle | None, architecture: str) -> frozenset[Part]:
    """The parts that are complete for an architecture."""
    return frozenset(part for part in PARTS if bundle is not None and bundle.has(part, architecture))


def missing(wish: Wish, bundle: Bundle | None) -> Missing:
    """Compare a wish with what a bundle has."""
    parts: dict[str, frozenset[Part]] = {}
    for architecture in bundle.parts if bundle else ():
        parts[architecture] = parts_of(bundle, architecture)
    for architecture in wish.architectures:
        parts[architecture] = parts.get(architecture, frozenset()) | wish.parts
    programs = {(program.name, program.architecture) for program in (bundle.programs if bundle else ())}
    sources = tuple(
        source
        for architecture in sorted(parts, key=lambda each: each != images.host_architecture())
        for source in upstream.sources(wish.row, architecture)
        if parts[architecture] & set(source.parts) and (source.name, architecture) not in programs
    )
    machines = {architecture for architecture, each in parts.items() if "machine" in each}
    known = {image.name for image in (bundle.images if bundle else ())}
    had = set(bundle.architectures) if bundle else set[str]()
    needed = {vipimage.name()} if machines else set[str]()
    if "machine" in wish.parts:
        # Its name changes with roost: `roost up` with a bundle of an older one must not need the network.
        needed.add(agentimage.name())
    return Missing(
        parts=parts,
        sources=sources,
        probes=tuple(sorted(a for a in machines if (PROBE_NAME, a) not in programs)),
        images=bool(
            machines - had
            or (set(wish.extra_images) | needed) - known
            or set(wish.extras) - set(bundle.manifests if bundle else ())
        ),
        given=bool(wish.given),
    )


@dataclass
class _Meter(Watch):
    """Adds up the bytes of one item, over several downloads and threads."""

    item: str
    progress: Progress
    size: int | None = None
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def came(self, count: int) -> None:
        with self.lock:
            self.done += count
            step = Step(self.item, self.done, self.size, "running")
        self.progress(step)

    def total(self, size: int) -> None:
        """Only a program is one file; an image's size is known from its manifest."""
        if self.size is None:
            self.size = size

    def end(self, size: int | None = None) -> None:
        done = self.done or size or 0
        self.progress(Step(self.item, done, done, "done" if self.done else "present"))


class Creation:
    """One run. `layout` is a finished bundle or an incoming directory."""

    def __init__(
        self,
        wish: Wish,
        layout: Layout,
        bundle: Bundle | None,
        *,
        siblings: Sequence[Layout],
        probe: Callable[[str], Path],
        progress: Progress,
        fetcher: Fetcher,
    ) -> None:
        self._wish = wish
        self._layout = layout
        self._bundle = bundle
        self._siblings = siblings
        self._probe = probe
        self._progress = progress
        self._fetcher = fetcher
        self._puller = Puller(fetcher, wish.mirror)
        self._scratch = layout.path / _SCRATCH

    def run(self, lacking: Missing) -> None:
        """Fetch what is lacking and write index.json."""
        self._layout.prepare()
        self._scratch.mkdir(exist_ok=True)
        pool = ThreadPoolExecutor(max_workers=self._wish.jobs, thread_name_prefix="bundle")
        try:
            self._run(lacking, pool)
        except BaseException:
            self._fetcher.stop.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _run(self, lacking: Missing, pool: ThreadPoolExecutor) -> None:
        programs = {source: pool.submit(self._program, source) for source in lacking.sources}
        entries: list[Descriptor] = []
        manifests: dict[str, Descriptor] = {}
        machines = tuple(sorted(a for a, each in lacking.parts.items() if "machine" in each))
        components = self._wish.row.components()
        if machines:
            flannel = pool.submit(self._flannel)
            extras = {name: pool.submit(self._extra, EXTRAS[name]) for name in self._extras()}
            names = self._image_names(programs, flannel, extras)
            components = {
                **upstream.components_from(names, self._wish.row),
                **{name: EXTRAS[name].version for name in extras},
            }
            entries = [*self._images(pool, names, machines), self._vip(pool, machines), self._agent(pool, machines)]
            manifests = {"flannel": flannel.result(), **{name: each.result() for name, each in extras.items()}}
        own = [program.result() for program in _all(programs.values())]
        own += [self._pack_probe(architecture) for architecture in lacking.probes]
        own += [self._pack_given(name, file) for name, file in self._wish.given]
        names_given = {name for name, _ in self._wish.given}
        own += [each for each in (self._bundle.programs if self._bundle else ()) if each.name not in names_given]
        version = self._wish.row.kubernetes
        release = artifact.write_release(
            self._layout, version, parts=lacking.parts, components=components, manifests=manifests
        )
        sync_directory(self._layout.blobs)
        self._layout.write_index((release, *self._write_programs(lacking, own), *entries))

    def _write_programs(self, lacking: Missing, programs: Sequence[Program]) -> list[Descriptor]:
        """One index for each part that is there, of those architectures for which it is complete."""
        row = self._wish.row
        written: list[Descriptor] = []
        for part in PARTS:
            own = [
                program
                for program in programs
                if part in upstream.parts_of_program(program.name, row)
                and part in lacking.parts[program.architecture]
            ]
            if own:
                written.append(artifact.write_programs(self._layout, row.kubernetes, part, own))
        return written

    # Programs.

    def _program(self, source: upstream.Source) -> Program:
        mirror = self._wish.mirror
        where = upstream.url(source.host, source.path, mirror=mirror)
        meter = _Meter(source.title, self._progress)
        try:
            listed = upstream.url(source.host, source.checksum_path, mirror=mirror)
            text = self._fetcher.read(listed).content.decode(errors="replace")
            hexadecimal = upstream.checksum_of(text, source.file)
            if hexadecimal is None:
                raise ChecksumMismatch(
                    f"{listed} has no sha256 for {source.file}; {where} can't be trusted without it"
                )
            digest = f"sha256:{hexadecimal}"
            if not self._borrow(digest):
                self._fetcher.download(where, self._layout.blob(digest), digest, watch=meter)
        except HttpStatus as error:
            raise refused(error, source.title) from error
        path = self._layout.blob(digest)
        size = path.stat().st_size
        if source.kind == "tar.gz":
            members = artifact.members_of(path, where, strip=source.strip)
        else:
            members = (Member(source.name, hexadecimal, 0o755, size),)
        meter.end(size)
        return Program(
            name=source.name,
            version=source.version,
            architecture=source.architecture,
            digest=digest,
            size=size,
            kind=source.kind,
            strip=source.strip,
            members=members,
        )

    def _pack_probe(self, architecture: str) -> Program:
        content = self._probe(architecture).read_bytes()
        written = self._layout.write(content, artifact.PROGRAM_LAYER)
        member = Member(PROBE_NAME, written.digest.partition(":")[2], 0o755, written.size)
        return Program(PROBE_NAME, PROBE_VERSION, architecture, written.digest, written.size, "file", 0, (member,))

    def _pack_given(self, name: str, file: Path) -> Program:
        """An archive of programs that lies on this machine; its digest is what later copies are compared with."""
        try:
            content = file.read_bytes()
            written = self._layout.write(content, artifact.PROGRAM_LAYER)
            members = artifact.members_of(self._layout.blob(written.digest), str(file), strip=1)
        except OSError as error:
            raise BundleRefused(f"{file} can't be read as {name}: {error.strerror or error}") from error
        return Program(name, "given", images.host_architecture(), written.digest, written.size, "tar.gz", 1, members)

    def _borrow(self, digest: str) -> bool:
        """Whether the blob is here already, or another bundle has it (then it is linked, hashed first)."""
        if self._layout.has(digest):
            return True
        for sibling in self._siblings:
            if sibling.has(digest) and hash_file(sibling.blob(digest)) == digest:
                target = self._layout.blob(digest)
                temporary = target.with_name(f".{target.name}.{threading.get_ident()}.link")
                try:
                    temporary.unlink(missing_ok=True)
                    os.link(sibling.blob(digest), temporary)
                    temporary.rename(target)
                except OSError:
                    continue  # Another file system, or gone meanwhile: it is fetched.
                return True
        return False

    # Images.

    def _flannel(self) -> Descriptor:
        if self._bundle is not None and "flannel" in self._bundle.manifests:
            digest = self._bundle.manifests["flannel"]
            return Descriptor(artifact.MANIFEST_LAYER, digest, self._layout.blob(digest).stat().st_size)
        row = self._wish.row
        where = upstream.url(upstream.FLANNEL_HOST, upstream.flannel_path(row), mirror=self._wish.mirror)
        try:
            content = self._fetcher.read(where).content
        except HttpStatus as error:
            raise refused(error, f"flannel's manifest {row.flannel}") from error
        if not images.flannel_images(content):
            raise ChecksumMismatch(f"{where} names no image, so it is not flannel's manifest ({digest_of(content)})")
        return self._layout.write(content, artifact.MANIFEST_LAYER)

    def _extras(self) -> list[str]:
        """Those that are asked for and those that the bundle has already."""
        had = set(self._bundle.manifests) if self._bundle is not None else set[str]()
        return sorted({*self._wish.extras, *(name for name in EXTRAS if name in had)})

    def _extra(self, extra: Extra) -> Descriptor:
        if self._bundle is not None and extra.name in self._bundle.manifests:
            digest = self._bundle.manifests[extra.name]
            return Descriptor(artifact.MANIFEST_LAYER, digest, self._layout.blob(digest).stat().st_size)
        where = upstream.url(RAW, extra.path, mirror=self._wish.mirror)
        try:
            content = extra.read(self._fetcher.read(where).content)
        except HttpStatus as error:
            raise refused(error, f"{extra.name}'s manifest {extra.version}") from error
        if not images.flannel_images(content):
            raise ChecksumMismatch(f"{where} names no image, so it is not the manifest of {extra.name}")
        return self._layout.write(content, artifact.MANIFEST_LAYER)

    def _image_names(
        self,
        programs: dict[upstream.Source, Future[Program]],
        flannel: Future[Descriptor],
        extras: Mapping[str, Future[Descriptor]],
    ) -> tuple[ImageName, ...]:
        """The images of the bundle when it is done: what it has, or kubeadm's list, flannel's and the extra ones."""
        extra = tuple(ImageName(name, "test") for name in self._wish.extra_images)
        if self._bundle is not None and self._bundle.images:
            named = {
                image.name: ImageName(image.name, image.purpose)
                for image in self._bundle.images
                if not image.name.startswith((f"{vipimage.REPOSITORY}:", f"{agentimage.REPOSITORY}:"))
            }
        else:
            own = images.host_architecture()
            found = [
                future
                for source, future in programs.items()
                if (source.name, source.architecture) == ("kubeadm", own)
            ]
            printed = None
            if found:
                kubeadm = self._layout.blob(found[0].result().digest)
                printed = images.ask_kubeadm(kubeadm, self._wish.row, self._scratch)
            chosen = images.choose(self._wish.row, printed)
            manifest = self._layout.read(flannel.result().digest)
            named = {image.name: image for image in (*chosen, *images.flannel_images(manifest))}
        for future in extras.values():
            found_images = images.flannel_images(self._layout.read(future.result().digest))
            named |= {image.name: image for image in map(images.full_name, found_images)}
        return tuple({**{image.name: image for image in extra}, **named}.values())

    def _images(
        self, pool: ThreadPoolExecutor, names: Sequence[ImageName], architectures: tuple[str, ...]
    ) -> list[Descriptor]:
        known = {entry.annotations.get(artifact.REF_NAME): entry for entry in self._entries()}
        pending = [pool.submit(self._manifests, name, known.get(name.name), architectures) for name in names]
        entries: list[Descriptor] = []
        blobs: list[Future[None]] = []
        for name, future in zip(names, pending, strict=True):
            entry, children = future.result()
            entries.append(entry)
            blobs.append(pool.submit(self._contents, Reference.parse(name.name), name.name, children))
        for blob in _all(blobs):
            blob.result()
        return sorted(entries, key=lambda entry: entry.annotations[artifact.REF_NAME])

    def _vip(self, pool: ThreadPoolExecutor, architectures: tuple[str, ...]) -> Descriptor:
        """The self-built VIP's image; of one that is there already its architectures are kept."""
        kept: tuple[Descriptor, ...] = ()
        for entry in self._entries():
            if entry.annotations.get(artifact.REF_NAME) == vipimage.name():
                kept = descriptors(self._layout.read_document(entry.digest), "manifests")
        new = [each for each in architectures if each not in {child.architecture for child in kept}]
        packages = {package for architecture in new for package in vipimage.lock().get(architecture, ())}
        fetched = {package: pool.submit(self._package, package) for package in packages}
        _all(fetched.values())
        return vipimage.write(
            self._layout,
            new,
            kept,
            fetch=lambda package: fetched[package].result(),
            probe=lambda architecture: self._probe(architecture).read_bytes(),
        )

    def _agent(self, pool: ThreadPoolExecutor, architectures: tuple[str, ...]) -> Descriptor:
        """The image of registered clusters' agents; of one that is there already its architectures are kept."""
        kept: tuple[Descriptor, ...] = ()
        for entry in self._entries():
            if entry.annotations.get(artifact.REF_NAME) == agentimage.name():
                kept = descriptors(self._layout.read_document(entry.digest), "manifests")
        new = [each for each in architectures if each not in {child.architecture for child in kept}]
        packages = {package for architecture in new for package in agentimage.lock().get(architecture, ())}
        fetched = {package: pool.submit(self._package, package) for package in packages}
        _all(fetched.values())
        made = agentimage.write(self._layout, new, kept, fetch=lambda package: fetched[package].result())
        return artifact.image_entry(agentimage.name(), "agent", made, None)

    def _package(self, package: debian.Package) -> bytes:
        """A Debian package; kept only for as long as the image is being written."""
        target = self._scratch / f"{package.sha256}.deb"
        where = upstream.url(vipimage.HOST, package.url_path, mirror=self._wish.mirror)
        try:
            self._fetcher.download(where, target, f"sha256:{package.sha256}")
        except HttpStatus as error:
            raise refused(error, f"the Debian package {package.name} {package.version}") from error
        return target.read_bytes()

    def _entries(self) -> tuple[Descriptor, ...]:
        return self._layout.index() if self._bundle is not None else ()

    def _manifests(
        self, image: ImageName, known: Descriptor | None, architectures: tuple[str, ...]
    ) -> tuple[Descriptor, tuple[Descriptor, ...]]:
        reference = Reference.parse(image.name)
        resolved = known or self._puller.resolve(reference, self._layout)
        children = self._puller.children(reference, resolved, self._layout, architectures)
        single = architectures[0] if children == (resolved,) else None
        return artifact.image_entry(image.name, image.purpose, resolved, single), children

    def _contents(self, reference: Reference, name: str, children: Iterable[Descriptor]) -> None:
        """The config and layers of the wanted architectures, one after the other; images run side by side."""
        wanted = [each for child in children for each in self._puller.contents(child, self._layout)]
        meter = _Meter(name, self._progress, size=sum(each.size for each in wanted))
        for each in wanted:
            if not self._borrow(each.digest):
                self._puller.blob(reference, each, self._layout, watch=meter)
        meter.end(meter.size)


def _all(futures: Iterable[Future[Any]]) -> list[Future[Any]]:
    """The same futures when all are done. The first failure that is not merely «stopped» is raised at once."""
    listed = list(futures)
    done, _ = wait(listed, return_when=FIRST_EXCEPTION)
    failures = [error for each in done if (error := each.exception()) is not None]
    for failure in failures:
        if not isinstance(failure, Stopped):
            raise failure
    if failures:
        raise failures[0]
    return listed


def discard_damaged(layout: Layout) -> None:
    """Hash what an interrupted run left; what is not what its name says goes."""
    if not layout.blobs.is_dir():
        return
    for path in layout.blobs.iterdir():
        if path.name.endswith(".part"):
            continue
        if hash_file(path) != f"sha256:{path.name}":
            path.unlink()


def same_components(bundle: Bundle, row: Release) -> None:
    """Raises BundleRefused when a finished bundle was made with another table than this roost's."""
    if not row.tested:
        return
    differing = [
        f"{name} {bundle.components.get(name, 'none')} (now {version})"
        for name, version in row.components().items()
        if bundle.components.get(name) != version
    ]
    if differing:
        raise BundleRefused(
            f"the bundle of {bundle.version} was made with {', '.join(differing)}; it stays usable, but nothing can "
            f"be added to it: `roost bundle remove {bundle.version}` and create it again"
        )
