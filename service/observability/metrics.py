"""What Prometheus is told."""

import asyncio
import os
import time
from collections import Counter as Counts
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bitrecall.events.event import Appended
from bitrecall.index.recommend.search_steps import SearchRequest
from bitrecall.index.recommend.types import Recommendations
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.search.protocol import Results
from bitrecall.service.observability.tally import TalliedHistogram, Tally
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.shared_folder import METRICS_VARIABLE

_LATENCY: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_SEARCH: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)

# Seconds until what was counted is told.
_DELAY: Final = 0.1


class Metrics:
    """The counts of this process, and with several workers those of all.

    What every request counts is told to Prometheus's client a moment later, for many at once.

    Args:
        current: what answers now, of which the release's age and quality are told.
        others: asked, beside that, when the metrics are.
    """

    def __init__(self, current: CurrentRelease, *others: Collector) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "bitrecall_requests",
            "Requests answered.",
            ["method", "path", "status"],
            registry=self._registry,
        )
        self._latency = TalliedHistogram(
            "bitrecall_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ["path"],
            buckets=_LATENCY,
            registry=self._registry,
        )
        self._search = TalliedHistogram(
            "bitrecall_search_seconds",
            "A search, for one request or for some that came at once.",
            buckets=_SEARCH,
            registry=self._registry,
        )
        self._answers = Counter(
            "bitrecall_answers",
            "Users answered, by what their items were ranked by.",
            ["source"],
            registry=self._registry,
        )
        self._degraded = Counter(
            "bitrecall_degraded_answers",
            "Users answered with the most popular items because the search did not answer.",
            registry=self._registry,
        )
        self._events = Counter(
            "bitrecall_events",
            "Events given: accepted, or duplicates of earlier ones.",
            ["outcome"],
            registry=self._registry,
        )
        self._shed = Counter(
            "bitrecall_shed_requests",
            "Requests refused because there were too many at once.",
            registry=self._registry,
        )
        self._dropped = Counter(
            "bitrecall_dropped_connections",
            "Connections closed because of what their clients sent, or did not send or read.",
            ["reason"],
            registry=self._registry,
        )
        self._collectors = (_ReleaseCollector(current), *others)
        # Method, path, status and seconds of requests; seconds of searches; sources of answers.
        self._of_requests = Tally[tuple[str, str, int, float]]()
        self._of_searches = Tally[float]()
        self._of_answers = Tally[tuple[str, bool]]()
        self._is_due = False

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered: on the event loop."""
        self._of_requests.add((method, path, status, seconds))
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_DELAY, self.tell)

    def searched(self, search: SearchRequest) -> Results:
        """What a search finds, counted. Raises ``SearchUnavailableError``."""
        started = time.perf_counter()
        try:
            return search.run()
        finally:
            self._of_searches.add(time.perf_counter() - started)

    def answered(self, answers: Iterable[Recommendations]) -> None:
        """Count what users' items were ranked by."""
        for answer in answers:
            self._of_answers.add((answer.source, answer.degraded))

    def tell(self) -> None:
        """Have what was counted so far known to whoever asks any of the workers."""
        self._is_due = False
        requests = self._of_requests.taken()
        for labels, count in Counts(one[:3] for one in requests).items():
            self._requests.labels(*map(str, labels)).inc(count)
        for path in {one[1] for one in requests}:
            self._latency.labels(path).observe_all([one[3] for one in requests if one[1] == path])
        self._search.observe_all(self._of_searches.taken())
        for (source, degraded), count in Counts(self._of_answers.taken()).items():
            self._answers.labels(source).inc(count)
            self._degraded.inc(count * degraded)

    def count_events(self, appended: Appended) -> None:
        """Count events."""
        self._events.labels("accepted").inc(appended.accepted)
        self._events.labels("duplicate").inc(appended.duplicates)

    def shed(self, requests: int) -> None:
        """Count requests that were refused because there were too many."""
        self._shed.inc(requests)

    def dropped(self, reason: str) -> None:
        """Count a connection that was closed because of its client."""
        self._dropped.labels(reason).inc()

    def text(self) -> bytes:
        """Everything in Prometheus's own format."""
        self.tell()
        counted: CollectorRegistry = self._registry
        if METRICS_VARIABLE in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        asked_now = CollectorRegistry()
        for collector in self._collectors:
            asked_now.register(collector)
        return generate_latest(counted) + generate_latest(asked_now)


class _ReleaseCollector(Collector):
    """What there is to tell of the release that answers, at the time of asking."""

    def __init__(self, current: CurrentRelease) -> None:
        self._current = current

    def collect(self) -> Iterable[Metric]:
        """The release's id, age, size and quality, and how many were refused."""
        failed = GaugeMetricFamily(
            "bitrecall_failed_loads", "Releases that this worker has refused since it started."
        )
        failed.add_metric([], self._current.failed_loads)
        yield failed
        night = RetrainingStatus.read(self._current.store.root)
        if night is not None:
            ended = GaugeMetricFamily(
                "bitrecall_last_night_finished_timestamp_seconds",
                "When the last night of retraining ended, and how.",
                labels=["outcome"],
            )
            ended.add_metric([night.outcome], _seconds(night.finished))
            yield ended
        recommender = self._current.recommender
        if recommender is None:
            return
        manifest = recommender.release.manifest
        about = GaugeMetricFamily(
            "bitrecall_release_info", "The release that answers.", labels=["release_id"]
        )
        about.add_metric([manifest.id], 1)
        created = GaugeMetricFamily(
            "bitrecall_release_created_timestamp_seconds", "When the release was made."
        )
        created.add_metric([], _seconds(manifest.created_at))
        items = GaugeMetricFamily("bitrecall_items", "Items to choose from.", labels=["known"])
        items.add_metric(["release"], manifest.items)
        items.add_metric(["new"], recommender.n_items - manifest.items)
        quality = GaugeMetricFamily(
            "bitrecall_release_quality",
            "Metrics of the release, measured on the split when it was published.",
            labels=["metric", "split"],
        )
        split = str(manifest.metrics.get("split", ""))
        for name, value in manifest.metrics.items():
            if isinstance(value, int | float):
                quality.add_metric([name, split], value)
        yield from (about, created, items, quality)


def _seconds(moment: str) -> float:
    """Seconds since 1970-01-01 UTC of an ISO 8601 moment; 0 where it is none."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0
