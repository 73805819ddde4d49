from bitrecall.loadtest.cpu_usage import CpuUsage


def test_shares_refer_to_the_time_between_two_readings() -> None:
    before, after = CpuUsage(10.0, 1.0, 4.0), CpuUsage(20.0, 6.0, 9.0)
    assert after.process_share(before) == 0.5
    share = after.machine_share(before)
    assert share is not None
    assert 0 < share <= 0.5
    assert CpuUsage(20.0, 6.0, None).machine_share(before) is None


def test_readings_increase() -> None:
    before = CpuUsage.now()
    sum(range(100_000))
    after = CpuUsage.now()
    assert after.at > before.at
    assert after.process >= before.process
