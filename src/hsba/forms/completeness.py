"""What a stay still lacks: covers and sheets that the rules ask for, what is begun and not completed, what does not agree.

The rules are data (`definitions/vn.moh.forms/rules.yaml`).  Step 1 the stay is read - step 2 each rule that holds of it
is held against its sheets - step 3 answers that must agree are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from hsba.fhir import json
from hsba.fhir.fold import fold
from hsba.fhir.problems import Gone, NotFound
from hsba.fhir.query.parse import parse_search
from hsba.forms import catalogue, shelf
from hsba.forms.answers import SHEET, from_response, part_of
from hsba.forms.extract import DONE
from hsba.forms.lines import BadForm, Lined, parse
from hsba.forms.model import BASE
from hsba.record import derived, interactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hsba.forms.model import Form
    from hsba.record.context import Context

Resource = dict[str, Any]
Kind = Literal["missing", "unfinished", "contradictory"]

COVER = "cover"
"""In `need:`, any cover."""
MOST = 1000
"""Entries of a stay that are looked at."""
VOID = frozenset({"entered-in-error", "stopped", "not-done", "preparation"})
"""States of a procedure that was not done."""
TAKEN_BACK = frozenset({"entered-in-error", "stopped"})
"""States of an entry that counts no longer."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a stay lacks: by which rule, of which forms, in which sheet and part, and who must act."""

    kind: Kind
    rule: str
    forms: tuple[str, ...]
    """Slugs, one of which is enough."""
    say: str
    en: str
    who: str = ""
    sheet: str = ""
    """The sheet that is begun, where there is one."""
    part: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the file."""

    id: str
    need: tuple[str, ...]
    when: Mapping[str, Any]
    say: str
    en: str
    who: str
    parts: tuple[str, ...] = ()
    each: str = ""
    basis: str = ""

    def holds(self, stay: Stay) -> bool:
        """Whether the stay is such that the rule asks something of it."""
        return all(WHEN[name](stay, value) for name, value in self.when.items())

    def fits(self, form: Form) -> bool:
        """Whether a sheet of this form is what the rule asks for."""
        return form.slug in self.need or (COVER in self.need and form.kind == "cover")


@dataclass(frozen=True, slots=True)
class Stay:
    """What the rules ask about a stay."""

    kind: str
    """v3-ActCode: IMP, AMB, EMER."""
    start: datetime
    end: datetime | None
    now: datetime
    born: str
    died: bool
    moved: bool
    procedures: int
    """Those that no sheet told of, and those that one did."""
    untold: int
    """Procedures that were recorded in another way than by their sheet."""
    department: str
    cover: str

    @property
    def hours(self) -> float:
        """How long it has lasted."""
        return ((self.end or self.now) - self.start).total_seconds() / 3600

    @property
    def days(self) -> int:
        """Days begun, by the calendar."""
        return ((self.end or self.now).date() - self.start.date()).days + 1

    @property
    def age(self) -> int | None:
        """Days lived at the beginning; None where the day of birth is not known."""
        try:
            return (self.start.date() - date.fromisoformat(self.born)).days
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet of the stay: its form, and its entries by part."""

    id: str
    form: Form
    entries: tuple[Resource, ...]

    def done(self, part: str) -> list[Resource]:
        """The completed entries of a part."""
        return [one for one in self.entries if part_of(one) == part and one.get("status") in DONE]

    def open(self, parts: tuple[str, ...]) -> list[str]:
        """Those of some parts that the form has and nobody completed."""
        return [part for part in parts if self.form.part(part) is not None and not self.done(part)]


WHEN: dict[str, Callable[[Stay, Any], bool]] = {
    "class": lambda stay, value: stay.kind in value,
    "hours": lambda stay, value: stay.hours >= value,
    "days": lambda stay, value: stay.days > value,
    "ended": lambda stay, value: (stay.end is not None) == value,
    "died": lambda stay, value: stay.died == value,
    "moved": lambda stay, value: stay.moved == value,
    "procedures": lambda stay, value: (stay.procedures > 0) == value,
    "age-below": lambda stay, value: stay.age is not None and stay.age < value * 365.25,
    "age-days-below": lambda stay, value: stay.age is not None and stay.age < value,
    "department": lambda stay, value: any(fold(word) in fold(stay.department) for word in value),
    "cover": lambda stay, value: stay.cover in value,
}
"""What a rule may ask of a stay."""


# --- the rules ---------------------------------------------------------------------------------------------


@cache
def rules() -> tuple[Rule, ...]:
    """The rules that come with the program."""
    return read(_file().read_text("utf-8"))[0]


@cache
def agreeing() -> frozenset[str]:
    """The items whose answers must be the same in all sheets of a stay."""
    return read(_file().read_text("utf-8"))[1]


def _file() -> Any:
    return catalogue.PLACE / "rules.yaml"


def read(text: str) -> tuple[tuple[Rule, ...], frozenset[str]]:
    """The rules of a file; BadForm names the line of what is wrong."""
    top = parse(text, "rules.yaml")
    return tuple(_rule(one) for one in top.get("rules", ())), frozenset(top.get("agree", ()))


def _rule(where: Lined) -> Rule:
    keys = {"id", "need", "parts", "when", "each", "who", "say", "en", "basis"}
    for key in where:
        if key not in keys:
            raise where.wrong(f"{key} is not known here.", f"không có khóa {key} ở đây.", key)
    for key in ("id", "need", "when", "who", "say", "en"):
        if key not in where:
            raise where.wrong(f"{key} is missing.", f"thiếu {key}.")
    for name in where["when"]:
        if name not in WHEN:
            raise where["when"].wrong(f"{name} is not known here.", f"không có điều kiện {name}.", name)
    if where.get("each", "day") not in EACH:
        raise where.wrong("each is day or procedure.", "each là day hoặc procedure.", "each")
    tuples = {key: tuple(where[key]) for key in ("need", "parts") if key in where}
    return Rule(**{**where, **tuples, "when": dict(where["when"])})


# --- a stay ------------------------------------------------------------------------------------------------


async def of_stay(ctx: Context, patient: str, encounter: str) -> tuple[Missing, ...]:
    """Everything that a stay lacks now, as far as the caller may see it."""
    stay = await _stay(ctx, patient, encounter)
    sheets = await _sheets(ctx, patient, encounter)
    return lacking(stay, sheets)


def lacking(stay: Stay, sheets: list[_Sheet]) -> tuple[Missing, ...]:
    """What the rules find: missing first, then what is unfinished, then what does not agree."""
    found = [one for rule in rules() if rule.holds(stay) for one in _against(rule, stay, sheets)]
    found += _unfinished(sheets, {one.sheet for one in found})
    found += _contradictions(sheets)
    order = ("missing", "unfinished", "contradictory")
    return tuple(sorted(found, key=lambda one: order.index(one.kind)))


def _against(rule: Rule, stay: Stay, sheets: list[_Sheet]) -> Iterator[Missing]:
    """What one rule finds in the sheets of a stay."""
    mine = [sheet for sheet in sheets if rule.fits(sheet.form)]

    def told(kind: Kind, sheet: str = "", part: str = "") -> Missing:
        return Missing(kind, rule.id, rule.need, rule.say, rule.en, rule.who, sheet, part, rule.basis)

    if rule.each:
        if not EACH[rule.each](rule, stay, mine):
            yield told("missing", mine[0].id if mine else "")
        return
    if not mine:
        yield told("missing")
        return
    open_parts = {sheet.id: sheet.open(rule.parts or _signed(sheet.form)) for sheet in mine}
    if all(open_parts.values()):  # none of them is complete
        sheet = mine[0]
        yield told("unfinished", sheet.id, open_parts[sheet.id][0])


def _signed(form: Form) -> tuple[str, ...]:
    """The parts that somebody signs once; all that do not repeat where none does."""
    once = [part for part in form.parts if not part.repeats and list(form.entry(part.id))]
    return tuple(part.id for part in once if part.sign) or tuple(part.id for part in once)


def _each_day(rule: Rule, stay: Stay, sheets: list[_Sheet]) -> bool:
    """Whether every day of the stay has an entry; the last day may still be without one."""
    days = {
        str(one.get("authored", ""))[:10]
        for sheet in sheets
        for part in rule.parts
        for one in sheet.done(part)
    }
    return len(days) >= max(1, stay.days - 1)


def _each_procedure(rule: Rule, stay: Stay, sheets: list[_Sheet]) -> bool:  # noqa: ARG001 - called alike
    return sum(1 for sheet in sheets if not sheet.open(_signed(sheet.form))) >= stay.untold


EACH: dict[str, Callable[[Rule, Stay, list[_Sheet]], bool]] = {"day": _each_day, "procedure": _each_procedure}


def _unfinished(sheets: list[_Sheet], told: set[str]) -> Iterator[Missing]:
    """Sheets that were begun, and parts with a signature that nobody completed."""
    for sheet in sheets:
        if sheet.form.kind == COVER or sheet.id in told:
            continue  # a cover grows with the stay: the rules say what it needs and when
        if open_parts := sheet.open(_signed(sheet.form)):
            part = sheet.form.part(open_parts[0])
            yield Missing(
                "unfinished", "", (sheet.form.slug,),
                f"{sheet.form.name}: chưa hoàn thành phần cần ký.", f"{sheet.form.code}: a part is not completed.",
                part.fill[0] if part and part.fill else "", sheet.id, open_parts[0],
            )  # fmt: skip


def _contradictions(sheets: list[_Sheet]) -> Iterator[Missing]:
    """Answers that differ between the sheets of a stay and should not."""
    said: dict[str, dict[str, tuple[_Sheet, str]]] = {}
    for sheet in sheets:
        for one in sheet.entries:
            part = sheet.form.part(part_of(one))
            if one.get("status") not in DONE or part is None or part.repeats:
                continue
            for id_, value in from_response(sheet.form, one).items():
                if id_ in agreeing():
                    said.setdefault(id_, {}).setdefault(_plain(value), (sheet, part.id))
    covers = [sheet for sheet in sheets if sheet.form.kind == COVER]
    if len({sheet.form.slug for sheet in covers}) > 1:
        names = ", ".join(dict.fromkeys(sheet.form.name for sheet in covers))
        yield Missing(
            "contradictory", COVER, tuple(dict.fromkeys(sheet.form.slug for sheet in covers)),
            f"Lượt điều trị có nhiều bệnh án: {names}; hãy ngừng dùng bệnh án không còn đúng.",
            "The stay has several covers; stop the one that no longer holds.", "doctor", covers[0].id,
        )  # fmt: skip
    for id_, values in said.items():
        if len(values) > 1:
            sheet, part_id = list(values.values())[-1]
            label = (
                next((item.label.strip(" :+-") for item in sheet.form.walk() if item.id == id_), "") or id_
            )
            names = ", ".join(dict.fromkeys(one.form.name for one, _ in values.values()))
            yield Missing(
                "contradictory", id_, tuple(dict.fromkeys(one.form.slug for one, _ in values.values())),
                f"«{label}» ghi khác nhau giữa các phiếu: {names}.", f"{id_} differs between the sheets.",
                "doctor", sheet.id, part_id,
            )  # fmt: skip


def _plain(value: Any) -> str:
    return (
        str(value.get("code") or fold(str(value.get("display", ""))))
        if isinstance(value, dict)
        else str(value)
    )


# --- reading -----------------------------------------------------------------------------------------------


async def _stay(ctx: Context, patient: str, encounter: str) -> Stay:
    of = json.stored((await interactions.read(ctx, "Encounter", encounter)).body or "")
    if of.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise NotFound(f"Encounter/{encounter}")
    person = json.stored((await interactions.read(ctx, "Patient", patient)).body or "")
    period, zone = of.get("period", {}), ctx.tenant.zone
    now = ctx.clock.now().astimezone(zone)
    inside = await _search(ctx, f"Encounter?part-of=Encounter/{encounter}")
    departments = {one.get("serviceProvider", {}).get("reference") for one in inside} - {None}
    done = [
        one
        for one in await _search(ctx, f"Procedure?patient=Patient/{patient}&encounter=Encounter/{encounter}")
        if one.get("status") not in VOID
    ]
    dossiers = await _search(ctx, f"Composition?encounter=Encounter/{encounter}&category=dossier")
    end = _moment(period.get("end"), zone) if of.get("status") in ("finished", "completed") else None
    return Stay(
        kind=str(of.get("class", {}).get("code", "")),
        start=_moment(period.get("start"), zone) or now,
        end=end,
        now=now,
        born=str(person.get("birthDate", "")),
        died=_died(person, of),
        moved=len(departments) > 1,
        procedures=len(done),
        untold=sum(1 for one in done if derived.entry_of(one) is None),
        department=str(of.get("serviceProvider", {}).get("display", "")),
        cover=next(
            (str(coding.get("code")) for one in dossiers for coding in one.get("type", {}).get("coding", ())),
            "",
        ),
    )


def _died(person: Resource, encounter: Resource) -> bool:
    """Whether the patient died in this stay: it ended so, or he died while it went on."""
    disposition = encounter.get("hospitalization", {}).get("dischargeDisposition", {}).get("coding", ())
    if any(one.get("code") == "exp" for one in disposition):
        return True
    when, end = str(person.get("deceasedDateTime", "")), str(encounter.get("period", {}).get("end", ""))
    return bool(when and end and when[:10] <= end[:10])


async def _sheets(ctx: Context, patient: str, encounter: str) -> list[_Sheet]:
    """The sheets of the stay, in the order in which they were begun."""
    query = f"QuestionnaireResponse?patient=Patient/{patient}&encounter=Encounter/{encounter}&_sort=authored"
    found: dict[tuple[str, str], list[Resource]] = {}
    for one in await _search(ctx, query):
        identifier = one.get("identifier", {})
        named = str(one.get("questionnaire", ""))
        if (
            identifier.get("system") == SHEET
            and named.startswith(BASE)
            and one.get("status") not in TAKEN_BACK
        ):
            found.setdefault((str(identifier.get("value")), named), []).append(one)
    sheets = []
    for (id_, named), entries in found.items():
        try:
            sheets.append(_Sheet(id_, await shelf.of(ctx, named), tuple(entries)))
        except (NotFound, Gone, BadForm):
            continue  # a form that this release cannot read
    return sheets


async def _search(ctx: Context, query: str) -> list[Resource]:
    type_, _, pairs = query.partition("?")
    asked = parse_search(
        ctx.definitions, (type_,), parse_qsl(pairs), zone=ctx.tenant.zone, strict=True, default_count=MOST
    )
    page = await interactions.search(ctx, asked)
    return [json.stored(one.body or "") for one in page.matches]


def _moment(text: Any, zone: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)
