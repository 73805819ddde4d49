"""The embedded sample: interactions drawn from a seeded model of tastes and popularity.

Nothing is downloaded. Ids are readable, so that recommendations can be judged by eye: an item is a
genre and a title (``noir/The Last Alibi``), a user a name and a number (``ada-017``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.data.read_options import Split
from bitrecall.training.data.sample_names import FIRST_NAMES, GENRES, TITLE_PATTERNS
from bitrecall.training.data.split import random_per_user

__all__ = ["SampleModel", "sample_dataset", "sample_events", "sample_items", "sample_model"]

N_USERS = 3_000
N_ITEMS = 2_000
THEMES = 3
TEST_FRACTION = 0.2
FIRST_DAY = 1_704_067_200.0  # 2024-01-01T00:00:00Z
DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class SampleModel:
    """The distribution that the sample is drawn from: the best possible model of it.

    A user draws items without replacement. The weight of an item is its popularity times the dot
    product of the user's tastes and the item's traits over genres and themes.

    Attributes:
        user_ids: m names.
        item_ids: n genres with titles.
        weights: float64 (m, n), relative probability that the user draws the item.
    """

    user_ids: list[str]
    item_ids: list[str]
    weights: NDArray[np.float64]


def sample_model(seed: int = 0) -> SampleModel:
    """Draw the tastes of 3,000 users, and the traits and the popularity of 2,000 items."""
    generator = np.random.default_rng([seed, 0])
    item_ids, themes = _titles(generator)
    n_themes = len(GENRES) * THEMES
    popularity = (5.0 + generator.permutation(N_ITEMS)) ** -0.8
    traits = np.full((N_ITEMS, n_themes), 0.002)
    traits[np.arange(N_ITEMS), themes] = 1.0
    # Themes of a genre are related: a user who likes harbours in noir also likes courtrooms a bit.
    genre = np.arange(n_themes) // THEMES
    traits[genre[None, :] == (themes // THEMES)[:, None]] += 0.12
    genre_tastes = generator.dirichlet(np.full(len(GENRES), 0.12), N_USERS)
    theme_tastes = generator.dirichlet(np.full(THEMES, 0.5), (N_USERS, len(GENRES)))
    tastes = (genre_tastes[:, :, None] * theme_tastes).reshape(N_USERS, n_themes)
    weights = popularity * (tastes @ traits.T)
    return SampleModel(_names(generator), item_ids, weights)


def sample_dataset(seed: int = 0) -> Dataset:
    """Return the sample with 20% of each user's pairs held out for the test."""
    everything = _interactions(seed)
    train, test = random_per_user(everything, TEST_FRACTION, seed)
    report = ReadReport(files=("sample",), split=Split.GIVEN, rows_read=len(everything))
    return Dataset(train, test, "sample", report)


def sample_events(seed: int = 0) -> pl.DataFrame:
    """Return the sample as a click log: ``user_id``, ``item_id``, ``timestamp``, oldest first.

    It has all pairs of ``sample_dataset``. That data set is split at random, not by time.
    """
    pairs = _interactions(seed)
    times = pl.Series("timestamp", pairs.times, dtype=pl.Float64)
    columns = {
        "user_id": np.array(pairs.user_ids)[pairs.users],
        "item_id": np.array(pairs.item_ids)[pairs.items],
        "timestamp": (times * 1e6).cast(pl.Int64).cast(pl.Datetime("us", "UTC")),
    }
    return pl.DataFrame(columns).sort("timestamp", maintain_order=True)


def _interactions(seed: int) -> Interactions:
    """About 90,000 pairs with times over two years."""
    model = sample_model(seed)
    generator = np.random.default_rng([seed, 1])
    n_pairs = np.clip(generator.lognormal(3.25, 0.6, N_USERS), 6, 200).astype(np.int64)
    # The largest log-weights plus Gumbel noise are a draw without replacement.
    noisy = np.log(model.weights) + generator.gumbel(size=model.weights.shape)
    ranked = np.argsort(-noisy, axis=1)[:, : n_pairs.max()]
    drawn = np.arange(ranked.shape[1]) < n_pairs[:, None]
    users = np.nonzero(drawn)[0].astype(np.int32)
    items = ranked[drawn].astype(np.int32)
    joined = generator.uniform(0, 600, N_USERS)
    days = joined[users] + generator.uniform(0, 1, len(users)) * (730 - joined[users])
    times = FIRST_DAY + np.floor(days * DAY)
    return collapse(model.user_ids, model.item_ids, users, items, times)


def sample_items(seed: int = 0) -> ItemTable:
    """Return the items of the sample, each with its genre as a tag and a year."""
    ids = sample_model(seed).item_ids
    years = np.random.default_rng([seed, 2]).integers(1950, 2026, N_ITEMS)
    return ItemTable(
        "sample",
        pl.Series(ids),
        pl.Series([[item_id.split("/")[0]] for item_id in ids]),
        pl.DataFrame({"year": years.astype(np.float64)}),
    )


def _titles(generator: np.random.Generator) -> tuple[list[str], NDArray[np.int64]]:
    """2,000 distinct titles in a random order, and the theme of each, int64 (n,)."""
    by_theme: list[list[str]] = []
    for genre, (adjectives, nouns_by_theme) in GENRES.items():
        for words in nouns_by_theme:
            nouns = words.split()
            titles = {
                pattern.format(adjective=adjective, noun=noun, other=other)
                for pattern in TITLE_PATTERNS
                for adjective in adjectives.split()
                for noun in nouns
                for other in nouns
                if noun < other or "other" not in pattern
            }
            by_theme.append([f"{genre}/{title}" for title in sorted(titles)])
    themes = generator.integers(len(by_theme), size=N_ITEMS)
    titles_left = [list(generator.permutation(np.array(titles))) for titles in by_theme]
    return [str(titles_left[theme].pop()) for theme in themes], themes


def _names(generator: np.random.Generator) -> list[str]:
    """3,000 distinct names with numbers, in a random order."""
    names = FIRST_NAMES.split()
    user_ids = [f"{names[row % len(names)]}-{row // len(names) + 1:03d}" for row in range(N_USERS)]
    return [user_ids[row] for row in generator.permutation(N_USERS)]
