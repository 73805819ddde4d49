"""The plan: the parts of the study, and the recipe of each.

A plan is a TOML file. ``[dataset.NAME]`` may have the sha256 of the files of a data set.
``[[row]]`` is a single part, scored on the test split. ``[[study]]`` is a group of parts that
differ in a few values, scored on a validation split. Unknown keys are errors.
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
    """The expected files of a data set."""

    sha256: Mapping[str, str] = Field({}, description="fingerprint of each file, by its name")


class RowPlan(Section):
    """A row of the table, or of the study of bits."""

    part: str = Field(pattern=rf"^{_SLUG}/{_SLUG}/[1-9][0-9]*$", description="dataset/method/bits")
    recipe: str = Field(description="a built-in recipe, or a file")
    set: tuple[str, ...] = Field((), description="overrides, as in --set")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="seeds to run")
    study: Literal["table", "bits"] = Field("table", description="where the row is shown")
    minutes: float = Field(gt=0, description="expected minutes of a run on two cores")


class VariantPlan(Section):
    """A variant of a study."""

    set: tuple[str, ...] = Field((), description="overrides on top of the study's")
    recipe: str | None = Field(None, description="recipe, if not the study's")
    measure: Measure | None = Field(None, description="measure, if not the study's")
    label: str | None = Field(None, description="label in tables and plots, if not its name")
    minutes: float | None = Field(None, gt=0, description="minutes, if not the study's")


class StudyPlan(Section):
    """Variants of one recipe, compared with each other."""

    part: str = Field(pattern=rf"^{_SLUG}/study/{_SLUG}$", description="dataset/study/name")
    title: str = Field(description="heading of its table")
    note: str = Field("", description="note for the reader, such as a shortened schedule")
    recipe: str = Field(description="a built-in recipe, or a file")
    set: tuple[str, ...] = Field((), description="overrides of every variant")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="seeds to run")
    measure: Measure = Field("validation", description="how it is scored")
    minutes: float = Field(gt=0, description="expected minutes of a variant on two cores")
    variant: Mapping[Annotated[str, Field(pattern=rf"^{_SLUG}$")], VariantPlan] = Field(
        min_length=1, description="by name; the others are compared with the first one"
    )

    def label(self, variant: str) -> str:
        """Return the label of a variant in tables and plots."""
        planned = self.variant.get(variant)
        return (planned and planned.label) or variant.replace("-", " ")


class PlanFile(Section):
    """A plan file."""

    dataset: Mapping[str, DatasetPlan] = Field({}, description="data sets, by name")
    row: tuple[RowPlan, ...] = Field((), description="rows of the table")
    study: tuple[StudyPlan, ...] = Field((), description="studies")


@dataclass(frozen=True)
class Part:
    """A named training and measurement, run once per seed.

    Attributes:
        name: ``dataset/method/bits`` or ``dataset/study/STUDY/VARIANT``.
        dataset: name of its data set.
        study: ``table``, ``bits``, or the study's own name.
        variant: variant of the study; None for a row of the table.
        method: method in the tables: from the name of a row, or the recipe of a variant.
        bits: code length: from the name of a row, or the recipe of a variant.
        measure: how it is scored.
        seeds: seeds to run.
        minutes: expected minutes of a run on two cores.
        source: name or file of the recipe.
        overrides: overrides of the recipe, without the seed.
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
        """Return the split that the part is scored on."""
        return "test" if self.measure == "test" else "validation"

    def recipe(self, seed: int) -> Recipe:
        """Return the recipe of a run.

        Raises:
            RecipeError: the plan's overrides are invalid.
        """
        return load_recipe(self.source, [*self.overrides, f"seed={seed}"])


@dataclass(frozen=True)
class Plan:
    """A validated plan.

    Attributes:
        parts: all parts, in the order in which they are run.
        studies: the studies, by ``dataset/study/name``, in the order of the file.
        sha256: by data set and file name, the expected hash.
    """

    parts: tuple[Part, ...]
    studies: Mapping[str, StudyPlan]
    sha256: Mapping[str, Mapping[str, str]]


def load_plan(file: Path | None = None) -> Plan:
    """Read the built-in plan, or a plan file.

    Raises:
        StudyError: the plan cannot be read, has an unknown key or value, or has a part twice.
        RecipeError: the recipe or the overrides of a part are invalid.
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
    """Parse the text of a plan; errors as in ``load_plan``, with the name ``source``."""
    try:
        plan_file = PlanFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{source} is not valid TOML: {error}") from error
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(str(key) for key in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise StudyError(f"{source}: {details}") from error
    parts = [_of_row(row) for row in plan_file.row]
    for study in plan_file.study:
        parts += [_of_variant(study, name) for name in study.variant]
    names = [part.name for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise StudyError(f"{source} has the part {name} twice")
    return Plan(
        tuple(parts),
        {study.part: study for study in plan_file.study},
        {name: dataset.sha256 for name, dataset in plan_file.dataset.items()},
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
