"""`/patients/{id}/consents`: what this patient has forbidden or allowed, written down from a paper, withdrawn with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.routing import Route

from hsba.access.rights.policy import NoRight
from hsba.fhir.patch import Patch
from hsba.fhir.problems import BadRequest, Conflict, NotFound, Unprocessable
from hsba.fhir.query.expression import Nothing
from hsba.http.web import words
from hsba.http.web.page import Go, Page, endpoint
from hsba.http.web.pages.admin.words import LABELS
from hsba.record import interactions, wishes
from hsba.record.belongs import LABELS as BITS
from hsba.record.views import consents as view
from hsba.record.views import house
from hsba.record.views import patient as patients
from hsba.record.wishes import Wish

if TYPE_CHECKING:
    from hsba.fhir.problems import Problem
    from hsba.http.web.page import Ask
    from hsba.record.consents import Provision, Rule
    from hsba.record.views.consents import Wished
    from hsba.record.views.house import Department
    from hsba.record.views.people import Banner

LEAST, MOST = 3, 200
"""Characters of the paper's name, and of a reason."""


class NoWish(BadRequest):
    """Say what is forbidden or allowed, and on which paper it stands; a permission names labels and a person or department."""

    vi = "Hãy ghi cấm hay cho phép điều gì và căn cứ giấy tờ nào; cho phép thì chọn loại nhạy cảm và người hoặc khoa được xem."


class NoSuchPerson(BadRequest):
    """No account of this name belongs to somebody of the staff; nothing was saved."""

    vi = "Không có tài khoản nào mang tên này thuộc về nhân viên; chưa lưu gì."


class WrongDays(BadRequest):
    """It would end before it begins, or a day cannot be read; nothing was saved."""

    vi = "Ngày kết thúc trước ngày bắt đầu, hoặc ngày không đọc được; chưa lưu gì."


class WhyWithdrawn(BadRequest):
    """Say why it is withdrawn, or the number of the request; nothing was changed."""

    vi = "Hãy ghi lý do hoặc số đơn rút lại; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Said:
    """One consent in words."""

    wish: Wished
    deny: bool | None
    """None where it neither denies nor permits by itself."""
    what: tuple[str, ...]
    who: tuple[str, ...]
    purposes: tuple[str, ...]
    copies: bool
    first: str
    last: str
    exceptions: int


@dataclass(frozen=True, slots=True)
class Consents:
    """What `consents.html` shows."""

    banner: Banner
    patient: str
    said: tuple[Said, ...]
    departments: tuple[Department, ...]
    may_write: bool
    may_withdraw: bool
    form: dict[str, str]
    labels: dict[str, str]
    types: dict[str, str]
    purposes: dict[str, str]
    problem: str = ""
    most: int = MOST


async def consents(ask: Ask) -> Page:
    """What holds, what did, and the form."""
    if isinstance(ask.ctx.policy.visible("Consent"), Nothing):
        raise NoRight("Consent")
    return await _page(ask)


async def write(ask: Ask) -> Page | Go:
    """Write down what the patient wishes."""
    _require(ask, "create")
    id_ = ask.path("id")
    await patients.banner(ask.ctx, id_)  # raises where this patient may not be seen
    try:
        wish = await _wish(ask, id_)
        now = ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone)
        await interactions.create(ask.ctx.because(wish.source), wishes.consent(wish, now))
    except (NoWish, NoSuchPerson, WrongDays, Unprocessable) as refused:
        return await _page(ask, refused)
    return Go(_address(id_))


async def withdraw(ask: Ask) -> Page | Go:
    """End one: what it forbade or allowed holds no more, and its versions prove what was said when."""
    _require(ask, "update")
    id_ = ask.path("id")
    reason = " ".join(ask.form.get("reason", "").split())
    if not LEAST <= len(reason) <= MOST:
        return await _page(ask, WhyWithdrawn())
    known = {one.id: one for one in await view.of_patient(ask.ctx, id_)}
    found = known.get(ask.path("consent"))
    if found is None:
        raise NotFound(f"Consent/{ask.path('consent')}")
    if not found.is_active:
        return await _page(ask, Conflict("It is withdrawn already.", vi="Đã được rút lại rồi."))
    change = Patch.json([{"op": "replace", "path": "/status", "value": "inactive"}])
    await interactions.patch(ask.ctx.because(reason), "Consent", found.id, change, if_match=str(found.vid))
    return Go(_address(id_))


async def _page(ask: Ask, refused: Problem | None = None) -> Page:
    id_ = ask.path("id")
    banner = await patients.banner(ask.ctx, id_)
    found = await view.of_patient(ask.ctx, id_)
    departments = await house.departments(ask.ctx)
    staff = await house.employees(ask.ctx, _named(found, "Practitioner"))
    names = {("Organization", one.id): one.name for one in departments}
    names |= {("Practitioner", one): staff[one].name for one in staff}
    shown = Consents(
        banner,
        id_,
        tuple(_said(one, names, ask) for one in found),
        tuple(departments),
        _may(ask, "create"),
        _may(ask, "update"),
        {name: value[:MOST] for name, value in ask.form.items()},
        ask.show.said(LABELS),
        ask.show.said(words.CONSENT_TYPES),
        ask.show.said(words.CONSENT_PURPOSES),
        ask.sentence(refused),
    )
    return Page("consents.html", shown, section="patients", status=refused.status if refused else 200)


async def _wish(ask: Ask, patient: str) -> Wish:
    """The wish that the form describes."""
    form = ask.form
    source = " ".join(form.get("source", "").split())
    ticked = {
        kind: tuple(name.partition("-")[2] for name in form if name.startswith(f"{kind}-"))
        for kind in ("purpose", "label", "type")
    }
    first, last = _day(form.get("first", "")), _day(form.get("last", ""))
    if first is not None and last is not None and last < first:
        raise WrongDays
    wish = Wish(
        patient,
        form.get("what") == "deny",
        await _actor(ask),
        ticked["purpose"],
        tuple(one for one in ticked["type"] if one in words.CONSENT_TYPES),
        ticked["label"],
        "copies" in form,
        first,
        last,
        source,
    )
    lifts = bool(wish.labels) and wish.actor is not None
    if form.get("what") not in ("deny", "permit") or not wish.is_known() or not (wish.deny or lifts):
        raise NoWish
    if not LEAST <= len(source) <= MOST:
        raise NoWish
    return wish


async def _actor(ask: Ask) -> tuple[str, str] | None:
    """Whom it is about: one of the staff by his account, a department, or everybody."""
    login = ask.form.get("account", "").strip().lower()
    if login:
        found = await ask.ctx.tx.fetchval(
            "SELECT id FROM record.role_person WHERE tenant = $1 AND account = $2 AND type = 'Practitioner'",
            ask.ctx.tenant.id,
            login,
        )
        if found is None:
            raise NoSuchPerson(login[:64])
        return ("Practitioner", str(found))
    department = ask.form.get("department", "")
    if not department:
        return None
    if department not in {one.id for one in await house.departments(ask.ctx)}:
        raise NoWish
    return ("Organization", department)


def _said(wish: Wished, names: dict[tuple[str, str], str], ask: Ask) -> Said:
    rule: Rule | None = wish.rule
    if rule is None:
        return Said(wish, None, (), (), (), copies=False, first="", last="", exceptions=0)
    root: Provision = rule.root
    show = ask.show
    what = [show.say(words.CONSENT_TYPES.get(one, "")) or one for one in sorted(root.types)]
    what += [show.say(title) for code, title in LABELS.items() if BITS[code] & root.labels]
    return Said(
        wish,
        root.deny,
        tuple(what),
        tuple(names.get(one, "/".join(one)) for one in root.actors),
        tuple(show.say(words.CONSENT_PURPOSES.get(one, "")) or one for one in sorted(root.purposes)),
        bool(root.acts) and root.acts <= {"copy", "export", "print"},
        "" if root.first is None else root.first.isoformat(),
        "" if root.last is None else root.last.isoformat(),
        len(rule.exceptions),
    )


def _named(found: list[Wished], type: str) -> list[str]:
    return sorted({id_ for one in found if one.rule for kind, id_ in one.rule.root.actors if kind == type})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as problem:
        raise WrongDays from problem


def _may(ask: Ask, act: str) -> bool:
    return not isinstance(ask.ctx.policy.within(act, "Consent"), Nothing)


def _require(ask: Ask, act: str) -> None:
    if not _may(ask, act):
        raise NoRight(f"({act} Consent)")


def _address(patient: str) -> str:
    return f"/patients/{quote(patient, safe='')}/consents"


_POST: dict[str, Any] = {"methods": ["POST"]}
ROUTES = (
    Route("/patients/{id}/consents", endpoint(consents)),
    Route("/patients/{id}/consents", endpoint(write, room="writing"), **_POST),
    Route("/patients/{id}/consents/{consent}/withdraw", endpoint(withdraw, room="writing"), **_POST),
)
