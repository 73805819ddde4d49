"""Traces of requests, sent to a collector with OpenTelemetry."""

from typing import Any

from bitrecall import __version__
from bitrecall.extras import how_to_install
from bitrecall.service.errors import SettingsError


class Tracing:
    """The configuration of tracing for FastAPI.

    Args:
        endpoint: URL to send spans to with OTLP over HTTP, such as
            http://collector:4318/v1/traces; None turns tracing off.

    Raises:
        SettingsError: the packages for tracing are not installed.
    """

    def __init__(self, endpoint: str | None) -> None:
        self._provider: Any = None if endpoint is None else _provider(endpoint)

    @property
    def telemetry(self) -> Any:
        """The argument ``telemetry`` of FastAPI. Metrics and logs are not sent this way."""
        return {
            "tracing": self._provider is not None,
            "tracer_provider": self._provider,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        }

    def close(self) -> None:
        """Send the remaining spans."""
        if self._provider is not None:
            self._provider.shutdown()


def _provider(endpoint: str) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "BITRECALL_TRACES needs more packages: " + how_to_install("tracing")
        ) from None
    resource = Resource.create({SERVICE_NAME: "bitrecall", SERVICE_VERSION: __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider
