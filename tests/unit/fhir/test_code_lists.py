"""The long code lists: complete, in order, in one spelling."""

from __future__ import annotations

import unicodedata

import pytest

from hsba.fhir import code_lists, definitions
from hsba.fhir.vn import Canon

COUNTS = {
    "hsba-technique-cs": 9_204,
    "vn-ethnicity-cs": 56,
    "vn-icd10-cs": 12_371,
    "vn-icd9cm-cs": 1_278,
    "vn-province-cs": 34,
    "vn-ward-cs": 3_321,
}

UNNAMED = {"18.0674.0054"}
"""A technique that its source gives no name."""


def test_names__every_list_is_known() -> None:
    assert code_lists.names() == sorted(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_read__codes_are_unique_and_names_are_nfc(name: str) -> None:
    concepts = list(code_lists.current(name))

    assert len(concepts) == len({one.code for one in concepts}) == COUNTS[name]
    assert all(unicodedata.is_normalized("NFC", one.display) for one in concepts)
    assert {one.code for one in concepts if not one.display} <= UNNAMED


def test_read__an_icd_code_follows_the_one_above_it() -> None:
    seen = {""}
    for one in code_lists.read("vn-icd10-cs"):
        assert one.parent in seen, one
        seen.add(one.code)


def test_read__an_icd_code_leads_up_to_its_chapter() -> None:
    concepts = {one.code: one for one in code_lists.read("vn-icd10-cs")}

    way = ["A97.1"]
    while parent := concepts[way[-1]].parent:
        way.append(parent)

    assert way == ["A97.1", "A97", "A90-A99", "A00-B99"]
    assert concepts["A97.1"].extra == {"level": "code", "main": "1", "mark": ""}


def test_read__every_commune_lies_in_a_province() -> None:
    provinces = {one.code for one in code_lists.current("vn-province-cs")}

    assert {one.parent for one in code_lists.read("vn-ward-cs")} == provinces


def test_heads__say_how_many_codes_the_list_has() -> None:
    known = definitions.default()
    for name, count in COUNTS.items():
        url = "http://hl7.org/fhir/sid/icd-9-cm" if name == "vn-icd9cm-cs" else Canon().codes(name)
        head = known.resource(url)
        assert head is not None
        assert head["count"] == sum(1 for _ in code_lists.read(name)) >= count
