"""The contract of every door: nobody comes in without a log-in, nobody without a right, and who tried is in the trail.

The routes are read from the tables of the program, so one that is added tomorrow is driven tomorrow.  What may be open, or
needs no right, stands below by its name and with its reason; whatever else answers fails here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from starlette.routing import Mount, Route

from hsba.app import OPERATIONS
from hsba.http import gate, web
from hsba.http.app import build
from hsba.http.routes import ROUTES
from hsba.http.web import assets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.identity import Ward
    from hsba.app import App

OPEN_REST = {"/metadata": "what this server can do"}
OPEN = {
    "/healthz": "health",
    "/readyz": "health",
    "/metrics": "figures without a person",
    "/login": "the log-in itself",
    "/login/passkey": "the log-in by passkey alone",
    "/login/second": "the second step of a log-in",
    "/login/outside": "to another house's log-in",
    "/login/outside/callback": "and back from it",
    "/switch": "who takes a shared PC over",
    "/lock": "the screen of one's own session",
    "/unlock": "coming back to it",
    "/session": "whether one's own session lasts",
    "/outside-hours": "why one's session ended",
    "/oauth/token": "programs bring their own secret",
    "/oauth/introspect": "programs bring their own secret",
    "/oauth/revoke": "programs bring their own secret",
    "/oauth/userinfo": "an app brings its token",
    "/oauth/jwks.json": "public keys",
    "/.well-known/openid-configuration": "where apps ask",
    "/.well-known/oauth-authorization-server": "where apps ask",
    "/fhir/.well-known/smart-configuration": "where apps ask",
    "/t/{slug}/fhir/.well-known/smart-configuration": "where apps ask",
    assets.PREFIX + "{name:path}": "static files",
    "/verify/{number:uuid}": "what the paper in somebody's hand is: its title and time, nothing of the patient",
}
"""Pages that answer who is not logged in."""
OWN = {
    "/logout": "one's own session",
    "/password": "one's own password",
    "/account": "one's own account",
    "/account/sessions/{session:int}": "one's own sessions",
    "/account/apps": "the apps one let in",
    "/account/apps/{grant:int}": "the apps one let in",
    "/account/second-factors": "one's own factors",
    "/account/second-factors/new": "one's own factors",
    "/account/second-factors/{factor:int}": "one's own factors",
    "/account/recovery-codes": "one's own codes",
    "/account/pin": "one's own PIN",
    "/session/proof": "that one is still there",
    "/session/unsent": "what one wrote oneself",
    "/unsent": "what one wrote oneself",
    "/oauth/authorize": "letting an app in for oneself; what it may see one's roles decide",
    "/{path:path}": "there is nothing at this address",
}
"""Pages that need no role: each shows and changes what is the caller's own, or nothing."""
SAMPLES = {
    "form": "csv",
    "part": "examination",
    "sheet": "0197a1b2-0000-7000-8000-000000000001",
    "slug": "17-BV1",
    "type": "Patient",
}
CONVERTED = {"int": "1", "uuid": "0197a1b2-0000-7000-8000-000000000002"}
NOBODY = "khong.vai.tro"


def sampled(path: str) -> str:
    """An address of a route."""
    return re.sub(
        r"\{(\w+)(?::(\w+))?\}", lambda found: CONVERTED.get(found[2]) or SAMPLES.get(found[1], "p"), path
    )


def rest() -> Iterator[tuple[str, str]]:
    """Every FHIR interaction, and every operation at each of its levels."""
    for route in ROUTES:
        if "{operation}" not in route.path:
            yield route.method, sampled(route.path.replace("{compartment}", "Patient"))
    for one in OPERATIONS:
        type_ = one.types[0] if one.types else "Patient"
        places = {"system": "", "type": f"/{type_}", "instance": f"/{type_}/p"}
        for level in sorted(one.levels):
            for method in ("GET", "POST"):
                yield method, f"{places[level]}/${one.name}"


def pages(services: App) -> Iterator[tuple[str, str]]:
    """Every other route of the application: method, and its path as the table has it."""
    for route in build(services, pages=web.ROUTES).pages.routes:
        assert not isinstance(route, Mount), f"{route.path}: routes below a mount are not driven by this test"
        assert isinstance(route, Route)
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield method, route.path


async def lines(owner: Any, condition: str, value: str) -> list[tuple[str, bool]]:
    """What the trail holds of a request or an account: the act, and whether it was refused."""
    rows = await owner.fetch(
        f"SELECT interaction, refused FROM audit.line WHERE {condition} = $1 AND interaction <> 'login'",
        value,
    )
    return [tuple(row) for row in rows]


async def test_rest__no_interaction_or_operation_answers_without_a_log_in(ward: Ward) -> None:
    answered = {}
    for method, path in rest():
        answer = await ward.http.request(method, f"/fhir{path}")
        if path not in OPEN_REST:
            answered[f"{method} {path}"] = answer.status_code

    assert len(answered) > 60
    assert {name: status for name, status in answered.items() if status != 401} == {}


async def test_page__none_answers_without_a_log_in(ward: Ward, services: App) -> None:
    answered = {}
    for method, path in pages(services):
        if path not in OPEN:
            answer = await ward.http.request(method, sampled(path))
            told = (answer.status_code, answer.headers.get("location", "")[:6], answer.content)
            answered[f"{method} {path}"] = told

    assert len(answered) > 15
    assert {name: told for name, told in answered.items() if told != (303, "/login", b"")} == {}


def test_open__names_what_the_gate_leaves_open_and_no_more(services: App) -> None:
    there = {path for _, path in pages(services)}

    known = {path for path in OPEN if not path.startswith(gate.OPEN_BELOW)}
    assert {path for path in known if not path.endswith(gate.PROGRAMS_AT)} == gate.OPEN
    assert set(OPEN) | set(OWN) <= there, "an exception for a route that is not there any more"


async def test_rest__an_account_without_a_role_is_refused_and_each_try_is_a_line(
    ward: Ward, owner: Any
) -> None:
    await ward.account(NOBODY, roles=())
    bearer = await ward.token(NOBODY)
    wrong = {}
    for method, path in rest():
        if path in OPEN_REST:
            continue
        number = str(uuid4())
        sent: dict[str, Any] = {"headers": {**bearer, "X-Request-Id": number}}
        if method in ("POST", "PUT", "PATCH"):
            sent["json"] = {"resourceType": "Patient", "id": "p"}
        answer = await ward.http.request(method, f"/fhir{path}", **sent)
        told = await lines(owner, "request::text", number)
        if answer.status_code == 405:
            continue  # an operation that changes something is not called by GET
        if answer.status_code != 403 or [refused for _, refused in told] != [True]:
            wrong[f"{method} {path}"] = (answer.status_code, told)

    assert wrong == {}


@pytest.mark.parametrize("kind", ["staff", "patient", "technical"])
async def test_page__an_account_without_a_role_is_refused_and_each_try_is_a_line(
    ward: Ward, services: App, owner: Any, kind: str
) -> None:
    await ward.account(NOBODY, kind=kind, roles=())
    await ward.log_in(NOBODY)
    wrong = {}
    for method, path in pages(services):
        if path in OPEN or path in OWN:
            continue
        before = await owner.fetchval("SELECT max(id) FROM audit.line")
        answer = await ward.http.request(method, sampled(path))
        told = await owner.fetch("SELECT account, refused FROM audit.line WHERE id > $1", before)
        if answer.status_code != 403 or {tuple(row) for row in told} != {(NOBODY, True)}:
            wrong[f"{method} {path}"] = (answer.status_code, [tuple(row) for row in told])

    assert wrong == {}


async def test_tenant__of_others_is_not_there_and_the_try_is_a_line(ward: Ward, owner: Any) -> None:
    await ward.account(NOBODY, tenants=[1])
    bearer = await ward.token(NOBODY)

    answer = await ward.http.get("/t/tram-thu/fhir/Patient/p", headers=bearer)

    assert answer.status_code == 404
    assert await lines(owner, "account", NOBODY) == [("door-refuse", True)]
    tried = await owner.fetchval("SELECT detail FROM audit.line WHERE interaction = 'door-refuse'")
    assert tried == "GET /t/tram-thu/fhir/Patient/p"
