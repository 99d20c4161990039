"""FHIRPath: reading, evaluating, types, dates, and what comes from outside."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsba.fhir import definitions as packaged
from hsba.fhir import fhirpath
from hsba.fhir.fhirpath import (
    Compiled,
    EvaluationFailed,
    InvalidExpression,
    Moment,
    Node,
    Scope,
    alternatives,
    parse,
    quick,
    write,
)
from hsba.fhir.fhirpath.members import CHOICES, SUFFIXES

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "an",
    "active": True,
    "name": [
        {"use": "official", "family": "Nguyễn", "given": ["Văn", "An"]},
        {"use": "nickname", "given": [None, "Bi"], "_given": [{"extension": [{"url": "urn:why"}]}, None]},
    ],
    "birthDate": "1980-05",
    "_birthDate": {
        "id": "b",
        "extension": [{"url": "urn:time", "valueDateTime": "1980-05-02T10:00:00+07:00"}],
    },
    "_gender": {"extension": [{"url": "urn:absent", "valueCode": "unknown"}]},
    "deceasedBoolean": False,
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/p"}, {"reference": "Organization/q"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Khoa Nội"}],
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "effectiveDateTime": "2025-03-01T08:00:00+07:00",
    "component": [
        {
            "code": {"coding": [{"code": "8480-6"}]},
            "valueQuantity": {
                "value": Decimal("120.0"), "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]",
            },
        },
        {"code": {"coding": [{"code": "x"}]}, "valueString": "cao"},
    ],
}  # fmt: skip


def ask(expression: str, node: Any = PATIENT, **given: Any) -> list[Any]:
    return fhirpath.compile(expression).evaluate(node, **given)


# --- reading and writing


@pytest.mark.parametrize(
    "expression, place",
    [
        ("name.", 5),
        ("name..given", 5),
        ("(name", 5),
        ("name[0", 6),
        ("'open", 0),
        ("a ? b", 2),
        ("1 +", 3),
        ("", 0),
    ],
)
def test_parse__fault_is_told_with_its_place(expression: str, place: int) -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse(expression)

    assert caught.value.position == place
    assert caught.value.sentence_vi


def test_parse__endless_nesting_is_refused() -> None:
    for expression in (
        "(" * 10_000 + "1" + ")" * 10_000,
        "-" * 9_000 + "1",
        "a" + ".b" * 9_000,
        "1" + "+1" * 5_000,
    ):
        with pytest.raises(InvalidExpression):
            parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "name.given",
        "name.where(use = 'official').given[0]",
        "(a or b) and c implies d xor e",
        "1 + 2 * 3 - (4 - 5)",
        "-name.count() < 3",
        "value is Quantity and (value as Quantity).value > 1.50",
        "%resource.`div` | %`vs-x-y` | $this",
        "@2015-02-04T14:34:28+07:00 = @T10:30 or @2015T = @2015",
        "4 days = 1 'wk'",
        "'it\\'s \\\\ \\n' & {}",
        "contains.contains('x').as(FHIR.string)",
    ],
)
def test_write__gives_text_that_reads_as_the_same_tree(expression: str) -> None:
    tree = parse(expression)

    assert parse(write(tree)) == tree


def test_parse__equal_expressions_give_equal_trees_wherever_they_stand() -> None:
    assert parse("name.given") == parse(" name /* x */ . given // y")


def test_alternatives__are_the_parts_of_a_union() -> None:
    parts = alternatives(parse("Patient.name | (Patient.telecom.where(a | b)) | c"))

    assert [write(part) for part in parts] == ["Patient.name", "Patient.telecom.where(a | b)", "c"]


def test_compile__unknown_function_or_wrong_arguments_are_refused() -> None:
    for expression in ("name.nothing()", "name.where()", "name.first(1)", "name.ofType(1)"):
        with pytest.raises(InvalidExpression):
            Compiled(expression)


# --- paths


def test_evaluate__path_gives_plain_values() -> None:
    assert ask("Patient.name.given") == ["Văn", "An", "Bi"]
    assert ask("name.family") == ["Nguyễn"]
    assert ask("Encounter.status") == []
    assert ask("DomainResource.id") == ["an"]


def test_evaluate__choice_is_found_by_its_name() -> None:
    assert ask("component.value.unit", OBSERVATION) == ["mmHg"]
    assert ask("component.value", OBSERVATION)[1] == "cao"
    assert ask("deceased") == [False]
    assert ask("component.value.ofType(string)", OBSERVATION) == ["cao"]
    assert ask("(Observation.component.value as Quantity).value", OBSERVATION) == [Decimal("120.0")]


def test_evaluate__list_of_choice_values_is_absent_where_no_form_is_given() -> None:
    assert ask("effective.exists()", {"resourceType": "Observation"}) == [False]
    assert ask("value.exists()", {"resourceType": "Observation", "valueSet": "x"}) == [False]


def test_evaluate__extensions_of_primitives_are_reached() -> None:
    assert ask("birthDate.extension('urn:time').value") == ["1980-05-02T10:00:00+07:00"]
    assert ask("birthDate.id") == ["b"]
    assert ask("name.given.extension.url") == ["urn:why"]
    assert ask("gender.extension.value") == ["unknown"]


def test_evaluate__primitive_with_extensions_only_exists_without_value() -> None:
    assert ask("gender.exists()") == [True]
    assert ask("gender.hasValue()") == [False]
    assert ask("birthDate.hasValue()") == [True]
    assert ask("name[1].given.select(hasValue())") == [False, True]
    assert ask("name.given.count()") == [4]
    assert ask("gender") == []


def test_nodes__know_their_place_and_type() -> None:
    scope = Scope()

    nodes = fhirpath.compile("component.where(value is Quantity).value").nodes(OBSERVATION, scope)

    assert [(node.steps(), scope.type_of(node)) for node in nodes] == [
        (("component", 0, "valueQuantity"), "Quantity")
    ]
    assert nodes[0].place() == "component[0].valueQuantity"
    assert scope.type_of(nodes[0].parent) == "Observation.component"


def test_evaluate__element_without_resource_needs_its_type() -> None:
    period = {"start": "2025-01", "end": "2025-03-01"}

    assert ask("start <= end", period, type="Period") == [True]
    assert ask("start is dateTime", period, type="Period") == [True]


# --- dates, numbers, quantities

# hypothesis wants its bounds without zone
EARLIEST = dt.datetime(1900, 1, 2)  # noqa: DTZ001
LATEST = dt.datetime(2100, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    "left, right, less",
    [
        ("2025-01", "2025-02-10", True),
        ("2025-02", "2025-02-10", None),
        ("2025", "2024-12-31", False),
        ("2025-02-01T10:00:00+07:00", "2025-02-01T03:30:00Z", True),
        ("2025-02-01T10:00:00+07:00", "2025-02-01T03:00:00Z", False),
        ("2025-02-01T23:30:00-05:00", "2025-02-02T10:00:00+07:00", False),
        ("2025-02-01", "2025-02-01T10:00:00+07:00", None),
    ],
)
def test_evaluate__partial_dates_compare_as_far_as_they_are_known(
    left: str, right: str, less: bool | None
) -> None:
    found = ask("start < end", {"start": left, "end": right}, type="Period")

    assert found == ([] if less is None else [less])


def test_evaluate__decimals_are_exact_and_keep_their_digits() -> None:
    assert ask("0.1 + 0.2 = 0.3") == [True]
    assert str(ask("1.50")[0]) == "1.50"
    assert ask(
        "component.value.value.toString()", {"component": [{"valueQuantity": {"value": Decimal("1.50")}}]}
    ) == ["1.50"]


def test_evaluate__numbers_too_large_are_told_or_nothing() -> None:
    huge = {"value": Decimal("1e999999")}

    assert ask("value.toString()", huge) == ["1E+999999"]
    assert ask("value.ceiling()", huge) == []
    assert ask("9.power(99999999)") == []
    with pytest.raises(EvaluationFailed):
        ask("value * value", huge) or ask("value ~ 1.5", huge)


def test_evaluate__quantities_compare_across_units() -> None:
    assert ask("component.value.ofType(Quantity) > 100 'mm[Hg]'", OBSERVATION) == [True]
    assert ask("5.6 'mmol/L' = 5600 'umol/L'") == [True]
    assert ask("1 'kg' = 1 'm'") == []
    assert ask("1 year = 1 'a'") == []
    assert ask("1 year = 12 months") == [True]


def test_evaluate__date_arithmetic_clips_to_the_month() -> None:
    assert ask("@2024-01-31 + 1 month") == ["2024-02-29"]
    assert ask("@2024-03-01 - 1 day") == ["2024-02-29"]
    assert ask("@2024 + 18 months") == ["2025"]
    assert ask("@2024-02 + 45 days") == ["2024-03"]
    assert ask("@2025-01-01T00:30:00+07:00 - 1 hour") == ["2024-12-31T23:30:00+07:00"]
    assert ask("@9999-12-31 + 1 day") == []
    assert ask("@T23:30 + 45 minutes") == ["00:15"]


@settings(deadline=None)
@given(st.datetimes(min_value=EARLIEST, max_value=LATEST), st.integers(-900, 900))
def test_evaluate__adding_days_agrees_with_the_calendar(moment: dt.datetime, days: int) -> None:
    text = moment.date().isoformat()

    assert ask(f"@{text} + {days} days" if days >= 0 else f"@{text} - {-days} days") == [
        (moment.date() + dt.timedelta(days=days)).isoformat()
    ]


@settings(deadline=None)
@given(
    st.datetimes(timezones=st.just(dt.UTC), min_value=EARLIEST, max_value=LATEST),
    st.datetimes(timezones=st.just(dt.UTC), min_value=EARLIEST, max_value=LATEST),
    st.integers(-12, 14),
)
def test_evaluate__instants_order_as_python_orders_them(
    left: dt.datetime, right: dt.datetime, zone: int
) -> None:
    moved = left.astimezone(dt.timezone(dt.timedelta(hours=zone)))

    found = ask("start < end", {"start": moved.isoformat(), "end": right.isoformat()}, type="Period")

    assert found == [left < right]


# --- from outside


def test_evaluate__now_comes_from_the_clock_given() -> None:
    at = dt.datetime(2025, 7, 1, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=7)))

    assert ask("now()", clock=lambda: at) == ["2025-07-01T08:30:00.000+07:00"]
    assert ask("today()", clock=lambda: at) == ["2025-07-01"]


def test_evaluate__resource_and_root_are_the_ones_given() -> None:
    child = {"resourceType": "Organization", "id": "o"}

    assert ask("%resource.id | %rootResource.id", child, resource=child, root=PATIENT) == ["o", "an"]
    assert ask("%context.id", child) == ["o"]


def test_evaluate__variables_are_known_by_name() -> None:
    assert ask("name.where(use = %wanted).family", variables={"wanted": "official"}) == ["Nguyễn"]
    assert ask("%`vs-administrative-gender`") == ["http://hl7.org/fhir/ValueSet/administrative-gender"]
    with pytest.raises(EvaluationFailed, match="nowhere"):
        ask("%nowhere")


def test_resolve__finds_contained_asks_the_callback_and_knows_types_by_address() -> None:
    assert ask("managingOrganization.resolve().name") == ["Khoa Nội"]
    assert ask("generalPractitioner.where(resolve() is Practitioner).reference") == ["Practitioner/p"]
    known = {"Practitioner/p": {"resourceType": "Practitioner", "id": "p", "active": True}}
    assert ask("generalPractitioner.resolve().active", resolve=known.get) == [True]


def test_resolve__finds_entries_of_the_bundle() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "1"}},
            {"resource": {"resourceType": "Encounter", "subject": {"reference": "urn:uuid:1"}}},
        ],
    }

    assert ask("entry.resource.subject.resolve().id", bundle) == ["1"]


def test_member_of__asks_the_callback_or_the_packages() -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    asked: list[Any] = []

    def codes(system: str | None, code: str, value_set: str) -> bool | None:
        asked.append((system, code, value_set))
        return None

    assert ask(f"gender.memberOf('{url}')", {"resourceType": "Patient", "gender": "male"}) == [True]
    assert ask(f"gender.memberOf('{url}')", {"resourceType": "Patient", "gender": "nam"}) == [False]
    assert ask("code.memberOf('urn:vs')", OBSERVATION, codes=codes) == []
    assert asked == [("http://loinc.org", "85354-9", "urn:vs")]


def test_conforms_to__knows_types_and_asks_for_profiles() -> None:
    base = "http://hl7.org/fhir/StructureDefinition/"

    assert ask(f"conformsTo('{base}DomainResource')") == [True]
    assert ask("conformsTo('urn:mine')", conforms=lambda resource, url: url == "urn:mine") == [True]
    with pytest.raises(EvaluationFailed, match="urn:mine"):
        ask("conformsTo('urn:mine')")


def test_trace__shows_and_passes_on() -> None:
    seen: list[Any] = []

    found = ask("name.given.trace('names').count()", trace=lambda name, items: seen.append((name, items)))

    assert found == [4]
    assert seen == [("names", ["Văn", "An", None, "Bi"])]


# --- invariants


def test_test__only_true_holds() -> None:
    compiled = fhirpath.compile("fullUrl.contains('/_history/').not()")

    assert compiled.test({"fullUrl": "urn:x"})
    assert not compiled.test({"fullUrl": "x/_history/1"})
    assert not compiled.test({})
    assert compiled.verdict({}, Scope()) is None


def test_test__condition_on_several_items_is_an_error_with_its_place() -> None:
    compiled = fhirpath.compile("id.exists() and name.given")

    with pytest.raises(EvaluationFailed) as caught:
        compiled.test(PATIENT)

    assert caught.value.position == 12


def test_as__of_several_items_is_refused_only_when_strict() -> None:
    assert len(ask("name as HumanName")) == 2
    with pytest.raises(EvaluationFailed):
        ask("name as HumanName", strict=True)


def test_evaluate__unknown_type_is_an_error() -> None:
    with pytest.raises(EvaluationFailed, match="string1"):
        ask("id.ofType(string1)")


def test_evaluate__runaway_expressions_end() -> None:
    for expression in (
        "1.repeat($this + 1)",
        "'ab'" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 12,
        "'a'.matches('(')",
    ):
        with pytest.raises(EvaluationFailed):
            ask(expression)


def test_repeat__children_of_the_same_content_are_all_kept() -> None:
    questionnaire = {
        "item": [{"linkId": "1", "item": [{"linkId": "a"}]}, {"linkId": "2", "item": [{"linkId": "a"}]}]
    }

    assert ask("repeat(item).linkId", questionnaire) == ["1", "2", "a", "a"]


def test_union__true_is_not_one() -> None:
    assert ask("(1 | true).count()") == [2]
    assert ask("(1 | 1.0).count()") == [1]


# --- the quick way

CONDITIONS = [
    "a.exists() and b.empty()",
    "a.b = 'x'",
    "a.b != 'x' or a.c = 2",
    "a in ('x' | 'y')",
    "value.exists() xor a.exists()",
    "(a.count() + b.count()) = 1",
    "a.count() > 1",
    "a.where(b = 'x').c.exists()",
    "a.all(b.exists())",
    "a.exists(b = true)",
    "a.b.hasValue()",
    "a.startsWith('x').not()",
    "a implies b",
    "c >= 2",
    "a.exists() = b.exists()",
    "where(a = 'x').exists()",
    "Patient.a.exists()",
    "extension.exists() or a.exists()",
]
LEAVES = st.one_of(st.sampled_from(["x", "y", ""]), st.integers(0, 3), st.booleans(), st.just(Decimal("2.0")))
NAMES = st.sampled_from(["a", "b", "c", "_a", "_b", "valueString", "_valueCode", "resourceType", "extension"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(st.one_of(inner, st.none()), min_size=1, max_size=3),
        st.dictionaries(NAMES, inner, max_size=3),
    ),
    max_leaves=8,
)


def well_formed(value: Any) -> Any:
    """A random value with only what JSON resources may hold: siblings are objects, lists do not nest."""
    if isinstance(value, dict):
        return {
            name: {"extension": [{"url": "urn:e"}]}
            if name.startswith("_")
            else "Patient"
            if name == "resourceType"
            else [{"url": "urn:e"}]
            if name == "extension"
            else well_formed(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [each if each is None else well_formed(each) for each in value if not isinstance(each, list)]
    return value


@settings(deadline=None)
@given(st.sampled_from(CONDITIONS), st.dictionaries(NAMES, VALUES, max_size=4))
def test_verdict__quick_way_agrees_with_the_full_way(expression: str, raw: dict[str, Any]) -> None:
    node = well_formed(raw)
    ready = fhirpath.compile(expression)
    assert quick.condition(ready.tree) is not None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "condition", lambda tree: None)
        full = Compiled(expression)

    assert verdict(ready, node) == verdict(full, node)


def verdict(compiled: Compiled, node: Any) -> Any:
    try:
        return compiled.verdict(node, Scope())
    except EvaluationFailed:
        return "error"


# --- tables


def test_choices__are_those_of_the_definitions() -> None:
    definitions = packaged.default()
    for name in definitions.resource_types | definitions.datatypes:
        definitions.type(name)
    backbones = list(definitions._types.values())

    stems = {stem for owner in backbones for stem in owner.choices}
    suffixes = {
        name.removeprefix(stem)
        for owner in backbones
        for stem, names in owner.choices.items()
        for name in names
    }

    assert stems == CHOICES
    assert suffixes == SUFFIXES


def test_moment__writes_what_was_read() -> None:
    for text in ("@2015", "@2015-02-04T14:34:28.120+07:00", "@T10:30", "@2015T", "@2015-02-04T14Z"):
        tree = parse(text)
        assert write(tree) == text
        assert isinstance(getattr(tree, "value", None), Moment)


def test_node__shows_its_place() -> None:
    assert "name[0]" in repr(Node("x", key="name", parent=Node({}), index=0))
