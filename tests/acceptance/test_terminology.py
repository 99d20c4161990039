"""The terminology operations through the real door: names, days, value sets, maps, and finding as a doctor types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from hsba.fhir.vn import BASE

if TYPE_CHECKING:
    from acceptance.door import Client

Resource = dict[str, Any]

ICD = f"{BASE}/CodeSystem/vn-icd10-cs"
ICD_VS = f"{BASE}/ValueSet/vn-icd10-vs"
PROVINCE = f"{BASE}/CodeSystem/vn-province-cs"
PROVINCES = f"{BASE}/ValueSet/vn-province-vs"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


async def asked(client: Client, path: str, **parameters: str) -> Resource:
    answer = await client.get(f"{path}?{urlencode(parameters)}")
    assert answer.status_code == 200, answer.text
    found: Resource = answer.json()
    return found


async def posted(client: Client, path: str, *parts: Resource) -> Resource:
    answer = await client.post(path, {"resourceType": "Parameters", "parameter": list(parts)})
    assert answer.status_code == 200, answer.text
    found: Resource = answer.json()
    return found


def told(found: Resource, name: str) -> Any:
    """The value of the first parameter of this name."""
    for one in found["parameter"]:
        if one["name"] == name:
            return next((value for key, value in one.items() if key.startswith("value")), one)
    return None


def properties(found: Resource) -> dict[str, Any]:
    made = {}
    for one in found["parameter"]:
        if one["name"] == "property":
            code, value = one["part"]
            made[code["valueCode"]] = next(each for key, each in value.items() if key.startswith("value"))
    return made


def codes(found: Resource) -> list[str]:
    return [one["code"] for one in found["expansion"].get("contains", ())]


# --- CodeSystem --------------------------------------------------------------------------------------------


async def test_lookup__tells_name_place_and_rule_flags(client: Client) -> None:
    found = await asked(client, "/CodeSystem/$lookup", system=ICD, code="A17.0")

    assert told(found, "display") == "Viêm màng não do lao (G01*)"
    assert properties(found) | {"source": "…"} == {
        "level": "code", "main": True, "mark": "†", "parent": "A17", "inactive": False, "source": "…",
    }  # fmt: skip


async def test_lookup__a_code_that_may_not_be_the_main_diagnosis_says_so(client: Client) -> None:
    found = await asked(client, "/CodeSystem/$lookup", system=ICD, code="B95.0", property="main")

    assert properties(found) == {"main": False}


@pytest.mark.parametrize(
    "code,day,name,inactive",
    [
        ("77", "2025-06-30", "Tỉnh Bà Rịa - Vũng Tàu", False),
        ("77", "2026-01-01", "Tỉnh Bà Rịa - Vũng Tàu", True),
        ("24", "2025-06-30", "Tỉnh Bắc Giang", False),
        ("24", "2025-07-01", "Tỉnh Bắc Ninh", False),
        ("01", "1990-01-01", "Thành phố Hà Nội", False),
    ],
)
async def test_lookup__an_old_province_is_shown_as_it_was_that_day(
    client: Client, code: str, day: str, name: str, inactive: bool
) -> None:
    found = await asked(client, "/CodeSystem/$lookup", system=PROVINCE, code=code, date=day)

    assert told(found, "display") == name
    assert properties(found)["inactive"] is inactive


async def test_lookup__a_province_that_ended_names_what_took_its_place(client: Client) -> None:
    found = await asked(client, "/CodeSystem/$lookup", system=PROVINCE, code="77")

    assert properties(found)["superseded-by"] == "79"
    assert properties(found)["valid-to"] == "2025-06-30"


async def test_lookup__by_post_with_a_coding_and_on_an_instance(client: Client) -> None:
    by_post = await posted(
        client, "/CodeSystem/$lookup", {"name": "coding", "valueCoding": {"system": ICD, "code": "I10"}}
    )
    of_one = await asked(client, "/CodeSystem/vn-icd10-cs/$lookup", code="I10")

    assert told(by_post, "display") == told(of_one, "display") == "Bệnh lý tăng huyết áp"


@pytest.mark.parametrize("system,code", [("http://x.example/none", "a"), (ICD, "Q00.Z")])
async def test_lookup__what_is_not_known_is_not_found(client: Client, system: str, code: str) -> None:
    answer = await client.get(f"/CodeSystem/$lookup?{urlencode({'system': system, 'code': code})}")

    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"


@pytest.mark.parametrize(
    "given,result",
    [
        ({"url": ICD, "code": "I10"}, True),
        ({"url": ICD, "code": "I10", "display": "bệnh lý tăng huyết áp"}, True),
        ({"url": ICD, "code": "I10", "display": "Gãy xương"}, False),
        ({"url": ICD, "code": "I10.Z"}, False),
        ({"url": PROVINCE, "code": "77"}, True),
        ({"url": PROVINCE, "code": "77", "date": "2025-06-30"}, True),
        ({"url": PROVINCE, "code": "77", "date": "2025-07-01"}, False),
        ({"url": "http://x.example/none", "code": "a"}, False),
    ],
)
async def test_validate_code__of_a_system(client: Client, given: dict[str, str], result: bool) -> None:
    found = await asked(client, "/CodeSystem/$validate-code", **given)

    assert told(found, "result") is result
    assert result or told(found, "message")


@pytest.mark.parametrize(
    "one,other,outcome",
    [
        ("I10", "I10", "equivalent"),
        ("I11", "I11.0", "subsumes"),
        ("I11.0", "I00-I99", "subsumed-by"),
        ("I11", "I10", "not-subsumed"),
    ],
)
async def test_subsumes__by_the_listed_tree(client: Client, one: str, other: str, outcome: str) -> None:
    found = await asked(client, "/CodeSystem/$subsumes", system=ICD, codeA=one, codeB=other)

    assert told(found, "outcome") == outcome


# --- ValueSet ----------------------------------------------------------------------------------------------


async def test_expand__small_sets_come_whole(client: Client) -> None:
    found = await asked(client, "/ValueSet/$expand", url=GENDERS)

    assert sorted(codes(found)) == ["female", "male", "other", "unknown"]
    assert found["expansion"]["total"] == 4


async def test_expand__too_many_codes_ask_for_pages_and_pages_are_given(client: Client) -> None:
    refused = await client.get(f"/ValueSet/$expand?{urlencode({'url': ICD_VS})}")
    first = await asked(client, "/ValueSet/$expand", url=ICD_VS, count="3")
    second = await asked(client, "/ValueSet/$expand", url=ICD_VS, count="3", offset="3")

    assert refused.json()["issue"][0]["code"] == "too-costly"
    assert first["expansion"]["total"] == second["expansion"]["total"] > 12_000
    assert codes(first) == ["A00-B99", "A00-A09", "A00"]
    assert codes(second) == ["A00.0", "A00.1", "A00.9"]


async def test_expand__on_a_day_shows_the_provinces_of_that_day(client: Client) -> None:
    before = await asked(client, "/ValueSet/$expand", url=PROVINCES, date="2025-06-30", activeOnly="true")
    after = await asked(client, "/ValueSet/$expand", url=PROVINCES, date="2025-07-01", activeOnly="true")
    both = await asked(client, "/ValueSet/$expand", url=PROVINCES, date="2025-07-01")

    assert len(codes(before)) == 63
    assert len(codes(after)) == 34
    assert len(codes(both)) == len(set(codes(both))) == 63
    assert [one["code"] for one in both["expansion"]["contains"] if one.get("inactive")].count("77") == 1


async def test_expand__filters_excludes_and_imports_of_a_given_set(client: Client) -> None:
    given = {
        "resourceType": "ValueSet", "status": "active",
        "compose": {
            "include": [{"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "I11"}]},
                        {"valueSet": [GENDERS]},
                        {"system": "http://x.example/ours", "concept": [{"code": "a", "display": "Một"}]}],
            "exclude": [{"system": ICD, "concept": [{"code": "I11.9"}]},
                        {"system": GENDER, "filter": [{"property": "code", "op": "regex", "value": "(fe)?male"}]}],
        },
    }  # fmt: skip
    found = await posted(client, "/ValueSet/$expand", {"name": "valueSet", "resource": given})

    assert sorted(codes(found)) == ["I11", "I11.0", "a", "other", "unknown"]
    assert {one["system"] for one in found["expansion"]["contains"]} == {ICD, GENDER, "http://x.example/ours"}


async def test_expand__a_saved_set_by_its_address_and_by_its_id(client: Client) -> None:
    saved = await client.made(
        {
            "resourceType": "ValueSet", "url": "http://x.example/vs", "status": "active",
            "compose": {"include": [{"system": ICD, "filter": [
                {"property": "concept", "op": "descendent-of", "value": "I11"}]}]},
        }
    )  # fmt: skip

    by_url = await asked(client, "/ValueSet/$expand", url="http://x.example/vs")
    by_id = await asked(client, f"/ValueSet/{saved['id']}/$expand")

    assert codes(by_url) == codes(by_id) == ["I11.0", "I11.9"]


async def test_expand__a_set_that_contains_itself_is_refused(client: Client) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        await client.made(
            {
                "resourceType": "ValueSet", "url": f"http://x.example/{one}", "status": "active",
                "compose": {"include": [{"valueSet": [f"http://x.example/{other}"]}]},
            }
        )  # fmt: skip

    answer = await client.get("/ValueSet/$expand?url=http://x.example/a")

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "processing"


async def test_expand__a_set_of_a_system_that_is_not_here_says_so(client: Client) -> None:
    answer = await client.get("/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-codes&count=10")

    assert answer.status_code == 404
    assert "http://loinc.org" in answer.text


async def test_expand__english_where_the_list_has_it(client: Client) -> None:
    url = f"{BASE}/ValueSet/vn-treatment-outcome-vs"
    found = await asked(
        client, "/ValueSet/$expand", url=url, displayLanguage="en", includeDesignations="true", count="1"
    )
    (one,) = found["expansion"]["contains"]

    assert one["display"] == one["designation"][0]["value"]
    assert one["designation"][0]["language"] == "en"


@pytest.mark.parametrize(
    "given,result",
    [
        ({"url": ICD_VS, "system": ICD, "code": "I10"}, True),
        ({"url": ICD_VS, "system": ICD, "code": "ZZZ"}, False),
        ({"url": GENDERS, "system": ICD, "code": "I10"}, False),
        ({"url": GENDERS, "system": GENDER, "code": "male", "display": "Male"}, True),
        ({"url": f"{ICD}?fhir_vs=isa/I11", "system": ICD, "code": "I11.0"}, True),
        ({"url": f"{ICD}?fhir_vs=isa/I11", "system": ICD, "code": "I10"}, False),
        ({"url": PROVINCES, "system": PROVINCE, "code": "77", "date": "2026-01-01"}, False),
    ],
)
async def test_validate_code__of_a_value_set(client: Client, given: dict[str, str], result: bool) -> None:
    assert told(await asked(client, "/ValueSet/$validate-code", **given), "result") is result


# --- ConceptMap --------------------------------------------------------------------------------------------


async def test_translate__an_old_province_to_the_new_one_and_back(client: Client) -> None:
    there = await asked(
        client, "/ConceptMap/hsba-province-before-2025/$translate", system=PROVINCE, code="77"
    )
    back = await asked(
        client, "/ConceptMap/$translate", url=f"{BASE}/ConceptMap/hsba-province-before-2025",
        system=PROVINCE, code="79", reverse="true",
    )  # fmt: skip

    concept = told(there, "match")["part"][1]["valueCoding"]
    assert (told(there, "result"), concept["code"]) == (True, "79")
    assert {one["part"][1]["valueCoding"]["code"] for one in back["parameter"][1:]} == {"74", "77"}


async def test_translate__a_technique_to_its_procedure_and_a_dagger_to_its_asterisks(client: Client) -> None:
    technique = await asked(
        client, "/ConceptMap/$translate", system=f"{BASE}/CodeSystem/hsba-technique-cs", code="01.0117.0118"
    )
    dagger = await asked(client, "/ConceptMap/$translate", system=ICD, code="A01.0", targetsystem=ICD)

    assert told(technique, "match")["part"][1]["valueCoding"]["code"] == "33.22"
    assert told(dagger, "match")["part"][1]["valueCoding"]["code"].startswith("G01")


async def test_translate__without_a_map_the_result_is_no(client: Client) -> None:
    found = await asked(client, "/ConceptMap/$translate", system=GENDER, code="male")

    assert (told(found, "result"), told(found, "match")) == (False, None)


# --- what the server says of itself, and what the record does with the lists ---------------------------------


async def test_metadata__terminology_mode_names_the_lists(client: Client) -> None:
    found = await asked(client, "/metadata", mode="terminology")

    assert found["resourceType"] == "TerminologyCapabilities"
    assert {ICD, PROVINCE, GENDER} <= {one["uri"] for one in found["codeSystem"]}


def visit_in(code: str, day: str) -> Resource:
    return {
        "resourceType": "Procedure", "status": "completed", "performedDateTime": day,
        "subject": {"display": "Người thử"},
        "code": {"coding": [{"system": ICD, "code": code}]},
    }  # fmt: skip


async def test_search__below_and_in_go_by_the_list(client: Client) -> None:
    await client.made(visit_in("I11.0", "2026-03-01"))
    await client.made(visit_in("I10", "2026-03-02"))

    of_group = (await client.get(f"/Procedure?code:below={ICD}|I10-I15")).json()["total"]
    of_type = (await client.get(f"/Procedure?code:below={ICD}|I11")).json()["total"]
    of_list = (await client.get(f"/Procedure?code:in={ICD_VS}")).json()["total"]

    assert (of_group, of_type, of_list) == (2, 1, 2)


# --- finding as a doctor types ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed,first",
    [
        ("tang huyet ap", "I10"),
        ("huyet ap tang", "I10"),
        ("THA", "I10"),
        ("cao huyet ap", "I10"),
        ("i10", "I10"),
        ("a000", "A00.0"),
        ("A00.0", "A00.0"),
        ("vrt", "K35"),
        ("viem ruot thua cap", "K35"),
        ("nmct", "I21"),
        ("dtd type 2", "E11"),
        ("tieu duong tuyp 2", "E11"),
        ("copd", "J44"),
        ("suyen", "J45"),
        ("sxh dengue", "A97 A91 A90"),
        ("tay chan mieng", "B08.4"),
        ("tbmmn", "I64"),
        ("dot quy", "I64"),
        ("suy tim", "I50"),
        ("gout", "M10"),
        ("thong phong", "M10"),
        ("roi loan tien dinh", "H81"),
        ("nhiem trung tieu", "N39.0"),
        ("dau that lung", "M54.5"),
        ("k phoi", "C34"),
        ("gay xuong dui", "S72"),
        ("rn", "I48"),
        ("dong kinh", "G40"),
        ("soi than", "N20"),
        ("trao nguoc", "K21"),
        ("vpcd", "J18"),
        ("dot cap copd", "J44.1"),
        ("tieu duong thai ky", "O24"),
        ("ntd", "O44"),
    ],
)
async def test_expand__filter_finds_what_a_doctor_means(client: Client, typed: str, first: str) -> None:
    found = await asked(client, "/ValueSet/$expand", url=ICD_VS, filter=typed, count="5", activeOnly="true")

    assert codes(found)[0] in first.split(), codes(found)


async def test_expand__filter_of_nonsense_finds_nothing(client: Client) -> None:
    found = await asked(client, "/ValueSet/$expand", url=ICD_VS, filter="zzqq (' & | !", count="5")

    assert (codes(found), found["expansion"]["total"]) == ([], 0)


@pytest.mark.parametrize("typed", ["'", "!:*", "a' | 'b", "\\", "%", "…", "0"])
async def test_expand__filter_bears_any_text(client: Client, typed: str) -> None:
    await asked(client, "/ValueSet/$expand", url=PROVINCES, filter=typed)


@pytest.mark.parametrize(
    "path",
    [
        "/ValueSet/$expand",
        "/ValueSet/$expand?url=http://x.example/none",
        f"/ValueSet/$expand?url={GENDERS}&count=-1",
        f"/ValueSet/$expand?url={GENDERS}&date=mai",
        f"/ValueSet/$expand?url={GENDERS}&activeOnly=maybe",
        "/CodeSystem/$lookup",
        "/CodeSystem/$lookup?code=a",
        f"/CodeSystem/$subsumes?system={ICD}&codeA=I10",
        "/ConceptMap/$translate?url=http://x.example/none&code=a&system=b",
    ],
)
async def test_bad_questions__are_told_so(client: Client, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code in (400, 404)
    assert answer.json()["resourceType"] == "OperationOutcome"


# --- what a keeper saved itself, and versions --------------------------------------------------------------

WARDS = "http://bv.example.vn/CodeSystem/khu"


def wards(version: str, name: str, **more: Any) -> Resource:
    return {
        "resourceType": "CodeSystem",
        "url": WARDS,
        "version": version,
        "name": "Khu",
        "status": "active",
        "content": "complete",
        "language": "vi",
        "property": [{"code": "floor", "type": "string"}],
        "concept": [
            {
                "code": "N",
                "display": name,
                "property": [{"code": "floor", "valueString": "2"}],
                "concept": [{"code": "N1", "display": "Nội tim mạch"}],
            },
            {"code": "K", "display": "Khu khám"},
        ],
        **more,
    }


async def test_a_saved_code_system_answers_in_each_of_its_versions(client: Client) -> None:
    for version, name in (("1", "Nội cũ"), ("2", "Nội")):
        made = await client.post("/CodeSystem", wards(version, name))
        assert made.status_code == 201, made.text
    id = made.json()["id"]

    newest = await asked(client, "/CodeSystem/$lookup", system=WARDS, code="N")
    first = await asked(client, "/CodeSystem/$lookup", system=WARDS, version="1", code="N")
    of_one = await asked(client, f"/CodeSystem/{id}/$lookup", code="N1")
    right = await asked(client, "/CodeSystem/$validate-code", url=f"{WARDS}|2", code="N", display="Nội")
    below = await asked(client, "/CodeSystem/$subsumes", system=WARDS, codeA="N", codeB="N1")
    whole = await asked(client, "/ValueSet/$expand", url=f"{WARDS}?fhir_vs")
    branch = await asked(client, "/ValueSet/$expand", url=f"{WARDS}|1?fhir_vs=isa/N")
    typed = await asked(client, "/ValueSet/$expand", url=f"{WARDS}?fhir_vs", filter="tim mach")
    inside = await asked(
        client, "/ValueSet/$validate-code", url=f"{WARDS}?fhir_vs=isa/N", system=WARDS, code="N1"
    )
    outside = await asked(
        client, "/ValueSet/$validate-code", url=f"{WARDS}?fhir_vs=isa/N", system=WARDS, code="K"
    )

    assert [told(one, "display") for one in (newest, first, of_one)] == ["Nội", "Nội cũ", "Nội tim mạch"]
    assert properties(newest)["floor"] == "2"
    assert (told(right, "result"), told(below, "outcome")) == (True, "subsumes")
    assert (codes(whole), codes(typed)) == (["N", "N1", "K"], ["N1"])
    assert branch["expansion"]["contains"][0] == {
        "system": WARDS, "version": "1", "code": "N", "display": "Nội cũ",
    }  # fmt: skip
    assert (told(inside, "result"), told(outside, "result")) == (True, False)


async def test_a_value_set_may_choose_from_a_saved_system_by_property(client: Client) -> None:
    await client.post("/CodeSystem", wards("1", "Nội"))
    rule = {"system": WARDS, "filter": [{"property": "floor", "op": "=", "value": "2"}]}
    raw = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [rule]}}

    found = await posted(client, "/ValueSet/$expand", {"name": "valueSet", "resource": raw})

    assert codes(found) == ["N"]


@pytest.mark.parametrize(
    "path,given",
    [
        ("/CodeSystem/$lookup", {"system": ICD, "version": "1900", "code": "I10"}),
        ("/ValueSet/$expand", {"url": f"{ICD}|1900?fhir_vs"}),
        ("/ValueSet/$expand", {"url": f"{ICD_VS}|1900"}),
        ("/ValueSet/$expand", {"url": ICD_VS, "system-version": f"{ICD}|1900"}),
    ],
)
async def test_a_version_that_is_not_at_hand_is_not_found(
    client: Client, path: str, given: dict[str, str]
) -> None:
    answer = await client.get(f"{path}?{urlencode(given)}")

    assert answer.status_code == 404, answer.text
    assert "1900" in answer.text


async def test_a_version_that_is_not_at_hand_names_those_that_are(client: Client) -> None:
    answer = await client.get(f"/CodeSystem/$lookup?{urlencode({'system': f'{ICD}|1900', 'code': 'I10'})}")

    assert "at hand: " in answer.text
