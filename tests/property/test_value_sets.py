"""A code is in the expansion of a value set exactly when $validate-code says so, whatever the value set."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from hsba import app, config
from hsba.fhir.vn import BASE
from hsba.record.calls import Call
from hsba.terminology import expand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App
    from hsba.record.context import Context

Resource = dict[str, Any]

ICD, PROVINCE = f"{BASE}/CodeSystem/vn-icd10-cs", f"{BASE}/CodeSystem/vn-province-cs"
GENDER = "http://hl7.org/fhir/administrative-gender"
CODES = {
    ICD: [
        "I10",
        "I10-I15",
        "I11",
        "I11.0",
        "I11.9",
        "A00",
        "A00.0",
        "A17.0",
        "G63.2",
        "B95.0",
        "U07.1",
        "ZZZ",
    ],
    PROVINCE: ["01", "24", "77", "79", "99"],
    GENDER: ["male", "female", "other", "unknown", "none"],
}
FILTERS = [
    ("concept", "is-a", "I11"), ("concept", "descendent-of", "I10-I15"), ("concept", "is-not-a", "I11"),
    ("concept", "generalizes", "I11.0"), ("concept", "child-of", "I11"), ("code", "regex", "I1.*"),
    ("code", "in", "I10,A00,01,male"), ("code", "not-in", "I10,male"), ("main", "=", "true"), ("mark", "exists", "true"),
    ("mark", "exists", "false"), ("level", "=", "code"),
]  # fmt: skip
SETS = 30


@pytest_asyncio.fixture
async def house(database: Any) -> AsyncIterator[App]:
    """A server's services on a database of the test's own."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as opened:
        yield opened


def part(chance: random.Random, depth: int = 0) -> Resource:
    """An include or exclude."""
    system = chance.choice([ICD, ICD, PROVINCE, GENDER])
    made: Resource = {"system": system}
    kind = chance.random()
    if kind < 0.3:
        made["concept"] = [{"code": code} for code in chance.sample(CODES[system], 3)]
    elif kind < 0.8 and system == ICD:
        rules = chance.sample(FILTERS, chance.randint(1, 2))
        made["filter"] = [{"property": a, "op": b, "value": c} for a, b, c in rules]
    if depth == 0 and chance.random() < 0.2:
        made["valueSet"] = [chance.choice([f"{ICD}?fhir_vs=isa/I11", f"{GENDER}?fhir_vs", f"{ICD}?fhir_vs"])]
    return made


def value_set(chance: random.Random) -> Resource:
    """Any value set."""
    compose: Resource = {"include": [part(chance) for _ in range(chance.randint(1, 3))]}
    if chance.random() < 0.5:
        compose["exclude"] = [part(chance) for _ in range(chance.randint(1, 2))]
    return {"resourceType": "ValueSet", "url": "urn:any", "status": "active", "compose": compose}


async def expanded(ctx: Context, raw: Resource) -> set[tuple[str, str]]:
    """Every code of the expansion, page by page."""
    found: set[tuple[str, str]] = set()
    while True:
        parts: tuple[Resource, ...] = (
            {"name": "valueSet", "resource": raw},
            {"name": "count", "valueInteger": 1000},
            {"name": "offset", "valueInteger": len(found)},
        )
        page = (await expand.expand(ctx, Call("expand", "ValueSet", parameters=parts)))["expansion"]
        some = page.get("contains", ())
        found |= {(one["system"], one["code"]) for one in some}
        if len(found) >= page["total"] or not some:
            return found


@pytest.mark.parametrize("seed", range(3))
async def test_expansion__and_validation_agree(house: App, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    async with house.pool.searching(house.tenants.get().id) as tx:
        ctx = house.context(tx=tx)
        for number in range(SETS):
            raw = value_set(chance)
            inside = await expanded(ctx, raw)
            for system, codes in CODES.items():
                for code in codes:
                    parts: tuple[Resource, ...] = (
                        {"name": "valueSet", "resource": raw},
                        {"name": "system", "valueUri": system},
                        {"name": "code", "valueCode": code},
                    )
                    answer = await expand.validate_code(
                        ctx, Call("validate-code", "ValueSet", parameters=parts)
                    )
                    said = answer["parameter"][0]["valueBoolean"]
                    assert said is ((system, code) in inside), (seed, number, raw, system, code)
