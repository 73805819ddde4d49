"""A recipe: every choice of a training, in one TOML file.

Unknown keys are refused, so that a misspelt one never silently trains something else. The names
and defaults here are the whole set; a recipe file says only what differs.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from training.errors import RecipeError
from training.losses.levels import SmoothRecall
from training.losses.smooth_recall import MOST_BINS
from training.section import Section

Share = Annotated[float, Field(ge=0, lt=1)]


class EncoderRecipe(Section):
    """LightGCN encoders."""

    layers: int = Field(2, ge=0, le=8, description="K, how many times embeddings are propagated")
    start: Literal["svd", "random"] = Field(
        "svd", description="first embeddings: truncated SVD of the normalised adjacency, or noise"
    )
    start_power: float = Field(
        0.5, ge=0, le=4, description="power of the singular values in the start"
    )


class SignRecipe(Section):
    """The surrogate gradient of the sign."""

    beta: float = Field(1.0, gt=0, description="AAGE's slope, for embeddings of mean magnitude 1")


class LossRecipe(Section):
    """SRLoss."""

    cutoffs: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (20, 50, 100, 500, 2000), min_length=1, description="the N of Recall@N, averaged"
    )
    phi: float = Field(0.5, gt=0, description="temperature of the cut-off, as a share of N")
    psi: float = Field(10.0, gt=0, description="temperature of the rank, in units of score")
    weighting: Literal["pairs", "users"] = Field(
        "pairs", description="whether each pair counts the same, or each user of a batch"
    )
    sample: int = Field(
        0, ge=0, description="items drawn a step for the histogram; 0 scores the whole catalogue"
    )

    @property
    def objective(self) -> SmoothRecall:
        """The cut-offs and temperatures as the loss takes them."""
        return SmoothRecall(self.cutoffs, self.phi, self.psi)


class FitRecipe(Section):
    """The optimiser and its schedule."""

    epochs: int = Field(8, ge=1, description="passes over all users; the cosine ends here")
    stop_after: int | None = Field(
        None, ge=1, description="stop after this many epochs of the schedule (None: all)"
    )
    batch_users: int = Field(1024, ge=1, le=8192, description="users scored at once")
    learning_rate: float = Field(
        0.06, gt=0, description="Adam's, for embeddings of mean magnitude 1; falls by a cosine"
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="decoupled (AdamW): shrinks embeddings by this times the learning rate a step",
    )
    hidden: Share = Field(
        0.75,
        description="share of a batch's pairs hidden from its graph and ranked; the others are in "
        "the graph and left out of the ranking; 0 ranks all pairs with all in the graph",
    )


class ValidationRecipe(Section):
    """Early stopping on pairs cut from train."""

    share: Share = Field(0.1, description="share of each user's training pairs held out; 0: none")
    metric: str = Field(
        "recall@50",
        pattern=r"^(recall|ndcg|precision|hit_rate)@[1-9][0-9]*$",
        description="the measure that decides, at any cut-off",
    )
    patience: int = Field(2, ge=1, description="stop after this many epochs without a better one")
    users: int = Field(10_000, ge=1, description="at most this many users are asked, at random")
    refit: bool = Field(
        True, description="train again on all pairs for the number of epochs found best"
    )


class ReleaseRecipe(Section):
    """What is published."""

    index: Literal["flat", "hnsw"] = Field("flat", description="search backend")
    embeddings: Literal["float16", "float32"] = Field(
        "float16", description="dtype of the cached user embeddings and item messages"
    )


class Recipe(Section):
    """Every hyper-parameter of a training, typed and checked."""

    name: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="name of the recipe, in logs and folders",
    )
    method: Literal["bitrecall", "proposed", "bgch", "hashgnn", "hashrec", "lightgcn"] = Field(
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
        if self.fit.batch_users * (self.bits + 1) > MOST_BINS:
            raise ValueError(
                f"fit.batch_users times (bits + 1) must be at most {MOST_BINS}: "
                f"at {self.bits} bits take {MOST_BINS // (self.bits + 1)} users or fewer"
            )
        return self

    def sha256(self) -> str:
        """A fingerprint of all values, defaults included, in hexadecimal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def built_in_recipes() -> list[str]:
    """Names of the recipes that come with the package, sorted."""
    folder = resources.files("training") / "recipes"
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
        return f"unknown key {key!r}"
    if not key:
        return str(item["msg"]).removeprefix("Value error, ")
    return f"{key}: {item['msg']}, not {item['input']!r}"


def _recipe_text(name_or_file: str) -> tuple[str, str]:
    if name_or_file in built_in_recipes():
        folder = resources.files("training") / "recipes"
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
