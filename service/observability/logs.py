"""Logging of the service: one line per record, as text or as JSON."""

import logging
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from bitrecall.service.observability.request_ids import current_request_id
from bitrecall.service.settings import Settings


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object on one line, with the request id and traceback, if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if (request_id := current_request_id()) is not None:
            line["request_id"] = request_id
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return to_json(line).decode()


def log_config(settings: Settings) -> dict[str, Any]:
    """The ``logging.config.dictConfig`` of these settings: everything to standard error."""
    # Among uvicorn's messages below warning level, only those about workers are useful.
    uvicorn_level = "WARNING" if settings.workers == 1 else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"format": "%(asctime)s %(levelname)s [%(process)d] %(message)s"},
            "json": {"()": "bitrecall.service.observability.logs.JsonFormatter"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": settings.log_format,
                # Also limits the loggers below that have a level of their own.
                "level": settings.log_level.upper(),
            }
        },
        "root": {"handlers": ["stderr"], "level": settings.log_level.upper()},
        "loggers": {
            "uvicorn": {"level": "DEBUG" if settings.log_level == "debug" else uvicorn_level},
            # Below these levels these loggers only report the library or plug-in that they load.
            "asyncio": {"level": "INFO"},
            "faiss.loader": {"level": "WARNING"},
            "alembic": {"level": "WARNING"},
        },
    }
