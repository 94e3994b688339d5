"""The steps of a build in the order in which others wait for their results.

Each step knows whether its result is in the cache, so that an interrupted build goes on where it
stopped. `cli` carries the plan out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from lab.build import debs, images, imagespecs, layout, parts, programs, recipes, tools
from lab.build.progress import Progress
from lab.build.recipes import Recipe
from lab.build.versions import Release, check_image_list


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


def part_step(part: parts.Part) -> Step:
    return Step(f"make {part.name}", part.expected_seconds, part.is_made, part.ensure)


def image_step(row: Release) -> Step:
    specs = imagespecs.specs_of(row)

    def is_done() -> bool:
        return all(images.is_made(spec) for spec in specs)

    def act(progress: Progress) -> None:
        compare_with_kubeadm(row)
        for spec in specs:
            images.ensure(spec, progress)
        images.sweep()

    return Step(f"write the {len(specs)} images of {row.kubernetes}", 40, is_done, act)


def compare_with_kubeadm(row: Release) -> None:
    """Ask the built kubeadm itself which images it wants."""
    recipe = recipes.kubernetes(row.kubernetes)
    folder = programs.folder(recipe)
    printed = tools.capture(
        ["./kubeadm", "config", "images", "list", f"--kubernetes-version=v{row.kubernetes}"],
        step=f"ask kubeadm {row.kubernetes} for its images",
        what="kubeadm",
        env=dict(os.environ),
        cwd=folder,
    )
    check_image_list(row, printed)


def steps_for(rows: list[Release], jobs: int) -> list[Step]:
    """All steps for the given versions; what two versions share comes once."""
    steps: list[Step] = []
    seen: set[str] = set()
    for row in rows:
        for recipe in recipes.recipes_of(row):
            if recipe.key not in seen:
                seen.add(recipe.key)
                steps.append(program_step(recipe, jobs))
        for part in (parts.pause(), parts.busybox(), parts.iptables_root()):
            if part.key not in seen:
                seen.add(part.key)
                steps.append(part_step(part))
        steps.append(image_step(row))
    steps.append(Step("fetch the packages of the VIP's image", 20, debs.is_done, debs.publish))
    return steps


def unbuilt(rows: list[Release]) -> list[Recipe]:
    """The recipes that are yet to be built, in the order of their steps."""
    found = {recipe.key: recipe for row in rows for recipe in recipes.recipes_of(row)}
    return [recipe for recipe in found.values() if not programs.is_built(recipe)]
