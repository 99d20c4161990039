"""Taking somebody into the record: what a desk types is checked, compared with who is there, and saved as one Patient.

Step 1 what was typed, or what is wrong with it - step 2 nobody else registers at this keeper - step 3 who may be the
same - step 4 the number - step 5 the Patient and his insurance cards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Conflict, Unprocessable
from hsba.fhir.vn import Canon
from hsba.record import cards, communes, interactions, typed, unused
from hsba.record.views import alike
from hsba.record.views.alike import Known
from hsba.record.views.facts import objects, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsba.record.context import Context

Resource = dict[str, Any]

CHILD = 6
"""Years below which somebody else must be named (next of kin)."""
CARDS = 2
"""Insurance cards that are taken at once: the old one and the new one live side by side for a while."""
LONGEST = 200
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
OWN_NUMBERS = ("cccd", "bhyt")
"""Identifiers that the form writes; others stay as they are."""
INSURER = "Bảo hiểm xã hội Việt Nam"

GENDERS = ("male", "female", "other", "unknown")
KIN = {
    "MTH": "Mẹ", "FTH": "Cha", "SPS": "Vợ hoặc chồng", "CHILD": "Con", "SIB": "Anh, chị, em", "GRPRN": "Ông, bà",
    "GUARD": "Người giám hộ", "FAMMEMB": "Người trong gia đình", "FRND": "Người quen",
}  # fmt: skip
"""Next of kin by v3-RoleCode, as it is written into the record."""


class SamePerson(Conflict):
    """Somebody with this ID number is in the record already; nothing was saved: open that record."""

    code = "duplicate"
    vi = "Số định danh này đã có trong hồ sơ; chưa lưu gì: hãy mở hồ sơ đó."


class MayBeSame(Conflict):
    """People who may be the same are in the record; nothing was saved: look at them, or say why it is another."""

    code = "duplicate"
    vi = "Đã có người rất giống; chưa lưu gì: hãy xem họ, hoặc ghi lý do vì sao là người khác."


class NotAnIdentity(Unprocessable):
    """Something is missing or cannot be right; nothing was saved."""

    vi = "Còn thiếu hoặc có chỗ chưa đúng; chưa lưu gì."


@dataclass(frozen=True, slots=True)
class Insured:
    """An insurance card: its number, and the days it is valid for."""

    number: str
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, checked: dates and codes as FHIR writes them."""

    name: str
    birth: str
    gender: str
    number: str = ""
    phone: str = ""
    line: str = ""
    province: str = ""
    commune: str = ""
    cards: tuple[Insured, ...] = ()
    kin: str = ""
    kin_relation: str = ""
    kin_phone: str = ""

    @property
    def known(self) -> Known:
        """What others are compared by."""
        held = tuple(one.number for one in self.cards)
        return Known(self.name, self.birth, self.gender, self.number, self.phone, held)


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed, understood; `wrong` names the fields that are not, and why."""

    identity: Identity
    wrong: dict[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], today: date) -> Read:
    """Understand a form; the words in `wrong` are codes that the page says in the reader's language."""
    wrong: dict[str, str] = {}
    given = {key: " ".join(value.split())[:LONGEST] for key, value in form.items()}

    def said(key: str) -> str:
        return given.get(key, "")

    name = typed.name(said("name"))
    if not name:
        wrong["name"] = "missing"
    birth = typed.birth(said("birth"), today) or ""
    if not birth:
        wrong["birth"] = "no-birth" if said("birth") else "missing"
    gender = said("gender")
    if gender not in GENDERS:
        wrong["gender"] = "missing"
    number = typed.digits(said("number"))
    if number and not cards.NUMBER.fullmatch(number):
        wrong["number"] = "no-id"
    elif number and cards.mismatch(number, birth, gender) and not said("number-sure"):
        wrong["number"] = "other-id"
    phone = _phone("phone", said("phone"), wrong)
    province = said("province")
    commune = _commune(province, said("commune"), wrong)
    held = tuple(one for n in range(1, CARDS + 1) if (one := _card(given, n, wrong)) is not None)
    kin = typed.name(said("kin"))
    if not kin and birth and typed.years(birth, today) < CHILD:
        wrong["kin"] = "kin-missing"
    relation = said("kin-relation")
    if kin and relation not in KIN:
        wrong["kin-relation"] = "missing"
    kin_phone = _phone("kin-phone", said("kin-phone"), wrong)
    return Read(
        Identity(
            name,
            birth,
            gender,
            number,
            phone,
            said("line"),
            province,
            commune,
            held,
            kin,
            relation,
            kin_phone,
        ),
        wrong,
    )


async def register(ctx: Context, identity: Identity, *, reason: str = "") -> str:
    """A new patient's id; SamePerson and MayBeSame when somebody like him is there and no reason tells them apart."""
    await alone(ctx)
    await compare(ctx, identity, reason=reason)
    canon = Canon.of(ctx.definitions)
    number = await unused.number(ctx, "mrn", "Patient", canon.identifier("mrn"))
    bare: Resource = {
        "resourceType": "Patient",
        "meta": {"profile": [canon.profile("vn-core-patient")]},
        "identifier": [record_number(canon, number)],
        "active": True,
    }
    saved = await interactions.create(ctx.because(reason or None), _with(bare, identity, canon))
    await _insure(ctx, saved.stored.id, identity, canon)
    return saved.stored.id


async def complete(ctx: Context, id: str, identity: Identity, *, if_match: str, reason: str = "") -> None:
    """Write who somebody is over what the record knows of him; a temporary name and code stay as former ones."""
    await alone(ctx)
    await compare(ctx, identity, besides=id, reason=reason)
    canon = Canon.of(ctx.definitions)
    stored = await interactions.read(ctx, "Patient", id)
    before = json.stored(stored.body or "")
    held = {text(one.get("value")) for one in objects(before.get("identifier"))}
    after = _with(before, identity, canon)
    await interactions.update(ctx.because(reason or None), after, if_match=if_match)
    new = tuple(one for one in identity.cards if one.number not in held)
    await _insure(ctx, id, identity, canon, new)


async def compare(ctx: Context, identity: Identity, *, besides: str = "", reason: str = "") -> None:
    """Refuse whoever is there already, or may be and was not told apart."""
    found = await alike.candidates(ctx, identity.known, besides=besides)
    if any(one.same for one in found):
        raise SamePerson
    if found and not reason.strip():
        raise MayBeSame


async def alone(ctx: Context) -> None:
    """One registration at a time at a keeper, so that of two for one person the second sees the first."""
    await ctx.tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('hsba register ' || $1::text, 0))", str(ctx.tenant.id)
    )


def identity_of(patient: Resource, day: str = "") -> dict[str, str]:
    """A Patient as the form has it, to be completed."""
    official = next(
        (one for one in objects(patient.get("name")) if one.get("use") in ("official", "usual")), {}
    )
    sid = {
        text(one.get("system")).rpartition("/")[2]: text(one.get("value"))
        for one in objects(patient.get("identifier"))
        if one.get("use") != "old"
    }
    address = next((one for one in objects(patient.get("address")) if one.get("use") != "old"), {})
    where = {
        text(one.get("url")).rpartition("/")[2]: one.get("valueCoding", {})
        for one in objects(address.get("extension"))
    }
    phone = next(
        (text(one.get("value")) for one in objects(patient.get("telecom")) if one.get("system") == "phone"),
        "",
    )
    kin = next(iter(objects(patient.get("contact"))), {})
    relation = next(
        (c.get("code", "") for r in objects(kin.get("relationship")) for c in objects(r.get("coding"))), ""
    )
    return {
        "name": text(official.get("text")),
        "birth": typed.shown(text(patient.get("birthDate")) or day),
        "gender": text(patient.get("gender")),
        "number": sid.get("cccd", ""),
        "phone": phone,
        "line": ", ".join(one for one in address.get("line", ()) if isinstance(one, str)),
        "province": text(where.get("vn-ext-province", {}).get("code")),
        "commune": text(where.get("vn-ext-ward", {}).get("display")),
        "kin": text((kin.get("name") or {}).get("text")),
        "kin-relation": relation,
        "kin-phone": next((text(one.get("value")) for one in objects(kin.get("telecom"))), ""),
    }


# --- what was typed ----------------------------------------------------------------------------------------


def _phone(key: str, written: str, wrong: dict[str, str]) -> str:
    found = typed.phone(written) if written else ""
    if found is None:
        wrong[key] = "no-phone"
    return found or ""


def _commune(province: str, written: str, wrong: dict[str, str]) -> str:
    if province and communes.province(province) is None:
        wrong["province"] = "no-province"
    if not written:
        return ""
    if not province:
        wrong["province"] = "missing"
        return ""
    found = communes.named(written, communes.communes(province))
    if len(found) != 1:
        wrong["commune"] = "no-commune"
        return ""
    return found[0].code


def _card(given: Mapping[str, str], n: int, wrong: dict[str, str]) -> Insured | None:
    number = typed.digits(given.get(f"card{n}", ""))
    if not number:
        return None
    if not typed.CARD.fullmatch(number):
        wrong[f"card{n}"] = "no-card"
    days = []
    for end in ("from", "until"):
        written = given.get(f"card{n}-{end}", "")
        found = cards.day(written) if written and "-" not in written else written
        try:
            days.append(date.fromisoformat(found).isoformat() if found else "")
        except ValueError:
            found = ""
        if written and not found:
            wrong[f"card{n}-{end}"] = "no-day"
            days.append("")
    return Insured(number, *days[:2])


# --- what is saved -----------------------------------------------------------------------------------------


def record_number(canon: Canon, value: str) -> Resource:
    """The record number as an identifier."""
    kind = {"coding": [{"system": TERMINOLOGY + "v2-0203", "code": "MR"}], "text": "Mã người bệnh"}
    return {"use": "usual", "type": kind, "system": canon.identifier("mrn"), "value": value}


def _with(patient: Resource, identity: Identity, canon: Canon) -> Resource:
    """The Patient with this identity written over it."""
    made = {
        **patient,
        "name": _names(patient, identity),
        "gender": identity.gender,
        "birthDate": identity.birth,
    }
    made["identifier"] = _identifiers(patient, identity, canon)
    if identity.phone:
        others = [one for one in objects(patient.get("telecom")) if one.get("system") != "phone"]
        made["telecom"] = [{"system": "phone", "value": identity.phone, "use": "mobile"}, *others]
    if identity.line or identity.province:
        made["address"] = [_address(identity, canon)]
    if identity.kin:
        first, *others = list(objects(patient.get("contact"))) or [{}]
        made["contact"] = [{**first, **_contact(identity)}, *others]
    return made


def _names(patient: Resource, identity: Identity) -> list[Resource]:
    words = identity.name.split()
    official: Resource = {"use": "official", "text": identity.name}
    if len(words) > 1:
        official |= {"family": words[0], "given": words[1:]}
    former = [
        {**one, "use": "old"} if one.get("use") == "temp" else one
        for one in objects(patient.get("name"))
        if one.get("use") not in ("official", "usual")
    ]
    return [official, *former]


def _identifiers(patient: Resource, identity: Identity, canon: Canon) -> list[Resource]:
    own = {canon.identifier(name): name for name in OWN_NUMBERS}
    kept = []
    for one in objects(patient.get("identifier")):
        number = text(one.get("value"))
        system = text(one.get("system"))
        if system == canon.identifier("ma-tam") or (
            own.get(system) == "cccd" and identity.number and number != identity.number
        ):
            kept.append({**one, "use": "old"})
        else:
            kept.append(one)
    there = {(one.get("system"), one.get("value")) for one in kept if one.get("use") != "old"}
    new: list[Resource] = []
    if identity.number:
        new.append({"use": "official", "system": canon.identifier("cccd"), "value": identity.number})
    new += [{"system": canon.identifier("bhyt"), "value": one.number} for one in identity.cards]
    return [*kept, *(one for one in new if (one["system"], one["value"]) not in there)]


def _address(identity: Identity, canon: Canon) -> Resource:
    province = communes.province(identity.province)
    commune = next(
        (one for one in communes.communes(identity.province) if one.code == identity.commune), None
    )
    made: Resource = {"use": "home", "country": "VN"}
    places = []
    for unit, extension, codes in (
        (province, "vn-ext-province", "vn-province-cs"),
        (commune, "vn-ext-ward", "vn-ward-cs"),
    ):
        if unit is not None:
            coding = {"system": canon.codes(codes), "code": unit.code, "display": unit.name}
            places.append({"url": canon.profile(extension), "valueCoding": coding})
    if places:
        made["extension"] = places
    if identity.line:
        made["line"] = [identity.line]
    if province is not None:
        made["city"] = province.name
    said = (identity.line, commune.name if commune else "", province.name if province else "")
    made["text"] = ", ".join(part for part in said if part)
    return made


def _contact(identity: Identity) -> Resource:
    kind = {"system": TERMINOLOGY + "v3-RoleCode", "code": identity.kin_relation}
    made: Resource = {
        "relationship": [{"coding": [kind], "text": KIN[identity.kin_relation]}],
        "name": {"text": identity.kin},
    }
    if identity.kin_phone:
        made["telecom"] = [{"system": "phone", "value": identity.kin_phone}]
    return made


async def _insure(
    ctx: Context, patient: str, identity: Identity, canon: Canon, some: tuple[Insured, ...] | None = None
) -> None:
    """Save insurance cards as Coverage."""
    for card in identity.cards if some is None else some:
        made: Resource = {
            "resourceType": "Coverage",
            "meta": {"profile": [canon.profile("vn-core-coverage")]},
            "identifier": [{"system": canon.identifier("bhyt"), "value": card.number}],
            "status": "active",
            "beneficiary": {"reference": f"Patient/{patient}", "display": identity.name},
            "payor": [{"display": INSURER}],
        }
        if len(card.number) == len("0123456789"):
            made["subscriberId"] = card.number
        period = {key: day for key, day in (("start", card.start), ("end", card.end)) if day}
        if period:
            made["period"] = period
        await interactions.create(ctx, made)
