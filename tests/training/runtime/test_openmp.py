from bitrecall.training.runtime.openmp import wait_briefly


def test_limits_the_spin_count():
    environment = {}
    wait_briefly(environment)
    assert int(environment["GOMP_SPINCOUNT"]) > 0


def test_keeps_the_settings_of_the_user():
    for own in ({"OMP_WAIT_POLICY": "PASSIVE"}, {"GOMP_SPINCOUNT": "7"}):
        environment = dict(own)
        wait_briefly(environment)
        assert environment == own


def test_changes_the_environment_of_the_process_by_default(monkeypatch):
    monkeypatch.setattr("os.environ", own := {})
    wait_briefly()
    assert list(own) == ["GOMP_SPINCOUNT"]
