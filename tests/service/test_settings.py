import re
from pathlib import Path

import pytest

from bitrecall.service.environment import as_environment, load_settings, unknown_variables
from bitrecall.service.errors import SettingsError
from bitrecall.service.settings import Settings, variable

DOCUMENT = Path(__file__).parents[2] / "docs" / "service.md"


def test_the_defaults_are_usable() -> None:
    assert load_settings() == Settings()
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_documents_a_setting_with_its_default_and_description(name: str) -> None:
    pattern = rf"^\| `{variable(name)}` \| `([^`]*)` \| (.*) \|$"
    row = re.search(pattern, DOCUMENT.read_text(), re.MULTILINE)
    assert row, f"{variable(name)} has no row in docs/service.md"
    assert row[1] == as_environment(Settings())[variable(name)]
    assert row[2].replace("`", "") == Settings.model_fields[name].description


def test_documents_only_existing_settings() -> None:
    named = set(re.findall(r"BITRECALL_[A-Z_]*[A-Z]", DOCUMENT.read_text()))
    assert named == {variable(name) for name in Settings.model_fields}


def test_arguments_override_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BITRECALL_PORT", "9000")
    monkeypatch.setenv("BITRECALL_MAX_K", "50")
    monkeypatch.setenv("BITRECALL_HOST", "")
    settings = load_settings(port=9001, max_k=None)
    assert (settings.port, settings.max_k, settings.host) == (9001, 50, "127.0.0.1")


def test_a_worker_loads_equal_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings(
        releases="some where", access_log=True, body_timeout=0.25, log_level="ERROR"
    )
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""),
        ("port", "-1"),
        ("port", "65536"),
        ("port", "http"),
        ("workers", "0"),
        ("workers", "100000"),
        ("default_k", "0"),
        ("max_k", "0"),
        ("max_k", "1000000000"),
        ("max_body_bytes", "1"),
        ("max_body_bytes", "99999999999"),
        ("body_timeout", "0"),
        ("body_timeout", "nan"),
        ("poll_interval", "0"),
        ("poll_interval", "inf"),
        ("keep_alive_timeout", "0"),
        ("shutdown_timeout", "-5"),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("access_log", "perhaps"),
        ("releases", __file__),
    ],
)
def test_rejects_invalid_values_with_variable_and_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(**{name: value})
    assert variable(name) in str(error.value)
    assert repr(value) in str(error.value)


def test_rejects_a_default_k_above_max_k() -> None:
    with pytest.raises(SettingsError, match=r"default_k \(10\) is above max_k \(5\)"):
        load_settings(max_k=5)


def test_rejects_an_unknown_setting() -> None:
    with pytest.raises(SettingsError, match="BITRECALL_PROT"):
        load_settings(prot=80)


def test_finds_misspelt_variables() -> None:
    environment = {"BITRECALL_PROT": "80", "BITRECALL_PORT": "80", "PATH": "/bin"}
    assert unknown_variables(environment) == ["BITRECALL_PROT"]


def test_ignores_variables_of_other_commands() -> None:
    assert unknown_variables({"BITRECALL_TRAIN_RECIPE": "gowalla", "BITRECALL_DATA_X": ""}) == []
