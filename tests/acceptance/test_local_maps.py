"""The mapping workbench through the real door: what is not mapped, suggestions, decisions, undo, and $translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from acceptance.identity import LOGIN
from acceptance.test_find_codes import counted
from hospital import Hospital
from hsba.fhir.validate import validate
from hsba.fhir.vn import BASE
from hsba.terminology import choices

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

Resource = dict[str, Any]

OURS = "urn:bv:chan-doan"
ICD = f"{BASE}/CodeSystem/vn-icd10-cs"


def diagnosis(id: str, code: str, name: str) -> Resource:
    return {
        "resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": OURS, "code": code, "display": name}]},
    }  # fmt: skip


async def desk(ward: Ward, *roles: str) -> Hospital:
    """Somebody logged in with these roles, and a record with codes of the hospital's own."""
    hospital = Hospital(ward.services)
    await ward.account(roles=roles)
    await hospital.save(
        {"resourceType": "Patient", "id": "p1", "name": [{"text": "Người Thử"}]},
        *(diagnosis(f"a{n}", "TIM01", "Tăng huyết áp vô căn nguyên phát") for n in range(3)),
        diagnosis("b", "PHOI7", "Viêm phổi do phế cầu"),
    )
    await ward.log_in()
    return hospital


async def begun(ward: Ward) -> str:
    form = {"title": "Chẩn đoán cũ", "source": OURS, "target": "vn-icd10"}
    answer = await ward.http.post("/maps", data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def decided(ward: Ward, at: str, **form: str) -> httpx.Response:
    return await ward.http.post(f"{at}/decide", data=form)


async def translated(ward: Ward, code: str, **more: str) -> Resource:
    asked = urlencode({"system": OURS, "code": code, **more})
    answer = await ward.http.get(
        f"/fhir/ConceptMap/$translate?{asked}", headers={"Accept": "application/fhir+json"}
    )
    assert answer.status_code == 200, answer.text
    found: Resource = answer.json()
    return found


async def test_maps__from_counting_to_translating_and_back(ward: Ward) -> None:
    hospital = await desk(ward, "planning")
    at = await begun(ward)

    page = (await ward.http.get(at)).text
    assert page.index("TIM01") < page.index("PHOI7"), "the most frequent comes first"

    await hospital.save(*(diagnosis(f"c{n}", "PHOI7", "Viêm phổi do phế cầu") for n in range(4)))
    await counted(ward.services)
    page = (await ward.http.get(at)).text
    assert page.index("PHOI7") < page.index("TIM01")
    assert "Viêm phổi do phế cầu" in page
    assert "J13" in page, "a name that is alike is suggested"

    assert (await decided(ward, at, code="PHOI7", verdict="rejected", target="J13")).status_code == 303
    assert "J13</span>" not in (await ward.http.get(at)).text.split("PHOI7", 1)[1].split("TIM01")[0]
    await decided(ward, at, code="TIM01", verdict="accepted", target="I10", equivalence="narrower")
    mapped = (await ward.http.get(f"{at}?state=accepted")).text
    assert "TIM01" in mapped
    assert LOGIN in mapped
    found = await translated(ward, "TIM01")
    parts = {one["name"]: one for one in found["parameter"][1]["part"]}
    assert found["parameter"][0]["valueBoolean"] is True
    assert parts["concept"]["valueCoding"]["code"] == "I10"
    assert parts["equivalence"]["valueCode"] == "narrower"

    number = mapped.split("/undo/")[1].split('"')[0]
    assert (await ward.http.post(f"{at}/undo/{number}")).status_code == 303
    assert (await translated(ward, "TIM01"))["parameter"][0]["valueBoolean"] is False
    assert (await ward.http.post(f"{at}/undo/{number}")).status_code == 409


async def test_met__a_code_that_a_gateway_met_is_to_be_mapped(ward: Ward) -> None:
    hospital = await desk(ward, "planning")
    at = await begun(ward)
    async with hospital.acting() as ctx:
        for _ in range(9):
            await choices.met(ctx.tx, ctx.tenant.id, OURS, "MAY-XN", "Đái tháo đường", ctx.clock.now())

    page = (await ward.http.get(at)).text

    assert page.index("MAY-XN") < page.index("TIM01")
    assert "gặp 9 lần" in page


async def test_maps__a_later_decision_takes_the_place_and_export_is_a_concept_map(ward: Ward) -> None:
    await desk(ward, "insurance-clerk")
    at = await begun(ward)
    await decided(ward, at, code="TIM01", verdict="accepted", target="I11.9")
    await decided(ward, at, code="TIM01", verdict="accepted", target="I10", equivalence="inexact")
    await decided(ward, at, code="PHOI7", verdict="unmatched")

    headers = {"Accept": "application/fhir+json"}
    exported = (
        await ward.http.get(f"/fhir/ConceptMap/{at.removeprefix('/maps/')}/$local", headers=headers)
    ).json()
    elements = {one["code"]: one["target"] for group in exported["group"] for one in group["element"]}

    assert validate(exported, ward.services.definitions) == []
    assert exported["sourceUri"] == OURS
    assert [one["code"] for one in elements["TIM01"]] == ["I10"]
    assert elements["PHOI7"] == [{"equivalence": "unmatched"}]
    assert (await translated(ward, "PHOI7"))["parameter"][0]["valueBoolean"] is False


@pytest.mark.parametrize(
    "form,status",
    [
        ({"code": "TIM01", "verdict": "accepted", "target": "ZZZ"}, 400),
        ({"code": "TIM01", "verdict": "accepted", "target": "A00-B99"}, 400),
        ({"code": "none", "verdict": "accepted", "target": "I10"}, 400),
        ({"code": "TIM01", "verdict": "maybe", "target": "I10"}, 400),
        ({"code": "TIM01", "verdict": "accepted", "target": "I10", "equivalence": "x"}, 400),
    ],
)
async def test_maps__what_is_no_decision_is_refused_and_nothing_is_kept(
    ward: Ward, form: dict[str, str], status: int
) -> None:
    await desk(ward, "planning")
    at = await begun(ward)

    assert (await decided(ward, at, **form)).status_code == status
    assert (await translated(ward, "TIM01"))["parameter"][0]["valueBoolean"] is False


async def test_maps__twice_the_same_list_no_address_and_no_map_are_refused(ward: Ward) -> None:
    await desk(ward, "planning")
    await begun(ward)
    again = {"title": "Chẩn đoán cũ", "source": OURS, "target": "vn-icd10"}
    wrong = {"title": "x", "source": "không phải uri", "target": "vn-icd10"}

    assert (await ward.http.post("/maps", data=again)).status_code == 409
    assert (await ward.http.post("/maps", data=wrong)).status_code == 400
    assert (await ward.http.get("/maps/none")).status_code == 404


async def test_maps__who_may_not_update_a_concept_map_is_refused(ward: Ward) -> None:
    await desk(ward, "doctor")

    assert (await ward.http.get("/maps")).status_code == 403
    assert (
        await ward.http.post("/maps", data={"title": "x", "source": OURS, "target": "vn-icd10"})
    ).status_code == 403
    assert "/maps" not in (await ward.http.get("/codes")).text
