import pytest

from bitrecall.training.recipe.fit_section import FitRecipe


@pytest.mark.parametrize(
    ("users", "batch", "epochs"),
    [(1, 32, 600), (943, 128, 75), (22_363, 512, 14), (30_000, 512, 12), (10_000_000, 2048, 12)],
)
def test_chooses_batches_and_epochs_by_the_number_of_users(
    users: int, batch: int, epochs: int
) -> None:
    section = FitRecipe().for_users(users, 256)
    assert (section.batch_users, section.epochs) == (batch, epochs)


def test_keeps_what_is_set() -> None:
    section = FitRecipe(epochs=3, batch_users=7)
    assert section.for_users(10_000, 256) == section


def test_a_second_choice_changes_nothing() -> None:
    section = FitRecipe().for_users(5000, 256)
    assert section.for_users(100, 256) == section


def test_long_codes_limit_the_batch() -> None:
    assert FitRecipe().for_users(10_000_000, 4096).batch_users == 2**23 // 4097


def test_the_schedule_covers_the_epochs_to_stop_after() -> None:
    assert FitRecipe(stop_after=100).for_users(10_000_000, 64).epochs == 100
