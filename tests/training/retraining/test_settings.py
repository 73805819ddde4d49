import re
from pathlib import Path

import pytest

from bitrecall.commands.settings_options import SettingsError, load_settings
from bitrecall.training.retraining.settings import PREFIX, RetrainingSettings

PAGE = Path(__file__).parents[3] / "docs" / "retraining.md"


def test_the_page_describes_every_setting_and_its_default() -> None:
    rows = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE))
    assert set(rows) == {name.upper() for name in RetrainingSettings.model_fields}
    for name, field in RetrainingSettings.model_fields.items():
        default = "" if field.default is None else field.default
        assert rows[name.upper()] == f"`{default}` | {field.description}"


def test_arguments_override_settings_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BITRECALL_RETRAIN_KEEP", "9")
    monkeypatch.setenv("BITRECALL_RETRAIN_MINUTES", "")
    settings = load_settings(RetrainingSettings, {"warm_epochs": 3, "min_pairs": None})
    assert (settings.keep, settings.minutes) == (9, None)
    assert (settings.warm_epochs, settings.min_pairs) == (3, 100)


@pytest.mark.parametrize(
    ("name", "value"),
    [("gate_share", 1.0), ("gate_metric", "mrr@5"), ("keep", 0), ("max_repeated", 1.5)],
)
def test_names_the_variable_of_an_invalid_setting(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"BITRECALL_RETRAIN_{name.upper()}"):
        load_settings(RetrainingSettings, {name: value})
