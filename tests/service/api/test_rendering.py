import json
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import to_json

from bitrecall.index.recommend.types import Explanation, RankedItems
from bitrecall.index.search.native_module import native
from bitrecall.service.api.rendering import render, render_batch, render_batch_entry, render_similar
from bitrecall.service.api.schemas.responses import (
    BatchResponse,
    RecommendResponse,
    SimilarResponse,
)


@pytest.fixture(autouse=True, params=["python", "c"], scope="module")
def loops(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs each test with the Python and the C implementation."""
    if request.param == "c" and native is None:
        pytest.skip("the C extension is not compiled")
    with patch("bitrecall.service.api.rendering.native", native if request.param == "c" else None):
        yield


RESULT = RankedItems(
    user_id="Ωμέγα 🛶",
    k=3,
    item_ids=["a", 'b "quoted"', "c"],
    distances=[0, 8, 256],
    bits=256,
    release_id="20261123T174500Z-3fa94c1b",
    source="codes",
)
EXPLAINED = {
    "code": "00ff",
    "item_codes": ["0000", "ffff", "00ff"],
    "explanations": [[Explanation("x", 3)], [], [Explanation("x", 0, 0.25)]],
}
VARIANTS = [
    RESULT,
    RESULT._replace(k=10),
    RESULT._replace(distances=None, source="popular"),
    RESULT._replace(item_ids=[], distances=[]),
    RESULT._replace(source="history", **EXPLAINED),
    RESULT._replace(taken=[0, 5, 1], **EXPLAINED),
]


def test_a_score_is_the_inner_product_of_the_codes() -> None:
    items = json.loads(render(RESULT))["items"]
    assert [item["score"] for item in items] == [256, 240, -256]
    assert items[1] == {"id": 'b "quoted"', "distance": 8, "score": 240}


def test_a_full_result_has_no_shortfall() -> None:
    assert "shortfall" not in json.loads(render(RESULT))


def test_the_shortfall_counts_missing_items() -> None:
    assert json.loads(render(RESULT._replace(k=10)))["shortfall"] == 7


def test_popular_items_have_neither_distance_nor_score() -> None:
    items = json.loads(render(RESULT._replace(distances=None, source="popular")))["items"]
    assert items[0] == {"id": "a", "distance": None, "score": None}


def test_explanations_and_codes_belong_to_their_item() -> None:
    answer = json.loads(render(VARIANTS[-2]))
    items = answer["items"]
    assert answer["code"] == "00ff"
    assert [item["code"] for item in items] == EXPLAINED["item_codes"]
    assert [item["because"] for item in items] == [
        [{"id": "x", "distance": 3}],
        [],
        [{"id": "x", "distance": 0, "weight": 0.25}],
    ]


def test_own_items_show_how_often_they_were_taken() -> None:
    assert all("taken" not in item for item in json.loads(render(VARIANTS[-2]))["items"])
    items = json.loads(render(VARIANTS[-1]))["items"]
    assert [item["taken"] for item in items] == [0, 5, 1]


def check(body: bytes, model: type[BaseModel]) -> None:
    documented = model.model_validate_json(body, strict=True, extra="forbid")
    assert documented.model_dump(exclude_unset=True) == json.loads(body)


@pytest.mark.parametrize("answer", VARIANTS)
def test_every_response_matches_its_model(answer: RankedItems) -> None:
    check(render(answer), RecommendResponse)
    check(render(answer._replace(user_id=None)), RecommendResponse)
    both = [render_batch_entry(answer), render_batch_entry(RESULT)]
    check(render_batch(both, 3, RESULT.release_id), BatchResponse)
    check(render_similar("é", answer._replace(explanations=None)), SimilarResponse)


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(texts, st.integers(0, 8192))), texts)
def test_escapes_any_text_as_json(items: list[tuple[str, int]], user_id: str) -> None:
    ids, distances = [item for item, _ in items], [distance for _, distance in items]
    answer = RESULT._replace(user_id=user_id, item_ids=ids, distances=distances)
    expected_items = [{"id": item, "distance": d, "score": 256 - 2 * d} for item, d in items]
    document = {
        "user_id": user_id,
        "k": 3,
        "items": expected_items,
        "release_id": answer.release_id,
    }
    document |= {"source": "codes"} | ({"shortfall": 3 - len(ids)} if len(ids) != 3 else {})
    assert render(answer) == to_json(document)


@pytest.mark.parametrize(
    "arguments", [(["a"], [], 8), (["a"], ["b"], 8), ([1], [1], 8), ("a", [1], 8)]
)
def test_rejects_items_that_are_not_strings(arguments: tuple) -> None:
    if native is None:
        pytest.skip("the C extension is not compiled")
    with pytest.raises((TypeError, ValueError)):
        native.items_json(*arguments)
