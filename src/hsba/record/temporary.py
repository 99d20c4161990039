"""People who cannot say who they are: newborns without a name, unknown and emergency patients, by a code of the house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Unprocessable
from hsba.fhir.vn import Canon
from hsba.record import interactions, numbers, registration, unused
from hsba.record.views import facts

if TYPE_CHECKING:
    from hsba.record.context import Context

Resource = dict[str, Any]

KINDS = ("unknown", "emergency", "newborn")
NAMES = {"unknown": "Chưa rõ danh tính", "emergency": "Cấp cứu, chưa rõ danh tính", "newborn": "Trẻ sơ sinh"}
"""What stands where the name is not known, in the record itself."""
MOST_BORN = 9


class NoSuchKind(Unprocessable):
    """A temporary identity is for a newborn, an unknown or an emergency patient; nothing was saved."""

    vi = "Danh tính tạm chỉ dành cho trẻ sơ sinh, người chưa rõ danh tính hoặc cấp cứu; chưa lưu gì."


async def register(
    ctx: Context, kind: str, *, gender: str = "unknown", seen: str = "", mother: str = "", order: int = 0
) -> str:
    """A patient by a temporary code; of a newborn its mother's id and the place among twins, `seen` what tells him apart."""
    if kind not in KINDS or gender not in registration.GENDERS or not 0 <= order <= MOST_BORN:
        raise NoSuchKind
    canon = Canon.of(ctx.definitions)
    called = await _mothers_name(ctx, mother) if mother else ""
    number = await unused.number(ctx, "mrn", "Patient", canon.identifier("mrn"))
    code = await numbers.give(ctx, "temporary")
    facility = await _facility(ctx, canon)
    mark = f"{facility}-{code.text}" if facility else code.text
    name = f"Con bà {called}" if called else f"{NAMES[kind]} {code.text}"
    made: Resource = {
        "resourceType": "Patient",
        "meta": {"profile": [canon.profile("vn-core-patient")]},
        "identifier": [
            registration.record_number(canon, number),
            {"use": "temp", "system": canon.identifier("ma-tam"), "value": mark},
        ],
        "active": True,
        "name": [{"use": "temp", "text": f"{name} ({order})" if called and order else name}],
        "gender": gender,
    }
    if kind == "newborn":
        made["birthDate"] = ctx.clock.now().astimezone(ctx.tenant.zone).date().isoformat()
    if order:
        made["multipleBirthInteger"] = order
    saved = await interactions.create(ctx.because(seen.strip() or None), made)
    if called:
        await _link_mother(ctx, saved.stored.id, mother, called, canon)
    return saved.stored.id


async def _mothers_name(ctx: Context, mother: str) -> str:
    stored = await interactions.read(ctx, "Patient", mother)
    found = facts.name(json.stored(stored.body or ""))
    return found.full if found else ""


async def _link_mother(ctx: Context, child: str, mother: str, called: str, canon: Canon) -> None:
    """Say who the mother is, and that she is a patient here herself."""
    relation = {"system": registration.TERMINOLOGY + "v3-RoleCode", "code": "MTH", "display": "Mẹ"}
    made = await interactions.create(
        ctx,
        {
            "resourceType": "RelatedPerson",
            "meta": {"profile": [canon.profile("hsba-related-person")]},
            "active": True,
            "patient": {"reference": f"Patient/{child}"},
            "relationship": [{"coding": [relation]}],
            "name": [{"text": called}],
            "gender": "female",
        },
    )
    stored = await interactions.read(ctx, "Patient", mother)
    before = json.stored(stored.body or "")
    link = {"other": {"reference": f"RelatedPerson/{made.stored.id}"}, "type": "seealso"}
    await interactions.update(ctx, {**before, "link": [*before.get("link", ()), link]})


async def _facility(ctx: Context, canon: Canon) -> str:
    """The facility code (mã CSKCB) in force; empty where the keeper has none."""
    found: str | None = await ctx.tx.fetchval(
        "SELECT code FROM record.tenant_code WHERE tenant = $1 AND system = $2"
        " AND valid_from <= $3 AND valid_to > $3 ORDER BY valid_from DESC LIMIT 1",
        ctx.tenant.id,
        canon.identifier("ma-cskcb"),
        ctx.clock.now().date(),
    )
    return found or ""
