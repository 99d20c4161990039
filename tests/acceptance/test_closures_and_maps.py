"""Closure tables, codes by their properties, saved maps, and what an expansion is asked beside its value set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from acceptance.test_terminology import GENDER, ICD, ICD_VS, asked, codes, posted, told
from callers import Always

if TYPE_CHECKING:
    from acceptance.door import Client

Resource = dict[str, Any]


def coding(code: str) -> Resource:
    return {"name": "concept", "valueCoding": {"system": ICD, "code": code}}


async def closure(client: Client, *parts: Resource) -> Resource:
    return await posted(client, "/ConceptMap/$closure", {"name": "name", "valueString": "bảng"}, *parts)


def lines(found: Resource) -> set[tuple[str, str]]:
    return {
        (element["code"], target["code"])
        for group in found.get("group", ())
        for element in group["element"]
        for target in element["target"]
    }


# --- $closure ----------------------------------------------------------------------------------------------


async def test_closure__tells_what_is_new_and_tells_it_again(client: Client) -> None:
    empty = await closure(client)
    first = await closure(client, coding("I11"), coding("I11.0"))
    second = await closure(client, coding("I10-I15"), coding("J18.9"))
    again = await closure(client, {"name": "version", "valueString": "1"})

    assert (empty["version"], lines(empty)) == ("0", set())
    assert (first["version"], lines(first)) == ("1", {("I11.0", "I11")})
    assert (second["version"], lines(second)) == ("2", {("I11.0", "I10-I15"), ("I11", "I10-I15")})
    assert lines(again) == lines(second)
    assert lines(await closure(client, {"name": "version", "valueString": "0"})) == lines(first) | lines(
        second
    )


async def test_closure__begun_anew_is_empty_and_another_account_has_its_own(client: Client) -> None:
    await closure(client)
    await closure(client, coding("I11"))
    client.services.identity = Always(client.services, "operator")
    await closure(client)

    assert lines(await closure(client, coding("I11.0"))) == set()


@pytest.mark.parametrize(
    "parts,status",
    [
        ([coding("I11")], 404),
        ([coding("I11"), {"name": "version", "valueString": "1"}], 400),
        ([{"name": "version", "valueString": "x"}], 400),
    ],
)
async def test_closure__what_is_no_question_is_refused(
    client: Client, parts: list[Resource], status: int
) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": "x"}, *parts]}

    assert (await client.post("/ConceptMap/$closure", body)).status_code == status
    assert (await client.get("/ConceptMap/$closure?name=x")).status_code == 405


# --- $find-matches -----------------------------------------------------------------------------------------


def having(code: str, value: str) -> Resource:
    return {
        "name": "property",
        "part": [{"name": "code", "valueCode": code}, {"name": "value", "valueString": value}],
    }


async def matched(client: Client, *parts: Resource) -> dict[str, int]:
    """The codes found, and how many properties each lacks."""
    found = await posted(client, "/CodeSystem/vn-icd10-cs/$find-matches", *parts)
    return {
        one["part"][0]["valueCoding"]["code"]: sum(part["name"] == "unmatched" for part in one["part"])
        for one in found.get("parameter", ())
    }


async def test_find_matches__exact_needs_every_property(client: Client) -> None:
    exact = {"name": "exact", "valueBoolean": True}

    assert await matched(client, exact, having("parent", "I11"), having("main", "true")) == {
        "I11.0": 0,
        "I11.9": 0,
    }
    assert await matched(client, exact, having("parent", "I11"), having("main", "false")) == {}


async def test_find_matches__otherwise_tells_what_does_not_fit(client: Client) -> None:
    found = await matched(client, having("parent", "I11"), having("code", "I11.0"))

    assert found["I11.0"] == 0
    assert found["I11.9"] == 1
    assert next(iter(found)) == "I11.0"


@pytest.mark.parametrize("parts", [[], [{"name": "property", "part": []}]])
async def test_find_matches__needs_properties(client: Client, parts: list[Resource]) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "system", "valueUri": ICD}, *parts]}
    more = {"name": "compositional", "valueBoolean": True}
    composed = {"resourceType": "Parameters", "parameter": [{"name": "system", "valueUri": ICD}, more]}

    assert (await client.post("/CodeSystem/$find-matches", body)).status_code == 400
    assert (await client.post("/CodeSystem/$find-matches", composed)).status_code == 422


# --- $translate by saved maps ------------------------------------------------------------------------------

LOCAL = "urn:bv:gioi"


def concept_map(url: str, **more: Any) -> Resource:
    return {
        "resourceType": "ConceptMap", "url": url, "status": "active", "sourceUri": "urn:bv:vs", "targetUri": f"{GENDER}-vs",
        "group": [{
            "source": LOCAL, "target": GENDER,
            "element": [
                {"code": "1", "target": [{"code": "male", "equivalence": "equivalent"}]},
                {"code": "2", "target": [
                    {"code": "female", "equivalence": "wider", "dependsOn": [{"property": "tuoi", "value": "lon"}]}]},
                {"code": "3", "target": [{"equivalence": "unmatched"}]},
            ],
            **more,
        }],
    }  # fmt: skip


async def translated(client: Client, code: str, **more: str) -> tuple[bool, list[tuple[str, str]]]:
    found = await asked(client, "/ConceptMap/$translate", system=LOCAL, code=code, **more)
    matches = [
        {part["name"]: part for part in one["part"]} for one in found["parameter"] if one["name"] == "match"
    ]
    return told(found, "result"), [
        (one["equivalence"]["valueCode"], one.get("concept", {}).get("valueCoding", {}).get("code", ""))
        for one in matches
    ]


async def test_translate__by_a_saved_map_its_scope_and_from_the_other_side(client: Client) -> None:
    saved = await client.made(concept_map("urn:bv:map"))

    assert await translated(client, "1") == (True, [("equivalent", "male")])
    assert await translated(client, "1", url="urn:bv:map") == (True, [("equivalent", "male")])
    assert await translated(client, "1", source="urn:bv:other") == (False, [])
    assert await translated(client, "3") == (False, [("unmatched", "")])
    back = await asked(
        client, f"/ConceptMap/{saved['id']}/$translate", system=GENDER, code="male", reverse="true"
    )
    assert told(back, "match")["part"][1]["valueCoding"]["code"] == "1"


async def test_translate__a_line_that_depends_on_something_needs_it(client: Client) -> None:
    await client.made(concept_map("urn:bv:map"))
    known = {
        "name": "dependency",
        "part": [
            {"name": "element", "valueUri": "tuoi"},
            {"name": "concept", "valueCodeableConcept": {"coding": [{"code": "lon"}]}},
        ],
    }
    by_post = await posted(
        client,
        "/ConceptMap/$translate",
        known,
        {"name": "coding", "valueCoding": {"system": LOCAL, "code": "2"}},
    )

    assert await translated(client, "2") == (False, [])
    assert told(by_post, "result") is True


@pytest.mark.parametrize(
    "unmapped,answer",
    [
        ({"mode": "fixed", "code": "unknown"}, (True, [("inexact", "unknown")])),
        ({"mode": "provided"}, (True, [("equal", "9")])),
        ({"mode": "other-map", "url": "urn:bv:second"}, (True, [("equivalent", "other")])),
    ],
)
async def test_translate__what_is_not_mapped_goes_by_the_maps_own_rule(
    client: Client, unmapped: Resource, answer: tuple[bool, list[tuple[str, str]]]
) -> None:
    second = concept_map("urn:bv:second")
    second["group"][0]["element"] = [
        {"code": "9", "target": [{"code": "other", "equivalence": "equivalent"}]}
    ]
    await client.made(second)
    await client.made(concept_map("urn:bv:map", unmapped=unmapped))

    assert await translated(client, "9", url="urn:bv:map") == answer


async def test_translate__maps_that_send_on_to_each_other_are_refused(client: Client) -> None:
    await client.made(concept_map("urn:bv:a", unmapped={"mode": "other-map", "url": "urn:bv:b"}))
    await client.made(concept_map("urn:bv:b", unmapped={"mode": "other-map", "url": "urn:bv:a"}))

    answer = await client.get(
        f"/ConceptMap/$translate?{urlencode({'system': LOCAL, 'code': '9', 'url': 'urn:bv:a'})}"
    )

    assert answer.status_code == 422


# --- what an expansion is asked beside its value set --------------------------------------------------------


async def test_expand__nests_codes_under_those_above_them_when_asked(client: Client) -> None:
    url = f"{ICD}?fhir_vs=isa/I11"
    nested = await asked(client, "/ValueSet/$expand", url=url, excludeNested="false")
    flat = await asked(client, "/ValueSet/$expand", url=url)

    (top,) = nested["expansion"]["contains"]
    assert [one["code"] for one in top["contains"]] == ["I11.0", "I11.9"]
    assert codes(flat) == ["I11", "I11.0", "I11.9"]


async def test_expand__leaves_out_systems_and_refuses_other_versions(client: Client) -> None:
    mixed = {
        "resourceType": "ValueSet", "status": "active",
        "compose": {"include": [{"system": GENDER}, {"system": ICD, "filter": [
            {"property": "concept", "op": "child-of", "value": "I11"}]}]},
    }  # fmt: skip
    given = {"name": "valueSet", "resource": mixed}
    left = await posted(client, "/ValueSet/$expand", given, {"name": "exclude-system", "valueUri": GENDER})
    there = told(
        {"parameter": (await posted(client, "/ValueSet/$expand", given))["expansion"]["parameter"]}, "version"
    )
    right = await asked(
        client, "/ValueSet/$expand", url=f"{GENDER}?fhir_vs", **{"check-system-version": there}
    )
    wrong = [
        await client.get(
            f"/ValueSet/$expand?{urlencode({'url': f'{GENDER}?fhir_vs', name: f'{GENDER}|0.0.1'})}"
        )
        for name in ("system-version", "check-system-version", "force-system-version")
    ]

    assert codes(left) == ["I11.0", "I11.9"]
    assert len(codes(right)) == 4
    assert [one.status_code for one in wrong] == [404, 422, 404]


@pytest.mark.parametrize(
    "url,rule",
    [
        (f"{ICD}?fhir_vs=ecl/<123", None),
        ("", {"property": "code", "op": "regex", "value": "(("}),
        ("", {"property": "concept", "op": "is-a"}),
        ("", {"property": "concept", "op": "made-up", "value": "x"}),
    ],
)
async def test_expand__what_it_cannot_choose_by_is_refused_in_words(
    client: Client, url: str, rule: Resource | None
) -> None:
    given = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": ICD, "filter": [rule]}]},
    }
    parts = [{"name": "url", "valueUri": url}] if url else [{"name": "valueSet", "resource": given}]
    answer = await client.post("/ValueSet/$expand", {"resourceType": "Parameters", "parameter": parts})

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    "given,result",
    [
        ({"display": "sai tên", "lenient-display-validation": "true"}, True),
        ({"display": "sai tên"}, False),
        ({"code": "I10-I15", "abstract": "false"}, False),
        ({"code": "I10-I15"}, True),
        ({"systemVersion": "0.0.1"}, None),
    ],
)
async def test_validate_code__bears_what_it_is_told_about_names_and_levels(
    client: Client, given: dict[str, str], result: bool | None
) -> None:
    found = await asked(
        client, "/ValueSet/$validate-code", **{"url": ICD_VS, "system": ICD, "code": "I10", **given}
    )

    assert told(found, "result") is result or result is None


async def test_validate_code__one_wrong_code_beside_a_right_one_is_told(client: Client) -> None:
    def concept(*some: str) -> Resource:
        codings = [{"system": ICD, "code": code} for code in some]
        return {"name": "codeableConcept", "valueCodeableConcept": {"coding": codings}}

    url = {"name": "url", "valueUri": ICD_VS}

    assert (
        told(await posted(client, "/ValueSet/$validate-code", url, concept("I10", "J18.9")), "result") is True
    )
    assert (
        told(await posted(client, "/ValueSet/$validate-code", url, concept("I10", "none")), "result") is False
    )
