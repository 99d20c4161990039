"""History at three levels, page by page (FHIR R4 http.html#history)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from acceptance.door import patient
from hsba.record import interactions

if TYPE_CHECKING:
    from acceptance.door import Client


async def changed(client: Client) -> dict[str, Any]:
    """A patient created, updated, deleted and brought back."""
    made = await client.made(patient())
    path = f"/Patient/{made['id']}"
    await client.put(path, {**made, "gender": "male"})
    await client.delete(path)
    await client.put(path, {**made, "gender": "other"})
    return made


async def test_history__of_a_resource_newest_first(client: Client) -> None:
    made = await changed(client)

    answer = await client.get(f"/Patient/{made['id']}/_history")

    found = answer.json()
    assert answer.status_code == 200
    assert (found["type"], found["total"]) == ("history", 4)
    assert [entry["request"]["method"] for entry in found["entry"]] == ["PUT", "DELETE", "PUT", "POST"]
    assert [entry["response"]["etag"] for entry in found["entry"]] == [f'W/"{n}"' for n in (4, 3, 2, 1)]
    assert [entry.get("resource", {}).get("gender") for entry in found["entry"]] == [
        "other",
        None,
        "male",
        "female",
    ]
    assert {entry["fullUrl"] for entry in found["entry"]} == {f"http://localhost/fhir/Patient/{made['id']}"}
    assert found["entry"][1]["request"]["url"] == f"Patient/{made['id']}"


async def test_history__of_a_type_and_of_everything_page_by_page(client: Client) -> None:
    await changed(client)
    await client.made({"resourceType": "Organization", "name": "A"})

    pages = []
    address = "/_history?_count=2"
    while address:
        page = (await client.get(address)).json()
        pages.append(len(page.get("entry", ())))
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    of_type = (await client.get("/Patient/_history")).json()

    assert pages == [2, 2, 1]
    assert len(of_type["entry"]) == 4


async def test_history__since_and_at(client: Client) -> None:
    made = await changed(client)
    path = f"/Patient/{made['id']}/_history"
    third = (await client.get(path)).json()["entry"][1]["response"]["lastModified"]

    since = (await client.get(f"{path}?_since={quote(third)}")).json()
    future = (await client.get(f"{path}?_since=2999")).json()

    assert [entry["response"]["etag"] for entry in since["entry"]] == ['W/"4"', 'W/"3"']
    assert "entry" not in future
    assert (await client.get(f"{path}?_at={quote(third)}")).status_code == 200


async def test_history__last_updated_as_since_misses_nobody_who_commits_late(client: Client) -> None:
    services = client.services
    tenant = services.tenants.get()
    for _ in range(3):
        await client.made(patient())

    async with services.pool.writing(tenant.id) as tx:
        late = await interactions.create(services.context(tx=tx, tenant=tenant), patient())
        await client.made(patient())
        first = (await client.get("/Patient/_history?_count=2")).json()
    second = (await client.get(first["link"][1]["url"])).json()
    since = quote(second["meta"]["lastUpdated"])
    again = (await client.get(f"/Patient/_history?_since={since}")).json()

    assert len(first["entry"]) + len(second["entry"]) == 4
    assert first["meta"] == second["meta"]
    assert late.stored.id in {entry["resource"]["id"] for entry in again["entry"]}


async def test_history__what_cannot_be_asked_is_refused(client: Client) -> None:
    made = await changed(client)
    path = f"/Patient/{made['id']}/_history"

    for query in ("_since=x", "_count=x", "_cursor=x", "nosuch=1", "_count=1&_count=2"):
        assert (await client.get(f"{path}?{query}")).status_code == 400
    assert (await client.get(f"{path}?nosuch=1", Prefer="handling=lenient")).status_code == 200
    assert (await client.get("/Patient/nobody/_history")).status_code == 404
    assert (await client.get("/Nonsense/_history")).status_code == 404


async def test_history__in_xml_and_in_parts(client: Client) -> None:
    made = await changed(client)
    path = f"/Patient/{made['id']}/_history"

    xml = await client.get(f"{path}?_format=xml")
    parts = (await client.get(f"{path}?_elements=gender")).json()
    count = (await client.get(f"{path}?_summary=count")).json()

    assert xml.text.count("<entry>") == 4
    assert "name" not in parts["entry"][0]["resource"]
    assert (count["total"], "entry" in count) == (4, False)
