"""The program's own log: one line for each event, for people or as JSON, and never a patient's data.

Lines hold a message that is constant text, and fields from a closed list; other fields are dropped, because
a value nobody thought of is how a name ends up in a log.
"""

from __future__ import annotations

import json
import logging
import logging.config
import traceback
from datetime import UTC, datetime
from typing import Any

FIELDS = (
    "request", "method", "route", "status", "ms", "bytes", "interaction", "type", "tenant", "account",
    "problem", "job", "kind", "seconds", "count", "worker",
)  # fmt: skip
"""What a line may say beside its message; `route` is the pattern (`/{type}/{id}`), never the path itself."""

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(form: str = "text", level: str = "info") -> None:
    """Send everything that is logged to standard error, in this form."""
    logging.config.dictConfig(config(form, level))


def config(form: str, level: str) -> dict[str, Any]:
    """The same, as a table for those who configure logging by themselves (Granian's workers)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"hsba": {"()": f"hsba.logs.{'Json' if form == 'json' else 'Text'}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "hsba"}},
        "root": {"handlers": ["stderr"], "level": LEVELS[level]},
        "loggers": {
            "_granian": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},  # it would log whole addresses, and a search holds names
            "httpcore": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }


class Json(logging.Formatter):
    """One JSON object on a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
            **fields(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = trace(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class Text(logging.Formatter):
    """A line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record as text."""
        time = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        extra = " ".join(f"{name}={value}" for name, value in fields(record).items())
        line = f"{time} {record.levelname.lower():7} {record.name}: {record.getMessage()} {extra}".rstrip()
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + "\n".join(trace(record.exc_info[1]))
        return line


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of the closed list that this record carries."""
    return {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}


def trace(error: BaseException) -> list[str]:
    """Where an error came from: its classes and places, not its words, which may quote what was sent."""
    lines = []
    current: BaseException | None = error
    while current is not None:
        places = traceback.extract_tb(current.__traceback__)
        lines += [f"{type(current).__module__}.{type(current).__qualname__}"]
        lines += [f"  {place.filename}:{place.lineno} in {place.name}" for place in places]
        current = current.__cause__ or current.__context__
    return lines
