import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.losses.candidates import Candidates, taken_pairs
from training.losses.smooth_recall import Pairs


def pairs(listed: list[tuple[int, int]]) -> Pairs:
    users = torch.tensor([user for user, _ in listed], dtype=torch.int64)
    return Pairs(users, torch.tensor([item for _, item in listed], dtype=torch.int64))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_blocks_go_through_every_item_once_and_mark_the_special_pairs(data):
    n_users, n_items = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    everything = list(itertools.product(range(n_users), range(n_items)))
    special = data.draw(st.lists(st.sampled_from(everything), max_size=8, unique=True))
    rows = data.draw(
        st.none() | st.lists(st.integers(0, n_items - 1), min_size=1, max_size=9, unique=True)
    )
    sample = None if rows is None else torch.tensor(rows)
    candidates = Candidates(n_users, n_items, pairs(special), sample)

    every_row = torch.arange(n_items)
    seen, marked = [], []
    for block in candidates.blocks(data.draw(st.integers(1, 10))):
        items = every_row[block.items].tolist()
        seen += items
        marked += [
            (user, items[column])
            for user, column in zip(block.users.tolist(), block.columns.tolist(), strict=True)
        ]
    looked_at = list(range(n_items)) if rows is None else rows
    assert seen == looked_at
    assert sorted(marked) == sorted(pair for pair in special if pair[1] in looked_at)


def test_without_a_sample_each_candidate_stands_for_itself():
    candidates = Candidates(2, 5, pairs([(0, 1), (0, 2), (1, 4)]))
    assert candidates.scale(torch.float64).tolist() == [1, 1]


def test_a_sum_over_a_sample_weighted_up_is_unbiased():
    values = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0, 9.0], dtype=torch.float64)
    special = pairs([(0, 0), (0, 5)])
    sums = []
    # Three of six rows, two of them special: each sample holds at least one candidate.
    for rows in itertools.combinations(range(6), 3):
        candidates = Candidates(1, 6, special, torch.tensor(rows))
        (block,) = candidates.blocks(6)
        inside = values[block.items].clone()
        inside[block.columns] = 0
        sums.append(candidates.scale(torch.float64).item() * inside.sum().item())
    # Given how many candidates a sample holds, each is as likely in it as any other.
    assert np.mean(sums) == pytest.approx(values[1:5].sum().item())


def test_what_is_taken_is_positives_and_excluded():
    positives = pairs([(0, 1), (1, 2)])
    both = taken_pairs(positives, pairs([(1, 0)]))
    assert (both.users.tolist(), both.items.tolist()) == ([0, 1, 1], [1, 2, 0])
    assert taken_pairs(positives, None) is positives
