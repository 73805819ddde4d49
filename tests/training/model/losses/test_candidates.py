import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.model.losses.candidates import Candidates, taken_pairs
from bitrecall.training.model.losses.pairs import Pairs, Sample


def pairs(listed: list[tuple[int, int]]) -> Pairs:
    users = torch.tensor([user for user, _ in listed], dtype=torch.int64)
    return Pairs(users, torch.tensor([item for _, item in listed], dtype=torch.int64))


@st.composite
def samples(draw, n_items: int) -> Sample:
    head = draw(st.integers(0, n_items - 1))
    rest = st.integers(head, n_items - 1)
    return Sample(head, torch.tensor(draw(st.lists(rest, min_size=1, unique=True))))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_blocks_contain_every_item_once_and_mark_the_special_pairs(data):
    n_users, n_items = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    everything = list(itertools.product(range(n_users), range(n_items)))
    special = data.draw(st.lists(st.sampled_from(everything), max_size=8, unique=True))
    sample = data.draw(st.none() | samples(n_items))
    candidates = Candidates(n_users, n_items, pairs(special), sample)

    every_row = torch.arange(n_items)
    seen, marked, numbered = [], [], []
    for block in candidates.blocks(data.draw(st.integers(1, 10))):
        items = every_row[block.items].tolist()
        seen += items
        marked += [
            (user, items[column])
            for user, column in zip(block.users.tolist(), block.columns.tolist(), strict=True)
        ]
        numbered += [special[number] for number in block.pairs.tolist()]
    looked_at = list(range(n_items)) if sample is None else sample.rows.tolist()
    assert seen == looked_at
    assert sorted(marked) == sorted(pair for pair in special if pair[1] in looked_at)
    assert numbered == marked
    outside = [special[number] for number in candidates.outside.tolist()]
    assert outside == [pair for pair in special if pair[1] not in looked_at]


def test_each_candidate_represents_only_itself_without_a_sample():
    candidates = Candidates(2, 5, pairs([(0, 1), (0, 2), (1, 4)]))
    assert [block.scale for block in candidates.blocks(2)] == [None, None, None]


@pytest.mark.parametrize("head", [0, 2])
def test_a_sum_over_a_sample_weighted_up_is_unbiased(head):
    values = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0, 9.0], dtype=torch.float64)
    special = pairs([(0, 0), (0, 5)])
    sums = []
    # Three rows: each sample holds at least one candidate beside the special ones.
    for rows in itertools.combinations(range(head, 6), 3):
        candidates = Candidates(1, 6, special, Sample(head, torch.tensor(rows)))
        total = 0.0
        for block in candidates.blocks(6):
            inside = values[block.items].clone()
            inside[block.columns] = 0
            scale = 1 if block.scale is None else block.scale.item()
            total += scale * inside.sum().item()
        sums.append(total)
    # Given how many candidates a sample holds, each is as likely in it as any other.
    assert np.mean(sums) == pytest.approx(values[1:5].sum().item())


def test_no_block_mixes_head_items_and_drawn_items():
    candidates = Candidates(1, 9, pairs([]), Sample(3, torch.tensor([4, 8])))
    actual = [
        (len(torch.arange(9)[block.items]), block.scale is None) for block in candidates.blocks(5)
    ]
    assert actual == [(3, True), (2, False)]


def test_taken_pairs_are_positives_and_excluded_pairs():
    positives = pairs([(0, 1), (1, 2)])
    both = taken_pairs(positives, pairs([(1, 0)]))
    assert (both.users.tolist(), both.items.tolist()) == ([0, 1, 1], [1, 2, 0])
    assert taken_pairs(positives, None) is positives
