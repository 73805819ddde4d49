import json
import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bitrecall.service.observability.logs import JsonFormatter, log_config
from bitrecall.service.settings import Settings


def record(message: str, *arguments: object, fault: bool = False) -> logging.LogRecord:
    exc_info = None
    if fault:
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            exc_info = sys.exc_info()
    return logging.LogRecord("service.x", logging.INFO, "x.py", 1, message, arguments, exc_info)


def test_json_has_one_object_per_line() -> None:
    line = JsonFormatter().format(record("two\nlines of %s", "text"))
    assert "\n" not in line
    read = json.loads(line)
    assert (read["level"], read["logger"]) == ("info", "service.x")
    assert read["message"] == "two\nlines of text"
    assert read["time"].endswith("+00:00")
    assert "trace" not in read


def test_json_has_the_traceback() -> None:
    line = JsonFormatter().format(record("fault", fault=True))
    assert "\n" not in line
    assert "ZeroDivisionError" in json.loads(line)["trace"]


@pytest.fixture
def configured() -> Iterator[Callable[..., logging.Logger]]:
    """Configures logging with some settings until the end of the test; returns the root logger."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {}

    def configure(**settings: Any) -> logging.Logger:
        config = log_config(Settings(**settings))
        for name in config["loggers"]:
            levels.setdefault(name, logging.getLogger(name).level)
        logging.config.dictConfig(config)
        return root

    level = root.level
    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, level_before in levels.items():
        logging.getLogger(name).setLevel(level_before)


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_configures_logging(configured: Callable[..., logging.Logger], log_format: str) -> None:
    root = configured(log_format=log_format, log_level="error")
    assert root.level == logging.ERROR
    [handler] = root.handlers
    assert isinstance(handler.formatter, JsonFormatter) == (log_format == "json")


@pytest.mark.parametrize("workers", [1, 3])
def test_logs_nothing_below_the_level_from_any_logger(
    configured: Callable[..., logging.Logger], workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(workers=workers, log_level="error")
    logging.getLogger("uvicorn.error").info("a worker has started")
    logging.getLogger("uvicorn.error").error("a worker has died")
    output = capsys.readouterr().err
    assert "has started" not in output
    assert "has died" in output
