import numpy as np

from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.recommend.lookups import item_info, most_popular, user_info
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.release import Release

NEW = NewItems(["new"], np.array([[7, 9]], np.uint8))


class Fresh:
    def interactions_of(self, user_id: str) -> list[str]:
        return ["item 1", "new"] if user_id == "a stranger" else []

    def hidden_items_of(self, user_id: str) -> list[str]:
        return []

    def is_forgotten(self, user_id: str) -> bool:
        return user_id == "all seen"


def test_an_item_of_the_release_is_known_with_all_that_is_known_of_it(release: Release) -> None:
    found = item_info(Recommender(release), "item 1")
    assert (found.id, found.known, found.popularity) == ("item 1", "release", 59)
    assert list(found.tags) == release.attributes.tags_of(1)
    assert found.attributes == release.attributes.columns_of(1)
    assert found.release_id == release.id


def test_a_new_item_and_one_that_nobody_knows_are_told_apart(release: Release) -> None:
    recommender = Recommender(release, NEW)
    for item, known in (("new", "new"), ("nowhere", "no")):
        found = item_info(recommender, item)
        assert (found.known, found.popularity, found.tags, found.attributes) == (known, 0, (), {})


def test_users_are_known_by_what_they_have(release: Release) -> None:
    recommender = Recommender(release, NEW, Fresh())
    assert user_info(recommender, "all seen").known is False
    known, stranger = user_info(recommender, "17"), user_info(recommender, "a stranger")
    assert (known.known, known.seen, known.fresh) == (True, 4, 0)
    assert (stranger.known, stranger.seen, stranger.fresh) == (False, 0, 2)
    assert list(known.items) == ["item 0", "item 1", "item 5", "item 30"]
    assert list(stranger.items) == ["item 1", "new"]


def test_the_most_popular_come_first(release: Release) -> None:
    recommender = Recommender(release, NEW)
    assert most_popular(recommender, 2) == [("item 0", 60), ("item 1", 59)]
    assert len(most_popular(recommender, 1000)) == 60
