"""What Prometheus is told of the file of keys."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bitrecall.service.auth.key_file import KeyFile


class KeysCollector(Collector):
    """The state of the file of keys as this worker sees it when it is asked."""

    def __init__(self, keys: KeyFile) -> None:
        self._keys = keys

    def collect(self) -> Iterable[Metric]:
        """Whether the file is right, and how many keys are accepted."""
        self._keys.refresh()
        ok = GaugeMetricFamily(
            "bitrecall_keys_file_ok",
            "1 while the file of keys can be read, is right in every line and has a key in it; "
            "0 when it needs looking at, and the log says why.",
        )
        ok.add_metric([], int(self._keys.is_ok))
        accepted = GaugeMetricFamily("bitrecall_keys", "Keys that are accepted.")
        accepted.add_metric([], len(self._keys))
        yield from (ok, accepted)
