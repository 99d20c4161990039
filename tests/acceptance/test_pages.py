"""The web pages through the real door: headers, refusals, two languages, and how many queries each takes."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio

from acceptance.door import patient
from hsba.http import web
from hsba.http.app import Options, build
from hsba.record import interactions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App

EVIL = '<script>alert("x")</script>'
CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"


@pytest_asyncio.fixture
async def site(services: App) -> AsyncIterator[httpx.AsyncClient]:
    """A reader's browser, as far as HTTP goes."""
    application = build(services, Options(allowed_hosts=("localhost",)), pages=web.ROUTES)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def written(services: App, *resources: dict[str, Any]) -> None:
    async with services.pool.writing(services.tenants.get().id) as tx:
        ctx = services.context(tx=tx)
        for one in resources:
            await interactions.update(ctx, one)


def stay(id_: str, whom: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{whom}"},
        "period": {"start": "2026-11-20T09:00:00+07:00"},
        "serviceProvider": {"display": "Khoa Nội"},
    }


def some_care(whom: str) -> list[dict[str, Any]]:
    """One resource of each kind that a hospital soon has; of a kind never stored, a page asks again and again."""
    subject = {"reference": f"Patient/{whom}"}
    return [
        {"resourceType": "Condition", "id": "c", "subject": subject, "code": {"text": "Suy tim"}},
        {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "subject": subject,
            "code": {"text": "Kali"},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "m",
            "status": "active",
            "intent": "order",
            "subject": subject,
            "medicationCodeableConcept": {"text": "Furosemid"},
        },
        {
            "resourceType": "DocumentReference",
            "id": "d",
            "status": "current",
            "subject": subject,
            "content": [{"attachment": {"title": "Tờ điều trị"}}],
        },
    ]


@pytest.fixture
def hoa() -> dict[str, Any]:
    return patient(id="hoa", identifier=[{"system": CCCD, "value": "099159000001"}])


@pytest.mark.parametrize(
    "path", ["/", "/find", "/find?q=anh", "/find/_results?q=anh", "/patients", "/patients/hoa"]
)
async def test_page__is_never_kept_and_runs_no_script_but_ours(
    site: httpx.AsyncClient, services: App, hoa: dict[str, Any], path: str
) -> None:
    await written(services, hoa)

    answer = await site.get(path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["content-language"] == "vi"


async def test_page__what_others_wrote_is_text_and_never_markup(
    site: httpx.AsyncClient, services: App, hoa: dict[str, Any]
) -> None:
    evil = {
        **hoa,
        "name": [{"text": EVIL, "family": EVIL, "given": [EVIL]}],
        "address": [{"text": EVIL}],
        "identifier": [{"system": CCCD, "value": EVIL}],
    }
    await written(services, evil, stay("e", "hoa"))

    for path in (
        "/",
        "/patients",
        "/patients/hoa",
        "/patients/hoa/encounters/e",
        "/patients/hoa/resources/Patient/hoa",
    ):
        answer = await site.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    answer = await site.get("/find", params={"q": EVIL})
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/patients/nobody",
        "/patients/hoa/encounters/nothing",
        "/patients/hoa/encounters/others",
        "/patients/hoa/resources/Patient/anh",
        "/patients/hoa/resources/NoType/x",
        "/patients/hoa/resources/Patient/hoa?version=7",
        "/patients/" + "x" * 2000,
        "/nothing",
    ],
)
async def test_problem__is_a_page_that_says_what_to_do(
    site: httpx.AsyncClient, services: App, hoa: dict[str, Any], path: str
) -> None:
    await written(services, hoa, patient(id="anh"), stay("others", "anh"))

    answer = await site.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Không có gì ở địa chỉ này" in answer.text
    assert "hồ sơ vẫn như cũ" in answer.text


async def test_problem__a_nul_in_the_address_is_a_bad_address(site: httpx.AsyncClient) -> None:
    answer = await site.get("/patients/%00")

    assert answer.status_code == 400
    assert "Không đọc được địa chỉ" in answer.text


@pytest.mark.parametrize(
    "path", ["/assets/nothing.css", "/assets/%2e%2e/page.py", "/assets/templates/base.html"]
)
async def test_assets__nothing_else_of_the_program_is_served(site: httpx.AsyncClient, path: str) -> None:
    assert (await site.get(path)).status_code == 404


async def test_problem__in_a_fragment_is_a_short_notice(
    site: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("hsba.record.views.finding.find", fail)

    answer = await site.get("/find/_results?q=anh")

    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert "<html" not in answer.text


async def test_language__is_chosen_once_and_kept(site: httpx.AsyncClient) -> None:
    chosen = await site.get("/patients?lang=en&after=")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/patients?after=")

    answer = await site.get("/patients")

    assert '<html lang="en"' in answer.text
    assert "Patients" in answer.text


@pytest.mark.parametrize("path", ["//evil.example/?lang=en", "/%2F/evil.example/?theme=dark"])
async def test_language__switch_leads_to_no_other_machine(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get("http://localhost" + path)

    assert not answer.headers.get("location", "/").startswith("//")


async def test_language__what_is_not_one_changes_nothing(site: httpx.AsyncClient) -> None:
    answer = await site.get("/patients?lang=xx")

    assert answer.status_code == 200
    assert '<html lang="vi"' in answer.text


async def test_standing__note_is_on_every_page_while_nothing_is_signed(site: httpx.AsyncClient) -> None:
    for path in ("/", "/patients", "/nothing"):
        assert "chưa được nhập người bệnh thật" in (await site.get(path)).text


@pytest.mark.parametrize(
    "theme, media",
    [("auto", "screen and (prefers-color-scheme: dark)"), ("dark", "screen"), ("light", None)],
)
async def test_page__asks_for_the_dark_colours_where_they_are_wanted(
    site: httpx.AsyncClient, theme: str, media: str | None
) -> None:
    site.cookies.set("hsba-theme", theme)

    page = (await site.get("/")).text

    found = re.search(r'href="(/assets/dark\.css[^"]*)" media="([^"]*)"', page)
    assert (found[2] if found else None) == media
    assert found is None or "--canvas" in (await site.get(found[1])).text


async def test_assets__with_their_hash_may_be_kept_for_ever(site: httpx.AsyncClient) -> None:
    page = (await site.get("/")).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]

    kept = await site.get(address)
    plain = await site.get("/assets/app.css")
    again = await site.get("/assets/app.css", headers={"if-none-match": plain.headers["etag"]})

    assert "immutable" in kept.headers["cache-control"]
    assert "immutable" not in plain.headers["cache-control"]
    assert kept.headers["content-encoding"] == "gzip"
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path,budget",
    [
        ("/", 3),
        ("/find?q=anh", 1),
        ("/find/_results?q=099159000001", 1),
        ("/patients", 1),
        ("/patients/hoa", 5),
        ("/patients/hoa?tab=timeline", 2),
        ("/patients/hoa?tab=results", 2),
        ("/patients/hoa?tab=medicines", 2),
        ("/patients/hoa?tab=documents", 2),
        ("/patients/hoa/encounters/e", 4),
        ("/patients/hoa/resources/Patient/hoa", 2),
        ("/nothing", 0),
    ],
)
async def test_budget__queries_of_a_page(
    site: httpx.AsyncClient,
    services: App,
    hoa: dict[str, Any],
    path: str,
    budget: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await written(services, hoa, stay("e", "hoa"), *some_care("hoa"))
    await site.get(path)  # a process asks once for the numbers of names
    sent: list[str] = []

    def watched(room: Any) -> Any:
        @asynccontextmanager
        async def connection(tenant: int) -> AsyncIterator[Any]:
            async with room(tenant) as tx:

                def note(query: Any) -> None:
                    sent.append(query.query)

                tx.add_query_logger(note)
                yield tx
                tx.remove_query_logger(note)

        return connection

    for room in ("reading", "searching"):
        monkeypatch.setattr(services.pool, room, watched(getattr(services.pool, room)))

    answer = await site.get(path)

    assert answer.status_code in (200, 404)
    assert len(sent) <= budget, sent


@pytest.mark.parametrize(
    "address,shown",
    [
        ("/codes", "Tra cứu mã"),
        ("/codes?q=tha", "I10"),
        ("/codes?q=b950", "không làm bệnh chính"),
        ("/codes?list=vn-province&q=vung+tau", "đến hết 30/06/2025"),
        ("/codes?list=unknown&q=zzqq", "Không có mã nào khớp"),
        ("/codes/_results?list=vn-ward&q=ba+dinh", "Phường Ba Đình"),
    ],
)
async def test_codes__are_found_as_people_type(site: httpx.AsyncClient, address: str, shown: str) -> None:
    answer = await site.get(address)

    assert answer.status_code == 200
    assert shown in answer.text
