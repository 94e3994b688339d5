"""KubernetesRelease objects from the bundles present, and which bundles machines can pull from by now.

Polls the bundles' directory (a few `stat` calls every five seconds); reads it when something changed. The
platform puts bundles into its registry itself and notes that in a file; until then, a Cluster of that
version waits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any, Final, cast

from roost.api.errors import RoostError
from roost.api.names import FIELD_MANAGER
from roost.api.validation import versions
from roost.bundle.model import Bundle
from roost.bundle.store import Store
from roost.controllers import claims
from roost.controllers.kinds import RELEASE, items, spec
from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, metadata, part, ref_of
from roost.controllers.runtime.cache import Cache
from roost.controllers.runtime.log import logger

EVERY: Final = 5.0
_LABEL: Final = "app.kubernetes.io/managed-by"


class ReleaseController:
    """Also `Bundles` for the other controllers (environment)."""

    def __init__(
        self,
        api: Api,
        cache: Cache,
        store: Store,
        *,
        pushed: Path | None,
        changed: Callable[[str], None],
    ) -> None:
        """`pushed`: the file of version → digest that the registry holds; None when there is no registry.

        `changed` is told of each version that came, went, or can be pulled now.
        """
        self._api = api
        self._cache = cache
        self._store = store
        self._pushed = pushed
        self._changed = changed
        self._bundles: dict[str, Bundle] = {}
        self._served: dict[str, str] = {}
        self._mark: object = None
        self._written: dict[str, Object] = {}
        self._log = logger()

    def find(self, version: str) -> Bundle | None:
        return self._bundles.get(version)

    def versions(self) -> Iterable[str]:
        return tuple(self._bundles)

    def not_served(self, version: str) -> str | None:
        bundle = self._bundles.get(version)
        if self._pushed is None or bundle is None or self._served.get(version) == bundle.digest:
            return None
        return f"the images of Kubernetes {version} are being put into roost's registry; they can be pulled soon"

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except (ApiProblem, OSError) as problem:
                self._log.warning("releases not written", cause=str(problem))
                self._mark = None
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One look at the directory; writes what differs."""
        mark = await asyncio.to_thread(self._marks)
        if mark == self._mark:
            return
        found = await asyncio.to_thread(self._read)
        served = await asyncio.to_thread(self._read_pushed)
        before, served_before = self._bundles, self._served
        self._bundles, self._served = found, served
        for version in sorted({*before, *found}):
            same = before.get(version) == found.get(version)
            if not same or served_before.get(version) != served.get(version):
                self._changed(version)
        await self._write()
        self._mark = mark

    def _marks(self) -> object:
        paths = [self._store.path, *(self._store.path / version for version in self._store.versions())]
        files = [path / "index.json" for path in paths[1:]]
        if self._pushed is not None:
            files.append(self._pushed)
        return tuple((str(path), _mtime(path)) for path in (*paths, *files))

    def _read(self) -> dict[str, Bundle]:
        """Those that machines can be installed from; a damaged one is left out and said."""
        found: dict[str, Bundle] = {}
        for version in self._store.versions():
            try:
                bundle = self._store.get(version)
            except RoostError as error:
                self._log.warning("bundle left out", version=version, cause=error.message)
                continue
            if bundle.architectures:
                found[version] = bundle
        return found

    def _read_pushed(self) -> dict[str, str]:
        if self._pushed is None:
            return {}
        try:
            return cast("dict[str, str]", json.loads(self._pushed.read_bytes()))
        except (OSError, ValueError):
            return {}

    async def _write(self) -> None:
        tested = await asyncio.to_thread(tested_results)
        newest = versions.newest_first(self._bundles)[:1]
        wishes = {name: release(bundle, tested, recommended=name in newest) for name, bundle in self._bundles.items()}
        for version, wish in wishes.items():
            ref = Ref(RELEASE, "", version)
            known = self._cache.get(ref)
            if known is None or spec(known) != wish["spec"]:
                await self._api.apply(ref, wish, manager=FIELD_MANAGER)
        for known in self._cache.all(RELEASE):
            ours = part(metadata(known), "labels").get(_LABEL) == FIELD_MANAGER
            if ours and metadata(known)["name"] not in wishes:
                await claims.delete(self._api, ref_of(RELEASE, known))


def release(bundle: Bundle, tested: dict[str, list[Object]], *, recommended: bool) -> Object:
    """The KubernetesRelease of a bundle."""
    components = [{"name": name, "version": version} for name, version in sorted(bundle.components.items())]
    return {
        "apiVersion": RELEASE.api_version,
        "kind": RELEASE.kind,
        "metadata": {"name": bundle.version, "labels": {_LABEL: FIELD_MANAGER}},
        "spec": {
            "version": bundle.version,
            "recommended": recommended,
            "architectures": list(bundle.architectures),
            "components": components,
            "digest": bundle.digest,
            "tested": tested.get(bundle.version, []),
        },
    }


def tested_results() -> dict[str, list[Object]]:
    """Version to the results of the last run of the end-to-end stories, as they were packed with roost."""
    file = resources.files("roost.bundle").joinpath("tested.json")
    if not file.is_file():
        return {}
    known = cast("dict[str, Any]", json.loads(file.read_text()))
    return {version: items(results) for version, results in known.items()}


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
