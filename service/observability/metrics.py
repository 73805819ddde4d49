"""The metrics for Prometheus."""

import asyncio
import os
import time
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bitrecall.events.event import Appended
from bitrecall.index.recommend.search_steps import SearchRequest
from bitrecall.index.recommend.types import RankedItems
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.search.protocol import Results
from bitrecall.service.observability.tally import TalliedHistogram, Tally
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.shared_folder import METRICS_VARIABLE

_LATENCY: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_SEARCH: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)

# Maximum seconds between a request and the flush that publishes its counts.
_DELAY: Final = 0.1


class Metrics:
    """The metrics of this process, or of all workers if there are several.

    Counts are buffered and passed to Prometheus's client in groups, at most ``_DELAY`` later.

    Args:
        current: the release whose age and quality are published.
        collectors: further collectors of metrics, read on each scrape.
    """

    def __init__(self, current: CurrentRelease, *collectors: Collector) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "bitrecall_requests",
            "Requests with a response.",
            ["method", "path", "status"],
            registry=self._registry,
        )
        self._latency = TalliedHistogram(
            "bitrecall_request_seconds",
            "Seconds from the call of the application to the end of the response.",
            ["path"],
            buckets=_LATENCY,
            registry=self._registry,
        )
        self._search = TalliedHistogram(
            "bitrecall_search_seconds",
            "Seconds of a search, for one request or for a batch of concurrent requests.",
            buckets=_SEARCH,
            registry=self._registry,
        )
        self._recommended = Counter(
            "bitrecall_answers",
            "Users with recommendations in a response, by the source of the ranking.",
            ["source"],
            registry=self._registry,
        )
        self._degraded = Counter(
            "bitrecall_degraded_answers",
            "Users who got the most popular items because the search server did not respond.",
            registry=self._registry,
        )
        self._events = Counter(
            "bitrecall_events",
            "Events received: accepted, or duplicates of earlier ones.",
            ["outcome"],
            registry=self._registry,
        )
        self._rejected = Counter(
            "bitrecall_shed_requests",
            "Requests rejected because of too many concurrent requests.",
            registry=self._registry,
        )
        self._dropped = Counter(
            "bitrecall_dropped_connections",
            "Connections closed because of an invalid, slow or idle client.",
            ["reason"],
            registry=self._registry,
        )
        self._collectors = (_ReleaseCollector(current), *collectors)
        # Method, path, status and seconds of requests; seconds of searches; sources of rankings.
        self._requests_tally = Tally[tuple[str, str, int, float]]()
        self._searches_tally = Tally[float]()
        self._sources_tally = Tally[tuple[str, bool]]()
        self._is_flush_due = False

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request that has its response. Call it on the event loop."""
        self._requests_tally.add((method, path, status, seconds))
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_later(_DELAY, self.flush)

    def run_timed(self, search: SearchRequest) -> Results:
        """Run a search and record its duration.

        Raises:
            SearchUnavailableError: the search server does not respond.
        """
        started = time.perf_counter()
        try:
            return search.run()
        finally:
            self._searches_tally.add(time.perf_counter() - started)

    def count_recommendations(self, results: Iterable[RankedItems]) -> None:
        """Count the recommendations of users by the source of the ranking."""
        for result in results:
            self._sources_tally.add((result.source, result.degraded))

    def flush(self) -> None:
        """Pass the buffered counts to Prometheus's client, for a scrape of any worker."""
        self._is_flush_due = False
        requests = self._requests_tally.drain()
        for (method, path, status), count in Counts(entry[:3] for entry in requests).items():
            self._requests.labels(method, path, str(status)).inc(count)
        seconds_by_path = defaultdict(list)
        for _, path, _, seconds in requests:
            seconds_by_path[path].append(seconds)
        for path, amounts in seconds_by_path.items():
            self._latency.labels(path).observe_all(amounts)
        self._search.observe_all(self._searches_tally.drain())
        for (source, degraded), count in Counts(self._sources_tally.drain()).items():
            self._recommended.labels(source).inc(count)
            self._degraded.inc(count * degraded)

    def count_events(self, appended: Appended) -> None:
        """Count the events of a request."""
        self._events.labels("accepted").inc(appended.accepted)
        self._events.labels("duplicate").inc(appended.duplicates)

    def count_rejected(self, requests: int) -> None:
        """Count requests that were rejected because of too many concurrent requests."""
        self._rejected.inc(requests)

    def count_dropped(self, reason: str) -> None:
        """Count a connection that was closed because of its client.

        Args:
            reason: the name of a problem type, or of a limit.
        """
        self._dropped.labels(reason).inc()

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        self.flush()
        counted: CollectorRegistry = self._registry
        if METRICS_VARIABLE in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        on_scrape = CollectorRegistry()
        for collector in self._collectors:
            on_scrape.register(collector)
        return generate_latest(counted) + generate_latest(on_scrape)


class _ReleaseCollector(Collector):
    """Metrics of the current release and of retraining, read on each scrape."""

    def __init__(self, current: CurrentRelease) -> None:
        self._current = current

    def collect(self) -> Iterable[Metric]:
        """The release's id, age, size and quality; rejected releases; the last retraining run."""
        failed = GaugeMetricFamily(
            "bitrecall_failed_loads", "Releases that this worker could not load since it started."
        )
        failed.add_metric([], self._current.failed_loads)
        yield failed
        retraining = RetrainingStatus.read(self._current.store.root)
        if retraining is not None:
            ended = GaugeMetricFamily(
                "bitrecall_last_retraining_finished_timestamp_seconds",
                "When the last retraining run ended, by its outcome.",
                labels=["outcome"],
            )
            ended.add_metric([retraining.outcome], _seconds(retraining.finished))
            yield ended
        recommender = self._current.recommender
        if recommender is None:
            return
        manifest = recommender.release.manifest
        info = GaugeMetricFamily(
            "bitrecall_release_info", "The release that is served.", labels=["release_id"]
        )
        info.add_metric([manifest.id], 1)
        created = GaugeMetricFamily(
            "bitrecall_release_created_timestamp_seconds", "When the release was created."
        )
        created.add_metric([], _seconds(manifest.created_at))
        items = GaugeMetricFamily(
            "bitrecall_items", "Items that can be recommended.", labels=["known"]
        )
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
        yield from (info, created, items, quality)


def _seconds(text: str) -> float:
    """Seconds since 1970-01-01 UTC of an ISO 8601 time; 0 if it is invalid."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
