"""The contract of all doors: whatever is answered leaves a line, whichever room brought the route or operation.

A new route or operation that these tables do not know how to call fails here: say how, or except it by name.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID, uuid4, uuid5

import httpx
import pytest
import pytest_asyncio

import form_answers
from acceptance.conftest import options
from acceptance.door import patient
from callers import Always
from hsba.access.oauth import apps
from hsba.access.oauth.apps import Wanted
from hsba.access.rights import grants
from hsba.app import OPERATIONS
from hsba.fhir.vn import BASE
from hsba.forms import answers, catalogue
from hsba.http import web
from hsba.http.app import build
from hsba.http.middleware import UNTOLD, UNTOLD_OPERATIONS
from hsba.http.routes import ROUTES
from hsba.http.web import assets
from hsba.record.context import Actor

if TYPE_CHECKING:
    from acceptance.door import Client
    from hsba.http.routes import Route

Resource = dict[str, Any]

ENTRY = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/"): {"resourceType": "Bundle", "type": "transaction", "entry": [ENTRY]},
    ("POST", "/{type}"): patient(),
    ("PUT", "/{type}"): patient(birthDate="1990-01-01"),
    ("PATCH", "/{type}"): [{"op": "replace", "path": "/gender", "value": "male"}],
    ("PUT", "/{type}/{id}"): patient(id="p", birthDate="1990-01-01"),
    ("PATCH", "/{type}/{id}"): [{"op": "replace", "path": "/gender", "value": "other"}],
}
"""What a route is sent."""
QUERIES = {"/{type}": "?_id=p", "/": "?_type=Patient", "/{compartment}/{id}/*": "?_count=2"}
"""Conditions, for routes that are refused without one."""


COMMUNE = catalogue.forms()["17-BV1"]
SHEET = "0197a1b2-0000-7000-8000-000000000001"


def parameters(**values: str) -> Resource:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name.replace("_", "-"), "valueString": value} for name, value in values.items()
        ],
    }


META = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}]}
CALLS: dict[str, tuple[str, str, Any]] = {
    "emergency-access": (
        "POST",
        "/Patient/p/$emergency-access",
        parameters(category="life", reason="Hôn mê, cần tiền sử dị ứng"),
    ),
    "everything": ("GET", "/Patient/p/$everything", None),
    "export": ("GET", "/$export", None),
    "export-status": ("GET", "/$export-status?job=1", None),
    "extract": ("POST", f"/QuestionnaireResponse/{SHEET}/$extract", None),
    "hsba-reindex": ("GET", "/SearchParameter/$hsba-reindex", None),
    "hsba-step": ("POST", "/Composition/c/$hsba-step", parameters(step="open")),
    "import": ("POST", "/$import", None),
    "import-status": ("GET", "/$import-status?job=1", None),
    "merge": ("POST", "/Patient/$merge", parameters(source_patient="Patient/q", target_patient="Patient/p")),
    "meta": ("GET", "/Patient/p/$meta", None),
    "meta-add": ("POST", "/Patient/p/$meta-add", META),
    "meta-delete": ("POST", "/Patient/p/$meta-delete", META),
    "populate": (
        "GET",
        f"/Questionnaire/$populate?canonical={COMMUNE.canonical}&subject=Patient/p&part=examination",
        None,
    ),
    "unmerge": ("POST", "/Patient/$unmerge", parameters(source_patient="Patient/q")),
    "validate": ("POST", "/Patient/$validate", patient()),
}
"""How each operation is called, by name."""
FIRST = {"export-status": "export", "import-status": "import", "unmerge": "merge"}
"""What is called before, so that there is something to answer."""
ELSEWHERE = frozenset({"export-file", "import-file"})
"""Operations on files that the worker makes; the tests of exports and imports see their lines."""

PLACE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
BACK = "https://app.example.vn/back"
ASKING = {
    "response_type": "code", "scope": "patient/*.rs", "aud": "http://localhost/fhir", "code_challenge": "x" * 43,
    "code_challenge_method": "S256",
}  # fmt: skip
UNTOLD_PAGES = frozenset(
    {
        assets.PREFIX + "{name:path}",
        "/{path:path}",
        "/verify/{number:uuid}",
        "/forms/art/{name}.svg",
        "/forms/phrases/_offered",
    }
) | {
    one
    for one in (route.path for route in web.ROUTES)
    if one.startswith(
        (
            "/login",
            "/logout",
            "/password",
            "/account",
            "/outside-hours",
            "/admin",
            "/lock",
            "/switch",
            "/unlock",
            "/session",
            "/unsent",
            "/workstation",
        )
    )
}
"""What is the same for everybody, what is not there, one's own phrases, what a print is (its own test tells of that), and
one's own account (its lines are those of the log-ins).

The administrators' room asks for an administrator: acceptance/test_administration.py.
"""
KINDS = {"/my/seen": "patient", "/audit/accounts": "security"}
"""Pages for one kind of accounts."""

ICD = f"{BASE}/CodeSystem/vn-icd10-cs"
FORMS: dict[str, dict[str, str]] = {
    "/maps": {"title": "p", "source": ICD, "target": "vn-icd10"},
    "/maps/{id}/decide": {"code": "I10", "verdict": "accepted", "target": "I10"},
    "/maps/{id}/undo/{number:int}": {},
}
"""What each form of a page is sent, in the order in which they go."""


@pytest_asyncio.fixture
async def record(client: Client) -> Client:
    """Two patients and a dossier."""
    for one in (patient(id="p"), patient(id="q")):
        assert (await client.put(f"/Patient/{one['id']}", one)).status_code == 201
    dossier = {
        "resourceType": "Composition",
        "id": "c",
        "status": "preliminary",
        "type": {"text": "Hồ sơ bệnh án"},
        "subject": {"reference": "Patient/p"},
        "date": "2026-01-01",
        "author": [{"display": "BS"}],
        "title": "Hồ sơ bệnh án",
    }
    assert (await client.put("/Composition/c", dossier)).status_code == 201
    return client


async def written(record: Client) -> None:
    """A stay with one entry of a sheet."""
    stay = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
    }  # fmt: skip
    assert (await record.put("/Encounter/e", stay)).status_code == 201
    entry = form_answers.response(
        COMMUNE, "examination", {"reason": "Sốt"}, id=SHEET, subject={"reference": "Patient/p"},
        encounter={"reference": "Encounter/e"}, author={"display": "BS"},
    )  # fmt: skip
    saved = await record.put(f"/QuestionnaireResponse/{SHEET}", entry)
    assert saved.status_code == 201, saved.text


async def housed(record: Client) -> int:
    """A department with a bed and a room; how many lines that left."""
    department: Resource = {"resourceType": "Organization", "id": "w", "active": True, "name": "Khoa Nội"}
    places: list[Resource] = [
        {
            "resourceType": "Location",
            "id": id_,
            "status": "active",
            "name": id_,
            "physicalType": {"coding": [{"system": PLACE, "code": kind}]},
            "managingOrganization": {"reference": "Organization/w"},
        }
        for id_, kind in (("r", "ro"), ("b", "bd"))
    ]
    for one in (department, *places):
        saved = await record.put(f"/{one['resourceType']}/{one['id']}", one)
        assert saved.status_code == 201, saved.text
    return 3


async def lines(owner: Any, number: str) -> list[str]:
    return [
        row[0] for row in await owner.fetch("SELECT interaction FROM audit.line WHERE request = $1", number)
    ]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if "{operation}" not in one.path and one.interaction not in UNTOLD],
    ids=name,
)
async def test_route__leaves_a_line(record: Client, owner: Any, route: Route) -> None:
    number = str(uuid4())
    path = route.path.replace("{type}/_search", "Patient/_search").replace("{compartment}", "Patient")
    path = path.replace("{id}/{type}", "{id}/Observation").replace("{type}", "Patient")
    path = path.replace("{id}", "p").replace("{vid}", "1") + QUERIES.get(route.path, "")
    body: Any = BODIES.get((route.method, route.path))
    headers = {"x_request_id": number}
    if "_search" in path:
        headers["content_type"] = "application/x-www-form-urlencoded"

    if route.method == "PATCH":
        answer = await record.patch(path, body, **headers)
    else:
        answer = await record.send(route.method, path, body, **headers)

    assert answer.status_code < 400, f"{path}: teach this test how to call it\n{answer.text}"
    assert await lines(owner, number), f"{name(route)} was answered and left no line"


async def call(record: Client, operation: str, **headers: str) -> httpx.Response:
    method, path, body = CALLS[operation]
    if operation == "extract":
        await written(record)
    if operation in ("export", "import"):
        headers["prefer"] = "respond-async"
    if operation == "import":
        content = b'{"resourceType":"Patient","id":"n"}\n'
        found = {
            "content-type": "application/fhir+ndjson",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return await record.http.request(method, path, content=content, headers=found)
    return await record.send(method, path, body, **headers)


CALLABLE = {one.name for one in OPERATIONS if f"${one.name}" not in UNTOLD_OPERATIONS} - ELSEWHERE
CALLABLE.add("emergency-access")  # made when the house is opened


@pytest.mark.parametrize("operation", sorted(CALLABLE))
async def test_operation__leaves_a_line(record: Client, owner: Any, operation: str) -> None:
    assert operation in CALLS, f"${operation}: teach this test how to call it"
    if operation in FIRST:
        await call(record, FIRST[operation])
    number = str(uuid4())

    answer = await call(record, operation, x_request_id=number)

    assert answer.status_code < 400, f"${operation}: teach this test how to call it\n{answer.text}"
    assert await lines(owner, number), f"${operation} was answered and left no line"


def pages(method: str) -> list[str]:
    """The addresses of pages that are asked for so."""
    return [
        route.path
        for route in web.ROUTES
        if route.path not in UNTOLD_PAGES and method in (route.methods or {"GET"})
    ]


async def sent(record: Client, path: str) -> httpx.Response:
    """A form, filled in."""
    address = path.replace("{id}", "p").replace("{number:int}", "1")
    return await record.http.post(
        f"http://localhost{address}", data=FORMS[path], headers={"origin": "http://localhost"}
    )


async def test_forms__leave_a_line_each(record: Client, owner: Any) -> None:
    assert set(FORMS) <= set(pages("POST"))
    for path in FORMS:
        before = await owner.fetchval("SELECT coalesce(max(id), 0) FROM audit.line")

        answer = await sent(record, path)

        assert answer.status_code == 303, answer.text
        told = await owner.fetch("SELECT channel FROM audit.line WHERE id > $1", before)
        assert [row[0] for row in told if row[0] == "web"], f"{path} was answered and left no line"


@pytest.mark.parametrize("path", pages("GET"))
async def test_page__leaves_a_line(  # who is refused leaves one too: tests/contract/test_routes_guarded.py
    record: Client, owner: Any, path: str
) -> None:
    await written(record)
    before = await owner.fetchval("SELECT coalesce(max(id), 0) FROM audit.line")
    if path in KINDS:
        assert isinstance(record.services.identity, Always)
        record.services.identity.kind = KINDS[path]
        async with record.services.pool.writing(1) as tx:
            await grants.tell_person(tx, 1, Actor("x"), "operator", "Patient", "p")
    if path.startswith("/maps/"):
        await sent(record, "/maps")
    if path.startswith(("/queue/", "/wards/")):
        before += await housed(record)
    address = path.replace("{id}", "p").replace("{encounter}", "e").replace("{form}", "csv")
    address = address.replace("{type}", "Patient").replace("{resource}", "p")
    address = address.replace("{room}", "r").replace("{ward}", "w")
    slug, part = ("36-BV2", "notes") if "{entry:uuid}" in path else ("17-BV1", "examination")
    address = address.replace("{slug}", slug).replace("{part}", part)
    sheet, repeated = (
        (str(uuid4()), str(uuid4())) if slug == "36-BV2" or path.endswith("/compare") else (SHEET, SHEET)
    )
    address = address.replace("{sheet}", sheet).replace("{entry:uuid}", repeated)
    if path.endswith("/compare"):
        entry = repeated if slug == "36-BV2" else str(uuid5(UUID(sheet), part))
        body = form_answers.response(
            catalogue.forms()[slug], part, {}, id=entry, subject={"reference": "Patient/p"},
            encounter={"reference": "Encounter/e"}, author={"display": "BS"},
            identifier={"system": answers.SHEET, "value": sheet},
        )  # fmt: skip
        assert (await record.put(f"/QuestionnaireResponse/{entry}", body)).status_code == 201
        before += 1
    if path == "/oauth/authorize":  # the page to choose a patient for an app
        wanted = Wanted("App", "patient/*.rs", (BACK,), public=True)
        await apps.register(owner, datetime.now(UTC), "app", wanted)
        address += "?" + urlencode({**ASKING, "client_id": "app", "redirect_uri": BACK})

    answer = await record.get(f"http://localhost{address}")

    assert answer.status_code == 200, f"{path}: teach this test how to call it\n{answer.text}"
    told = await owner.fetch("SELECT channel FROM audit.line WHERE id > $1", before)
    assert [row[0] for row in told if row[0] == "web"], f"{path} was answered and left no line"


async def test_untold__is_what_shows_nothing_of_anybody(client: Client, owner: Any) -> None:
    for path in (
        "/metadata",
        "http://localhost/healthz",
        "http://localhost/readyz",
        "http://localhost/metrics",
    ):
        assert (await client.get(path)).status_code == 200

    assert await owner.fetchval("SELECT count(*) FROM audit.line") == 0


async def test_read__is_not_answered_when_its_line_cannot_be_written(record: Client, owner: Any) -> None:
    await owner.execute("ALTER TABLE audit.line ADD CHECK (interaction <> 'read') NOT VALID")

    answer = await record.get("/Patient/p")
    search = await record.get("/Patient")

    assert answer.status_code == 500
    assert "Ánh" not in answer.text
    assert search.status_code == 200


async def test_write__is_not_kept_when_its_line_cannot_be_written(record: Client, owner: Any) -> None:
    await owner.execute("ALTER TABLE audit.subject ADD CHECK (vid < 2) NOT VALID")

    answer = await record.put("/Patient/p", patient(id="p", birthDate="1991-01-01"))

    assert answer.status_code == 500
    assert await owner.fetchval("SELECT max(vid) FROM record.version") == 1


async def test_address__is_that_of_the_caller_and_not_of_our_proxy(services: Any, owner: Any) -> None:
    """On both doors; what stands before the proxy's own word is anybody's claim and is not believed."""
    behind = replace(options(), trusted_proxies=("10.0.0.9",))
    transport = httpx.ASGITransport(build(services, behind, pages=web.ROUTES), client=("10.0.0.9", 1))
    told = {"X-Forwarded-For": "203.0.113.5, 198.51.100.7"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=told) as http:
        assert (await http.get("/fhir/Patient")).status_code == 200
        assert (await http.get("/patients")).status_code == 200

    rows = await owner.fetch(
        "SELECT DISTINCT channel, address FROM audit.line WHERE channel IN ('rest', 'web')"
    )
    assert {tuple(row) for row in rows} == {("rest", "198.51.100.7"), ("web", "198.51.100.7")}
