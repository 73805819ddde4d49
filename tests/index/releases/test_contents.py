from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseContentsError
from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import ReleaseContents, RowLists

Make = Callable[..., ReleaseContents]


def test_accepts_good_contents(make_contents: Make) -> None:
    make_contents().check()
    make_contents(users=1, items=1, bits=8).check()


def test_accepts_single_precision(make_contents: Make) -> None:
    contents = make_contents()
    replace(
        contents,
        user_embeddings=contents.user_embeddings.astype(np.float32),
        fold_in_messages=contents.fold_in_messages.astype(np.float32),
    ).check()


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    array = array.copy()
    array[1, 2] = value
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {"item_codes": c.item_codes.astype(np.int8)}, "item codes are int8"),
        (lambda c: {"item_codes": c.item_codes[:0]}, "item codes"),
        (lambda c: {"item_codes": c.item_codes[:, :0]}, "item codes"),
        (lambda c: {"item_codes": c.item_codes[0]}, "item codes"),
        (lambda c: {"user_ids": [], "user_embeddings": c.user_embeddings[:0]}, "one user"),
        (lambda c: {"item_ids": c.item_ids[:-1]}, "11 item ids for 12"),
        (lambda c: {"user_ids": c.user_ids[:-1]}, "user embeddings have shape"),
        (lambda c: {"user_embeddings": c.user_embeddings.astype(float)}, "float64"),
        (lambda c: {"user_embeddings": c.user_embeddings[:, :8]}, "user embeddings have shape"),
        (lambda c: {"fold_in_messages": c.fold_in_messages[:-1]}, "fold-in messages have shape"),
        (lambda c: {"fold_in_messages": with_value(c.fold_in_messages, np.nan)}, "NaN"),
        (lambda c: {"user_embeddings": with_value(c.user_embeddings, np.inf)}, "infinity"),
        (
            lambda c: {"user_embeddings": with_value(c.user_embeddings, -0.0)},
            "to_half_keeping_signs",
        ),
        (lambda c: {"popularity": c.popularity[::-1]}, "popularity must be descending"),
        (lambda c: {"popularity": c.popularity - 5}, "popularity must be descending"),
        (lambda c: {"popularity": c.popularity.astype(np.int32)}, "popularity is int32"),
        (lambda c: {"popularity": c.popularity[:-1]}, "popularity is int64"),
        (lambda _: {"seen": RowLists.from_lists([[0]])}, "seen items"),
        (lambda _: {"seen": RowLists.from_lists([[99]] * 5)}, "seen items"),
        (lambda _: {"seen_ages": np.zeros(15, np.int32)}, "ages of seen items: they are int32"),
        (lambda _: {"seen_ages": np.zeros(14, np.uint16)}, "ages of seen items: they are uint16"),
        (lambda _: {"seen_ages": np.full(15, 3, np.uint16)}, "not below the number"),
        (lambda _: {"recency": Recency()}, "recency needs the ages"),
        (
            lambda _: {"seen_ages": np.zeros(15, np.uint16), "recency": Recency(decay=0.0)},
            "recency: decay",
        ),
        (lambda _: {"attributes": ItemAttributes.build(3)}, "item attributes: is float64"),
        (lambda _: {"backend": "milvus"}, "unknown backend 'milvus'"),
    ],
)
def test_rejects_inconsistent_contents(
    make_contents: Make, change: Callable[[ReleaseContents], dict[str, Any]], message: str
) -> None:
    contents = make_contents()
    with pytest.raises(ReleaseContentsError, match=message):
        replace(contents, **change(contents)).check()
