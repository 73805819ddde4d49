"""Tests of the coordinate search of recipe values."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.training import recipe_search
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import DivergedError, InterruptedTraining
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.training_log import TrainingLog

pytestmark = pytest.mark.slow

LADDERS = {"a": list("01234"), "b": list("0123")}


def hill(top_a: int, top_b: int) -> Callable[[dict[str, int]], float]:
    return lambda place: -abs(place["a"] - top_a) - abs(place["b"] - top_b)


@given(st.integers(0, 4), st.integers(0, 3), st.integers(0, 4), st.integers(0, 3))
def test_finds_the_maximum_from_any_start(a: int, b: int, top_a: int, top_b: int) -> None:
    best = recipe_search.climb(LADDERS, {"a": a, "b": b}, hill(top_a, top_b), lambda: True)
    assert best == {"a": top_a, "b": top_b}


def test_repeats_rounds_if_one_value_depends_on_another() -> None:
    def ridge(place: dict[str, int]) -> float:
        return place["b"] * 2 - 3 * abs(place["a"] - place["b"])

    ladders = {"a": list("0123"), "b": list("0123")}
    assert recipe_search.climb(ladders, {"a": 0, "b": 0}, ridge, lambda: True) == {"a": 0, "b": 0}
    steep = {"a": 0, "b": 3}
    assert recipe_search.climb(ladders, steep, ridge, lambda: True) == {"a": 3, "b": 3}


def test_scores_each_position_once() -> None:
    scored: list[tuple[int, int]] = []

    def score(place: dict[str, int]) -> float:
        scored.append((place["a"], place["b"]))
        return hill(2, 1)(place)

    recipe_search.climb(LADDERS, {"a": 0, "b": 0}, score, lambda: True)
    assert len(scored) == len(set(scored))


def test_returns_the_best_so_far_when_the_budget_is_spent() -> None:
    scored: list[float] = []

    def score(place: dict[str, int]) -> float:
        scored.append(hill(4, 3)(place))
        return scored[-1]

    best = recipe_search.climb(LADDERS, {"a": 0, "b": 0}, score, lambda: len(scored) < 3)
    assert best == {"a": 2, "b": 0}
    assert len(scored) == 3


def test_starts_from_the_recipes_values() -> None:
    stands = load_recipe("hashrec-gowalla").fit.learning_rate
    ladders = {
        "fit.learning_rate": [str(stands / 3), str(stands), str(stands * 3)],
        "encoder.start": ["svd", "random"],
        "fit.epochs": ["7", "8"],
    }
    assert recipe_search.first_rungs("hashrec-gowalla", [], ladders) == {
        "fit.learning_rate": 1,
        "encoder.start": 1,
        "fit.epochs": 0,
    }


@pytest.mark.parametrize("method", ["proposed", "bgch", "hashgnn", "hashrec", "lightgcn"])
def test_built_in_ladders_have_valid_values(method: str) -> None:
    ladders = recipe_search.built_in_ladders(method)
    rungs = recipe_search.first_rungs(f"{method}-gowalla", [], ladders)
    assert rungs.keys() == ladders.keys()


def test_a_diverged_run_ranks_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def diverges(*_: object) -> None:
        raise DivergedError("no longer finite")

    monkeypatch.setattr(recipe_search, "best_epoch", diverges)
    result = recipe_search.run(None, "hashrec-gowalla", ["bits=16"], None, tmp_path)
    assert result["metrics"]["recall@50"] == result["seconds_run"] == 0


class StoppingLog(TrainingLog):
    """Asks the training to stop after its first epoch."""

    def write(self, event: str, **values: Any) -> None:
        if values.get("epoch") == 1:
            signal.raise_signal(signal.SIGTERM)


def test_resumes_an_interrupted_run_and_removes_its_checkpoint(tmp_path: Path) -> None:
    train = load_dataset("sample").train.compact()
    variant = ["bits=16", "fit.epochs=3", "validation.patience=9"]

    def run(folder: Path, log: TrainingLog) -> dict[str, Any]:
        return dict(recipe_search.run(train, "hashrec-gowalla", variant, log, folder))

    uninterrupted = run(tmp_path / "uninterrupted", TrainingLog(None))
    with pytest.raises(InterruptedTraining):
        run(tmp_path / "parts", StoppingLog(None))
    assert list((tmp_path / "parts").iterdir())
    # This log would stop the run again if it started over.
    in_parts = run(tmp_path / "parts", StoppingLog(None))
    assert in_parts["metrics"] == uninterrupted["metrics"]
    assert in_parts["epochs_run"] == 3
    assert not list((tmp_path / "parts").iterdir())
