"""The store's search says what the slow oracle says, for random records, random questions and random policies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hsba import app, config
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import Search, Sort
from hsba.fhir.query.values import number
from hsba.store.search.problems import HiddenParameter
from search_oracle import Oracle
from search_world import World
from watch import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database

Resource = dict[str, Any]
NUMBERS = count()

TYPES = ("Patient", "Observation", "Encounter", "Organization")
IDS = {type_: tuple(f"{type_[0].lower()}{n}" for n in range(4)) for type_ in TYPES}
NAMES = ("Nguyễn Văn An", "Trần Thị Ánh", "Đặng An", "Lê Thị Hồng Ánh", "Nguyễn Thị An")
WORDS = ("an", "nguyen", "anh", "thi", "nguyen an", "hong le", "da", "x", "van an nguyen")
DATES = (
    "2023",
    "2024",
    "2024-02",
    "2024-02-29",
    "2024-03-01",
    "2024-02-29T23:30:00+07:00",
    "2024-02-29T10:00:00Z",
)
SYSTEMS = ("http://a", "http://b")
CODES = ("x1", "X1", "y2", "I10", "I10.1", "i10.12")
UCUM = "http://unitsofmeasure.org"
UNITS = (("mg", UCUM), ("g", UCUM), ("mmHg", ""), ("mm[Hg]", UCUM), ("viên", "http://a"))
VALUES = ("1", "1.0", "5.4", "5.45", "1000", "1e2", "0.001", "99.5", "100", "-3")


def some(values: Any, most: int = 2) -> st.SearchStrategy[list[Any]]:
    """A short list of some values."""
    return st.lists(st.sampled_from(values) if isinstance(values, tuple) else values, max_size=most)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Resource]:
    """A dict of which any field may be absent."""
    return st.fixed_dictionaries({}, optional=fields)


coding = st.builds(
    lambda system, code, display: {"code": code}
    | ({"system": system} if system else {})
    | ({"display": display} if display else {}),
    st.sampled_from((None, *SYSTEMS)), st.sampled_from(CODES), st.sampled_from((None, "Huyết áp", "Đường")),
)  # fmt: skip
concept = st.builds(
    lambda codings, text: ({"coding": codings} if codings else {}) | ({"text": text} if text else {}),
    some(coding), st.sampled_from((None, "Huyết áp cao")),
).filter(bool)  # fmt: skip
identifier = st.builds(
    lambda system, value, kind: {"value": value}
    | ({"system": system} if system else {})
    | ({"type": {"coding": [{"system": "http://a", "code": kind}]}} if kind else {}),
    st.sampled_from((None, *SYSTEMS)), st.sampled_from(CODES), st.sampled_from((None, "MR")),
)  # fmt: skip
quantity = st.builds(
    lambda value, unit, comparator: {"value": Decimal(value)}
    | ({"unit": unit[0], "code": unit[0]} if unit else {})
    | ({"system": unit[1]} if unit and unit[1] else {})
    | ({"comparator": comparator} if comparator else {}),
    st.sampled_from(VALUES), st.sampled_from((None, *UNITS)), st.sampled_from((None, None, "<", ">=")),
)  # fmt: skip
period = maybe(start=st.sampled_from(DATES[3:]), end=st.sampled_from(("2024-03-02", "2025"))).filter(bool)


def reference(*types: str) -> st.SearchStrategy[Resource]:
    """To a resource that may be there, to another server, or by identifier only."""
    local = st.sampled_from([f"{type_}/{id_}" for type_ in types for id_ in IDS[type_]])
    return st.one_of(
        local.map(lambda text: {"reference": text}),
        local.map(lambda text: {"reference": text + "/_history/3"}),
        st.just({"reference": "http://elsewhere/fhir/" + types[0] + "/z"}),
        identifier.map(lambda one: {"identifier": one}),
    )


def resource(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Resource]:
    """A resource of a type with some of these fields."""
    return st.builds(
        lambda id_, rest: {"resourceType": type_, "id": id_, **rest},
        st.sampled_from(IDS[type_]),
        maybe(**fields),
    )


tags = st.builds(lambda codings: {"tag": codings}, some(coding))
patients = resource(
    "Patient",
    meta=tags,
    name=some(
        st.sampled_from(NAMES).map(
            lambda text: {"text": text, "family": text.split()[0], "given": text.split()[1:]}
        )
    ),
    gender=st.sampled_from(("male", "female")),
    birthDate=st.sampled_from(DATES[:5]),
    identifier=some(identifier),
    active=st.booleans(),
    deceasedBoolean=st.booleans(),
    telecom=some(
        st.sampled_from(("0912 345 678", "+84912345678", "0987")).map(
            lambda v: {"system": "phone", "value": v}
        )
    ),
    managingOrganization=reference("Organization"),
)
observations = resource(
    "Observation",
    meta=tags,
    status=st.sampled_from(("final", "amended")),
    code=concept,
    category=some(concept),
    subject=reference("Patient"),
    encounter=reference("Encounter"),
    performer=some(reference("Patient", "Organization")),
    derivedFrom=some(reference("Observation")),
    component=some(maybe(code=concept, valueQuantity=quantity)),
).flatmap(
    lambda one: st.one_of(
        st.just(one),
        st.sampled_from(DATES[3:]).map(lambda text: one | {"effectiveDateTime": text}),
        period.map(lambda span: one | {"effectivePeriod": span}),
    ).flatmap(
        lambda two: st.one_of(
            st.just(two),
            quantity.map(lambda value: two | {"valueQuantity": value}),
            concept.map(lambda value: two | {"valueCodeableConcept": value}),
            st.sampled_from(NAMES).map(lambda value: two | {"valueString": value}),
        )
    )
)
encounters = resource(
    "Encounter",
    status=st.sampled_from(("in-progress", "finished")),
    subject=reference("Patient"),
    serviceProvider=reference("Organization"),
    partOf=reference("Encounter"),
    period=period,
)
organizations = resource(
    "Organization", name=st.sampled_from(("Khoa Nội", "Khoa Ngoại", "Viện An")), partOf=reference("Organization"),
    identifier=some(identifier),
)  # fmt: skip
records = st.lists(st.one_of(patients, observations, encounters, organizations), min_size=7, max_size=16)

# --- questions ---------------------------------------------------------------------------------------------

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
tokens = st.builds(
    e.Token,
    st.sampled_from((None, "", *SYSTEMS)),
    st.sampled_from((*CODES, "male", "final", "true", "0912345678")),
)
codes_only = st.builds(
    e.Token, st.none(), st.sampled_from(("male", "female", "final", "in-progress", "true", "false"))
)
token_tests = st.one_of(
    tokens,
    st.builds(e.Token, st.sampled_from(SYSTEMS), st.none()),
    tokens.map(e.Other),
    st.builds(e.TokenText, st.sampled_from(("huyet", "d", "x"))),
    st.builds(
        e.Hierarchy,
        st.sampled_from(("below", "above")),
        st.sampled_from(("http://a/icd-10",)),
        st.just("I10"),
    ),
)
text_tests = st.one_of(
    st.builds(e.Text, st.sampled_from(WORDS)),
    st.builds(e.Text, st.sampled_from(("an", "ng", "khoa")), st.sampled_from(("contains", "ends", "equals"))),
    st.builds(e.Text, st.sampled_from((*NAMES, "Nguyễn")), st.just("exact")),
    st.sampled_from(WORDS).map(lambda word: e.Other(e.Text(word, "equals"))),
)


def _date(prefix: Any, text: str) -> e.Date:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from hsba.fhir.query.dates import interval  # noqa: PLC0415

    return e.Date(prefix, *interval(text, ZoneInfo("Asia/Ho_Chi_Minh")))


date_tests = st.builds(_date, st.sampled_from(PREFIXES), st.sampled_from(DATES))
numbers = st.builds(number, st.sampled_from((*PREFIXES, "ap")), st.sampled_from(VALUES))
quantity_tests = st.builds(
    lambda value, unit: e.Quantity(value, (unit[1] or None) if unit else None, unit[0] if unit else None),
    numbers, st.sampled_from((None, *UNITS, ("mg", ""))),
)  # fmt: skip


def reference_tests(*types: str) -> st.SearchStrategy[e.Test]:
    """Tests of a reference."""
    known = st.sampled_from(
        [e.Reference(type_, id_) for type_ in types for id_ in (*IDS[type_][:3], "nobody")]
    )
    return st.one_of(
        known,
        known.map(lambda one: e.Reference(None, one.id)),
        known.map(e.Other),
        st.just(e.Reference(None, None, f"http://elsewhere/fhir/{types[0]}/z")),
        tokens.map(e.Identified),
    )


of_type = st.builds(
    e.OfType, st.sampled_from((None, "http://a")), st.just("mr"), st.sampled_from(("x1", "y2"))
)
PARAMETERS: dict[str, dict[str, st.SearchStrategy[e.Test]]] = {
    "Patient": {
        "_tag": tokens, "name": text_tests, "family": text_tests, "gender": codes_only, "birthdate": date_tests,
        "identifier": st.one_of(token_tests, of_type), "active": codes_only, "deceased": codes_only, "phone": tokens,
        "organization": reference_tests("Organization"),
    },
    "Observation": {
        "_tag": tokens, "status": codes_only, "code": token_tests, "category": token_tests, "combo-code": tokens,
        "subject": reference_tests("Patient"), "patient": reference_tests("Patient"), "date": date_tests,
        "encounter": reference_tests("Encounter"), "performer": reference_tests("Patient", "Organization"),
        "value-quantity": quantity_tests, "value-concept": token_tests, "value-string": text_tests,
        "code-value-quantity": st.builds(lambda a, b: e.Together((a, b)), tokens, quantity_tests),
        "component-code-value-quantity": st.builds(lambda a, b: e.Together((a, b)), tokens, quantity_tests),
        "combo-code-value-quantity": st.builds(lambda a, b: e.Together((a, b)), tokens, quantity_tests),
    },
    "Encounter": {
        "status": codes_only, "date": date_tests, "subject": reference_tests("Patient"),
        "service-provider": reference_tests("Organization"), "part-of": reference_tests("Encounter"),
    },
    "Organization": {"name": text_tests, "identifier": token_tests, "partof": reference_tests("Organization")},
}  # fmt: skip
COMPOSED = ("code-value-quantity", "component-code-value-quantity", "combo-code-value-quantity")
CHAINS = {
    "Patient": [("organization", "Organization")],
    "Observation": [
        ("subject", "Patient"), ("patient", "Patient"), ("encounter", "Encounter"), ("performer", "Patient"),
        ("performer", "Organization"), ("derived-from", "Observation"),
    ],
    "Encounter": [("subject", "Patient"), ("service-provider", "Organization"), ("part-of", "Encounter")],
    "Organization": [("partof", "Organization")],
}  # fmt: skip
HAS = {
    "Patient": [("Observation", "subject"), ("Observation", "performer"), ("Encounter", "subject")],
    "Observation": [("Observation", "derived-from")],
    "Encounter": [("Observation", "encounter"), ("Encounter", "part-of")],
    "Organization": [
        ("Patient", "organization"),
        ("Organization", "partof"),
        ("Encounter", "service-provider"),
    ],
}
COMPARTMENT = ("Patient", "Observation", "Encounter")


def expressions(type_: str, depth: int = 3) -> st.SearchStrategy[e.Expression]:
    """Any question about a type."""
    matches = st.one_of(
        *(tests.map(lambda test, code=code: e.Match(code, test)) for code, tests in PARAMETERS[type_].items())  # type: ignore[misc]
    )
    missing = st.sampled_from([e.Missing(code) for code in PARAMETERS[type_] if code not in COMPOSED])
    ids = st.lists(st.sampled_from(IDS[type_]), min_size=1, max_size=3).map(lambda some_: e.Ids(tuple(some_)))
    leaves: st.SearchStrategy[Any] = st.one_of(matches, matches, matches, missing, ids)
    if type_ in COMPARTMENT:
        leaves = st.one_of(
            leaves, leaves, st.sampled_from([e.InCompartment("Patient", one) for one in IDS["Patient"]])
        )
    if depth == 0:
        return leaves
    deeper = st.deferred(lambda: expressions(type_, depth - 1))
    chains = st.sampled_from(CHAINS[type_]).flatmap(
        lambda one: expressions(one[1], depth - 1).map(lambda where: e.Chain(one[0], (one[1],), where))
    )
    has = st.sampled_from(HAS[type_]).flatmap(
        lambda one: expressions(one[0], depth - 1).map(lambda where: e.Has(one[0], one[1], where))
    )
    pairs = st.lists(deeper, min_size=2, max_size=3).map(tuple)
    return st.one_of(leaves, leaves, chains, has, deeper.map(e.Not), pairs.map(e.And), pairs.map(e.Or))


policies: st.SearchStrategy[Any] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({}, optional={type_: expressions(type_, 1) for type_ in TYPES}),
    st.fixed_dictionaries({}, optional={type_: st.just(e.Nothing()) for type_ in TYPES}),
)
HIDDEN: dict[str, dict[str, tuple[str, ...]]] = {
    "Patient.gender": {"Patient": ("gender",)},
    "Patient.telecom.value": {"Patient": ("phone",)},
    "Patient.identifier": {"Patient": ("identifier",)},
    "Observation.value[x]": {
        "Observation": ("value-quantity", "value-concept", "value-string", "code-value-quantity", "combo-code-value-quantity"),
    },
    "Observation.subject": {"Observation": ("subject", "patient")},
    "Encounter.period.start": {"Encounter": ("date",)},
    "Organization.name": {"Organization": ("name",)},
}  # fmt: skip
"""Elements that a rule may hide, and parameters of these questions that therefore may not be used."""
secrets = st.sets(st.sampled_from(sorted(HIDDEN)), max_size=3).map(frozenset)
questions = st.sampled_from(TYPES).flatmap(lambda type_: st.tuples(st.just(type_), expressions(type_)))
SORTS = {
    "Patient": ("birthdate", "name", "gender", "_id", "_lastUpdated"),
    "Observation": ("date", "code", "value-quantity", "_id", "_lastUpdated"),
    "Encounter": ("date", "status", "_lastUpdated"),
    "Organization": ("name", "_id"),
}


@pytest_asyncio.fixture
async def opened(database: Database) -> AsyncIterator[app.App]:
    """The application on a database of its own; every example is a keeper of its own in it."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as found:
        yield found


async def world_of(found: app.App, some_resources: list[Resource]) -> World:
    """A new record that holds these resources, the last of those with one address."""
    world = await World.make(found, f"k{next(NUMBERS)}")
    last = {f"{one['resourceType']}/{one['id']}": one for one in some_resources}
    await world.save(*last.values())
    return world


def oracle_of(world: World, policy: Policy, merged: dict[str, str] | None = None) -> Oracle:
    return Oracle(
        world.app.definitions, world.tenant.zone, world.saved, policy.visible, merged or {}, unasked(policy)
    )


def unasked(policy: Policy) -> frozenset[tuple[str, str]]:
    """The parameters that may not be used, by type."""
    return frozenset(
        (type_, code) for one in policy.secret for type_, codes in HIDDEN[one].items() for code in codes
    )


def used(type_: str, where: e.Expression) -> set[tuple[str, str]]:
    """The parameters that a question uses, by type."""
    match where:
        case e.Match(code) | e.Missing(code):
            return {(type_, code)}
        case e.And(parts) | e.Or(parts):
            return {pair for part in parts for pair in used(type_, part)}
        case e.Not(part):
            return used(type_, part)
        case e.Chain(code, (target,), inner):
            return {(type_, code)} | used(target, inner)
        case e.Has(source, code, inner):
            return {(source, code)} | used(source, inner)
    return set()


SLOW = settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@SLOW
@given(some_resources=records, asked=st.lists(questions, min_size=6, max_size=12), rules=policies)
async def test_search__says_what_the_oracle_says(
    opened: app.App,
    some_resources: list[Resource],
    asked: list[tuple[str, e.Expression]],
    rules: dict[str, e.Expression],
) -> None:
    world = await world_of(opened, some_resources)
    policy = Policy(rules)
    world.policy = policy
    oracle = oracle_of(world, policy)

    for type_, where in asked:
        page = await world.page(Search((type_,), where, count=100, total="accurate"))

        found = [f"{type_}/{one.id}" for one in page.matches]
        assert set(found) == oracle.matches(type_, where), where
        assert len(found) == len(set(found)) == page.total


@SLOW
@given(
    some_resources=records,
    asked=st.lists(questions, min_size=6, max_size=12),
    rules=policies,
    secret=secrets,
)
async def test_search__what_is_hidden_is_refused_and_the_rest_is_what_the_oracle_says(
    opened: app.App,
    some_resources: list[Resource],
    asked: list[tuple[str, e.Expression]],
    rules: dict[str, e.Expression],
    secret: frozenset[str],
) -> None:
    world = await world_of(opened, some_resources)
    world.policy = policy = Policy(rules, secret)
    oracle = oracle_of(world, policy)

    for type_, where in asked:
        wanted = Search((type_,), where, count=100, total="accurate")
        if used(type_, where) & unasked(policy):
            with pytest.raises(HiddenParameter):
                await world.page(wanted)
            continue
        page = await world.page(wanted)

        assert {f"{type_}/{one.id}" for one in page.matches} == oracle.matches(type_, where), where
        assert page.total == len(page.matches)


@SLOW
@given(
    some_resources=records,
    asked=st.lists(
        st.tuples(questions, st.integers(0, 4), st.booleans(), st.integers(1, 3)), min_size=4, max_size=8
    ),
)
async def test_search__pages_together_are_the_whole_in_order(
    opened: app.App,
    some_resources: list[Resource],
    asked: list[tuple[tuple[str, e.Expression], int, bool, int]],
) -> None:
    world = await world_of(opened, some_resources)
    oracle = oracle_of(world, Policy({}))

    for (type_, where), pick, descending, size in asked:
        code = SORTS[type_][pick % len(SORTS[type_])]
        wanted = Search((type_,), where, sort=(Sort(code, descending), Sort("_id")), count=size)
        pages = await world.pages(wanted)
        whole = await world.pages(replace(wanted, count=100))

        found = [address for page in pages for address in page]
        assert [found] == whole
        assert set(found) == oracle.matches(type_, where)
        assert not [address for address, times in Counter(found).items() if times > 1]
        assert all(len(page) == size for page in pages[:-1])


@SLOW
@given(
    some_resources=records,
    changes=st.lists(st.one_of(patients, observations, encounters), min_size=1, max_size=6),
    descending=st.booleans(),
    pick=st.integers(0, 4),
    type_=st.sampled_from(("Patient", "Observation", "Encounter")),
)
async def test_search__next_link_stays_right_while_others_write(
    opened: app.App,
    some_resources: list[Resource],
    changes: list[Resource],
    descending: bool,
    pick: int,
    type_: str,
) -> None:
    world = await world_of(opened, some_resources)
    code = SORTS[type_][pick % len(SORTS[type_])]
    wanted = Search((type_,), sort=(Sort(code, descending),), count=2)
    before = [address for page in await world.pages(wanted) for address in page]

    found: list[str] = []
    while True:
        page = await world.page(wanted)
        found += [f"{type_}/{one.id}" for one in page.matches]
        if page.next is None:
            break
        wanted = replace(wanted, cursor=page.next)
        if changes:
            await world.save(changes.pop())

    assert found == before


@SLOW
@given(
    some_resources=records,
    asked=st.lists(questions, min_size=4, max_size=8),
    into=st.sampled_from(IDS["Patient"]),
)
async def test_search__survivor_includes_the_merged(
    opened: app.App, some_resources: list[Resource], asked: list[tuple[str, e.Expression]], into: str
) -> None:
    world = await world_of(opened, some_resources)
    other = next(one for one in IDS["Patient"] if one != into)
    async with world.writing() as ctx:
        patient = ctx.registry.type_id("Patient")
        keys = await ctx.registry.addresses.resolve(
            ctx.tx, world.tenant.id, {(patient, into), (patient, other)}
        )
        await ctx.tx.execute(
            "INSERT INTO record.merged (tenant, patient, survivor, direct, merged) VALUES ($1, $2, $3, $3, $4)",
            world.tenant.id, keys[patient, other], keys[patient, into], datetime.now(UTC) - timedelta(days=1),
        )  # fmt: skip
    oracle = oracle_of(world, Policy({}), {f"Patient/{other}": f"Patient/{into}"})

    for type_, where in asked:
        page = await world.page(Search((type_,), where, count=100))

        assert {f"{type_}/{one.id}" for one in page.matches} == oracle.matches(type_, where), where


pytestmark = pytest.mark.slow
