import numpy as np

from bitrecall.training.retraining.row_order import row_order


def test_pairs_of_the_parent_come_first_then_files_then_events() -> None:
    order = row_order(
        np.array([1, 0], np.uint16), np.array([9.0, 3.0, 9.0]), np.zeros(3, np.bool_), 2
    )
    assert order.tolist() == [-2, -1, 1, 0, 1, 3, 4]


def test_rows_that_the_parent_has_do_not_become_later() -> None:
    order = row_order(np.array([0]), np.array([5.0, 6.0]), np.array([True, False]), 1)
    assert order.tolist() == [-1, -np.inf, 1, 2]


def test_files_without_an_order_have_equally_old_rows() -> None:
    order = row_order(None, None, np.zeros(2, np.bool_), 1)
    assert order.tolist() == [0, 0, 2]
