"""Metrics of the key file."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bitrecall.service.auth.key_file import KeyFile


class KeysCollector(Collector):
    """The state of the key file, read on each scrape."""

    def __init__(self, keys: KeyFile) -> None:
        self._keys = keys

    def collect(self) -> Iterable[Metric]:
        """Whether the file is valid, and its number of keys."""
        self._keys.refresh()
        ok = GaugeMetricFamily(
            "bitrecall_keys_file_ok",
            "1 if the key file can be read and has only valid lines and at least one key; "
            "otherwise 0, and the log has the reason.",
        )
        ok.add_metric([], int(self._keys.is_ok))
        accepted = GaugeMetricFamily("bitrecall_keys", "Valid keys.")
        accepted.add_metric([], len(self._keys))
        yield from (ok, accepted)
