"""How values are written for people in Vietnam: dd/mm/yyyy, 24 hours, the tenant's zone, a decimal comma."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.http.web import words
from hsba.http.web.i18n import mark

if TYPE_CHECKING:
    import gettext
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from hsba.record.views.care import Visit
    from hsba.record.views.facts import Identifier
    from hsba.record.views.measures import Reading
    from hsba.record.views.people import Person

SIGNS: dict[str, str] = {"L": "↓", "H": "↑", "LL": "‼↓", "HH": "‼↑", "A": "*", "AA": "‼"}
"""How an abnormal value is signed (web design 5: the hue is always doubled by a sign)."""

FLAG_CLASS: dict[str, str] = {
    "L": "low",
    "H": "high",
    "LL": "critical",
    "HH": "critical",
    "A": "odd",
    "AA": "critical",
}


def moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A FHIR date or time as a moment in the tenant's zone; partial dates stand at their beginning."""
    try:
        if len(text) <= 10:
            year, month, day_ = (*(int(part) for part in text.split("-")), 1, 1)[:3]
            return datetime(year, month, day_, tzinfo=zone)
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)


def day(text: str, zone: ZoneInfo) -> str:
    """`22/11/2026`; `11/2026` or `2026` where no more is known."""
    if len(text) == 4:
        return text
    found = moment(text, zone)
    if found is None:
        return text
    return found.strftime("%m/%Y") if len(text) == 7 else found.strftime("%d/%m/%Y")


def clock(text: str, zone: ZoneInfo) -> str:
    """`07:40`; nothing where only the day is known."""
    found = moment(text, zone) if len(text) > 10 else None
    return found.strftime("%H:%M") if found else ""


def when(text: str, zone: ZoneInfo) -> str:
    """`22/11/2026 07:40`, or as much of it as is known."""
    return f"{day(text, zone)} {clock(text, zone)}".strip()


def age(birth: str, at: date) -> tuple[str, int]:
    """("year" | "month" | "day", how many) at a day; ("", 0) where it cannot be told.

    Below six years the statutory forms want months, below one month days.
    """
    parts = birth.split("-")
    if not parts[0].isdigit():
        return "", 0
    if len(parts) < 3:
        return "year", max(0, at.year - int(parts[0]))
    try:
        born = date.fromisoformat(birth[:10])
    except ValueError:
        return "", 0
    months = (at.year - born.year) * 12 + at.month - born.month - (at.day < born.day)
    if months < 1:
        return "day", max(0, (at - born).days)
    return ("month", months) if months < 72 else ("year", months // 12)


def number(value: Any, language: str = "vi") -> str:
    """A number with the digits it came with, and a decimal comma where that is the custom."""
    written = format(value, "f") if isinstance(value, Decimal) else str(value)
    return written.replace(".", ",") if language == "vi" else written


def count(value: int, language: str = "vi") -> str:
    """A count in groups of three: 12.345, or 12,345 in English."""
    grouped = f"{value:,}"
    return grouped.replace(",", ".") if language == "vi" else grouped


def value(one: Reading, language: str = "vi") -> str:
    """What was measured, without its unit: `6,8`, `< 0,01`, `150/90`, `âm tính`."""
    if one.kind == "pressure" and len(one.parts) >= 2:
        upper, lower = one.part("8480-6"), one.part("8462-4")
        if upper and lower and upper.value is not None and lower.value is not None:
            return f"{number(upper.value, language)}/{number(lower.value, language)}"
    if one.value is not None:
        return f"{one.comparator} {number(one.value, language)}".strip()
    if one.shown:
        return one.shown
    return " · ".join(f"{part.code.text} {value(part, language)}" for part in one.parts) or "–"


def unit(one: Reading) -> str:
    """The unit as it is written beside the value; that of its parts where they agree."""
    units = {one.unit} if one.unit else {part.unit for part in one.parts}
    found = units.pop() if len(units) == 1 else ""
    return {"mm[Hg]": "mmHg", "Cel": "°C", "{score}": "", "1": "", "10*3/uL": "×10³/µL", "/min": "/ph"}.get(
        found, found
    )


def bounds(one: Reading, language: str = "vi") -> str:
    """The reference range: `3,5–5,1`, `≤ 5,2`, or its words."""
    low, high = (None if end is None else number(end, language) for end in (one.low, one.high))
    if low is not None and high is not None:
        return f"{low}–{high}"
    if high is not None:
        return f"≤ {high}"
    return f"≥ {low}" if low is not None else one.range


def card(text: str) -> str:
    """A long number in groups that the eye can follow: `0791 5901 2345`, `GD 4 79 …` for old insurance cards."""
    if len(text) == 12 and text.isdigit():
        return " ".join((text[:4], text[4:8], text[8:]))
    if len(text) == 15 and text[:2].isalpha():
        return " ".join((text[:2], text[2], text[3:5], text[5:8], text[8:11], text[11:]))
    if len(text) == 10 and text.isdigit():
        return " ".join((text[:4], text[4:7], text[7:]))
    return text


class Show:
    """The same for one reader: his language and the tenant's zone, and the words of FHIR's codes."""

    def __init__(self, words: gettext.NullTranslations, language: str, zone: ZoneInfo, now: datetime) -> None:
        """Bind language, zone and time."""
        self._words = words
        self.language = language
        self.zone = zone
        self.now = now.astimezone(zone)
        self.now_text = self.now.strftime("%d/%m/%Y %H:%M")

    def say(self, message: str) -> str:
        """A message of the catalogue."""
        return self._words.gettext(message) if message else ""

    # --- times ---------------------------------------------------------------------------------------------

    def day(self, text: str) -> str:
        """`22/11/2026`."""
        return day(text, self.zone)

    def when(self, text: str) -> str:
        """`22/11/2026 07:40`."""
        return when(text, self.zone)

    def last_day(self, end: datetime) -> str:
        """The day that an end closes; the moment where it is within a day."""
        day_ = (end - timedelta(microseconds=1)).astimezone(self.zone)
        if (day_ + timedelta(seconds=1)).date() != day_.date():
            return day_.strftime("%d/%m/%Y")
        return end.astimezone(self.zone).strftime("%d/%m/%Y %H:%M")

    def said(self, messages: Mapping[str, str]) -> dict[str, str]:
        """A table of messages in the reader's language."""
        return {key: self.say(message) for key, message in messages.items()}

    def clock(self, text: str) -> str:
        """`07:40`."""
        return clock(text, self.zone)

    def short(self, text: str) -> str:
        """`22/11 07:40`, with the year when it is another one than this."""
        return f"{self.short_day(text)} {self.clock(text)}".strip()

    def short_day(self, text: str) -> str:
        """`22/11`, with the year when it is another one than this."""
        found = moment(text, self.zone) if len(text) > 7 else None
        if found is None:
            return day(text, self.zone)
        return found.strftime("%d/%m" if found.year == self.now.year else "%d/%m/%Y")

    def past(self, text: str) -> bool:
        """Whether a day is over."""
        found = moment(text, self.zone)
        return found is not None and found.date() < self.now.date()

    def stay_day(self, start: str) -> str:
        """`ngày 3`: the day of a stay, the first being day 1."""
        found = moment(start, self.zone)
        if found is None:
            return ""
        return self.say(mark("day %(n)s")) % {"n": max(1, (self.now.date() - found.date()).days + 1)}

    # --- people --------------------------------------------------------------------------------------------

    def age(self, person: Person) -> str:
        """`67 tuổi`, `18 tháng tuổi`, `5 ngày tuổi`; of the dead, the age they reached."""
        died = moment(person.deceased, self.zone) if person.deceased not in ("", "yes") else None
        unit_, number_ = age(person.birth, (died or self.now).date())
        match unit_:
            case "year":
                return self._words.ngettext("%(num)s year old", "%(num)s years old", number_) % {
                    "num": number_
                }
            case "month":
                return self._words.ngettext("%(num)s month old", "%(num)s months old", number_) % {
                    "num": number_
                }
            case "day":
                return self._words.ngettext("%(num)s day old", "%(num)s days old", number_) % {"num": number_}
        return ""

    def age_short(self, person: Person) -> str:
        """`67t`, and in months or days for the little ones."""
        died = moment(person.deceased, self.zone) if person.deceased not in ("", "yes") else None
        unit_, number_ = age(person.birth, (died or self.now).date())
        forms = {"year": mark("%(num)sy"), "month": mark("%(num)s mo"), "day": mark("%(num)s d")}
        return self.say(forms[unit_]) % {"num": number_} if unit_ else ""

    def gender(self, code: str) -> str:
        """The word for a sex."""
        return self.say(words.GENDER.get(code, ""))

    def gender_sign(self, code: str) -> str:
        """The sign that goes with the word."""
        return words.GENDER_SIGN.get(code, "")

    def identifier(self, one: Identifier) -> str:
        """What a number is: `Số định danh (CCCD)`."""
        return self.say(words.IDENTIFIER.get(one.kind, "")) or one.label

    def identifier_short(self, one: Identifier) -> str:
        """The same in a list."""
        return self.say(words.IDENTIFIER_SHORT.get(one.kind, "")) or one.label

    def bed(self, text: str) -> str:
        """A bed's name without the word for it, where its column says so."""
        return text.removeprefix("Giường ").removeprefix("giường ") or "–"

    def card(self, text: str) -> str:
        """A long number in groups."""
        return card(text)

    # --- measures ------------------------------------------------------------------------------------------

    def value(self, one: Reading) -> str:
        """What was measured, without its unit."""
        return value(one, self.language)

    def unit(self, one: Reading) -> str:
        """Its unit."""
        found = unit(one)
        return found.replace("/ph", self.say(mark("/min"))) if found == "/ph" else found

    def bounds(self, one: Reading) -> str:
        """Its reference range."""
        return bounds(one, self.language)

    def sign(self, flag: str) -> str:
        """↑ ↓ ‼."""
        return SIGNS.get(flag, "")

    def flag(self, flag: str) -> str:
        """The same in a word, for those who do not see it."""
        return self.say(words.FLAG.get(flag, ""))

    def flag_class(self, flag: str) -> str:
        """The same as a class of the style sheet."""
        return FLAG_CLASS.get(flag, "")

    def count(self, value_: int) -> str:
        """A count in groups of three."""
        return count(value_, self.language)

    def decimals(self, text: str) -> str:
        """Decimal commas in a short text such as `0.5 viên`."""
        return re.sub(r"(?<=\d)\.(?=\d)", ",", text) if self.language == "vi" else text

    # --- codes ---------------------------------------------------------------------------------------------

    def visit_kind(self, visit: Visit) -> str:
        """`Nội trú`, `Cấp cứu`."""
        known = self.say(words.VISIT_KIND.get(visit.kind, ""))
        return known or (visit.type.text if visit.type else "") or self.say(mark("Visit"))

    def visit_status(self, code: str) -> str:
        """`đang diễn ra`."""
        return self.say(words.VISIT_STATUS.get(code, code))

    def result_status(self, code: str) -> str:
        """`sơ bộ`."""
        return self.say(words.RESULT_STATUS.get(code, code))

    def medicine_status(self, code: str) -> str:
        """`đang dùng`."""
        return self.say(words.MEDICINE_STATUS.get(code, code))

    def paper_status(self, code: str) -> str:
        """`nháp`."""
        return self.say(words.PAPER_STATUS.get(code, code))

    def act_status(self, code: str) -> str:
        """`đã làm`."""
        return self.say(words.ACT_STATUS.get(code, code))

    def verification(self, code: str) -> str:
        """`sơ bộ`, `phân biệt`."""
        return self.say(words.VERIFICATION.get(code, code))

    def diagnosis_role(self, code: str) -> str:
        """`Khi vào viện`."""
        return self.say(words.DIAGNOSIS_ROLE.get(code, ""))

    def act(self, code: str) -> str:
        """`đã đọc`, `có trong danh sách`: an act as the audit trail names it."""
        return self.say(words.ACTS.get(code) or words.ACCOUNT_ACTS.get(code, code))

    def why(self, text: str) -> str:
        """Why it was refused or done: our own words translated, a person's as they were typed."""
        return self.say(words.REASONS.get(text, "")) or text

    def channel(self, code: str) -> str:
        """`trang web`."""
        return self.say(words.CHANNELS.get(code, code))

    def hours(self, text: str) -> str:
        """`T2-T6 07:00-17:00`: hours of the week, their days in the reader's language."""
        for code, title in words.DAYS.items():
            text = text.replace(code, self.say(title))
        return text

    def purpose(self, code: str) -> str:
        """`điều trị`."""
        return self.say(words.PURPOSES.get(code, code))

    def interaction(self, code: str) -> str:
        """`tạo`, `sửa`, `xóa`."""
        return self.say(words.INTERACTION.get(code, code))
