"""Published figures, each with its source, from one data file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

from pydantic import Field

from bitrecall.training.recipe.section import Section


class Source(Section):
    """A publication."""

    label: str = Field(description="short name in tables")
    text: str = Field(description="full reference")


class Figure(Section):
    """One row of a published table."""

    dataset: str = Field(description="name of the data set")
    method: str = Field(description="name of the method in the plan")
    bits: int | None = Field(None, description="bits per user or item; None if not stated")
    source: str = Field(description="key of its source")
    metrics: Mapping[str, float] = Field(description="by name and cut-off, as in results.json")


class Published(Section):
    """The file of published figures."""

    source: Mapping[str, Source] = Field(description="by key")
    figure: tuple[Figure, ...] = Field(description="in the order of the tables")

    def of(self, dataset: str, method: str) -> list[Figure]:
        """Return the published figures of a method on a data set."""
        return [
            figure
            for figure in self.figure
            if figure.dataset == dataset and figure.method == method
        ]

    def by(self, source: str, dataset: str, method: str) -> Figure | None:
        """Return the figure of one source for a method on a data set."""
        figures = (figure for figure in self.of(dataset, method) if figure.source == source)
        return next(figures, None)


def load_published() -> Published:
    """Read the built-in published figures."""
    text = (resources.files("bitrecall.reproduction") / "published.toml").read_text("utf-8")
    return Published.model_validate(tomllib.loads(text))
