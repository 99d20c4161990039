from __future__ import annotations

from hsba.fhir import definitions, outcome
from hsba.fhir.problems import Issue, VersionConflict
from hsba.fhir.validate import validate

ISSUE = Issue(
    "warning", "code-invalid", "Not in the list.", "Không thuộc danh mục.", "Patient.gender", "not-in-list"
)


def test_outcome__says_both_languages() -> None:
    line = outcome.outcome([ISSUE])["issue"][0]

    assert line["details"]["text"] == "Không thuộc danh mục."
    translation = line["details"]["_text"]["extension"][0]
    assert translation["url"] == outcome.TRANSLATION
    assert translation["extension"] == [
        {"url": "lang", "valueCode": "en"},
        {"url": "content", "valueString": "Not in the list."},
    ]
    assert line["expression"] == ["Patient.gender"]
    assert line["details"]["coding"] == [{"system": outcome.SYSTEM, "code": "not-in-list"}]


def test_outcome__in_english_translates_into_vietnamese() -> None:
    made = outcome.outcome([ISSUE], language="en")

    assert made["language"] == "en"
    assert made["issue"][0]["details"]["text"] == "Not in the list."


def test_outcome__gravest_first_and_never_endless() -> None:
    error = Issue("error", "value", "Wrong.", "Sai.")

    lines = outcome.outcome([ISSUE] * (outcome.LIMIT + 5) + [error])["issue"]

    assert lines[0]["severity"] == "error"
    assert len(lines) == outcome.LIMIT + 1
    assert "6" in lines[-1]["details"]["text"]


def test_outcome__without_issues_says_that_all_is_well() -> None:
    assert outcome.outcome([])["issue"][0]["severity"] == "information"


def test_of_problem__tells_its_sentence() -> None:
    made = outcome.of_problem(VersionConflict("Patient/1"))

    assert made["issue"][0]["code"] == "conflict"
    assert made["issue"][0]["details"]["text"].endswith("Patient/1")


def test_outcome__is_itself_valid() -> None:
    core = definitions.default()
    wrong = {"resourceType": "Patient", "gender": "x", "birthDate": "2026-02-30", "nonsense": 1}

    for language in ("vi", "en"):
        made = outcome.outcome(validate(wrong, core), language=language)
        assert validate(made, core) == []
    assert validate(outcome.outcome([]), core) == []
