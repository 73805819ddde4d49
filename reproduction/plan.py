"""The plan: which parts the study has, and what each trains.

A plan is a TOML file. ``[dataset.NAME]`` may give the sha256 of the files a data set must have.
``[[row]]`` is a part of its own, scored on the test split; ``[[study]]`` is a family of parts that
differ in a few values, scored on a validation split. Unknown keys are refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.recipe.section import Section

Measure = Literal["test", "validation", "ties", "teacher", "fold-in", "second-stage"]
"""How a part is scored; see bitrecall.reproduction.measures."""

Seed = Annotated[int, Field(ge=0)]
_SLUG = r"[A-Za-z0-9._-]+"


class DatasetPlan(Section):
    """What is known of a data set before it is read."""

    sha256: Mapping[str, str] = Field({}, description="fingerprint of each file, by its name")


class RowPlan(Section):
    """A row of the table, or of the study of bits."""

    part: str = Field(pattern=rf"^{_SLUG}/{_SLUG}/[1-9][0-9]*$", description="dataset/method/bits")
    recipe: str = Field(description="a built-in recipe, or a file")
    set: tuple[str, ...] = Field((), description="overrides, as in --set")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="seeds to run")
    study: Literal["table", "bits"] = Field("table", description="where the row is shown")
    minutes: float = Field(gt=0, description="what a run is expected to take on two cores")


class VariantPlan(Section):
    """One way to do it."""

    set: tuple[str, ...] = Field((), description="overrides on top of the study's")
    recipe: str | None = Field(None, description="another recipe than the study's")
    measure: Measure | None = Field(None, description="where not the study's")
    label: str | None = Field(None, description="in tables and plots, where not its name")
    minutes: float | None = Field(None, gt=0, description="where not the study's")


class StudyPlan(Section):
    """Variants of one recipe, side by side."""

    part: str = Field(pattern=rf"^{_SLUG}/study/{_SLUG}$", description="dataset/study/name")
    title: str = Field(description="heading of its table")
    note: str = Field("", description="what a reader must know, such as a shortened schedule")
    recipe: str = Field(description="a built-in recipe, or a file")
    set: tuple[str, ...] = Field((), description="overrides of every variant")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="seeds to run")
    measure: Measure = Field("validation", description="how it is scored")
    minutes: float = Field(gt=0, description="what a variant is expected to take on two cores")
    variant: Mapping[Annotated[str, Field(pattern=rf"^{_SLUG}$")], VariantPlan] = Field(
        min_length=1, description="by name; the first one is what the others are compared with"
    )

    def label(self, variant: str) -> str:
        """What tables and plots call a variant."""
        planned = self.variant.get(variant)
        return (planned and planned.label) or variant.replace("-", " ")


class PlanFile(Section):
    """The whole file."""

    dataset: Mapping[str, DatasetPlan] = Field({}, description="data sets, by name")
    row: tuple[RowPlan, ...] = Field((), description="rows of the table")
    study: tuple[StudyPlan, ...] = Field((), description="studies")


@dataclass(frozen=True)
class Part:
    """What is run under one name, once a seed.

    Attributes:
        name: ``dataset/method/bits`` or ``dataset/study/STUDY/VARIANT``.
        dataset: name of its data set.
        study: ``table``, ``bits``, or the study's own name.
        variant: of a study; None for a row of the table.
        method: as the tables call it: of a row the name's, of a variant the recipe's.
        bits: of a code: of a row the name's, of a variant the recipe's.
        measure: how it is scored.
        seeds: what the plan runs.
        minutes: what one run is expected to take on two cores.
        source: name or file of the recipe.
        overrides: of the recipe, without the seed.
    """

    name: str
    dataset: str
    study: str
    variant: str | None
    method: str
    bits: int
    measure: Measure
    seeds: tuple[int, ...]
    minutes: float
    source: str
    overrides: tuple[str, ...]

    @property
    def split(self) -> str:
        """What it is scored on."""
        return "test" if self.measure == "test" else "validation"

    def recipe(self, seed: int) -> Recipe:
        """The whole recipe of a run; RecipeError where the plan's overrides make no sense."""
        return load_recipe(self.source, [*self.overrides, f"seed={seed}"])


@dataclass(frozen=True)
class Plan:
    """A plan that has been read and checked.

    Attributes:
        parts: all of them, in the order in which they are run.
        studies: the studies, by ``dataset/study/name``, in the order of the file.
        sha256: by data set, the fingerprint of each file by its name.
    """

    parts: tuple[Part, ...]
    studies: Mapping[str, StudyPlan]
    sha256: Mapping[str, Mapping[str, str]]


def load_plan(file: Path | None = None) -> Plan:
    """Read a plan: the built-in one, or that of a file.

    Raises:
        StudyError: it cannot be read, has an unknown key or value, or names a part twice.
        RecipeError: a part's recipe or overrides make no sense.
    """
    if file is None:
        source = "the built-in plan"
        text = (resources.files("bitrecall.reproduction") / "plan.toml").read_text("utf-8")
    else:
        source = str(file)
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"the plan {file} cannot be read: {error}") from error
    return parse_plan(text, source)


def parse_plan(text: str, source: str) -> Plan:
    """Check the text of a plan; errors as in `load_plan`, naming ``source``."""
    try:
        given = PlanFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{source} is not valid TOML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(key) for key in found['loc'])}: {found['msg']}"
            for found in error.errors()
        )
        raise StudyError(f"{source}: {wrong}") from error
    parts = [_of_row(row) for row in given.row]
    for study in given.study:
        parts += [_of_variant(study, name) for name in study.variant]
    names = [part.name for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise StudyError(f"{source} names the part {name} twice")
    return Plan(
        tuple(parts),
        {study.part: study for study in given.study},
        {name: dataset.sha256 for name, dataset in given.dataset.items()},
    )


def _of_row(row: RowPlan) -> Part:
    dataset, method, bits = row.part.split("/")
    return Part(
        name=row.part,
        dataset=dataset,
        study=row.study,
        variant=None,
        method=method,
        bits=int(bits),
        measure="test",
        seeds=row.seeds,
        minutes=row.minutes,
        source=row.recipe,
        overrides=row.set,
    )


def _of_variant(study: StudyPlan, name: str) -> Part:
    dataset, _, short = study.part.split("/")
    variant = study.variant[name]
    source = variant.recipe or study.recipe
    overrides = ("validation.share=0.2", "validation.cut=latest", *study.set, *variant.set)
    recipe = load_recipe(source, overrides)
    return Part(
        name=f"{study.part}/{name}",
        dataset=dataset,
        study=short,
        variant=name,
        method=recipe.method,
        bits=recipe.bits,
        measure=variant.measure or study.measure,
        seeds=study.seeds,
        minutes=variant.minutes or study.minutes,
        source=source,
        overrides=overrides,
    )
