import json
from dataclasses import replace

from service.recommender import Answer
from service.rendering import render
from service.schemas import RecommendResponse

ANSWER = Answer(
    user_id="Ωμέγα 🛶",
    k=3,
    item_ids=["a", 'b "quoted"', "c"],
    distances=[0, 8, 256],
    bits=256,
    release_id="20261123T174500Z-3fa94c1b",
    source="codes",
)


def test_a_score_is_the_inner_product_of_the_codes() -> None:
    items = json.loads(render(ANSWER))["items"]
    assert [item["score"] for item in items] == [256, 240, -256]
    assert items[1] == {"id": 'b "quoted"', "distance": 8, "score": 240}


def test_a_full_answer_has_no_shortfall() -> None:
    assert "shortfall" not in json.loads(render(ANSWER))


def test_a_shortfall_is_what_lacks() -> None:
    assert json.loads(render(replace(ANSWER, k=10)))["shortfall"] == 7


def test_popular_items_have_neither_distance_nor_score() -> None:
    items = json.loads(render(replace(ANSWER, distances=None, source="popular")))["items"]
    assert items[0] == {"id": "a", "distance": None, "score": None}


def test_every_answer_is_as_documented() -> None:
    for answer in (
        ANSWER,
        replace(ANSWER, k=10),
        replace(ANSWER, distances=None, source="popular"),
        replace(ANSWER, item_ids=[], distances=[]),
    ):
        body = render(answer)
        documented = RecommendResponse.model_validate_json(body, strict=True, extra="forbid")
        assert documented.model_dump(exclude_unset=True) == json.loads(body)
