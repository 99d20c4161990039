from __future__ import annotations

import json
import logging
import sys

from hsba.logs import Json, Text


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("hsba.x", logging.WARNING, "x.py", 1, message, (), None)
    made.__dict__.update(extra)
    return made


def failing() -> logging.LogRecord:
    try:
        raise ValueError("Nguyễn Văn An, 012345678901")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
        return made


def test_json__is_one_object_with_the_fields_of_the_list() -> None:
    line = json.loads(Json().format(record("saved", request="r1", status=201)))

    assert (line["level"], line["message"], line["request"], line["status"]) == (
        "warning",
        "saved",
        "r1",
        201,
    )


def test_json__drops_a_field_nobody_thought_of() -> None:
    assert "Văn" not in Json().format(record("saved", patient="Nguyễn Văn An"))


def test_text__drops_a_field_nobody_thought_of() -> None:
    assert "Văn" not in Text().format(record("saved", patient="Nguyễn Văn An"))


def test_json__trace_names_places_and_no_words_of_the_error() -> None:
    line = Json().format(failing())

    assert "ValueError" in line
    assert "test_logs.py" in line
    assert "Văn" not in line


def test_text__trace_names_places_and_no_words_of_the_error() -> None:
    line = Text().format(failing())

    assert "ValueError" in line
    assert "Văn" not in line
