"""The cache of built programs: builds what is missing, and says where a program lies.

`path` is for tests and for the other half of the lab, which want a bare program; `cli` and
`plan` call `ensure`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab.build import cache, gobuild, recipes
from lab.build.failure import BuildError
from lab.build.progress import Progress
from lab.build.recipes import Recipe
from lab.build.versions import RELEASES

RECORD = "build.json"


def folder(recipe: Recipe) -> Path:
    """Where the programs of a recipe lie once they are built."""
    return cache.programs() / recipe.key


def is_built(recipe: Recipe) -> bool:
    return (folder(recipe) / RECORD).exists()


def ensure(recipe: Recipe, jobs: int, progress: Progress) -> None:
    """Build the recipe unless its result is in the cache."""
    if is_built(recipe):
        return
    out = cache.work(f"{recipe.name}-{recipe.version}") / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    gobuild.build(recipe, out, jobs, progress)
    record = {
        "name": recipe.name,
        "version": recipe.version,
        "seconds": round(progress.elapsed(), 1),
        "go": recipe.go,
        "modules": list(recipe.modules),
        "bytes": {name: (out / name).stat().st_size for name, _ in recipe.programs},
    }
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    cache.publish(out, folder(recipe))
    _forget_older(recipe)
    gobuild.clean(recipe)


def _forget_older(recipe: Recipe) -> None:
    """Results of former recipes of the same version are of no use to anybody."""
    for other in cache.programs().glob(f"{recipe.name}-{recipe.version}-*"):
        if other != folder(recipe):
            shutil.rmtree(other, ignore_errors=True)


def path(name: str, version: str) -> Path:
    """The file of one built program, as in path("kube-apiserver", "1.31.4")."""
    group = recipes.group_of(name)
    recipe = recipes.recipe(group, version)
    found = folder(recipe) / name
    if not found.exists():
        raise BuildError(
            step=f"find {name} {version}",
            cause="it is not built yet",
            evidence=f"no {found}",
            remedy=f"run: python -m lab build --kubernetes {_release_with(group, version)}",
        )
    return found


def _release_with(group: str, version: str) -> str:
    wanted = version.removeprefix("v")
    for row in RELEASES.values():
        if any(r.name == group and r.version == wanted for r in recipes.recipes_of(row)):
            return row.kubernetes
    return f"VERSION ({', '.join(RELEASES)})"
