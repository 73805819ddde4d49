import numpy as np

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.learned import candidates as module
from bitrecall.training.teacher.learned.candidate_store import CandidateStore, RowBuffer
from bitrecall.training.teacher.learned.candidates import candidates, feature_names
from tests.training.teacher.learned.test_scorer_set import scorers_of


def test_yields_the_blocks_that_were_added(edges: EdgeList, monkeypatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", 4 * edges.n_items * 7)
    scorers = scorers_of(edges)
    blocks = list(candidates(scorers, 6))
    assert len(blocks) > 3
    size = edges.n_users, 6, len(feature_names(scorers))
    store = CandidateStore(*size)
    for block in blocks:
        store.add(block)
    found = list(store)
    assert len(found) == len(blocks)
    for kept, block in zip(found, blocks, strict=True):
        for name in ("users", "items", "counts", "features"):
            np.testing.assert_array_equal(getattr(kept, name), getattr(block, name))
    assert CandidateStore.size(*size) == sum(b.features.nbytes + b.items.nbytes for b in blocks)


def test_collects_rows_up_to_its_capacity() -> None:
    buffer = RowBuffer(5, 2)
    assert buffer.features.shape == (0, 2)
    first, second = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((4, 2), np.float32)
    buffer.add(first, np.array([True, False, True]))
    buffer.add(second, np.array([False, True, True, True]))
    np.testing.assert_array_equal(buffer.features, np.concatenate([first, second[:2]]))
    assert buffer.hits.tolist() == [True, False, True, False, True]
