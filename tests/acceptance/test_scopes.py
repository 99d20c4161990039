"""Through the door: no path shows or changes more than the scopes of a token let through, whatever its account may do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from acceptance.door import patient
from acceptance.identity import LOGIN
from hospital import observation
from hsba.access import accounts

if TYPE_CHECKING:
    from acceptance.identity import Ward

    Bearer = dict[str, str]


def plan(id: str, of: str) -> dict[str, Any]:
    return {
        "resourceType": "Flag", "id": id, "status": "active", "code": {"text": "Ngã"},
        "subject": {"reference": f"Patient/{of}"},
    }  # fmt: skip


@pytest_asyncio.fixture
async def house(ward: Ward) -> Ward:
    """Two patients with what was seen of them, and an account that may do everything."""
    await ward.account()
    bearer = await token(ward, "")
    for one in (
        patient(id="p1"), patient(id="p2"), plan("f1", "p1"), plan("f2", "p2"),
        observation("o1", "p1"), observation("o2", "p2"), observation("o3", "p1", status="preliminary"),
    ):  # fmt: skip
        answer = await ward.http.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one, headers=bearer)
        assert answer.status_code == 201, answer.text
    return ward


async def token(ward: Ward, scope: str, of: str | None = None) -> Bearer:
    """A token of the account with these scopes, of an app that was opened for a patient."""
    async with ward.owner() as tx:
        made = await accounts.token(tx, ward.at(), account=LOGIN, scope=scope, lasts=timedelta(hours=1))
        if of is not None:
            app = await tx.fetchval("SELECT id FROM access.client WHERE name = 'app'")
            if app is None:
                await accounts.create_client(tx, ward.at(), "app", "App", scope=scope)
            await tx.execute(
                "WITH given AS (INSERT INTO access.app_grant (client, account, tenant, scope, patient, code, redirect,"
                " challenge, issuer, created, code_ends) SELECT c.id, a.id, 1, $1, $2, sha256(random()::text::bytea), '', '',"
                " '', now(), now() FROM access.client c, access.account a WHERE c.name = 'app' AND a.login = $3 RETURNING id)"
                " UPDATE access.token SET app_grant = (SELECT id FROM given) WHERE id = (SELECT max(id) FROM access.token)",
                scope,
                of,
                LOGIN,
            )
    return {"Authorization": f"Bearer {made}"}


async def seen(ward: Ward, path: str, bearer: Bearer) -> set[str]:
    """The resources that an answer shows, by address."""
    answer = await ward.http.get("/fhir" + path, headers=bearer)
    if answer.status_code in (403, 404):
        return set()
    assert answer.status_code == 200, answer.text
    content = answer.json()
    if content["resourceType"] != "Bundle":
        return {f"{content['resourceType']}/{content['id']}"} if "id" in content else set()
    entries = content.get("entry", ())
    matches = [one for one in entries if one.get("search", {}).get("mode") != "include"]
    assert content.get("total", len(matches)) == len(matches)
    some = [one["resource"] for one in entries]
    return {f"{one['resourceType']}/{one['id']}" for one in some if one["resourceType"] != "OperationOutcome"}


PATHS = (
    "/Patient/p1", "/Patient/p2", "/Observation/o1", "/Observation/o2", "/Flag/f1", "/Observation/o3",
    "/Patient?_total=accurate", "/Observation?_total=accurate", "/Observation?patient=p2",
    "/Observation?subject:Patient.gender=female",
    "/Patient?_has:Observation:patient:status=final", "/Patient?_has:Flag:patient:date:missing=true",
    "/Observation?_include=Observation:patient",
    "/Patient?_revinclude=Observation:patient&_revinclude=Flag:patient", "/Patient?_sort=-_lastUpdated",
    "/?_type=Patient,Flag,Observation",
    "/Patient/p1/Observation", "/Patient/p2/*", "/_history", "/Patient/_history", "/Observation/_history",
    "/Patient/p2/_history", "/Observation/o1/_history", "/Observation/o2/_history/1", "/Patient/p1/$everything",
    "/Patient/p2/$everything", "/Observation/o3/$meta", "/Observation?_id=o1,o2,o3", "/Observation?_elements=status",
)  # fmt: skip
"""Every kind of question."""


@pytest.mark.parametrize(
    "scope, of, allowed",
    [
        ("user/Patient.rs", None, {"Patient/p1", "Patient/p2"}),
        ("user/Observation.rs?status=final", None, {"Observation/o1", "Observation/o2"}),
        ("patient/*.rs", "p1", {"Patient/p1", "Flag/f1", "Observation/o1", "Observation/o3"}),
        ("patient/Patient.rs patient/Observation.rs?status=final", "p1", {"Patient/p1", "Observation/o1"}),
        ("patient/*.cruds", None, set()),
        ("openid nonsense", None, set()),
        ("user/Flag.cud", None, set()),
        ("system/*.cruds", None, None),
    ],
)
async def test_scope__no_path_shows_more(
    house: Ward, scope: str, of: str | None, allowed: set[str] | None
) -> None:
    everything = await token(house, "")
    bearer = await token(house, scope, of)

    found: set[str] = set()
    for path in PATHS:
        here = await seen(house, path, bearer)
        found |= here
        assert here <= await seen(house, path, everything), path
    if allowed is None:
        assert {"Patient/p1", "Patient/p2", "Flag/f1", "Observation/o2"} <= found
    else:
        assert found == allowed


async def test_scope__to_read_by_id_is_not_to_search(house: Ward) -> None:
    bearer = await token(house, "user/Patient.r")

    assert await seen(house, "/Patient/p1", bearer) == {"Patient/p1"}
    assert await seen(house, "/Patient/p1/_history", bearer) == {"Patient/p1"}
    assert await seen(house, "/Patient", bearer) == set()
    assert await seen(house, "/Patient/_history", bearer) == set()


async def test_scope__lets_nothing_be_written_that_it_does_not_name(house: Ward) -> None:
    reader, other = await token(house, "user/*.rs"), await token(house, "patient/Observation.cruds", "p1")
    own, strange = observation("o1", "p1", status="amended"), observation("o2", "p2", status="amended")

    statuses = [
        (await house.http.post("/fhir/Observation", json=own, headers=reader)).status_code,
        (await house.http.put("/fhir/Observation/o1", json=own, headers=reader)).status_code,
        (await house.http.delete("/fhir/Observation/o1", headers=reader)).status_code,
        (await house.http.put("/fhir/Observation/o1", json=own, headers=other)).status_code,
        (await house.http.put("/fhir/Observation/o2", json=strange, headers=other)).status_code,
        (
            await house.http.put("/fhir/Observation/o1", json={**strange, "id": "o1"}, headers=other)
        ).status_code,
        (await house.http.post("/fhir/Observation", json=strange, headers=other)).status_code,
        (await house.http.post("/fhir/Flag", json=plan("x", "p1"), headers=other)).status_code,
    ]

    assert statuses == [403, 403, 403, 200, 404, 403, 403, 403]
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"resource": strange, "request": {"method": "PUT", "url": "Observation/o2"}}],
    }  # fmt: skip
    assert (await house.http.post("/fhir/", json=bundle, headers=other)).status_code == 404


async def test_scope__of_a_token_does_not_widen_what_its_account_may_do(ward: Ward) -> None:
    await ward.account(roles=("reception",))
    bearer = await token(ward, "user/*.cruds")

    assert (await ward.http.post("/fhir/Patient", json=patient(), headers=bearer)).status_code == 201
    made = await ward.http.post("/fhir/Observation", json=observation("x", "y"), headers=bearer)
    assert made.status_code == 403


async def test_scope__an_answer_given_before_is_not_repeated_to_a_token_of_fewer_scopes(house: Ward) -> None:
    wide, narrow = await token(house, "user/Patient.cruds"), await token(house, "user/Patient.c")
    key = {"Idempotency-Key": "k1"}

    first = await house.http.post("/fhir/Patient", json=patient(), headers={**wide, **key})
    again = await house.http.post("/fhir/Patient", json=patient(), headers={**narrow, **key})

    assert (first.status_code, again.status_code) == (201, 422)


async def test_scope__an_export_is_there_for_tokens_of_the_same_scopes_only(house: Ward) -> None:
    wide, narrow = await token(house, "user/*.rs"), await token(house, "user/Patient.rs")
    wish = {"Prefer": "respond-async"}

    begun = await house.http.get("/fhir/$export?_type=Patient,Observation", headers={**wide, **wish})
    refused = await house.http.get("/fhir/$export?_type=Patient,Observation", headers={**narrow, **wish})
    assert (begun.status_code, refused.status_code) == (202, 403)
    where = begun.headers["content-location"]

    assert (await house.http.get(where, headers=wide)).status_code == 202
    assert (await house.http.get(where, headers=narrow)).status_code == 404
    assert (await house.http.delete(where, headers=narrow)).status_code == 404


async def test_scope__a_subscription_needs_a_token_that_reads_all(house: Ward) -> None:
    wish = {
        "resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Observation?status=final",
        "channel": {"type": "rest-hook", "endpoint": "https://example.org/hook"},
    }  # fmt: skip
    narrow, wide = (
        await token(house, "user/Subscription.cruds"),
        await token(house, "user/Subscription.cruds user/*.rs"),
    )

    assert (await house.http.post("/fhir/Subscription", json=wish, headers=narrow)).status_code == 403
    assert (await house.http.post("/fhir/Subscription", json=wish, headers=wide)).status_code == 201
