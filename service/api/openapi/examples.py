"""Examples of requests, responses and problems, for the OpenAPI document and the docs."""

from collections.abc import Mapping
from typing import Any, Final

RELEASE: Final = "20261123T174500Z-3fa94c1b"
OCCURRENCE: Final = "5f1e8d1c-7c1f-4d53-9a86-0a0d3c5e2b11"

_NEAREST: Final = [
    {"id": "4096", "distance": 71, "score": 114},
    {"id": "88", "distance": 74, "score": 108},
]
_UNRANKED: Final = [
    {"id": "1", "distance": None, "score": None},
    {"id": "88", "distance": None, "score": None},
]

# By operation, by name: a summary and the value.
REQUESTS: Final[Mapping[str, Mapping[str, tuple[str, Any]]]] = {
    "recommend": {
        "plain": ("Ten items that the user does not have", {"user_id": "17", "k": 10}),
        "filtered": (
            "Cheap jazz and blues in stock, except two items",
            {
                "user_id": "17",
                "k": 10,
                "exclude_items": ["88", "4711"],
                "filter": {
                    "any_tags": ["jazz", "blues"],
                    "no_tags": ["sold out"],
                    "where": {"price": {"lte": 20}, "label": ["ECM", "Blue Note"]},
                },
            },
        ),
        "history": (
            "A new user with a history, with explanations",
            {"history": ["88", "4096"], "k": 10, "explain": True},
        ),
        "session": (
            "A known user, with the items in their basket",
            {"user_id": "17", "history": ["88"], "history_mode": "add"},
        ),
        "seen": (
            "Including items that the user has",
            {"user_id": "17", "k": 3, "exclude_seen": False},
        ),
    },
    "compare": {"plain": ("Items from another release", {"user_id": "17", "k": 2})},
    "recommend_batch": {
        "plain": ("Two items for each of two users", {"user_ids": ["17", "new user"], "k": 2})
    },
    "activate_release": {"plain": ("The release is in the path", {})},
    "rollback_release": {"plain": ("No members", {})},
    "similar": {"plain": ("Two items similar to item 7", {"item_id": "7", "k": 2})},
    "take_events": {
        "plain": ("A click", {"events": [{"user_id": "17", "item_id": "88"}]}),
        "many": (
            "A purchase with an id, safe to send again, and a hidden item",
            {
                "events": [
                    {
                        "user_id": "17",
                        "item_id": "4096",
                        "type": "buy",
                        "time": "2026-11-23T18:00:00Z",
                        "id": "order-20261123-0042",
                    },
                    {"user_id": "new user", "item_id": "88", "type": "hide"},
                ]
            },
        ),
    },
}

RESPONSES: Final[Mapping[str, Mapping[str, tuple[str, Any]]]] = {
    "recommend": {
        "codes": (
            "A user of the release",
            {
                "user_id": "17",
                "k": 2,
                "items": _NEAREST,
                "release_id": RELEASE,
                "source": "codes",
            },
        ),
        "history": (
            "A new user, with explanations",
            {
                "user_id": None,
                "k": 1,
                "code": "8c" * 32,
                "items": [
                    {
                        "id": "4096",
                        "distance": 71,
                        "score": 114,
                        "code": "9d" * 32,
                        "because": [{"id": "88", "distance": 52}],
                    }
                ],
                "release_id": RELEASE,
                "source": "history",
            },
        ),
        "popular": (
            "An unknown user",
            {
                "user_id": "new user",
                "k": 2,
                "items": _UNRANKED,
                "release_id": RELEASE,
                "source": "popular",
            },
        ),
        "shortfall": (
            "Fewer allowed items than requested",
            {
                "user_id": "17",
                "k": 5,
                "items": _NEAREST[1:],
                "release_id": RELEASE,
                "source": "codes",
                "shortfall": 4,
            },
        ),
    },
    "recommend_batch": {
        "plain": (
            "A user of the release and an unknown user",
            {
                "answers": [
                    {"user_id": "17", "items": _NEAREST, "source": "codes"},
                    {"user_id": "new user", "items": _UNRANKED, "source": "popular"},
                ],
                "k": 2,
                "release_id": RELEASE,
            },
        )
    },
    "similar": {
        "plain": (
            "The items with the nearest codes",
            {"item_id": "7", "k": 2, "items": _NEAREST, "release_id": RELEASE},
        )
    },
    "popular": {
        "plain": (
            "The most popular items",
            {"items": [{"id": "1", "popularity": 1034}], "release_id": RELEASE},
        )
    },
    "items": {"plain": ("Two ids", {"ids": ["4095", "4096"], "release_id": RELEASE})},
    "users": {"plain": ("Two ids", {"ids": ["17", "171"], "release_id": RELEASE})},
    "item": {
        "plain": (
            "An item of the release",
            {
                "id": "88",
                "known": "release",
                "popularity": 97,
                "tags": ["jazz", "live"],
                "attributes": {"price": 12.5, "label": "ECM"},
                "release_id": RELEASE,
            },
        )
    },
    "user": {
        "plain": (
            "A user of the release with two later events",
            {
                "id": "17",
                "known": True,
                "seen": 1,
                "fresh": 2,
                "items": ["1", "88", "4711"],
                "release_id": RELEASE,
            },
        )
    },
    "take_events": {"plain": ("One is new, one is a duplicate", {"accepted": 1, "duplicates": 1})},
    "releases": {
        "plain": (
            "One release, which is served",
            {
                "releases": [
                    {
                        "id": RELEASE,
                        "created_at": "2026-11-23T17:45:00.000001Z",
                        "current": True,
                        "users": 29858,
                        "items": 40981,
                        "bits": 256,
                        "metrics": {"split": "test", "recall@50": 0.2867},
                        "damage": None,
                    }
                ],
                "serving": RELEASE,
                "last_retraining": {
                    "started": "2026-11-23T17:38:00Z",
                    "finished": "2026-11-23T17:45:01Z",
                    "outcome": "published",
                    "reason": "recall@50 is 0.2867, that of the parent 0.2851: +0.0016, with 95% "
                    "between +0.0009 and +0.0023",
                    "release": RELEASE,
                },
            },
        )
    },
    "activate_release": {"plain": ("The activated release", {"release_id": RELEASE})},
    "rollback_release": {"plain": ("The previous release", {"release_id": RELEASE})},
    "forget_user": {"plain": ("A user with two events", {"id": "17", "events": 2})},
}

DETAILS: Final[Mapping[str, str]] = {
    "malformed-json": "invalid JSON: EOF while parsing an object at line 1 column 1",
    "unauthorized": "this request needs a key, in the header 'Authorization: Bearer KEY'",
    "forbidden": "this request needs a key of the role write; this key has the role read",
    "cross-origin": "a page of https://elsewhere.example may not change data: "
    "add its origin to BITRECALL_ALLOWED_ORIGINS to allow that",
    "misdirected-request": "the host 'elsewhere.example' is not allowed: "
    "add it to BITRECALL_ALLOWED_HOSTS",
    "not-found": "unknown path: /recommendations",
    "unknown-item": f"there is no item '4097' in {RELEASE}",
    "unknown-release": "unknown release: '20261123T174500Z-00000000'",
    "release-refused": "item_codes.npy was altered: its sha256 is not the one in the manifest",
    "filter-mismatch": "/filter/where/colour: no item has an attribute 'colour': expected price",
    "method-not-allowed": "/recommend allows POST, not GET",
    "request-timeout": "the body did not arrive within 10 seconds",
    "body-too-large": "the body is longer than 1048576 bytes",
    "unsupported-media-type": "the content type has to be application/json, not 'text/plain'",
    "invalid-request": "/k: has to be at least 1, not 0",
    "internal-error": "the service failed; its log has the traceback under this request_id",
    "too-busy": "too many concurrent requests; this request was not processed",
    "events-not-kept": "the events database does not respond; nothing was stored",
    "not-ready": "no release is loaded yet; GET /readyz gives the reason",
}
