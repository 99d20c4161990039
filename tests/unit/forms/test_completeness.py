"""What a stay lacks, rule by rule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from form_answers import response
from hsba.forms import catalogue, completeness
from hsba.forms.completeness import Missing, Stay, lacking
from hsba.forms.lines import BadForm

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
COVER = "01-BV1"


def stay(hours: float = 30, **more: Any) -> Stay:
    given: dict[str, Any] = {
        "kind": "IMP", "start": NOW - timedelta(hours=hours), "end": None, "now": NOW, "born": "1980-02-01",
        "died": False, "moved": False, "procedures": 0, "untold": 0, "department": "Khoa Nội", "cover": "01/BV1",
    }  # fmt: skip
    return Stay(**{**given, **more})


def sheet(slug: str, *parts: str, days: tuple[int, ...] = (0,), given: dict[str, Any] | None = None) -> Any:
    """A sheet with completed entries of some parts, one for each day before now."""
    form = catalogue.forms()[slug]
    return completeness._Sheet(
        f"sheet-{slug}",
        form,
        tuple(
            response(form, part, given or {}, authored=(NOW - timedelta(days=day)).isoformat())
            for part in parts
            for day in days
        ),
    )


def lacks(found: tuple[Missing, ...], kind: str = "missing") -> set[str]:
    return {one.rule for one in found if one.kind == kind}


WHOLE = [
    sheet(COVER, "reception", "examination"),
    sheet("29-BV2", "reception", "examination"),
    sheet("40-BV2", "commitment"),
    sheet("36-BV2", "sheet", "notes", days=(0, 1)),
    sheet("38-BV2", "sheet", "times"),
]


def test_lacking__a_day_old_stay_needs_its_cover_and_its_sheets() -> None:
    found = lacking(stay(), [])

    assert lacks(found) == {"cover", "admission", "commitment", "treatment", "care"}
    assert {one.who for one in found} == {"doctor", "nurse"}


def test_lacking__a_stay_that_just_began_needs_nothing_yet() -> None:
    assert lacking(stay(hours=1), []) == ()


def test_lacking__what_is_complete_is_not_told() -> None:
    assert [one for one in lacking(stay(), WHOLE) if one.kind == "missing"] == []


def test_lacking__a_cover_begun_and_not_examined_is_unfinished() -> None:
    found = lacking(stay(), [sheet(COVER, "reception")])

    (one,) = (one for one in found if one.rule == "cover")
    assert (one.kind, one.sheet, one.part) == ("unfinished", f"sheet-{COVER}", "examination")


def test_lacking__a_treatment_sheet_needs_a_note_for_every_day() -> None:
    notes = [sheet("36-BV2", "notes", days=(0, 2))]

    assert "treatment" in lacks(lacking(stay(hours=24 * 4), notes))
    assert "treatment" not in lacks(lacking(stay(hours=24 * 2), notes))


@pytest.mark.parametrize(
    "more, rule",
    [
        ({"moved": True}, "hand-over"),
        ({"procedures": 1, "untold": 1}, "operation"),
        ({"procedures": 1}, "consent"),
        ({"hours": 24 * 16}, "fifteen-days"),
        ({"end": NOW}, "summary"),
        ({"end": NOW}, "discharge"),
        ({"end": NOW, "died": True}, "death-review"),
        ({"born": "2026-11-22"}, "newborn"),
        ({"kind": "EMER"}, "triage"),
        ({"kind": "AMB", "end": NOW}, "cover-outpatient"),
    ],
)
def test_lacking__by_what_happened(more: dict[str, Any], rule: str) -> None:
    assert rule in {one.rule for one in lacking(stay(**more), WHOLE)}
    assert rule not in {one.rule for one in lacking(stay(), WHOLE)}


def test_lacking__no_discharge_paper_is_asked_of_the_dead() -> None:
    assert "discharge" not in lacks(lacking(stay(end=NOW, died=True), []))


def test_lacking__an_operation_told_by_its_sheet_needs_no_other() -> None:
    assert "operation" not in lacks(lacking(stay(procedures=1), [sheet("06-BV2", "operation")]))


def test_lacking__a_sheet_begun_and_not_signed_is_unfinished() -> None:
    found = lacking(stay(hours=1), [sheet("43-BV2", "giving")])

    assert [(one.kind, one.forms, one.part) for one in found] == [("unfinished", ("43-BV2",), "taking")]


def test_lacking__sheets_that_do_not_agree_are_told() -> None:
    ended = {"left.at": "2026-11-23T08:00:00+07:00"}
    sheets = [
        sheet(COVER, "leaving", given=ended),
        sheet("10-BV1", "leaving", given={"left.at": "2026-11-22T08:00:00+07:00"}),
    ]

    found = [one for one in lacking(stay(hours=1), sheets) if one.kind == "contradictory"]

    assert [one.rule for one in found] == ["cover", "left.at"]
    assert all(catalogue.forms()[COVER].name in one.say for one in found)


def test_rules__name_forms_and_parts_that_are_there() -> None:
    forms = catalogue.forms()
    coming = {"21-BV1", "29-BV1"}
    for rule in completeness.rules():
        assert set(rule.need) <= {*forms, "cover"} | coming, rule.id
        named = [form for form in forms.values() if rule.fits(form)]
        for part in rule.parts:
            assert any(form.part(part) for form in named), (rule.id, part)
    every = {item.id for form in forms.values() for item in form.walk()}
    assert completeness.agreeing() <= every


@pytest.mark.parametrize(
    "text",
    [
        "rules: [{id: x, need: [a], when: {moon: full}, who: doctor, say: x, en: x}]",
        "rules: [{id: x, need: [a], when: {ended: true}, who: doctor, say: x, en: x, each: hour}]",
        "rules: [{id: x, need: [a], when: {ended: true}, who: doctor, say: x}]",
        "rules: [{id: x, need: [a], when: {ended: true}, who: doctor, say: x, en: x, more: x}]",
    ],
)
def test_read__a_rule_with_an_error_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadForm, match=r"rules\.yaml, line 1"):
        completeness.read(text)
