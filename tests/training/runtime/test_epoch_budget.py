from bitrecall.training.runtime.epoch_budget import EpochBudget


def chosen(budget: EpochBudget, durations: list[float]) -> list[int]:
    return [epochs for seconds in durations if (epochs := budget.record(seconds)) is not None]


def test_chooses_epochs_once_by_the_time_of_the_first_steps() -> None:
    # A slow first step does not count; 10 steps of 1 s and a fifth more are 12 s per epoch.
    assert chosen(EpochBudget(100, epochs=20, steps=10), [30, *[1.0] * 20]) == [8]


def test_chooses_at_least_one_epoch_and_at_most_twice_the_recipes() -> None:
    assert chosen(EpochBudget(-5, epochs=20, steps=10), [1.0] * 5) == [1]
    assert chosen(EpochBudget(1e6, epochs=20, steps=10), [1.0] * 5) == [40]
    assert chosen(EpochBudget(1e6, epochs=20, steps=10), [0.0] * 5) == [40]


def test_chooses_nothing_before_enough_steps() -> None:
    assert chosen(EpochBudget(100, epochs=20, steps=10), [1.0] * 4) == []
