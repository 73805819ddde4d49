from bitrecall.training.runtime.openmp import wait_briefly


def test_threads_spin_for_a_number_of_turns():
    environment = {}
    wait_briefly(environment)
    assert int(environment["GOMP_SPINCOUNT"]) > 0


def test_what_the_user_has_set_stays():
    for own in ({"OMP_WAIT_POLICY": "PASSIVE"}, {"GOMP_SPINCOUNT": "7"}):
        environment = dict(own)
        wait_briefly(environment)
        assert environment == own


def test_it_is_the_process_s_own_environment_where_none_is_given(monkeypatch):
    monkeypatch.setattr("os.environ", own := {})
    wait_briefly()
    assert list(own) == ["GOMP_SPINCOUNT"]
