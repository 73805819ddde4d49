"""Recommendation retrieval in bits: learned hash codes and an exact search over them.

    import bitrecall

    model = bitrecall.fit("clicks.csv")
    model.recommend("ada-017", k=10)

``fit`` trains a model, ``load`` opens a trained one, and ``benchmark`` compares codes with other
recommenders. ``Client`` and ``AsyncClient`` have the
same methods for a running service. See docs/python.md for examples.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

# The module of each public name, imported on first use to keep ``import bitrecall`` fast. The types
# are in __init__.pyi.
_MODULES = {
    "ArgumentError": "errors",
    "AsyncClient": "client.asynchronous",
    "BitrecallError": "errors",
    "Client": "client.synchronous",
    "ClientError": "client.errors",
    "Codes": "model.codes",
    "Comparison": "results",
    "ComparisonRow": "results",
    "DataWarning": "model.fitting",
    "Evaluation": "results",
    "EventsAccepted": "client.event_batches",
    "Explanation": "results",
    "FilterError": "index.errors",
    "ItemInfo": "results",
    "MissingExtraError": "errors",
    "Model": "model.model",
    "NoReleaseError": "index.errors",
    "NotPermittedError": "client.errors",
    "PopularItem": "results",
    "PopularItems": "results",
    "ProblemError": "client.errors",
    "Recommendation": "results",
    "RecommendationLists": "results",
    "Recommendations": "results",
    "ReleaseError": "index.errors",
    "SearchUnavailableError": "index.errors",
    "ServiceBusyError": "client.errors",
    "ServiceUnreachableError": "client.errors",
    "SimilarItems": "results",
    "UnknownItemError": "index.errors",
    "UserInfo": "results",
    "benchmark": "model.benchmarking",
    "fit": "model.fitting",
    "load": "model.loading",
    "sample_events": "model.sample",
}

__all__ = sorted([*_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
