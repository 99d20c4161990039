"""Large contents are read and checked in a process of their own, with the same result as here."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import json, xml
from hsba.fhir.problems import Issue, Malformed, Problem, Unprocessable
from hsba.fhir.validate import validate
from hsba.record import interactions, transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from house import House
    from hsba.record.aside import Aside
    from hsba.record.context import Context

GOOD: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Đường huyết"},
    "valueQuantity": {"value": Decimal("1.50"), "unit": "mmol/L"},
}
BAD: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "xong",
    "valueQuantity": {"value": "x"},
    "so": 1,
}


def bundle(*some: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": one, "request": {"method": "POST", "url": "Observation"}} for one in some]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries, "id": "after"}


@pytest.mark.parametrize(
    "problem",
    [
        Malformed("a", vi="b", path="c"),
        Malformed(),
        Unprocessable(issues=(Issue("error", "value", "wrong", "sai", "Patient.name"),)),
    ],
)
def test_problem__travels_with_every_word(problem: Problem) -> None:
    again = pickle.loads(pickle.dumps(problem))  # noqa: S301 - our own

    assert type(again) is type(problem)
    assert (str(again), again.issues, again.sentence_vi) == (
        str(problem),
        problem.issues,
        problem.sentence_vi,
    )


async def test_aside__reads_what_is_read_here(house: House) -> None:
    given = bundle(*[GOOD] * 50)
    definitions = house.app.definitions

    from_json = await house.app.aside.read(json.dump(given), "json")
    from_xml = await house.app.aside.read(xml.dump(given, definitions), "xml")
    single = await house.app.aside.read(json.dump(GOOD), "json")

    assert json.dump(from_json) == json.dump(given)
    assert from_xml == xml.parse(xml.dump(given, definitions), definitions)
    assert str(single["valueQuantity"]["value"]) == "1.50"


@pytest.mark.parametrize(
    "text", [b'{"a": 1, "a": 2}', b"{", b"[]", b'{"a": "\\u0000"}', b'{"a":' * 99 + b"1" + b"}" * 99, b"\xff"]
)
async def test_aside__refuses_what_is_refused_here_in_the_same_words(house: House, text: bytes) -> None:
    with pytest.raises(Problem) as here:
        json.parse(text)
    with pytest.raises(Problem) as there:
        await house.app.aside.read(text, "json")

    assert type(there.value) is type(here.value)
    assert there.value.issues == here.value.issues


async def test_aside__finds_the_same_issues(house: House) -> None:
    app = house.app
    some = [GOOD, BAD, *[GOOD] * 500, BAD]

    found = await app.aside.issues(some, best_practice=True)

    assert found == [validate(one, app.definitions, codes=app.codes, best_practice=True) for one in some]
    assert any(issue.blocks for issue in found[1])


async def refusals(house: House, work: Callable[[Context], Awaitable[object]]) -> list[tuple[Issue, ...]]:
    """What a write is refused with when it is small, and when it is large."""

    async def run(aside: Aside | None) -> None:
        async with house.writing() as ctx:
            ctx.aside = aside
            await work(ctx)

    found = []
    for aside in (None, house.app.aside):
        with pytest.raises(Unprocessable) as refused:
            await run(aside)
        found.append(refused.value.issues)
    return found


async def test_transaction__is_refused_in_the_same_words_when_it_is_large(house: House) -> None:
    small, large = await refusals(
        house, lambda ctx: transaction.transaction(ctx, bundle(GOOD, BAD, GOOD, BAD))
    )

    assert small == large
    assert {issue.path.partition("]")[0] for issue in small} == {"Bundle.entry[1", "Bundle.entry[3"}


async def test_create__is_refused_in_the_same_words_when_it_is_large(house: House) -> None:
    small, large = await refusals(house, lambda ctx: interactions.create(ctx, BAD))

    assert small == large


async def test_aside__killed_is_done_here_and_started_anew(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    aside = house.app.aside
    wanted = await aside.issues([BAD])
    (process,) = multiprocessing.active_children()

    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    during = await aside.issues([BAD])
    after = await aside.issues([BAD])

    assert wanted == during == after
    assert len(caplog.records) == 1
    assert [one.pid for one in multiprocessing.active_children()] != [process.pid]
