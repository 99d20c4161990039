"""The sheets of a stay together: what it lacks, and another cover in the place of the first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from demo_stay import stay
from form_answers import response
from hsba.fhir.problems import BadRequest, NotFound
from hsba.forms import catalogue, changing, completeness, entries, extract
from hsba.record import derived, interactions
from hsba.record.context import new_id

if TYPE_CHECKING:
    from house import House

STAY = stay()
FORMS = catalogue.forms()
INTERNAL, SURGICAL = FORMS["01-BV1"], FORMS["10-BV1"]


def entry(place: entries.Place, part: str, given: dict[str, Any]) -> dict[str, Any]:
    return response(
        place.form, part, given,
        id=place.entry(place.part(part)),
        identifier={"system": "http://fhir.hl7.org.vn/core/sid/sheet", "value": place.sheet},
        subject={"reference": f"Patient/{STAY.patient}"},
        encounter={"reference": f"Encounter/{STAY.encounter}"},
    )  # fmt: skip


async def test_of_stay__tells_what_a_stay_lacks(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        found = await completeness.of_stay(ctx, STAY.patient, STAY.encounter)
        place = entries.Place(STAY.patient, STAY.encounter, FORMS["40-BV2"], new_id())
        await interactions.update(ctx, entry(place, "commitment", {}))
        then = await completeness.of_stay(ctx, STAY.patient, STAY.encounter)

    assert {"cover", "admission", "commitment"} <= {one.rule for one in found}
    assert {one.rule for one in found} - {one.rule for one in then} == {"commitment"}


async def test_of_stay__of_another_patient_is_refused(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        with pytest.raises(NotFound):
            await completeness.of_stay(ctx, "somebody", STAY.encounter)


async def test_begin__another_cover_starts_with_what_the_first_says(house: House) -> None:
    given = {"reason": "Đau bụng", "history.illness": "Đau từ tối qua", "vitals.pulse": 90}
    async with house.writing() as ctx:
        await STAY.save(ctx)
        place = entries.Place(STAY.patient, STAY.encounter, INTERNAL, new_id())
        await interactions.update(ctx, entry(place, "examination", given))
        old = await entries.sheet(ctx, place)
        new, found = await changing.begin(ctx, old, SURGICAL)
        part = new.part("examination")
        kept = await entries.draft(ctx, new, part, new.entry(part))
        facts = await derived.made_of(ctx, place.entry(place.part("examination")), extract.TYPES)

    assert kept is not None
    assert {id_: kept.get(id_) for id_ in given} == given
    assert found.left == ()
    assert all(one["status"] == "final" for one in facts.values())


async def test_stop__an_old_cover_keeps_its_words_and_gives_up_its_facts(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        place = entries.Place(STAY.patient, STAY.encounter, INTERNAL, new_id())
        await interactions.update(ctx, entry(place, "examination", {"vitals.pulse": 90}))
        whole = await entries.sheet(ctx, place)
        with pytest.raises(BadRequest):
            await changing.stop(ctx, whole)
        stopped = await changing.stop(replace(ctx, reason="Chuyển khoa Ngoại"), whole)
        (one,) = (await entries.sheet(ctx, place)).entries
        facts = await derived.made_of(ctx, one.id, extract.TYPES)

    assert stopped == 1
    assert (one.status, one.answers) == ("stopped", {"vitals.pulse": 90})
    assert {fact["status"] for fact in facts.values()} == {"entered-in-error"}
