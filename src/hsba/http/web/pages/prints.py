"""Paper: blank forms, sheets and whole stays as PDF, and `/verify/{number}`, where whoever holds a print asks what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uuid_utils.compat as uuid7s
from starlette.responses import Response
from starlette.routing import Route

from hsba.documents import compose, prints, tags
from hsba.documents.order import Order, Tags
from hsba.documents.prints import Printer
from hsba.fhir.problems import NotFound
from hsba.forms import entries, paper, shelf
from hsba.http.web.page import HEADERS, Page, endpoint, problem, render, show
from hsba.record.tenants import PRACTICE

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request

    from hsba.http.web.page import Ask

VISIT = "/patients/{id}/encounters/{encounter}"
STAY = VISIT + "/sheets"
PDF = "application/pdf"
PDF_HEADERS = {
    **HEADERS,
    # A browser's own reader of PDF has styles of its own; a page of ours may show the print beside a form.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'",
}
SYSTEM = "HSBA"


class UnknownPrint(NotFound):
    """No print of this number was made here; the paper may be a forgery, or from another house."""

    vi = "Ở đây không có bản in mang số này; giấy có thể bị làm giả, hoặc của cơ sở khác."


async def blank(ask: Ask) -> Response:
    """An empty form, for the day the power is out."""
    form = await shelf.find(ask.ctx, ask.path("slug"), ask.query("version"))
    order = Order(
        (paper.lay(form, {}, bilingual=ask.query("lang2") == "en"),),
        ask.ctx.clock.now(),
        f"{form.code} {form.name}",
        practice=ask.ctx.tenant.slug in PRACTICE,
    )
    return _file(await ask.services.press.render(order), f"{form.slug}-mau-trong")


async def sheet(ask: Ask) -> Response:
    """A sheet as the statute has it."""
    patient, encounter = ask.path("id"), ask.path("encounter")
    made = await compose.sheet(ask.ctx, patient, encounter, ask.path("slug"), ask.path("sheet"))
    pdf = await prints.make(ask.ctx, _printer(ask), [made], patient, compose.bundle([made]))
    return _file(pdf, made.form.slug)


async def stay(ask: Ask) -> Response:
    """All sheets of a stay, with a table of contents."""
    patient, encounter = ask.path("id"), ask.path("encounter")
    made = await compose.dossier(ask.ctx, patient, encounter)
    if not made:
        raise NotFound("There is no sheet in this stay yet.", vi="Lượt này chưa có tờ nào.")
    pdf = await prints.make(
        ask.ctx, _printer(ask), made, patient, compose.bundle(made), title="Hồ sơ bệnh án"
    )
    return _file(pdf, "ho-so-benh-an")


async def wristband(ask: Ask) -> Response:
    """The band around the patient's wrist."""
    return await _tags(ask, "wristband")


async def label(ask: Ask) -> Response:
    """Labels for tubes and papers."""
    return await _tags(ask, "label")


async def _tags(ask: Ask, kind: str) -> Response:
    copies = tags.copies(ask.query("copies"))
    patient, encounter = ask.path("id"), ask.path("encounter")
    await entries.verify_stay(ask.ctx, patient, encounter)
    made = await tags.tag(ask.ctx, patient, encounter, kind)
    practice = ask.ctx.tenant.slug in PRACTICE
    wanted = Tags(made, kind, ask.ctx.clock.now(), copies, practice)
    return _file(await ask.services.press.render(wanted), kind)


async def verify(request: Request) -> Response:
    """What a print is, for whoever holds it; nothing of the patient."""
    app = request.app.state.services
    tenant = app.tenants.get()
    try:
        number: UUID = request.path_params["number"]
        async with app.pool.reading(tenant.id) as tx:
            found = await prints.known(tx, tenant.id, number)
        if found is None:
            raise UnknownPrint(str(number))
    except Exception as exc:  # noqa: BLE001 - whatever went wrong becomes a page
        return problem(request, exc, uuid7s.uuid7())
    return render(request, Page("verify.html", found), show(request))


def _printer(ask: Ask) -> Printer:
    return Printer(
        ask.services.press,
        ask.caller.name,
        ask.ctx.base or str(ask.request.scope["hsba.root"]),
        SYSTEM,
        practice=ask.ctx.tenant.slug in PRACTICE,
    )


def _file(pdf: bytes, name: str) -> Response:
    return Response(pdf, 200, {**PDF_HEADERS, "content-disposition": f'inline; filename="{name}.pdf"'}, PDF)


ROUTES = (
    Route(VISIT + "/wristband.pdf", endpoint(wristband)),
    Route(VISIT + "/label.pdf", endpoint(label)),
    Route("/forms/{slug}/blank.pdf", endpoint(blank, about=None)),
    Route(STAY + "/print.pdf", endpoint(stay, room="writing", about="QuestionnaireResponse")),
    Route(STAY + "/{slug}/{sheet}/print.pdf", endpoint(sheet, room="writing", about="QuestionnaireResponse")),
    Route(prints.ADDRESS + "{number:uuid}", verify),
)
