"""Visits and stays as people move through the house: opened, called, put to bed, moved, called back, discharged.

A stay is one Encounter with a part for each department (`partOf`); the part says which bed, and the whole says the same for
who reads only it.  Sending somebody to another department makes a part there that waits until it is accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Conflict, Unprocessable
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import Search
from hsba.fhir.vn import Canon
from hsba.record import interactions, numbers, unused
from hsba.record.views import here, places
from hsba.record.views.facts import link, name, objects, text

if TYPE_CHECKING:
    from hsba.record.context import Context

Resource = dict[str, Any]

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
CLASSES = {"AMB": "Ngoại trú", "IMP": "Nội trú", "EMER": "Cấp cứu"}
OUT, IN = "01", "03"
VISITS = {OUT: "Khám bệnh", IN: "Điều trị nội trú"}
PAYMENTS = {"1": "Bảo hiểm y tế", "2": "Thu phí", "3": "Miễn", "4": "Khác"}
ROUTES = {"1": "Đúng tuyến", "2": "Cấp cứu", "3": "Trái tuyến", "4": "Thông tuyến"}
LEAVING = {
    "1": "Ra viện", "2": "Chuyển cơ sở theo yêu cầu chuyên môn", "3": "Trốn viện", "4": "Xin ra viện",
    "5": "Chuyển cơ sở theo yêu cầu người bệnh",
}  # fmt: skip
"""Codes of hsba.core with the names that are written into the record."""
HERE = frozenset({"arrived", "triaged", "in-progress", "onleave"})
LONGEST = 500


class NotHere(Conflict):
    """This visit is not open any more, or is another one now; nothing was changed: load the page again."""

    vi = "Lượt này không còn mở hoặc đã đổi; chưa thay đổi gì: hãy tải lại trang."


class BedTaken(Conflict):
    """Somebody lies in this bed, or it is closed; nothing was changed: choose another one."""

    vi = "Giường này đã có người hoặc đang tạm đóng; chưa thay đổi gì: hãy chọn giường khác."


class NotAPlace(Unprocessable):
    """There is no such room, bed or department to go to; nothing was changed."""

    vi = "Không có phòng, giường hoặc khoa này để đến; chưa thay đổi gì."


class OnTheWay(Conflict):
    """This patient is on the way to another department; accept him there, or call him back first."""

    vi = "Người bệnh đang được chuyển khoa; hãy nhận ở khoa đó, hoặc gọi lại trước."


async def open_visit(
    ctx: Context,
    patient: str,
    room: str,
    *,
    reason: str,
    payment: str = "2",
    route: str = "",
    first: bool = False,
) -> str:
    """An out-patient's visit at a room, with the next number of that room and day; answers its id."""
    place = await _place(ctx, "Location", room)
    department = link(place.get("managingOrganization"))
    if department is None:
        raise NotAPlace
    today = ctx.clock.now().astimezone(ctx.tenant.zone).date().isoformat()
    turn = await numbers.give(ctx, "queue", of=f"{room}:{today}")
    canon = Canon.of(ctx.definitions)
    made = await _visit(
        ctx, patient, "EMER" if route == "2" else "AMB", OUT, department.id, reason, payment, route
    )
    made["identifier"].append({"system": canon.identifier("so-thu-tu"), "value": turn.text})
    made["location"] = [{"location": _to("Location", place), "status": "planned"}]
    if first:
        made["priority"] = {
            "coding": [{"system": TERMINOLOGY + "v3-ActPriority", "code": "UR"}],
            "text": "Ưu tiên",
        }
    return (await interactions.create(ctx, made)).stored.id


async def admit(
    ctx: Context, patient: str, department: str, *, reason: str, payment: str = "2", route: str = ""
) -> str:
    """A stay in a department, waiting there for a bed; answers the id of the whole stay."""
    made = await _visit(ctx, patient, "IMP", IN, department, reason, payment, route)
    source = "emd" if route == "2" else "outp"
    made["hospitalization"] = {
        "admitSource": {"coding": [{"system": TERMINOLOGY + "admit-source", "code": source}]}
    }
    whole = (await interactions.create(ctx, made)).stored.id
    await interactions.create(ctx, _part(ctx, made, whole, made["serviceProvider"]))
    return whole


async def call(ctx: Context, encounter: str, *, who: Resource | None = None) -> None:
    """Call somebody in: the visit is in progress from now on, with whoever called him."""
    visit, version = await _open(ctx, encounter)
    if visit["status"] not in here.WAITING:
        raise NotHere
    visit["status"] = "in-progress"
    visit["location"] = [
        {**one, "status": "active", "period": {"start": _now(ctx)}} for one in objects(visit.get("location"))
    ]
    if who is not None:
        kind = {"coding": [{"system": TERMINOLOGY + "v3-ParticipationType", "code": "ATND"}]}
        visit["participant"] = [*visit.get("participant", ()), {"type": [kind], "individual": who}]
    await interactions.update(ctx, visit, if_match=version)


async def call_next(ctx: Context, room: str, *, who: Resource | None = None) -> str:
    """Call whoever's turn it is at a room; answers the visit, or nothing when nobody waits."""
    await _one_at_a_time(ctx, room)
    waiting = [one for one in await here.visitors(ctx, room) if one.waiting]
    if not waiting:
        return ""
    await call(ctx, waiting[0].encounter, who=who)
    return waiting[0].encounter


async def finish(ctx: Context, encounter: str) -> None:
    """End an out-patient's visit."""
    visit, version = await _open(ctx, encounter)
    if visit["status"] != "in-progress" or visit["class"].get("code") == "IMP":
        raise NotHere
    await interactions.update(ctx, _ended(ctx, visit), if_match=version)


async def cancel(ctx: Context, encounter: str, *, reason: str = "") -> None:
    """Take back a visit or an admission that nobody has begun: he went away, or it was opened by mistake."""
    visit, version = await _open(ctx, encounter)
    whole = link(visit.get("partOf"))
    if visit["status"] not in here.WAITING:
        raise NotHere
    ctx = ctx.because(" ".join(reason.split())[:LONGEST] or None)
    if whole is not None:
        stay, before = await _open(ctx, whole.id)
        if stay["status"] not in here.WAITING:
            raise OnTheWay
        await interactions.update(ctx, {**stay, "status": "cancelled"}, if_match=before)
    await interactions.update(ctx, {**visit, "status": "cancelled"}, if_match=version)


async def put_to_bed(ctx: Context, encounter: str, bed: str) -> None:
    """Accept somebody into a bed of the department that he was sent to, or move him to another bed of it."""
    part, version = await _open(ctx, encounter)
    spot = await _place(ctx, "Location", bed)
    department, owner = link(part.get("serviceProvider")), link(spot.get("managingOrganization"))
    if department is None or owner is None or owner.id != department.id:
        raise NotAPlace
    await _one_at_a_time(ctx, bed)
    if (spot.get("operationalStatus") or {}).get("code") in places.SHUT:
        raise BedTaken
    if any(one.bed == bed for one in await here.lying(ctx, department.id)):
        raise BedTaken
    accepted = part["status"] != "in-progress"
    await interactions.update(ctx, _in_bed(ctx, part, spot), if_match=version)
    whole = link(part.get("partOf"))
    if whole is None:
        return
    stay, _ = await _open(ctx, whole.id)
    stay = {**_in_bed(ctx, stay, spot), "serviceProvider": part["serviceProvider"]}
    await interactions.update(ctx, stay)
    if accepted:
        for other in await _parts(ctx, whole.id):
            if other["id"] != encounter and other["status"] in HERE:
                await interactions.update(ctx, _ended(ctx, other))


async def transfer(ctx: Context, encounter: str, department: str) -> None:
    """Send somebody to another department; he stays where he is until he is accepted there."""
    part, version = await _open(ctx, encounter)
    own, whole = link(part.get("serviceProvider")), link(part.get("partOf"))
    there = _to("Organization", await _place(ctx, "Organization", department))
    if own is None or own.id == department or part["status"] != "in-progress":
        raise NotAPlace
    if "destination" in part.get("hospitalization", {}):
        raise OnTheWay
    stays = {**part.get("hospitalization", {}), "destination": there}
    await interactions.update(ctx, {**part, "hospitalization": stays}, if_match=version)
    await interactions.create(ctx, _part(ctx, part, whole.id if whole else encounter, there))


async def call_back(ctx: Context, encounter: str) -> None:
    """Take back somebody whom the other department has not accepted yet."""
    part, version = await _open(ctx, encounter)
    whole = link(part.get("partOf"))
    there = link(part.get("hospitalization", {}).get("destination"))
    sent = [
        one
        for one in await _parts(ctx, whole.id if whole else encounter)
        if one["status"] == "arrived" and there is not None and _is_in(one, there.id)
    ]
    if not sent:
        raise NotHere
    for one in sent:
        await interactions.update(ctx, {**one, "status": "cancelled"})
    await interactions.update(ctx, _not_going(part), if_match=version)


async def discharge(ctx: Context, encounter: str, how: str) -> str:
    """End a stay, its parts with it; answers the id of the whole stay."""
    if how not in LEAVING:
        raise NotAPlace
    part, version = await _open(ctx, encounter)
    whole = link(part.get("partOf"))
    id_ = whole.id if whole else encounter
    parts = await _parts(ctx, id_)
    if any(one["status"] == "arrived" for one in parts if one["id"] != encounter):
        raise OnTheWay
    stay, _ = await _open(ctx, id_) if whole else (part, version)
    coding = {
        "system": Canon.of(ctx.definitions).codes("vn-discharge-disposition-cs"),
        "code": how,
        "display": LEAVING[how],
    }
    ended = _ended(ctx, stay)
    ended["hospitalization"] = {
        **ended.get("hospitalization", {}),
        "dischargeDisposition": {"coding": [coding]},
    }
    if whole:
        await interactions.update(ctx, _ended(ctx, part), if_match=version)
    await interactions.update(ctx, ended, if_match=None if whole else version)
    return id_


# --- how it is done ----------------------------------------------------------------------------------------


async def _visit(
    ctx: Context,
    patient: str,
    class_: str,
    type_: str,
    department: str,
    reason: str,
    payment: str,
    route: str,
) -> Resource:
    """A visit that has just begun, with its number."""
    if payment not in PAYMENTS or (route and route not in ROUTES):
        raise Unprocessable("There is no such way to pay.", vi="Không có đối tượng thanh toán này.")
    canon = Canon.of(ctx.definitions)
    stored = await interactions.read(ctx, "Patient", patient)
    who = json.stored(stored.body or "")
    if any(one.get("type") == "replaced-by" for one in objects(who.get("link"))):
        raise NotHere("This record was merged into another one.", vi="Hồ sơ này đã gộp vào hồ sơ khác.")
    called = name(who)
    owner = await _place(ctx, "Organization", department)
    number = await unused.number(ctx, "visit", "Encounter", canon.identifier("so-nhap-vien"))
    paid = [_coded(canon, "vn-ext-payment-method", "vn-payment-method-cs", payment, PAYMENTS[payment])]
    if route:
        paid.append(
            _coded(canon, "vn-ext-insurance-visit-type", "vn-insurance-visit-type-cs", route, ROUTES[route])
        )
    made: Resource = {
        "resourceType": "Encounter",
        "meta": {"profile": [canon.profile("vn-core-encounter")]},
        "extension": paid,
        "identifier": [{"system": canon.identifier("so-nhap-vien"), "value": number}],
        "status": "arrived",
        "class": {"system": TERMINOLOGY + "v3-ActCode", "code": class_, "display": CLASSES[class_]},
        "type": [
            {
                "coding": [
                    {"system": canon.codes("vn-encounter-type-cs"), "code": type_, "display": VISITS[type_]}
                ]
            }
        ],
        "subject": {"reference": f"Patient/{patient}", **({"display": called.full} if called else {})},
        "period": {"start": _now(ctx)},
        "serviceProvider": _to("Organization", owner),
    }
    if reason := " ".join(reason.split())[:LONGEST]:
        made["reasonCode"] = [{"text": reason}]
    return made


def _part(ctx: Context, visit: Resource, whole: str, department: Resource) -> Resource:
    """The stay in a department, not accepted yet."""
    return {
        "resourceType": "Encounter",
        "meta": {"profile": visit["meta"]["profile"]}
        if "meta" in visit and "profile" in visit["meta"]
        else {},
        "status": "arrived",
        "class": visit["class"],
        "subject": visit["subject"],
        "period": {"start": _now(ctx)},
        **({"reasonCode": visit["reasonCode"]} if "reasonCode" in visit else {}),
        "serviceProvider": department,
        "partOf": {"reference": f"Encounter/{whole}"},
    }


def _in_bed(ctx: Context, visit: Resource, spot: Resource) -> Resource:
    """In progress, in this bed from now on; the beds before it are over."""
    now = _now(ctx)
    before = [_left(one, now) for one in objects(visit.get("location"))]
    bed = {"location": _to("Location", spot), "status": "active", "period": {"start": now}}
    return {**visit, "status": "in-progress", "location": [*before, bed]}


def _ended(ctx: Context, visit: Resource) -> Resource:
    """Finished now, its bed left."""
    now = _now(ctx)
    made = {**_not_going(visit), "status": "finished", "period": {**visit.get("period", {}), "end": now}}
    if "location" in visit:
        made["location"] = [_left(one, now) for one in objects(visit["location"])]
    return made


def _left(spot: Resource, now: str) -> Resource:
    if spot.get("status") == "completed":
        return spot
    return {**spot, "status": "completed", "period": {**spot.get("period", {}), "end": now}}


def _not_going(visit: Resource) -> Resource:
    """The same without the department it was on the way to."""
    rest = {key: value for key, value in visit.get("hospitalization", {}).items() if key != "destination"}
    made = {key: value for key, value in visit.items() if key != "hospitalization"}
    return {**made, "hospitalization": rest} if rest else made


async def _open(ctx: Context, encounter: str) -> tuple[Resource, str]:
    """A visit that goes on, with the version it is now."""
    stored = await interactions.read(ctx, "Encounter", encounter)
    visit = json.stored(stored.body or "")
    if visit["status"] not in HERE | set(here.WAITING):
        raise NotHere
    return visit, f'W/"{stored.vid}"'


async def _parts(ctx: Context, whole: str) -> list[Resource]:
    wanted = Search(
        ("Encounter",), e.Match("part-of", e.Reference("Encounter", whole)), count=100, total="none"
    )
    page = await interactions.search(ctx, wanted)
    return [json.stored(one.body or "") for one in page.matches]


async def _place(ctx: Context, type: str, id: str) -> Resource:
    if not id:
        raise NotAPlace
    stored = await interactions.read(ctx, type, id)
    return json.stored(stored.body or "")


def _to(type: str, resource: Resource) -> Resource:
    return {"reference": f"{type}/{resource['id']}", "display": text(resource.get("name")) or resource["id"]}


def _is_in(visit: Resource, department: str) -> bool:
    found = link(visit.get("serviceProvider"))
    return found is not None and found.id == department


def _coded(canon: Canon, extension: str, codes: str, code: str, display: str) -> Resource:
    value = {"coding": [{"system": canon.codes(codes), "code": code, "display": display}]}
    return {"url": canon.profile(extension), "valueCodeableConcept": value}


def _now(ctx: Context) -> str:
    return ctx.clock.now().astimezone(ctx.tenant.zone).isoformat(timespec="seconds")


async def _one_at_a_time(ctx: Context, place: str) -> None:
    """Whoever else calls at this room or puts somebody to this bed waits until this is done."""
    await ctx.tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('hsba place ' || $1::text || ' ' || $2::text, 0))",
        str(ctx.tenant.id),
        place,
    )
