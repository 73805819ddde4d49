"""Counts from the service's Prometheus metrics."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from bitrecall.loadtest.errors import LoadTestError
from bitrecall.loadtest.target import Target


@dataclass(frozen=True)
class ServiceMetrics:
    """Counts of the service, or the difference of two.

    Attributes:
        search_seconds: total duration of searches.
        rejected: requests rejected because of too many concurrent ones.
    """

    search_seconds: float = 0.0
    rejected: float = 0.0

    @classmethod
    def by(cls, target: Target) -> ServiceMetrics | None:
        """Current metrics of a service; None if they cannot be read."""
        try:
            return cls.parse(target.get("/metrics"))
        except LoadTestError:
            return None

    @classmethod
    def parse(cls, text: str) -> ServiceMetrics:
        """Parse Prometheus's text format; missing metrics are 0."""
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return cls(
            sums.get("bitrecall_search_seconds_sum", 0.0),
            sums.get("bitrecall_shed_requests_total", 0.0),
        )

    def since(self, before: ServiceMetrics) -> ServiceMetrics:
        """The difference to earlier counts."""
        return ServiceMetrics(
            self.search_seconds - before.search_seconds,
            self.rejected - before.rejected,
        )
