"""Errors become answers: a problem its OperationOutcome, the driver's errors a problem, the rest a number to quote.

This is the one place where PostgreSQL's errors are turned into words of ours.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba.fhir import outcome
from hsba.fhir.problems import BadRequest, Busy, Conflict, Issue, Problem, TooCostly

if TYPE_CHECKING:
    from hsba.http.messages import Header

log = logging.getLogger("hsba.http")


class ServerError(Problem):
    """The server failed; nothing was saved. Tell your administrator the number that follows."""

    vi = "Máy chủ gặp lỗi; chưa lưu gì. Hãy báo quản trị số sau đây."


class UnknownResult(Busy):
    """The connection to the database was lost, so it is not known whether the request was carried out."""

    vi = "Mất kết nối tới cơ sở dữ liệu nên chưa rõ yêu cầu đã được thực hiện hay chưa."


DRIVER: tuple[tuple[tuple[type[BaseException], ...], type[Problem]], ...] = (
    ((asyncpg.QueryCanceledError,), TooCostly),
    ((asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError), Conflict),
    (
        (
            asyncpg.SerializationError,
            asyncpg.DeadlockDetectedError,
            asyncpg.LockNotAvailableError,
            asyncpg.InsufficientResourcesError,
            asyncpg.CannotConnectNowError,
            asyncpg.ReadOnlySQLTransactionError,
            asyncpg.IdleInTransactionSessionTimeoutError,
            ConnectionRefusedError,
            FileNotFoundError,
        ),
        Busy,
    ),
    ((asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError), BadRequest),
    ((asyncpg.NumericValueOutOfRangeError, asyncpg.DatetimeFieldOverflowError), BadRequest),
    (
        (
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            asyncpg.InterfaceError,
            OSError,
        ),
        UnknownResult,
    ),
)
"""Which error of the driver is which problem, the first that fits (PostgreSQL, appendix A)."""


def as_problem(exc: Exception, request: str) -> Problem:
    """The problem behind an exception; what nobody foresaw is logged (the log keeps places, never values)."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, TimeoutError):
        return TooCostly()
    for kinds, problem in DRIVER:
        # A ValueError of the driver is a mistake of ours, not the database's trouble.
        if isinstance(exc, kinds) and not isinstance(exc, ValueError):
            if problem is UnknownResult:
                log.error("database lost", extra={"request": request, "problem": type(exc).__name__})
            return problem()
    log.error("unexpected error", exc_info=exc, extra={"request": request, "problem": type(exc).__name__})
    return ServerError(request)


def language(accept_language: bytes | None) -> outcome.Language:
    """Vietnamese, unless the client likes English better (RFC 9110 12.5.4)."""
    first = (accept_language or b"vi").decode("latin-1").partition(",")[0].strip().lower()
    return "en" if first.startswith("en") else "vi"


def body(issues: tuple[Issue, ...], accept_language: bytes | None) -> dict[str, Any]:
    """The OperationOutcome that says what is wrong, in both languages."""
    return outcome.outcome(issues, language=language(accept_language))


def headers(problem: Problem) -> list[Header]:
    """The headers a problem brings: when to come back, for instance."""
    return [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
