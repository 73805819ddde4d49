"""A recipe: every choice of a training, in one TOML file.

Unknown keys are refused, so that a misspelt one never silently trains something else. The names
and defaults here are the whole set; a recipe file says only what differs.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from bitrecall.suggestions import did_you_mean
from bitrecall.training.baselines.recipe_sections import (
    BGCHRecipe,
    HashGNNRecipe,
    HashRecRecipe,
    LightGCNRecipe,
    PairwiseRecipe,
)
from bitrecall.training.errors import RecipeError
from bitrecall.training.fitting.method import MethodName, Similarity
from bitrecall.training.recipe.common_sections import (
    EncoderRecipe,
    FitRecipe,
    LossRecipe,
    ReleaseRecipe,
    SignRecipe,
    ValidationRecipe,
)
from bitrecall.training.recipe.section import Section
from bitrecall.training.teacher.recipe_sections import TeacherRecipe


class Recipe(Section):
    """Every hyper-parameter of a training, typed and checked."""

    name: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="name of the recipe, in logs and folders",
    )
    method: MethodName = Field(
        "bitrecall", description="what is trained: codes of ours, or of a rival to compare with"
    )
    bits: int = Field(256, ge=8, le=4096, multiple_of=8, description="length of a code")
    seed: int = Field(0, ge=0, description="seeds the start, the batches and the hidden pairs")
    encoder: EncoderRecipe = EncoderRecipe()  # type: ignore[call-arg]
    sign: SignRecipe = SignRecipe()  # type: ignore[call-arg]
    loss: LossRecipe = LossRecipe()  # type: ignore[call-arg]
    fit: FitRecipe = FitRecipe()  # type: ignore[call-arg]
    validation: ValidationRecipe = ValidationRecipe()  # type: ignore[call-arg]
    release: ReleaseRecipe = ReleaseRecipe()  # type: ignore[call-arg]
    teacher: TeacherRecipe = TeacherRecipe()  # type: ignore[call-arg]
    pairwise: PairwiseRecipe = PairwiseRecipe()  # type: ignore[call-arg]
    bgch: BGCHRecipe = BGCHRecipe()  # type: ignore[call-arg]
    hashgnn: HashGNNRecipe = HashGNNRecipe()  # type: ignore[call-arg]
    hashrec: HashRecRecipe = HashRecRecipe()  # type: ignore[call-arg]
    lightgcn: LightGCNRecipe = LightGCNRecipe()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _a_schedule_with_an_end(self) -> Self:
        if (self.fit.stop_after or 0) > self.fit.epochs:
            raise ValueError(
                f"fit.stop_after ({self.fit.stop_after}) is beyond fit.epochs ({self.fit.epochs}), "
                "where the learning rate has fallen to 0"
            )
        return self

    @model_validator(mode="after")
    def _a_batch_that_can_be_scored(self) -> Self:
        if self.method not in ("bitrecall", "proposed") or not self.loss.name.startswith("smooth"):
            return self
        # Imported here, since torch comes with it.
        from bitrecall.training.model.losses.scores import MOST_BINS

        if self.fit.batch_users * (self.bits + 1) > MOST_BINS:
            raise ValueError(
                f"fit.batch_users times (bits + 1) must be at most {MOST_BINS}: "
                f"at {self.bits} bits take {MOST_BINS // (self.bits + 1)} users or fewer"
            )
        return self

    @property
    def similarity(self) -> Similarity:
        """By what the method ranks; only Hamming distance can be published and served."""
        weighted = self.method == "bgch" and self.bgch.form == "weighted"
        return "inner_product" if weighted or self.method == "lightgcn" else "hamming"

    def trained(self) -> Self:
        """The recipe without what is published of the codes, which no figure depends on."""
        return self.model_copy(update={"release": ReleaseRecipe()})  # type: ignore[call-arg]

    def sha256(self) -> str:
        """A fingerprint of all values, defaults included, in hexadecimal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def built_in_recipes() -> list[str]:
    """Names of the recipes that come with the package, sorted."""
    folder = resources.files("bitrecall.training.recipe") / "builtin"
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def load_recipe(name_or_file: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name_or_file: the name of a built-in recipe, or the path of a TOML file.
        overrides: ``section.key=value`` each, the value in TOML (``fit.epochs=3``,
            ``loss.cutoffs=[20, 50]``; a bare word is a string).

    Raises:
        RecipeError: no such recipe, unreadable TOML, an unknown key, or a value out of range; the
            message names each wrong key.
    """
    text, source = _recipe_text(str(name_or_file))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not valid TOML: {error}") from error
    for override in overrides:
        _apply(values, override)
    return parse_recipe(values, source)


def parse_recipe(values: Mapping[str, Any], source: str) -> Recipe:
    """Check the values of a recipe; RecipeError names each wrong key of ``source``."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_problem(item) for item in error.errors())
        raise RecipeError(f"{source}: {problems}") from error


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"unknown key {key!r}" + did_you_mean(key, _keys(Recipe))
    if item["type"] == "literal_error" and isinstance(item["input"], str):
        expected = re.findall(r"'([^']*)'", str(item["ctx"]["expected"]))
        meant = did_you_mean(item["input"], expected)
        return f"{key}: {item['msg']}, not {item['input']!r}{meant}"
    if item["type"] == "value_error":
        said = str(item["msg"]).removeprefix("Value error, ")
        return f"{key}: {said}" if key else said
    return f"{key}: {item['msg']}, not {item['input']!r}"


def _keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    """Every key of a recipe, with the names of its sections."""
    found = []
    for name, field in section.model_fields.items():
        found.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _keys(field.annotation, f"{prefix}{name}.")
    return found


def _recipe_text(name_or_file: str) -> tuple[str, str]:
    if name_or_file in built_in_recipes():
        folder = resources.files("bitrecall.training.recipe") / "builtin"
        return (folder / f"{name_or_file}.toml").read_text("utf-8"), f"recipe {name_or_file}"
    path = Path(name_or_file)
    try:
        return path.read_text("utf-8"), str(path)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        known = ", ".join(built_in_recipes())
        raise RecipeError(
            f"no recipe {name_or_file!r}: neither a built-in one ({known}) nor a readable file"
            + did_you_mean(str(name_or_file), built_in_recipes())
        ) from error


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise RecipeError(f"an override reads section.key=value, not {override!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    section = values
    for part in path[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise RecipeError(f"{key.strip()!r} is no key of a recipe: {part!r} is a value")
    section[path[-1]] = value
