"""Loops over packed bits against products of matrices, at each of the processor's levels."""

import os
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bitrecall.training.model.losses.packed_scores as module
from bitrecall.training.model.losses.candidates import Candidates
from bitrecall.training.model.losses.packed_scores import PackedScores, can_pack, loops
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.scores import DenseScores

pytestmark = pytest.mark.slow

LEVELS = [] if loops is None else list(loops.levels())


def random_codes(count: int, bits: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 2, (count, bits), generator=generator).float() * 2 - 1


@st.composite
def problems(draw):
    # More items than are looked at at once, now and then, and codes of one byte and of many.
    n_users, bits = draw(st.integers(1, 7)), draw(st.sampled_from([1, 2, 8, 13, 64, 256, 264]))
    n_items = draw(st.integers(2, 60) | st.sampled_from([2048, 2049, 4100]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    users, items = (random_codes(count, bits, generator) for count in (n_users, n_items))
    pair = st.tuples(st.integers(0, n_users - 1), st.integers(0, n_items - 1))
    listed = draw(st.lists(pair, max_size=20, unique=True))
    special = Pairs(*torch.tensor(listed, dtype=torch.int64).reshape(-1, 2).T)
    sample = None
    if draw(st.booleans()):
        head = draw(st.integers(0, n_items - 1))
        drawn = torch.randperm(n_items - head, generator=generator)[: draw(st.integers(1, 30))]
        sample = Sample(head, head + drawn.sort().values)
    return users, items, special, sample, generator


@pytest.mark.parametrize("level", LEVELS)
@settings(deadline=None, max_examples=60)
@given(problems(), st.integers(1, 3), st.sampled_from([5, 2048]))
def test_equals_matrix_products(level, problem, threads, block):
    users, items, special, sample, generator = problem
    candidates = Candidates(len(users), len(items), special, sample)
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_ITEMS", block)
        torch.set_num_threads(threads)
        try:
            dense = DenseScores(users.double(), items.double(), candidates)
            packed = PackedScores(users, items, candidates, level)
            histogram = dense.histogram()
            np.testing.assert_allclose(packed.histogram(), histogram, rtol=1e-6)
            assert torch.equal(packed.special_bins, dense.special_bins)
            table = torch.randn(histogram.shape, generator=generator)
            slopes = torch.randn(candidates.n_special, generator=generator)
            actual = packed.backward(table, slopes)
            expected = dense.backward(table.double(), slopes.double())
        finally:
            torch.set_num_threads(before)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * len(items) ** 0.5)


def test_packs_only_float32_on_a_cpu_with_compiled_loops(monkeypatch):
    codes = torch.ones(2, 8)
    assert can_pack(codes) == (loops is not None)
    assert not can_pack(codes.double())
    assert not can_pack(codes.to("meta"))
    monkeypatch.setattr(module, "loops", None)
    assert not can_pack(codes)


def test_the_loops_are_compiled_if_required():
    if loops is None and not os.environ.get("BITRECALL_TESTS_NEED_COMPILER"):
        pytest.skip("there was no compiler: training/native is not tested")
    assert can_pack(torch.ones(2, 8))


def arguments(**changed: Any) -> list[Any]:
    given = {
        "users": np.zeros((2, 4), np.uint8),
        "items": np.zeros((3, 4), np.uint8),
        "width": 4,
        "bits": 30,
        "level": 0 if loops is None else min(loops.levels().values()),
        "table": np.zeros((2, 31), np.float32),
        "values": np.zeros((2, 3), np.float32),
    }
    return list((given | changed).values())


WRONG = [
    ({"width": 0}, "1 to 8 bits per byte"),
    ({"width": 5}, "a multiple of the width"),
    ({"width": 8192, "bits": 8}, "1 to 8 bits per byte"),
    ({"width": 2**60, "bits": 8}, "1 to 8 bits per byte"),
    ({"width": 2**63 - 1, "bits": 8}, "1 to 8 bits per byte"),
    ({"bits": 0}, "1 to 8 bits per byte"),
    ({"bits": 33}, "1 to 8 bits per byte"),
    ({"bits": 29}, "a number for each user and level"),
    ({"items": np.zeros(13, np.uint8)}, "a multiple of the width"),
    ({"users": np.zeros((3, 4), np.uint8)}, "a number for each user and level"),
    ({"level": -1}, "invalid level -1"),
    ({"level": 9}, "invalid level 9"),
]


@pytest.mark.skipif(loops is None, reason="there was no compiler")
@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_rejects_inconsistent_arguments(changed, message):
    given = arguments(**changed)
    with pytest.raises(ValueError, match=message):
        loops.look_up(*given)
    with pytest.raises(ValueError, match=message):
        loops.count(*given[:5], given[5].astype(np.int32))


@pytest.mark.skipif(loops is None, reason="installed without a C compiler")
def test_rejects_instruction_sets_that_the_cpu_does_not_support():
    supported = set(loops.levels().values())
    for level in range(-2, 6):
        if level in supported:
            loops.look_up(*arguments(level=level))
        else:
            with pytest.raises(ValueError, match=r"levels\(\)"):
                loops.look_up(*arguments(level=level))


@pytest.mark.skipif(loops is None, reason="installed without a C compiler")
def test_rejects_misaligned_arrays():
    raw = np.zeros(2 * 31 * 4 + 1, np.uint8)
    table = raw[1:].view(np.float32).reshape(2, 31)
    with pytest.raises(ValueError, match="aligned"):
        loops.look_up(*arguments(table=table))
    with pytest.raises(ValueError, match="aligned"):
        loops.count(*arguments()[:5], table.view(np.int32))
    values = np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3)
    with pytest.raises(ValueError, match="aligned"):
        loops.look_up(*arguments(values=values))


@pytest.mark.skipif(loops is None, reason="installed without a C compiler")
def test_rejects_values_of_another_size():
    with pytest.raises(ValueError, match="a value for each user and item"):
        loops.look_up(*arguments(values=np.zeros((2, 4), np.float32)))
    frozen = np.zeros((2, 3), np.float32)
    frozen.flags.writeable = False
    with pytest.raises((BufferError, TypeError, ValueError)):
        loops.look_up(*arguments(values=frozen))
