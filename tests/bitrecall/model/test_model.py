import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bitrecall
from bitrecall.errors import ArgumentError
from bitrecall.index.errors import FilterError, NoReleaseError, UnknownItemError
from bitrecall.model.loading import load
from bitrecall.model.model import Model
from tests.tools.small_release import ITEMS, USERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(release):
    return Model(release)


def test_load_opens_the_current_or_a_named_release(release, model):
    root = release.path.parent
    assert load(root).release_id == release.id
    assert load(str(root), release=release.id).recommend("17") == model.recommend("17")


def test_load_reports_how_to_train_if_the_store_is_missing(tmp_path):
    with pytest.raises(NoReleaseError, match=r"bitrecall train DATA --releases .*bitrecall\.fit"):
        load(tmp_path / "nowhere")
    with pytest.raises(NoReleaseError, match="no current release"):
        load(tmp_path)


@pytest.mark.parametrize("release_id", [3, Path("a")])
def test_load_rejects_a_release_id_that_is_not_text(release, release_id):
    with pytest.raises(ArgumentError, match="release has to be text"):
        load(release.path.parent, release=release_id)


def test_load_reports_a_path_that_is_no_release_store(release, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NoReleaseError, match="file: is a file: expected the folder"):
        load(tmp_path / "file")
    with pytest.raises(NoReleaseError, match=rf"is a release: .*release='{release.id}'"):
        load(release.path)
    with pytest.raises(ArgumentError, match="releases has to be a path"):
        load("")


def test_describes_itself_and_lists_its_ids(model, release):
    assert repr(model) == f"<Model {release.id}: 5 users, 60 items, 16 bits>"
    assert (len(model.users), len(model.items)) == (len(USERS), len(ITEMS))
    assert list(model.users) == USERS
    assert "17" in model.users
    assert 17 not in model.users
    assert model.items.index("item 3") == 3
    assert model.items[-1] == ITEMS[-1]
    assert model.items[1:3] == ITEMS[1:3]
    assert repr(model.items) == "<60 ids: 'item 0', 'item 1', 'item 2', …>"


def test_ranks_items_by_the_distance_of_the_codes(model):
    recommended = model.recommend("17", k=60, exclude_seen=False)
    user = model.codes("17").signs.astype(int)
    scores = (model.item_codes().signs.astype(int) @ user.T)[:, 0]
    assert [item.score for item in recommended] == sorted(scores.tolist(), reverse=True)
    assert [item.score for item in recommended] == [
        scores[model.items.index(item.item_id)] for item in recommended
    ]
    assert [item.distance for item in recommended] == [
        (16 - item.score) // 2 for item in recommended
    ]


def test_accepts_integer_ids(model):
    assert model.recommend(17) == model.recommend("17")


def test_recommend_many_equals_recommend_for_each_user(model, monkeypatch):
    monkeypatch.setattr("bitrecall.model.model._BATCH_SIZE", 2)
    users = [*USERS, "nobody", "17"]
    lists = model.recommend_many(users, k=4)
    assert list(lists) == [model.recommend(user, k=4) for user in users]
    assert list(model.recommend_many([])) == []


def test_recommends_popular_items_to_an_unknown_user(model):
    recommended = model.recommend("nobody", k=3)
    assert (recommended.source, recommended.item_ids) == ("popular", model.popular(3).item_ids)


def test_codes_are_packed_bits_or_signs(model, release):
    codes = model.codes(USERS)
    assert codes.packed.shape == (5, 2)
    assert np.array_equal(codes.signs, np.where(release.user_embeddings >= 0, 1, -1))
    assert np.array_equal(np.packbits(codes.signs > 0, axis=1, bitorder="little"), codes.packed)
    assert len(model.item_codes()) == 60
    assert repr(codes) == "<5 codes of 16 bits>"


def test_codes_suggests_an_id_for_an_unknown_user(model):
    with pytest.raises(ArgumentError, match="did you mean 'all seen'"):
        model.codes("all sen")


def test_similar_suggests_an_id_for_an_unknown_item(model):
    with pytest.raises(UnknownItemError, match="did you mean 'item 30'"):
        model.similar("item 30 ~")
    with pytest.raises(UnknownItemError):
        model.similar("?")


def test_recommend_needs_a_user_or_a_history(model):
    with pytest.raises(ArgumentError, match="user_id or a history"):
        model.recommend()
    assert model.recommend(history=["item 3"]).source == "history"


def test_rejects_an_unknown_history_mode(model):
    with pytest.raises(ArgumentError, match="'instead' or 'add', not 'both'"):
        model.recommend("17", history=["item 3"], history_mode="both")


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"any_tag": ["jazz"]}, "/filter/any_tag: unknown field 'any_tag'"),
        ({"where": {"price": {"gte": "3"}}}, "/filter/where/price/gte: has to be a number"),
        ({"where": {"colour": "red"}}, "no item has an attribute 'colour'"),
        ({"where": {"label": {"lt": 3}}}, "only numbers have bounds"),
    ],
)
def test_rejects_an_invalid_filter(model, conditions, message):
    with pytest.raises(FilterError, match=message):
        model.recommend("17", filter=conditions)


def test_evaluate_needs_interactions_for_a_loaded_model(model):
    with pytest.raises(ArgumentError, match="pass test="):
        model.evaluate()


def test_loading_and_recommending_import_neither_torch_nor_a_web_framework(release):
    script = (
        "import sys, bitrecall\n"
        "model = bitrecall.load(sys.argv[1])\n"
        "model.recommend('17', filter={'any_tags': ['jazz']}, explain=True)\n"
        "model.recommend_many(['17'])\n"
        "model.similar('item 3')\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(release.path.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "faiss" in loaded
    unneeded = {"torch", "scipy", "polars", "pandas", "fastapi", "starlette", "sqlalchemy", "httpx"}
    assert unneeded.isdisjoint(loaded)
    assert bitrecall.Model is Model
