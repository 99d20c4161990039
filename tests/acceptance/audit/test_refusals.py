"""Who looked for what is not there, or was refused it, is kept with the address he tried; and whose a deleted thing was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from acceptance.door import patient

if TYPE_CHECKING:
    from acceptance.door import Client

Resource = dict[str, Any]
WEIGHT = {
    "resourceType": "Observation",
    "id": "w",
    "status": "final",
    "code": {"text": "cân nặng"},
    "subject": {"reference": "Patient/p"},
}


async def refused(client: Client) -> list[tuple[str, str, list[str]]]:
    """The refusals of the trail: act, account, and what was tried."""
    events = (await client.get("/AuditEvent?outcome=4&_sort=date")).json().get("entry", ())
    return [
        (
            one["resource"]["subtype"][-1]["code"],
            one["resource"]["agent"][0]["altId"],
            [
                entity["what"].get("reference") or entity["what"]["display"]
                for entity in one["resource"]["entity"]
            ],
        )
        for one in events
    ]


@pytest.mark.parametrize(
    "path",
    ["/Patient/none", "/Patient/none/_history", "/Patient/none/_history/1", "/Patient/none/$everything"],
)
async def test_read__of_what_is_not_there_is_told_with_its_address(client: Client, path: str) -> None:
    assert (await client.get(path)).status_code == 404

    ((_, account, tried),) = await refused(client)
    assert account == "operator"
    assert tried == ["Patient/none", "NotFound"]


async def test_read__of_what_was_deleted_is_told(client: Client) -> None:
    await client.put("/Patient/p", patient(id="p"))
    assert (await client.delete("/Patient/p")).status_code in (200, 204)

    assert (await client.get("/Patient/p")).status_code == 410

    assert await refused(client) == [("read", "operator", ["Patient/p", "Gone"])]


async def test_batch__each_entry_that_finds_nothing_is_told(client: Client) -> None:
    entries = [{"request": {"method": "GET", "url": f"Patient/{id_}?_summary=true"}} for id_ in ("a", "b")]
    await client.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})

    assert [one[2] for one in await refused(client)] == [
        ["GET Patient/a NotFound"],
        ["GET Patient/b NotFound"],
    ]


async def test_page__of_nobody_is_told(client: Client) -> None:
    assert (await client.get("http://localhost/patients/none")).status_code == 404

    assert await refused(client) == [("patient", "operator", ["Patient/none", "NotFound none"])]


@pytest.mark.parametrize("id_", ["a\r\nadmin logged in", "\u202egnp", "x\x1b[2J", "é" * 3000])
async def test_address__of_line_breaks_and_escapes_stays_one_line(
    client: Client, owner: Any, id_: str
) -> None:
    await client.get(f"http://localhost/patients/{quote(id_)}")
    await client.get(f"/Patient/{quote(id_)}")
    await client.get("/Patient/none", x_request_id=quote(id_)[:90], x_hsba_reason=quote("lý do"))

    rows = await owner.fetch("SELECT detail, reason, account, address FROM audit.line")
    for row in rows:
        assert all(value is None or (value.isprintable() and len(value) <= 1000) for value in row), row


@pytest.mark.parametrize("reason", ["a%0Ab", "%1B[2J", "a%00b", "%ff", "x" * 1001])
async def test_reason__that_would_break_a_line_is_refused(client: Client, owner: Any, reason: str) -> None:
    await client.put("/Patient/p", patient(id="p"))

    assert (await client.get("/Patient/p", x_hsba_reason=reason)).status_code == 400

    assert await owner.fetchval("SELECT count(*) FROM audit.line WHERE reason IS NOT NULL") == 0


async def test_history__of_what_was_deleted_is_told_with_its_patient(client: Client) -> None:
    await client.put("/Patient/p", patient(id="p"))
    await client.put("/Observation/w", WEIGHT)
    await client.delete("/Observation/w")

    await client.get("/Observation/w/_history/1")
    await client.get("/Observation/w")

    found = (await client.get("/AuditEvent?patient=Patient/p&_sort=date")).json()["entry"]
    acts = [one["resource"]["subtype"][-1]["code"] for one in found]
    assert acts == ["create", "create", "delete", "vread", "read"]


async def test_bundle__that_deletes_much_is_told_with_its_patient(client: Client) -> None:
    await client.put("/Patient/p", patient(id="p"))
    for number in range(12):
        await client.put(f"/Observation/w{number}", {**WEIGHT, "id": f"w{number}"})
    entries = [{"request": {"method": "DELETE", "url": f"Observation/w{number}"}} for number in range(12)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert (await client.post("", bundle)).status_code == 200

    await client.get("/Observation/w3/_history/1")

    found = (await client.get("/AuditEvent?patient=Patient/p&_count=2")).json()["entry"]
    assert [one["resource"]["subtype"][-1]["code"] for one in found] == ["vread", "delete"]


async def test_refusal__whose_line_cannot_be_written_is_not_answered_as_one(
    client: Client, owner: Any
) -> None:
    await owner.execute("ALTER TABLE audit.line ADD CHECK (NOT refused) NOT VALID")

    assert (await client.get("/Patient/none")).status_code == 500
    assert (await client.get("http://localhost/patients/none")).status_code == 500
