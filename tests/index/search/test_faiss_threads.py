import threading
from collections.abc import Iterator

import faiss
import pytest

from bitrecall.index.search.faiss_threads import one_thread


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)
    yield
    faiss.omp_set_num_threads(before)


def test_uses_one_thread_inside_and_the_previous_number_after() -> None:
    with one_thread():
        assert faiss.omp_get_max_threads() == 1
    assert faiss.omp_get_max_threads() == 2


def test_restores_the_number_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert faiss.omp_get_max_threads() == 2


def test_other_threads_keep_their_number() -> None:
    observed: list[int] = []
    inside, looked = threading.Event(), threading.Event()

    def look() -> None:
        faiss.omp_set_num_threads(2)
        inside.wait()
        observed.append(faiss.omp_get_max_threads())
        looked.set()

    other = threading.Thread(target=look)
    other.start()
    with one_thread():
        inside.set()
        looked.wait()
    other.join()
    assert observed == [2]
