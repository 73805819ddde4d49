"""Distances that FAISS computes wrongly on ARM; ``make emulated`` runs these tests there."""

from typing import Any
from unittest.mock import Mock, patch

import faiss
import numpy as np
import pytest

from bitrecall.index.search.faiss_scan import FaissScan
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.hnsw import HnswBackend
from bitrecall.index.search.ivf import IvfBackend


def faiss_scan(codes: np.ndarray, queries: np.ndarray, k: int) -> Any:
    return FaissScan(codes).nearest(queries, k)


def hnsw(codes: np.ndarray, queries: np.ndarray, k: int) -> Any:
    return HnswBackend.build(codes).search(queries, k)


def ivf(codes: np.ndarray, queries: np.ndarray, k: int) -> Any:
    return IvfBackend.build(codes, nlist=1, nprobe=1).search(queries, k)


@pytest.mark.parametrize("width", [16, 32, 33, 64, 96])
@pytest.mark.parametrize("search", [faiss_scan, hnsw, ivf])
def test_codes_that_differ_in_every_bit_are_the_farthest(search: Any, width: int) -> None:
    query = np.zeros((1, width), np.uint8)
    opposite, half, equal = np.full(width, 255), np.full(width, 15), np.zeros(width)
    codes = np.array([opposite, half, equal], np.uint8)
    distances, rows = search(codes, query, 3)
    assert rows.tolist() == [[2, 1, 0]]
    assert distances.tolist() == [[0, 4 * width, 8 * width]]


@pytest.mark.parametrize(
    ("level", "changed"), [("ARM_NEON", True), ("ARM_SVE", True), ("AVX512", False)]
)
def test_changes_the_level_only_if_its_distances_are_wrong(level: str, changed: bool) -> None:
    config = Mock()
    config.get_level.return_value = getattr(faiss, f"SIMDLevel_{level}")
    with patch("faiss.SIMDConfig", config):
        require_exact_distances()
    assert config.set_level.called == changed
