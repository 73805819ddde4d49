"""What others have published: one data file, each figure with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

from pydantic import Field

from bitrecall.training.recipe.section import Section


class Source(Section):
    """Where figures stand in print."""

    label: str = Field(description="in a table's cell")
    text: str = Field(description="the whole reference")


class Figure(Section):
    """One row of a published table."""

    dataset: str = Field(description="name of the data set")
    method: str = Field(description="as the plan calls it")
    bits: int | None = Field(None, description="of a user or an item; None where it is not stated")
    source: str = Field(description="key of its source")
    metrics: Mapping[str, float] = Field(description="by name and cut-off, as in results.json")


class Published(Section):
    """The whole file."""

    source: Mapping[str, Source] = Field(description="by key")
    figure: tuple[Figure, ...] = Field(description="in the order of the tables")

    def of(self, dataset: str, method: str) -> list[Figure]:
        """What is published of a method on a data set."""
        return [
            figure
            for figure in self.figure
            if figure.dataset == dataset and figure.method == method
        ]

    def by(self, source: str, dataset: str, method: str) -> Figure | None:
        """What one source has published of a method on a data set."""
        found = [figure for figure in self.of(dataset, method) if figure.source == source]
        return found[0] if found else None


def load_published() -> Published:
    """Read the figures that come with the package."""
    text = (resources.files("bitrecall.reproduction") / "published.toml").read_text("utf-8")
    return Published.model_validate(tomllib.loads(text))
