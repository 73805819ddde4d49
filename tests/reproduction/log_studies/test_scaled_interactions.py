import numpy as np
import pytest

from bitrecall.reproduction.log_studies.scaled_interactions import scaled


@pytest.mark.parametrize(("scale", "users"), [(0.25, 30), (1.0, 120), (3.0, 360)])
def test_has_a_fraction_or_copies_of_the_users(clustered, scale, users):
    assert scaled(clustered, scale).n_users == users


def test_a_copy_differs_in_a_tenth_of_its_items(clustered):
    twice = scaled(clustered, 2.0)
    rows = {int(name): row for row, name in enumerate(twice.user_ids)}
    names = np.array(twice.item_ids)

    def items(user):
        return set(names[twice.items_of(rows[user])])

    shared = [len(items(user) & items(user + 120)) / len(items(user)) for user in range(120)]
    assert 0.85 < np.mean(shared) < 0.97
    assert items(0) == {clustered.item_ids[item] for item in clustered.items_of(0)}
