"""The number of threads that FAISS uses for a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import faiss

# A call with at least this many queries is divided among all threads of FAISS.
WORTH_THREADS: Final = 64


@contextmanager
def one_thread() -> Iterator[None]:
    """Run FAISS calls of this thread on a single OpenMP thread; other threads keep their setting.

    OpenMP threads wait for each other by spinning. For a single query, a second thread only waits:
    on a machine with busy cores the call takes 36 ms instead of 0.1 ms.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
