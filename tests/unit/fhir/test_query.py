from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsba.fhir import definitions
from hsba.fhir.problems import BadRequest, Problem, UnknownParameter, UnknownType
from hsba.fhir.query import expression as e
from hsba.fhir.query.filter import BadFilter
from hsba.fhir.query.parse import Include, Search, Sort, UnsupportedModifier, parse_search
from hsba.fhir.query.values import BadValue, number, split, unescape

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HERE = "http://here/fhir"


def parse(type_: str, *pairs: tuple[str, str], strict: bool = True) -> Search:
    types = (type_,) if type_ else ()
    return parse_search(definitions.default(), types, pairs, zone=ZONE, strict=strict, bases=(HERE,))


def where(type_: str, name: str, value: str) -> e.Expression:
    return parse(type_, (name, value)).where


def day(first: str, last: str, prefix: Any = "eq") -> e.Date:
    return e.Date(
        prefix, datetime.fromisoformat(first).astimezone(UTC), datetime.fromisoformat(last).astimezone(UTC)
    )


FEB_29 = ("2024-02-29T00:00:00+07:00", "2024-02-29T23:59:59.999999+07:00")


@pytest.mark.parametrize(
    "type_, name, value, wanted",
    [
        ("Patient", "name", "Nguyễn  Ánh", e.Match("name", e.Text("nguyen anh"))),
        ("Patient", "name:exact", "Nguyễn", e.Match("name", e.Text("Nguyễn", "exact"))),
        ("Patient", "name:contains", "UYỄ", e.Match("name", e.Text("uye", "contains"))),
        ("Patient", "name:missing", "true", e.Missing("name")),
        ("Patient", "name:missing", "false", e.Not(e.Missing("name"))),
        ("Patient", "identifier", "http://a|X,1", e.Or((
            e.Match("identifier", e.Token("http://a", "X")), e.Match("identifier", e.Token(None, "1"))))),
        ("Patient", "identifier", "|X", e.Match("identifier", e.Token("", "X"))),
        ("Patient", "identifier", "http://a|", e.Match("identifier", e.Token("http://a", None))),
        ("Patient", "identifier", r"a\|b\,c\$d\\e", e.Match("identifier", e.Token(None, r"a|b,c$d\e"))),
        ("Patient", "identifier:of-type", "http://t|MR|X1", e.Match("identifier", e.OfType("http://t", "mr", "x1"))),
        ("Patient", "gender:not", "male", e.Not(e.Match("gender", e.Token(None, "male")))),
        ("Patient", "birthdate", "2024-02-29", e.Match("birthdate", day(*FEB_29))),
        ("Patient", "birthdate", "le2024-02-29", e.Match("birthdate", day(*FEB_29, "le"))),
        ("Patient", "organization", "o1", e.Match("organization", e.Reference(None, "o1"))),
        ("Patient", "organization", "Organization/o1", e.Match("organization", e.Reference("Organization", "o1"))),
        ("Patient", "organization", f"{HERE}/Organization/o1", e.Match("organization", e.Reference("Organization", "o1"))),
        ("Patient", "organization", "http://x/Organization/o1", e.Match(
            "organization", e.Reference(None, None, "http://x/Organization/o1"))),
        ("Patient", "organization:identifier", "http://a|1", e.Match("organization", e.Identified(e.Token("http://a", "1")))),
        ("Observation", "subject:Patient", "p1", e.Match("subject", e.Reference("Patient", "p1"))),
        ("Observation", "code:text", "Huyết", e.Match("code", e.TokenText("huyet"))),
        ("Observation", "code:in", "http://v", e.Match("code", e.InValueSet("http://v"))),
        ("Observation", "code:not-in", "http://v", e.Not(e.Match("code", e.InValueSet("http://v")))),
        ("Condition", "code:below", "http://icd|I10", e.Match("code", e.Hierarchy("below", "http://icd", "I10"))),
        ("Encounter", "location:below", "Location/l1", e.Match("location", e.Hierarchy("below", "Location", "l1"))),
        ("ValueSet", "url:below", "http://x/", e.Match("url", e.Uri("http://x/", "below"))),
        ("Observation", "value-quantity", "gt5.4|http://u|mg", e.Match(
            "value-quantity", e.Quantity(e.Number("gt", 5.4, 5.35, 5.45), "http://u", "mg"))),
        ("Observation", "value-quantity", "5.4||mg", e.Match(
            "value-quantity", e.Quantity(e.Number("eq", 5.4, 5.35, 5.45), None, "mg"))),
        ("RiskAssessment", "probability", "lt0.8", e.Match("probability", e.Number("lt", 0.8, 0.75, 0.85))),
        ("Observation", "code-value-quantity", "http://l|x$gt5", e.Match("code-value-quantity", e.Together((
            e.Token("http://l", "x"), e.Quantity(e.Number("gt", 5, 4.5, 5.5), None, None))))),
        ("Location", "near", "10.5|106.7|2|km", e.Match("near", e.Near(10.5, 106.7, 2))),
        ("Patient", "_id", "a,b", e.Ids(("a", "b"))),
        ("Patient", "_list", "l1", e.InList("l1")),
        ("Patient", "_content", "sốt cao", e.Content(("sot", "cao"), narrative=False)),
        ("Patient", "_text", "sốt", e.Content(("sot",), narrative=True)),
        ("Patient", "_lastUpdated", "ge2024-02-29", e.Updated(day(*FEB_29, "ge"))),
        ("Patient", "organization.name", "khoa", e.Chain("organization", ("Organization",), e.Match("name", e.Text("khoa")))),
        ("Observation", "subject:Patient.organization.name", "k", e.Chain("subject", ("Patient",), e.Chain(
            "organization", ("Organization",), e.Match("name", e.Text("k"))))),
        ("Observation", "subject.birthdate", "2024-02-29", e.Chain("subject", ("Patient",), e.Match("birthdate", day(*FEB_29)))),
        ("Observation", "subject.name", "an", e.Chain("subject", ("Location", "Patient"), e.Match("name", e.Text("an")))),
        ("Patient", "_has:Observation:patient:code", "x", e.Has("Observation", "patient", e.Match("code", e.Token(None, "x")))),
        ("Patient", "_has:Observation:patient:_has:Provenance:target:_id", "x", e.Has(
            "Observation", "patient", e.Has("Provenance", "target", e.Ids(("x",))))),
        ("Observation", "patient._has:Group:member:_id", "g", e.Chain(
            "patient", ("Patient",), e.Has("Group", "member", e.Ids(("g",))))),
    ],
)  # fmt: skip
def test_parse_search__reads_each_form(type_: str, name: str, value: str, wanted: e.Expression) -> None:
    assert where(type_, name, value) == wanted


@pytest.mark.parametrize(
    "type_, name, value, problem",
    [
        ("Patient", "nonsense", "x", UnknownParameter),
        ("Patient", "name:nonsense", "x", UnsupportedModifier),
        ("Patient", "birthdate:exact", "2024", UnsupportedModifier),
        ("Patient", "gender:Patient", "x", UnsupportedModifier),
        ("Patient", "name", "", BadValue),
        ("Patient", "name", ",", BadValue),
        ("Patient", "name:missing", "maybe", BadValue),
        ("Patient", "birthdate", "gestern", BadValue),
        ("Patient", "birthdate", "ge", BadValue),
        ("Patient", "identifier", "a|b|c", BadValue),
        ("Patient", "identifier", "|", BadValue),
        ("Patient", "organization", "not an id", BadValue),
        ("Observation", "value-quantity", "x|y|z", BadValue),
        ("Observation", "value-quantity", "1|y", BadValue),
        ("Observation", "value-quantity", "1e999", BadValue),
        ("Observation", "value-quantity", "NaN", BadValue),
        ("Observation", "code-value-quantity", "x", BadValue),
        ("Observation", "code-value-quantity", "x$", BadValue),
        ("Observation", "code-value-quantity", "x$1$2", BadValue),
        ("Location", "near", "91|0", BadValue),
        ("Location", "near", "x", BadValue),
        ("Patient", "_has:Observation:patient", "x", BadValue),
        ("Patient", "_has:Nobody:patient:code", "x", UnknownType),
        ("Patient", "_has:Observation:code:code", "x", UnknownParameter),
        ("Patient", "name.name", "x", UnknownParameter),
        ("Patient", "organization:Nobody.name", "x", UnsupportedModifier),
        ("Patient", "organization.nonsense", "x", UnknownParameter),
        ("Patient", "organization." * 20 + "name", "x", Problem),
        ("Patient", "_count", "-1", BadValue),
        ("Patient", "_count", "many", BadValue),
        ("Patient", "_total", "some", BadValue),
        ("Patient", "_summary", "some", BadValue),
        ("Patient", "_sort", "nonsense", UnknownParameter),
        ("Observation", "_sort", "code-value-quantity", UnsupportedModifier),
        ("Patient", "_include", "Patient", BadValue),
        ("Patient", "_include", "Patient:name", UnknownParameter),
        ("Patient", "_include", "Nobody:name", UnknownType),
        ("Patient", "_include:sometimes", "Patient:organization", UnsupportedModifier),
        ("Patient", "_revinclude", "*", BadValue),
        ("Patient", "_contained", "true", BadRequest),
        ("Patient", "_query", "x", UnknownParameter),
        ("Patient", "name", "a\0b", BadValue),
        ("Patient", "name", "a\ud800b", BadValue),
        ("Patient", "_list", "$current-allergies", UnsupportedModifier),
        ("Patient", "_id", ",", BadValue),
        ("Patient", "name", ",".join(map(str, range(501))), BadValue),
        ("Nobody", "_id", "x", UnknownType),
        ("", "name", "x", UnknownParameter),
    ],
)
def test_parse_search__refuses_what_it_cannot_do(
    type_: str, name: str, value: str, problem: type[Problem]
) -> None:
    with pytest.raises(problem) as caught:
        parse(type_, (name, value))

    assert caught.value.status in (400, 404)
    assert caught.value.sentence_vi


def test_parse_search__unknown_parameters_are_told_when_lenient() -> None:
    found = parse("Patient", ("nonsense", "x"), ("gender", "male"), strict=False)

    assert found.ignored == ("nonsense",)
    assert found.applied == (("gender", "male"),)
    assert found.where == e.Match("gender", e.Token(None, "male"))


def test_parse_search__reads_how_the_answer_should_be() -> None:
    found = parse(
        "Observation",
        ("_sort", "-date,_id"), ("_count", "99999999999"), ("_total", "accurate"), ("_summary", "text"),
        ("_elements", "id,code"), ("_include", "Observation:subject:Patient"), ("_include:iterate", "Patient:organization"),
        ("_revinclude", "Provenance:target"), ("_include", "*"), ("_format", "json"), ("_cursor", "abc"),
    )  # fmt: skip

    assert found.sort == (Sort("date", descending=True), Sort("_id"))
    assert found.count == 1000
    assert (found.total, found.summary, found.elements) == ("accurate", "text", ("id", "code"))
    assert found.include == (
        Include("Observation", "subject", "Patient"),
        Include("Patient", "organization", None, iterate=True),
        Include("*", "*"),
    )
    assert found.revinclude == (Include("Provenance", "target"),)
    assert found.cursor == "abc"
    assert "_cursor" not in dict(found.applied)


def test_parse_search__several_types_share_their_common_parameters() -> None:
    found = parse("", ("_type", "Patient,Practitioner"), ("name", "an"))

    assert found.types == ("Patient", "Practitioner")
    assert found.where == e.Match("name", e.Text("an"))


def test_parse_search__the_root_knows_the_parameters_of_all_types() -> None:
    assert parse("", ("_tag", "x")).where == e.Match("_tag", e.Token(None, "x"))


def test_parse_search__summary_count_asks_for_no_page() -> None:
    assert parse("Patient", ("_summary", "count")).count == 0


@pytest.mark.parametrize(
    "text, low, high",
    [
        ("100", 99.5, 100.5),
        ("100.00", 99.995, 100.005),
        ("1e2", 95, 105),
        ("5.40e-3", 0.005395, 0.005405),
        ("-3", -3.5, -2.5),
        ("0", -0.5, 0.5),
    ],
)
def test_number__its_digits_say_what_it_covers(text: str, low: float, high: float) -> None:
    found = number("eq", text)

    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))  # type: ignore[comparison-overlap]


@given(st.lists(st.text(alphabet="ab,$|\\", max_size=6), min_size=1, max_size=4), st.sampled_from(",$|"))
def test_split__cuts_what_was_joined_and_escaped(parts: list[str], mark: str) -> None:
    escaped = ["".join("\\" + char if char in ",$|\\" else char for char in part) for part in parts]

    assert [unescape(part) for part in split(mark.join(escaped), mark)] == parts


@given(st.sampled_from(("Patient", "Observation", "")), st.text(max_size=30), st.text(max_size=30))
def test_parse_search__whatever_is_sent_is_answered_or_refused(type_: str, name: str, value: str) -> None:
    try:
        parse(type_, (name, value), strict=False)
    except Problem as problem:
        assert problem.status in (400, 404)  # noqa: PT017 - the position is looked at


# --- _filter -----------------------------------------------------------------------------------------------

AN = e.Match("given", e.Text("an", "equals"))
MALE = e.Match("gender", e.Token(None, "male"))
ACTIVE = e.Match("active", e.Token(None, "true"))


@pytest.mark.parametrize(
    "text, wanted",
    [
        ('given eq "An"', AN),
        ('given ne "An"', e.Match("given", e.Other(e.Text("an", "equals")))),
        ('given co "An"', e.Match("given", e.Text("an", "contains"))),
        ('given sw "An"', e.Match("given", e.Text("an", "starts"))),
        ('given ew "An"', e.Match("given", e.Text("an", "ends"))),
        ('given eq "An" and gender eq male', e.And((AN, MALE))),
        ('given eq "An" or gender eq male', e.Or((AN, MALE))),
        ('given eq "An" or gender eq male and active eq true', e.And((e.Or((AN, MALE)), ACTIVE))),
        ('given eq "An" or (gender eq male and active eq true)', e.Or((AN, e.And((MALE, ACTIVE))))),
        ('not (given eq "An")', e.Not(AN)),
        ("gender pr true", e.Not(e.Missing("gender"))),
        ("gender pr false", e.Missing("gender")),
        ("birthdate po 2024-02-29", e.Match("birthdate", day(*FEB_29, "po"))),
        ("_id eq a", e.Ids(("a",))),
        ("_lastUpdated ge 2024-02-29", e.Updated(day(*FEB_29, "ge"))),
        ("organization re Organization/o1", e.Match("organization", e.Reference("Organization", "o1"))),
        ('organization.name co "k"', e.Chain("organization", ("Organization",), e.Match("name", e.Text("k", "contains")))),
        ('organization[active eq true].name co "k"', e.Chain(
            "organization", ("Organization",), e.And((ACTIVE, e.Match("name", e.Text("k", "contains")))))),
        ("_has:Observation:patient:code eq x", e.Has("Observation", "patient", e.Match("code", e.Token(None, "x")))),
        ("identifier in http://v", e.Match("identifier", e.InValueSet("http://v"))),
        ("identifier ni http://v", e.Not(e.Match("identifier", e.InValueSet("http://v")))),
        ("identifier ss http://s|x", e.Match("identifier", e.Hierarchy("below", "http://s", "x"))),
        (r'given eq "\u0041n"', AN),
    ],
)  # fmt: skip
def test_parse_filter__reads_the_language(text: str, wanted: e.Expression) -> None:
    assert where("Patient", "_filter", text) == wanted


@pytest.mark.parametrize(
    "text, at",
    [
        ("given", 6),
        ("given xx y", 7),
        ("given eq", 9),
        ('given eq "a', 10),
        ('given eq "a" and', 17),
        ('(given eq "a"', 14),
        ('given eq "a")', 13),
        ("given eq a b", 12),
        ("not given eq a", 5),
        ("nonsense eq a", 1),
        ("birthdate eq gestern", 14),
        ("gender gt male", 11),
        ("organization.nonsense eq x", 1),
        ('given eq "\\q"', 10),
        ("(" * 30 + "gender eq male" + ")" * 30, 26),
    ],
)
def test_parse_filter__every_mistake_is_told_with_its_place(text: str, at: int) -> None:
    with pytest.raises(BadFilter) as caught:
        where("Patient", "_filter", text)

    assert f"At character {at}:" in caught.value.sentence
    assert f"Tại ký tự {at}:" in caught.value.sentence_vi


@given(st.text(alphabet='()[]" .:|\\abgender eqand', max_size=60))
def test_parse_filter__whatever_is_written_is_answered_or_refused(text: str) -> None:
    try:
        where("Patient", "_filter", text)
    except Problem as problem:
        assert problem.status in (400, 404)  # noqa: PT017 - the position is looked at


def test_all_of__flattens_and_shortens() -> None:
    assert e.all_of([]) == e.Everything()
    assert e.all_of([MALE, e.Everything(), e.And((AN, MALE))]) == e.And((MALE, AN))
    assert e.all_of([MALE, e.Nothing()]) == e.Nothing()
    assert e.any_of([MALE, e.Everything()]) == e.Everything()
    assert e.any_of([]) == e.Nothing()
