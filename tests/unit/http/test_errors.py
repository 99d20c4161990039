"""The driver's errors become problems with the right status, and what nobody foresaw keeps its words to itself."""

from __future__ import annotations

import logging

import asyncpg
import pytest

from hsba.fhir.problems import Gone
from hsba.http import errors


@pytest.mark.parametrize(
    "error, status",
    [
        (asyncpg.QueryCanceledError("x"), 403),
        (asyncpg.UniqueViolationError("x"), 409),
        (asyncpg.SerializationError("x"), 503),
        (asyncpg.DeadlockDetectedError("x"), 503),
        (asyncpg.TooManyConnectionsError("x"), 503),
        (asyncpg.DiskFullError("x"), 503),
        (asyncpg.AdminShutdownError("x"), 503),
        (asyncpg.ConnectionDoesNotExistError("x"), 503),
        (asyncpg.InterfaceError("pool is closing"), 503),
        (ConnectionRefusedError(), 503),
        (ConnectionResetError(), 503),
        (asyncpg.CharacterNotInRepertoireError("x"), 400),
        (asyncpg.UndefinedTableError("x"), 500),
        (TimeoutError(), 403),
        (KeyError("x"), 500),
    ],
)
def test_as_problem__each_error_has_a_status(error: Exception, status: int) -> None:
    assert errors.as_problem(error, "17").status == status


def test_as_problem__a_problem_is_itself() -> None:
    gone = Gone("Patient/1")

    assert errors.as_problem(gone, "17") is gone


def test_as_problem__the_unforeseen_is_logged_by_number_and_told_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        problem = errors.as_problem(ValueError("Nguyễn Thị Ánh"), "17")

    assert "17" in problem.sentence
    assert "Ánh" not in problem.sentence
    assert [record.getMessage() for record in caplog.records] == ["unexpected error"]


@pytest.mark.parametrize(
    "header, language",
    [(None, "vi"), (b"en", "en"), (b"en-GB, vi;q=0.5", "en"), (b"vi-VN", "vi"), (b"fr", "vi")],
)
def test_language__vietnamese_unless_english_is_liked_better(header: bytes | None, language: str) -> None:
    assert errors.language(header) == language
