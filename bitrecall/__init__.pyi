from bitrecall.client.asynchronous import AsyncClient as AsyncClient
from bitrecall.client.errors import ClientError as ClientError
from bitrecall.client.errors import NotPermittedError as NotPermittedError
from bitrecall.client.errors import ProblemError as ProblemError
from bitrecall.client.errors import ServiceBusyError as ServiceBusyError
from bitrecall.client.errors import ServiceUnreachableError as ServiceUnreachableError
from bitrecall.client.event_batches import EventsAccepted as EventsAccepted
from bitrecall.client.synchronous import Client as Client
from bitrecall.errors import ArgumentError as ArgumentError
from bitrecall.errors import BitrecallError as BitrecallError
from bitrecall.errors import MissingExtraError as MissingExtraError
from bitrecall.index.errors import FilterError as FilterError
from bitrecall.index.errors import NoReleaseError as NoReleaseError
from bitrecall.index.errors import ReleaseError as ReleaseError
from bitrecall.index.errors import SearchUnavailableError as SearchUnavailableError
from bitrecall.index.errors import UnknownItemError as UnknownItemError
from bitrecall.model.benchmarking import benchmark as benchmark
from bitrecall.model.codes import Codes as Codes
from bitrecall.model.fitting import DataWarning as DataWarning
from bitrecall.model.fitting import fit as fit
from bitrecall.model.loading import load as load
from bitrecall.model.model import Model as Model
from bitrecall.model.sample import sample_events as sample_events
from bitrecall.results import Comparison as Comparison
from bitrecall.results import ComparisonRow as ComparisonRow
from bitrecall.results import Evaluation as Evaluation
from bitrecall.results import Explanation as Explanation
from bitrecall.results import ItemInfo as ItemInfo
from bitrecall.results import PopularItem as PopularItem
from bitrecall.results import PopularItems as PopularItems
from bitrecall.results import Recommendation as Recommendation
from bitrecall.results import RecommendationLists as RecommendationLists
from bitrecall.results import Recommendations as Recommendations
from bitrecall.results import SimilarItems as SimilarItems
from bitrecall.results import UserInfo as UserInfo

__all__ = [
    "ArgumentError",
    "AsyncClient",
    "BitrecallError",
    "Client",
    "ClientError",
    "Codes",
    "Comparison",
    "ComparisonRow",
    "DataWarning",
    "Evaluation",
    "EventsAccepted",
    "Explanation",
    "FilterError",
    "ItemInfo",
    "MissingExtraError",
    "Model",
    "NoReleaseError",
    "NotPermittedError",
    "PopularItem",
    "PopularItems",
    "ProblemError",
    "Recommendation",
    "RecommendationLists",
    "Recommendations",
    "ReleaseError",
    "SearchUnavailableError",
    "ServiceBusyError",
    "ServiceUnreachableError",
    "SimilarItems",
    "UnknownItemError",
    "UserInfo",
    "__version__",
    "benchmark",
    "fit",
    "load",
    "sample_events",
]

__version__: str
