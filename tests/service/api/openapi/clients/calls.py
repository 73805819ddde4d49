"""Call every operation with the client that openapi-python-client made.

python calls.py FOLDER URL RELEASE: the folder has the package; RELEASE is one that is not current.
Prints the operations, one per line; ends with 1 at the first answer that is not a typed 200.
"""

import importlib
import json
import pkgutil
import sys
from typing import Any

folder, url, release = sys.argv[1:]
sys.path.insert(0, folder)

from bitrecall_client import Client, api, models  # noqa: E402

ITEM = "naïve, café ☕"
WHERE = {"price": {"lte": 4}, "label": ["label 1", "label 2"]}
EVENT = {"user_id": "17", "item_id": ITEM, "time": "2026-11-23T18:00:00Z", "id": "order/1"}
# By operation: the arguments, a body as its model and its members.
CALLS: dict[str, dict[str, Any]] = {
    "recommend": {
        "body": (
            models.RecommendRequest,
            {"user_id": "17", "k": 3, "explain": True, "filter": {"where": WHERE}},
        )
    },
    "recommend_batch": {"body": (models.BatchRequest, {"user_ids": ["17", "a stranger"]})},
    "similar": {"body": (models.SimilarRequest, {"item_id": ITEM, "exclude_items": ["item 1"]})},
    "take_events": {"body": (models.EventsRequest, {"events": [EVENT]})},
    "popular": {"k": 2},
    "items": {"prefix": "item 1", "k": 5},
    "users": {},
    "item": {"id": ITEM},
    "user": {"id": "17"},
    "releases": {},
    "compare": {"id": release, "body": (models.RecommendRequest, {"history": [ITEM, "item 3"]})},
    "activate_release": {"id": release, "body": (models.MoveRequest, {})},
    "rollback_release": {"body": (models.MoveRequest, {})},
    "forget_user": {"id": "17"},
    "metrics": {},
    "live": {},
    "ready": {},
    "explorer": {},
    "explorer_part": {"name": "main.js"},
    "problems": {},
    "problem": {"name": models.ProblemName("not-ready")},
}

functions = {
    module.name.rpartition(".")[2]: importlib.import_module(module.name)
    for module in pkgutil.walk_packages(api.__path__, api.__name__ + ".")
    if not module.ispkg
}
assert functions.keys() == CALLS.keys(), functions.keys() ^ CALLS.keys()
with Client(base_url=url) as client:
    for name, arguments in CALLS.items():
        parameters = dict(arguments)
        if "body" in parameters:
            model, members = parameters["body"]
            parameters["body"] = model.from_dict(members)
        answer = functions[name].sync_detailed(client=client, **parameters)
        assert answer.status_code == 200, (name, answer)
        if answer.headers["content-type"] == "application/json":
            assert answer.parsed.to_dict() == json.loads(answer.content), (name, answer)
        else:
            assert answer.content, name
        sys.stdout.write(f"{name}\n")
    refused = functions["recommend"].sync(
        client=client, body=models.RecommendRequest.from_dict({"user_id": "17", "k": 100_000})
    )
    assert isinstance(refused, models.Problem), refused
    assert refused.errors[0].pointer == "/k", refused
