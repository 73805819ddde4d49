"""Parsing of request bodies, for tests of several modules."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.schemas.requests import RecommendRequest
from bitrecall.service.errors import InvalidRequestError


def errors_of(body: object, model: type[BaseModel] = RecommendRequest) -> dict[str, str]:
    text = json.dumps(body)
    with pytest.raises(InvalidRequestError) as error:
        parse_request(text.encode(), model)
    return {error.pointer: error.detail for error in error.value.errors}


def parsed(**members: Any) -> RecommendRequest:
    return parse_request(json.dumps({"user_id": "17", **members}).encode(), RecommendRequest)
