"""The packages' code lists answer in the process and join in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from hsba.fhir import definitions
from hsba.fhir.packages import FolderPackage
from hsba.record import codes
from hsba.store import lists

if TYPE_CHECKING:
    from databases import Database
    from house import House

GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDER = "http://hl7.org/fhir/administrative-gender"
ICD = "http://fhir.hl7.org.vn/core/ValueSet/vn-icd10-vs"
ICD_SYSTEM = "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs"


@pytest.mark.parametrize(
    "value_set,system,code,expected",
    [
        (GENDERS, GENDER, "male", True),
        (GENDERS, None, "male", True),
        (GENDERS, GENDER, "lạ", False),
        (GENDERS, "http://x.example", "male", False),
        (f"{GENDERS}|4.0.1", None, "female", True),
        (ICD, ICD_SYSTEM, "A00.0", True),
        (ICD, ICD_SYSTEM, "XYZ", False),
        ("http://hl7.org/fhir/ValueSet/observation-codes", "http://loinc.org", "8867-4", None),
        ("http://x.example/none", None, "a", None),
    ],
)
def test_member__knows_the_packages_lists(
    value_set: str, system: str | None, code: str, expected: bool | None
) -> None:
    assert codes.PackageCodes(definitions.default()).member(value_set, system, code) is expected


async def test_load__numbers_join_members_and_ancestors(house: House) -> None:
    number = house.app.codes.value_set_id(ICD)
    assert number is not None
    async with house.reading() as ctx:
        known = await ctx.tx.fetchval(
            "SELECT count(*) FROM reference.value_set_member WHERE value_set = $1", number
        )
        above = await ctx.tx.fetch(
            "SELECT ancestor FROM reference.concept_ancestor a JOIN reference.system s ON s.id = a.system"
            " WHERE s.uri = $1 AND a.code = 'A00.0' ORDER BY 1",
            ICD_SYSTEM,
        )
    assert known > 12_000
    assert [row[0] for row in above] == ["A00", "A00-A09", "A00-B99", "A00.0"]
    assert house.app.codes.value_set_id("http://x.example/none") is None


async def test_fill__does_nothing_when_the_packages_are_the_same(database: Database) -> None:
    tx = await asyncpg.connect(database.owner_dsn)
    try:
        assert await codes.fill(tx, definitions.default()) is False
    finally:
        await tx.close()


async def test_fill__another_package_replaces_the_lists_and_numbers_stay(database: Database) -> None:
    system = {
        "resourceType": "CodeSystem", "url": "http://x.example/cs", "content": "complete",
        "concept": [{"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]}],
    }  # fmt: skip
    chosen = {
        "resourceType": "ValueSet", "url": "http://x.example/vs",
        "compose": {"include": [{"system": "http://x.example/cs",
                                 "filter": [{"property": "concept", "op": "is-a", "value": "b"}]}]},
    }  # fmt: skip
    more = definitions.default().joined([FolderPackage.of("more", [system, chosen])])
    tx = await asyncpg.connect(database.owner_dsn)
    try:
        before = await lists.value_sets(tx)

        assert await codes.fill(tx, more) is True

        after = await lists.value_sets(tx)
        members = await tx.fetch(
            "SELECT code FROM reference.value_set_member WHERE value_set = $1 ORDER BY 1",
            after["http://x.example/vs"],
        )
        assert {url: after[url] for url in before} == before
        assert [row[0] for row in members] == ["b", "c"]
        assert await codes.fill(tx, definitions.default()) is True
        assert await lists.value_sets(tx) == before
    finally:
        await tx.close()
