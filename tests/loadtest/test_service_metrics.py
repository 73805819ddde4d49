from bitrecall.loadtest.service_metrics import ServiceMetrics
from bitrecall.loadtest.target import Target

TEXT = """# TYPE bitrecall_search_seconds histogram
bitrecall_search_seconds_bucket{le="0.001"} 5.0
bitrecall_search_seconds_count 7.0
bitrecall_search_seconds_sum 0.5
bitrecall_shed_requests_total{pid="1"} 2.0
bitrecall_shed_requests_total{pid="2"} 3.0
"""


def test_reads_and_adds_up_counts() -> None:
    assert ServiceMetrics.parse(TEXT) == ServiceMetrics(0.5, 5.0)
    assert ServiceMetrics.parse("") == ServiceMetrics()


def test_subtracts_earlier_counts() -> None:
    assert ServiceMetrics(0.5, 5.0).since(ServiceMetrics(0.25, 1.0)) == ServiceMetrics(0.25, 4.0)


def test_returns_none_if_metrics_cannot_be_read(stub) -> None:
    assert ServiceMetrics.by(Target.at(stub.url)) == ServiceMetrics(0.0, 3.0)
    stub.key = "another"
    assert ServiceMetrics.by(Target.at(stub.url)) is None
