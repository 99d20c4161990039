"""HL7's cases for terminology servers: the same codes in an expansion, the same answer about a code.

What is compared: whether the question is refused; of an expansion the codes with their systems, and which are inactive or
abstract; of a validation the result.  Sentences and the order of parameters are each server's own.  What we answer
otherwise is listed in expected-terminology-suite.txt with the reason; one more or one fewer fails this suite.
"""

from __future__ import annotations

import os
import tarfile
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_asyncio

from hsba import app, config
from hsba.fhir.problems import Problem
from hsba.record import interactions
from hsba.record.calls import Call
from hsba.terminology import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App
    from hsba.record.context import Context

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
ARCHIVE = SHARED / "tx-ecosystem-part.tar.gz"
EXPECTED = Path(__file__).parent / "expected-terminology-suite.txt"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(
        not ARCHIVE.exists(), reason=f"the cases for terminology servers are not at {ARCHIVE}"
    ),
]

Case = dict[str, Any]
Resource = dict[str, Any]
OPERATIONS = {
    "expand": ("ValueSet", "expand"),
    "validate-code": ("ValueSet", "validate-code"),
    "cs-validate-code": ("CodeSystem", "validate-code"),
    "lookup": ("CodeSystem", "lookup"),
}


@cache
def files() -> dict[str, bytes]:
    """All files of the suite by their path in it."""
    with tarfile.open(ARCHIVE) as tar:
        return {
            member.name.removeprefix("tx/"): content.read()
            for member in tar
            if member.isfile() and (content := tar.extractfile(member)) is not None
        }


def read(name: str) -> Resource:
    found: Resource = msgspec.json.decode(files()[name].removeprefix(BOM_UTF8))
    return found


@pytest_asyncio.fixture
async def house(database: Any) -> AsyncIterator[App]:
    """A server's services on a database of the test's own."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as opened:
        opened.rules = replace(opened.rules, validate=False)  # some of their value sets are not of R4
        yield opened


async def furnish(ctx: Context, names: list[str]) -> None:
    """Load the last version of each code system of a suite as a list; save the other versions and the value sets."""
    given = [read(name) for name in names]
    last = {one["url"]: number for number, one in enumerate(given) if one["resourceType"] == "CodeSystem"}
    for number, one in enumerate(given):
        if last.get(one.get("url")) == number:
            system = await load.system_number(ctx.tx, one["url"])
            await ctx.tx.execute("DELETE FROM reference.concept WHERE system = $1", system)
            await ctx.tx.execute(
                "INSERT INTO reference.code_list (system, title, version, language, folds) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (system, tenant) DO UPDATE SET version = excluded.version",
                system, one["title"], one.get("version", ""), one.get("language", "en"),
                one.get("caseSensitive") is False,
            )  # fmt: skip
            await load.insert(ctx.tx, system, 0, 1, load.from_resource(one))
        elif one["resourceType"] in ("CodeSystem", "ValueSet"):
            await interactions.update(ctx, {**one, "id": f"tx-{number}"})
    await load.whole_lists(ctx.tx, ctx.definitions)


async def answered(ctx: Context, case: Case) -> Resource:
    """What we answer."""
    type_, name = OPERATIONS[case["operation"]]
    (operation,) = (one for one in app.OPERATIONS if one.name == name and one.fits("type", type_))
    body = read(case["request"])
    if case.get("profile") in files():
        body["parameter"] += read(case["profile"])["parameter"]
    call = Call.of(name, type=type_, body=body)
    try:
        async with ctx.tx.transaction():
            found = await operation.handler(ctx, call)
    except Problem:
        return {"resourceType": "OperationOutcome"}
    assert isinstance(found, dict)
    return found


def essence(found: Resource) -> Any:
    """What is compared of an answer."""
    if found["resourceType"] == "ValueSet":
        codes: list[tuple[str, str, bool, bool]] = []
        waiting = list(found["expansion"].get("contains", ()))
        while waiting:
            one = waiting.pop()
            waiting.extend(one.get("contains", ()))
            codes.append(
                (one.get("system", ""), one["code"], one.get("inactive", False), one.get("abstract", False))
            )
        return sorted(codes)
    if found["resourceType"] == "Parameters":
        told = {
            one["name"]: next((v for k, v in one.items() if k.startswith("value")), None)
            for one in found["parameter"]
        }
        return told.get("result", told.get("display"))
    return found["resourceType"]


def expected() -> dict[str, str]:
    """The cases we answer otherwise, each with the reason."""
    lines = EXPECTED.read_text().splitlines()
    pairs = (line.partition(" | ") for line in lines if line and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, _, reason in pairs}


async def test_terminology__as_hl7s_cases_but_for_those_listed(house: App) -> None:
    counts: Counter[str] = Counter()
    suites: dict[str, Counter[str]] = {}
    otherwise: set[str] = set()
    for suite in read("test-cases.json")["suites"]:
        async with house.pool.writing(house.tenants.get().id) as tx:
            ctx = house.context(tx=tx)
            await furnish(ctx, [name for name in suite.get("setup", ()) if name in files()])
            for case in suite["tests"]:
                wanted = case.get("response", case.get("response:tx.fhir.org"))
                if (
                    case["operation"] not in OPERATIONS
                    or wanted not in files()
                    or case["request"] not in files()
                ):
                    counts["not asked here"] += 1
                    continue
                right = essence(read(wanted)) == essence(await answered(ctx, case))
                verdict = "agree" if right else "differ"
                counts[verdict] += 1
                suites.setdefault(suite["name"], Counter())[verdict] += 1
                if not right:
                    otherwise.add(f"{suite['name']}/{case['name']}")
    agree, tried = counts["agree"], counts["agree"] + counts["differ"]
    print(f"\nterminology cases: {agree} of {tried} as HL7's ({agree / tried:.1%}); {dict(counts)}")
    for name, some in suites.items():
        print(f"  {name}: {some['agree']} of {some.total()}")
    assert otherwise == set(expected()), (
        sorted(otherwise - set(expected())),
        sorted(set(expected()) - otherwise),
    )
