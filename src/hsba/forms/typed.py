"""What people type into a field, read as its kind, and an answer written as people read it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.forms import drawing

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from hsba.forms.model import Item

LONGEST = {"text": 2_000, "long": 100_000}
"""Characters of an answer, where the form does not say."""

BREAKS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c]")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
DAY = re.compile(
    r"(?:(\d{1,2})[/.\- ])?(?:(\d{1,2})[/.\- ])?(\d{4})$|(\d{1,2})[/.\- ](\d{1,2})$|(\d{2})(\d{2})(\d{4}|\d{2})?$"
)
HOUR = re.compile(r"(\d{1,2})(?:[:hHgG.\s]+|(?=\d{2}$))(\d{2})?$|(\d{1,2})$")


@dataclass(frozen=True, slots=True)
class Wrong:
    """Typed text that is no answer: kept as it is, with what to say of it."""

    typed: str
    say: str
    en: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field and what was typed into it, and where and when: dates are read by the keeper's day."""

    item: Item
    text: str
    zone: ZoneInfo
    today: date


def clean(text: str, *, lines: bool) -> str:
    """Text without control characters, NFC; breaks become new lines, or spaces where there is one line only."""
    text = BREAKS.sub("\n", unicodedata.normalize("NFC", text))
    kept = "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn")
    )
    return kept.rstrip() if lines else " ".join(kept.split())


def read(item: Item, text: str, zone: ZoneInfo, today: date) -> Any:
    """The value of what was typed into a field; None for nothing, Wrong where it is none."""
    kept = clean(text, lines=item.kind == "long")
    if not kept.strip():
        return None
    return _READ[item.kind](Field(item, kept, zone, today)) if item.kind in _READ else kept


def _read_text(field: Field) -> Any:
    most = field.item.longest or LONGEST[field.item.kind]
    if len(field.text) > most:
        return Wrong(
            field.text,
            f"Dài quá {most:,} ký tự; hãy rút gọn.".replace(",", "."),
            f"Over {most:,} characters; make it shorter.",
        )
    return field.text.upper() if field.item.upper else field.text


def _read_number(field: Field) -> Any:
    plain = field.text.replace(" ", "").replace(",", ".")
    if not NUMBER.fullmatch(plain) or len(plain) > 20:
        return Wrong(field.text, "Không phải số.", "This is no number.")
    value = Decimal(plain)
    if field.item.kind == "integer" and value != value.to_integral_value():
        return Wrong(field.text, "Cần số nguyên.", "A whole number is needed.")
    if field.item.decimals is not None and -int(value.normalize().as_tuple().exponent) > field.item.decimals:
        return Wrong(
            field.text,
            f"Nhiều nhất {field.item.decimals} chữ số sau dấu phẩy.",
            f"At most {field.item.decimals} decimals.",
        )
    if (field.item.least is not None and value < field.item.least) or (
        field.item.most is not None and value > field.item.most
    ):
        low, high = decimal(field.item.least), decimal(field.item.most)
        return Wrong(field.text, f"Ngoài khoảng {low} – {high}.", f"Outside {low} – {high}.")
    return int(value) if field.item.kind == "integer" else value


def _read_date(field: Field) -> Any:
    found = day(field.text, field.today)
    return found or Wrong(
        field.text, "Không đọc được ngày; gõ như 14/9/2026 hoặc 1409.", "No date; type 14/9/2026 or 1409."
    )


def _read_time(field: Field) -> Any:
    return hour(field.text) or Wrong(
        field.text, "Không đọc được giờ; gõ như 7:45 hoặc 0745.", "No time; type 7:45 or 0745."
    )


def _read_datetime(field: Field) -> Any:
    wrong = Wrong(
        field.text,
        "Không đọc được ngày giờ; gõ như 14/9/2026 7:45.",
        "No date and time; type 14/9/2026 7:45.",
    )
    if re.match(r"\d{4}-\d{2}-\d{2}", field.text):
        try:
            moment = datetime.fromisoformat(field.text)
        except ValueError:
            return wrong
    else:
        words = field.text.split()
        for cut in range(1, len(words)):
            for first, second in ((words[:cut], words[cut:]), (words[cut:], words[:cut])):
                on, at = day(" ".join(first), field.today), hour(" ".join(second))
                if on and at and len(on) == 10:
                    return _instant(on, at, field.zone)
        return wrong
    return (
        _instant(moment.date().isoformat(), moment.strftime("%H:%M"), field.zone)
        if moment.tzinfo is None
        else moment.astimezone(field.zone).isoformat(timespec="seconds")
    )


def _instant(on: str, at: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(f"{on}T{at}").replace(tzinfo=zone).isoformat(timespec="seconds")


def day(text: str, today: date) -> str | None:
    """A day as people type it: 14/9/2026, 14/9, 1409, 14092026, `h` for today, `-1` for yesterday; a month or a year alone."""
    text = text.strip().lower()
    if text in ("h", "nay", "hôm nay"):
        return today.isoformat()
    if re.fullmatch(r"[+-]\d{1,3}", text):
        return (today + timedelta(days=int(text))).isoformat()
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
        return _real(*text.split("-"))
    if re.fullmatch(r"\d{4}", text) and (packed := _real(str(today.year), text[2:], text[:2])):
        return packed  # 2011 is the 20th of November; the reading is shown at once
    found = DAY.match(text)
    if found is None:
        return None
    one, two, year, short_day, short_month, packed_day, packed_month, packed_year = found.groups()
    if year:
        if one and two:
            return _real(year, two, one)
        return (
            _real(year, one or two)
            if (one or two)
            else (year if 1850 <= int(year) <= today.year + 100 else None)
        )
    if short_day:
        return _real(str(today.year), short_month, short_day)
    year = packed_year or str(today.year)
    return _real(f"20{year}" if len(year) == 2 else year, packed_month, packed_day)


def _real(year: str, month: str, on: str | None = None) -> str | None:
    try:
        found = date(int(year), int(month), int(on or 1))
    except ValueError:
        return None
    if not 1850 <= found.year <= 2200:
        return None
    return found.isoformat() if on else found.isoformat()[:7]


def hour(text: str) -> str | None:
    """A time as people type it: 7:45, 7h45, 0745, 7h, 7 giờ 45; None where it is none."""
    text = re.sub(r"\s*(giờ|gio|phút|phut|ph)\s*", ":", text.strip().lower()).strip(":")
    found = HOUR.match(text)
    if found is None:
        return None
    hours, minutes = int(found[1] or found[3]), int(found[2] or 0)
    return f"{hours:02d}:{minutes:02d}" if hours < 24 and minutes < 60 else None


def _read_choice(field: Field) -> Any:
    wanted = field.text.strip().casefold()
    for option in field.item.options:
        if wanted in (option.code.casefold(), option.label.casefold()):
            return option.code
    return Wrong(field.text, "Không có lựa chọn này.", "There is no such choice.")


def _read_many(field: Field) -> Any:
    found = [_read_choice(replace(field, text=one)) for one in re.split(r"[,;\s]+", field.text) if one]
    return next((one for one in found if isinstance(one, Wrong)), found)


def _read_tick(field: Field) -> Any:
    return field.text.strip().casefold() in ("x", "1", "true", "on", "có", "co")


def _read_coded(field: Field) -> Any:
    """`I10 Tăng huyết áp` as code and words where the words begin with one; the field's finder sends `system|code|words`."""
    if field.text.count("|") >= 2:
        system, code, display = field.text.split("|", 2)
        return {
            key: value for key, value in (("system", system), ("code", code), ("display", display)) if value
        }
    return {"display": field.text}


def _read_drawing(field: Field) -> Any:
    return drawing.read(field.text, field.item.art) or Wrong(
        field.text, "Hình vẽ quá lớn hoặc không đọc được.", "The drawing is too large, or cannot be read."
    )


_READ: dict[str, Callable[[Field], Any]] = {
    "text": _read_text,
    "long": _read_text,
    "number": _read_number,
    "integer": _read_number,
    "date": _read_date,
    "time": _read_time,
    "datetime": _read_datetime,
    "one": _read_choice,
    "many": _read_many,
    "tick": _read_tick,
    "coded": _read_coded,
    "icd": _read_coded,
    "drawing": _read_drawing,
}


def decimal(value: Decimal | float | None) -> str:
    """A number with the decimal comma."""
    return "" if value is None else str(value).replace(".", ",")


def shown(item: Item, value: Any, zone: ZoneInfo) -> str:
    """An answer as people read it, and as a field of one line shows it again."""
    if value is None or value == []:
        return ""
    match item.kind:
        case "number" | "integer":
            return decimal(value)
        case "date":
            return "/".join(reversed(str(value).split("-")))
        case "datetime":
            return datetime.fromisoformat(str(value)).astimezone(zone).strftime("%d/%m/%Y %H:%M")
        case "time":
            return str(value)[:5]
        case "tick":
            return "X" if value else ""
        case "one":
            return next((option.label for option in item.options if option.code == value), str(value))
        case "many":
            return ", ".join(shown(replace(item, kind="one"), one, zone) for one in value)
        case "drawing":
            return drawing.shown(value)
        case "coded" | "icd":
            return str(value.get("display", value.get("code", "")))
        case _:
            return str(value)
