"""Issues as an OperationOutcome that people and programs can read (FHIR R4 operationoutcome.html).

The text is in the language asked for; the other language stands beside it as a translation, so that a
Vietnamese nurse and an English-speaking developer read the same answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.fhir.problems import Issue, Problem

Language = Literal["vi", "en"]

SYSTEM = "urn:hsba:problem"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML does not have (XML 1.0 2.2)."""
LIMIT = 1000
"""The most issues one outcome lists: a hopeless resource of 50 MB must not answer with 500 MB."""


def outcome(issues: Iterable[Issue], *, language: Language = "vi") -> dict[str, Any]:
    """The OperationOutcome of some issues, the gravest first; without any, that all is well."""
    ordered = sorted(issues, key=lambda issue: _GRAVITY[issue.severity])
    lines = [_line(issue, language) for issue in ordered[:LIMIT]]
    if len(ordered) > LIMIT:
        lines.append(_more(len(ordered) - LIMIT, language))
    return {"resourceType": "OperationOutcome", "language": language, "issue": lines or [all_well(language)]}


def of_problem(problem: Problem, *, language: Language = "vi") -> dict[str, Any]:
    """The OperationOutcome of one Problem: its issues, or its own sentence."""
    return outcome(problem.issues, language=language)


def all_well(language: Language = "vi") -> dict[str, Any]:
    """The one line of an outcome that has nothing to complain of."""
    return {
        "severity": "information",
        "code": "informational",
        "details": _details("", "All is well.", "Không có lỗi.", language),
    }


_GRAVITY = {"fatal": 0, "error": 1, "warning": 2, "information": 3}


def _line(issue: Issue, language: Language) -> dict[str, Any]:
    line: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": _details(issue.problem, issue.en, issue.vi, language),
    }
    if issue.path:
        line["expression"] = [_quotable(issue.path)]
    return line


def _details(problem: str, en: str, vi: str, language: Language) -> dict[str, Any]:
    en, vi = _quotable(en), _quotable(vi)
    text, other, tongue = (vi, en, "en") if language == "vi" else (en, vi, "vi")
    details: dict[str, Any] = {"coding": [{"system": SYSTEM, "code": problem}]} if problem else {}
    details["text"] = text
    if other != text:
        details["_text"] = {
            "extension": [
                {
                    "url": TRANSLATION,
                    "extension": [
                        {"url": "lang", "valueCode": tongue},
                        {"url": "content", "valueString": other},
                    ],
                }
            ]
        }
    return details


def _quotable(text: str) -> str:
    """What was quoted from a request, so that a refusal can be written in every form there is."""
    return UNWRITABLE.sub("\ufffd", text)


def _more(count: int, language: Language) -> dict[str, Any]:
    return {
        "severity": "information",
        "code": "incomplete",
        "details": _details("", f"And {count} more.", f"Và {count} mục nữa.", language),
    }
