import numpy as np

from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.recommend.lookups import item_info, most_popular, user_info
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.release import Release

NEW = NewItems(["new"], np.array([[7, 9]], np.uint8))


class Activity:
    def interactions_of(self, user_id: str) -> list[str]:
        return ["item 1", "new"] if user_id == "a stranger" else []

    def hidden_items_of(self, user_id: str) -> list[str]:
        return []

    def is_forgotten(self, user_id: str) -> bool:
        return user_id == "all seen"


def test_describes_an_item_of_the_release(release: Release) -> None:
    info = item_info(Recommender(release), "item 1")
    assert (info.id, info.known, info.popularity) == ("item 1", "release", 59)
    assert list(info.tags) == release.attributes.tags_of(1)
    assert info.attributes == release.attributes.columns_of(1)
    assert info.release_id == release.id


def test_distinguishes_new_and_unknown_items(release: Release) -> None:
    recommender = Recommender(release, NEW)
    for item, known in (("new", "new"), ("unknown", "no")):
        info = item_info(recommender, item)
        assert (info.known, info.popularity, info.tags, info.attributes) == (known, 0, (), {})


def test_describes_known_and_unknown_users(release: Release) -> None:
    recommender = Recommender(release, NEW, Activity())
    assert user_info(recommender, "all seen").known is False
    known, stranger = user_info(recommender, "17"), user_info(recommender, "a stranger")
    assert (known.known, known.seen, known.fresh) == (True, 4, 0)
    assert (stranger.known, stranger.seen, stranger.fresh) == (False, 0, 2)
    assert list(known.items) == ["item 0", "item 1", "item 5", "item 30"]
    assert list(stranger.items) == ["item 1", "new"]


def test_lists_the_most_popular_items(release: Release) -> None:
    recommender = Recommender(release, NEW)
    assert most_popular(recommender, 2) == [("item 0", 60), ("item 1", 59)]
    assert len(most_popular(recommender, 1000)) == 60
