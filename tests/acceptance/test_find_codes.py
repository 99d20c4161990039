"""ValueSet/$find through the real door: what a doctor and his department choose first, and warnings of rule flags."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from callers import Always
from hospital import Hospital, encounter, to
from hsba.fhir.vn import BASE
from hsba.record import interactions
from hsba.terminology import choices

if TYPE_CHECKING:
    from acceptance.door import Client
    from hsba.app import App

Resource = dict[str, Any]

ICD = f"{BASE}/CodeSystem/vn-icd10-cs"
ICD_VS = f"{BASE}/ValueSet/vn-icd10-vs"
EVERYTHING = {"may": ["view", "create", "update"], "types": ["*"]}


async def found(client: Client, text: str = "", **more: str) -> list[Resource]:
    """The matches as {code, often, rules}."""
    answer = await client.get(f"/ValueSet/$find?{urlencode({'url': ICD_VS, 'text': text, **more})}")
    assert answer.status_code == 200, answer.text
    made = []
    for one in answer.json().get("parameter", ()):
        if one["name"] == "match":
            parts = {part["name"]: part for part in one["part"] if part["name"] != "warning"}
            rules = [part["part"][0]["valueCode"] for part in one["part"] if part["name"] == "warning"]
            made.append(
                {
                    "code": parts["concept"]["valueCoding"]["code"],
                    "often": parts.get("often", {}).get("valueCode", ""),
                    "rules": rules,
                }
            )
    return made


def condition(id: str, code: str, visit: str = "e1") -> Resource:
    return {
        "resourceType": "Condition", "id": id, "subject": to("Patient", "p1"), "encounter": to("Encounter", visit),
        "code": {"coding": [{"system": ICD, "code": code}]},
    }  # fmt: skip


async def ward_of(client: Client) -> Hospital:
    """A department with a stay, and doctors who may do everything."""
    hospital = Hospital(client.services)
    await hospital.save(
        {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"},
        {"resourceType": "Organization", "id": "san", "name": "Khoa Sản"},
        {"resourceType": "Patient", "id": "p1", "name": [{"text": "Người Thử"}]},
        encounter("e1", "p1", "noi"),
        encounter("e2", "p1", "san"),
    )
    await hospital.role("everything", EVERYTHING)
    for account in ("bs.lan", "bs.minh", "bs.xa"):
        await hospital.give(account, "everything")
    return hospital


async def counted(app: App) -> None:
    """Read the feed to its end, which waits for whoever else is writing on this server."""
    async with app.pool.bare() as tx:
        done = await tx.fetchval("SELECT pg_current_xact_id()")
        while not await tx.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1", done):
            await asyncio.sleep(0.02)
    while await choices.count(app):
        pass


async def choose(hospital: Hospital, account: str, *some: Resource) -> None:
    async with hospital.acting(account) as ctx:
        for one in some:
            await interactions.update(ctx, one)
    await counted(hospital.app)


async def test_find__what_a_doctor_chose_stands_first_for_that_doctor_only(client: Client) -> None:
    hospital = await ward_of(client)
    await choose(hospital, "bs.lan", condition("c1", "J18.9"))

    client.services.identity = Always(client.services, "bs.lan")
    hers = await found(client, "viem")
    nothing_typed = await found(client)
    client.services.identity = Always(client.services, "bs.xa")
    anothers = await found(client, "viem")

    assert (hers[0]["code"], hers[0]["often"]) == ("J18.9", "own")
    assert [one["code"] for one in nothing_typed] == ["J18.9"]
    assert anothers[0]["code"] != "J18.9"
    assert {one["often"] for one in anothers} == {""}


async def test_find__of_a_department_only_what_it_chose_often_is_shown(client: Client) -> None:
    hospital = await ward_of(client)
    await choose(
        hospital, "bs.minh", *(condition(f"c{n}", "I50.0") for n in range(3)), condition("rare", "B20")
    )
    await choose(hospital, "bs.lan", condition("own", "J18.9"))

    client.services.identity = Always(client.services, "bs.lan")
    nothing_typed = await found(client)

    assert [(one["code"], one["often"]) for one in nothing_typed] == [
        ("J18.9", "own"),
        ("I50.0", "department"),
    ]


async def test_find__another_departments_choices_are_not_shown(client: Client) -> None:
    hospital = await ward_of(client)
    await choose(hospital, "bs.minh", *(condition(f"c{n}", "O80", "e2") for n in range(5)))
    await choose(hospital, "bs.lan", condition("own", "J18.9"))

    client.services.identity = Always(client.services, "bs.lan")

    assert [one["code"] for one in await found(client)] == ["J18.9"]


async def test_count__what_the_program_itself_loads_is_nobodys_choice_and_twice_is_not_counted(
    client: Client,
) -> None:
    hospital = await ward_of(client)
    await hospital.save(condition("loaded", "A00.0"))
    await choose(hospital, "bs.lan", condition("c1", "J18.9"), condition("c1", "J18.0"))
    await choices.count(client.services)

    async with client.services.pool.bare() as tx:
        await tx.execute("SET hsba.tenant = '1'")
        rows = await tx.fetch("SELECT account, department, code, times FROM record.code_choice")

    assert [tuple(row) for row in rows] == [("bs.lan", "noi", "J18.9", 1)]


@pytest.mark.parametrize(
    "code,asked,rules",
    [
        ("B95.0", {"use": "main"}, {"main"}),
        ("B95.0", {"use": "other"}, set()),
        ("G63.2", {"use": "main"}, {"asterisk"}),
        ("A02.2", {"use": "main"}, {"asterisk-missing"}),
        ("A02.2", {"use": "main", "beside": "I10,G01"}, set()),
        ("O80", {"sex": "male"}, {"sex"}),
        ("O80", {"sex": "female"}, set()),
        ("N40", {"sex": "female"}, {"sex"}),
        ("N40", {"sex": "unknown"}, set()),
        ("I10", {"use": "main", "sex": "male", "age": "40"}, set()),
    ],
)
async def test_find__warns_of_the_rules_of_a_code(
    client: Client, code: str, asked: dict[str, str], rules: set[str]
) -> None:
    some = await found(client, code, **asked)

    assert (some[0]["code"], set(some[0]["rules"])) == (code, rules)


async def test_find__a_warning_is_a_sentence_in_both_languages(client: Client) -> None:
    answer = await client.get(f"/ValueSet/$find?{urlencode({'url': ICD_VS, 'text': 'O80', 'sex': 'male'})}")

    assert "Mã O80 chỉ dùng cho nữ; hãy kiểm tra lại." in answer.text
    assert "O80 is only for the other sex" in answer.text


@pytest.mark.parametrize(
    "asked", [{"use": "x"}, {"sex": "nam"}, {"age": "-1"}, {"age": "già"}, {"count": "x"}]
)
async def test_find__what_is_no_question_is_refused(client: Client, asked: dict[str, str]) -> None:
    answer = await client.get(f"/ValueSet/$find?{urlencode({'url': ICD_VS, 'text': 'a', **asked})}")

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
