"""Result types of ``Model`` and ``Client``: small objects that print and convert to tables."""

from bitrecall.results.comparison import Comparison, ComparisonRow
from bitrecall.results.evaluation import Evaluation
from bitrecall.results.infos import ItemInfo, UserInfo
from bitrecall.results.recommendations import (
    Explanation,
    PopularItem,
    PopularItems,
    Recommendation,
    RecommendationLists,
    Recommendations,
    SimilarItems,
    Source,
)

__all__ = [
    "Comparison",
    "ComparisonRow",
    "Evaluation",
    "Explanation",
    "ItemInfo",
    "PopularItem",
    "PopularItems",
    "Recommendation",
    "RecommendationLists",
    "Recommendations",
    "SimilarItems",
    "Source",
    "UserInfo",
]
