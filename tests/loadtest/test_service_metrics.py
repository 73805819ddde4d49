from bitrecall.loadtest.service_metrics import Told
from bitrecall.loadtest.target import Target

TEXT = """# TYPE bitrecall_search_seconds histogram
bitrecall_search_seconds_bucket{le="0.001"} 5.0
bitrecall_search_seconds_count 7.0
bitrecall_search_seconds_sum 0.5
bitrecall_shed_requests_total{pid="1"} 2.0
bitrecall_shed_requests_total{pid="2"} 3.0
"""


def test_counts_are_read_and_added_up() -> None:
    assert Told.parse(TEXT) == Told(0.5, 5.0)
    assert Told.parse("") == Told()


def test_a_difference_is_what_came_since() -> None:
    assert Told(0.5, 5.0).since(Told(0.25, 1.0)) == Told(0.25, 4.0)


def test_a_service_that_does_not_tell_is_no_error(stub) -> None:
    assert Told.by(Target.at(stub.url)) == Told(0.0, 3.0)
    stub.key = "another"
    assert Told.by(Target.at(stub.url)) is None
