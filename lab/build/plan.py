"""The steps of a build in the order in which others wait for their results.

Each step knows whether its result is in the cache, so that an interrupted build goes on where it
stopped. `cli` carries the plan out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.build import layout, programs, recipes
from lab.build.progress import Progress
from lab.build.recipes import Recipe
from lab.build.versions import Release


@dataclass(frozen=True)
class Step:
    title: str
    expected_seconds: int
    is_done: Callable[[], bool]
    act: Callable[[Progress], None]


def program_step(recipe: Recipe, jobs: int) -> Step:
    def is_done() -> bool:
        return programs.is_built(recipe) and layout.is_published(recipe)

    def act(progress: Progress) -> None:
        programs.ensure(recipe, jobs, progress)
        layout.publish(recipe)

    built = programs.is_built(recipe)
    count = len(recipe.programs)
    what = "lay out" if built else "build"
    return Step(
        title=f"{what} {recipe.title} ({count} program{'s' if count > 1 else ''})",
        expected_seconds=10 if built else recipe.expected_seconds,
        is_done=is_done,
        act=act,
    )


def steps_for(rows: list[Release], jobs: int) -> list[Step]:
    """All steps for the given versions; what two versions share comes once."""
    steps: list[Step] = []
    seen: set[str] = set()
    for row in rows:
        for recipe in recipes.recipes_of(row):
            if recipe.key not in seen:
                seen.add(recipe.key)
                steps.append(program_step(recipe, jobs))
    return steps
