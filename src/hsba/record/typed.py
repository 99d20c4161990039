"""What people type into the forms of a desk, as FHIR writes it: a birth, a telephone number, a card."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from hsba.fhir.fold import contact

OLDEST = 125
"""Years that nobody is older than."""
CARD = re.compile(r"[0-9]{10}|[0-9]{12}|[A-Z]{2}[0-9A-Z][0-9]{12}")
_DAY = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})|(\d{2})(\d{2})(\d{4})")
_MONTH = re.compile(r"(\d{1,2})[/. -](\d{4})")


def birth(written: str, today: date) -> str | None:
    """`12/5/1959`, `12051959`, `5/1959` or `1959` as a FHIR date; None for what is no birth of somebody who may live."""
    text = written.strip()
    try:
        if found := _DAY.fullmatch(text):
            day, month, year = (int(part) for part in found.groups() if part is not None)
            known = date(year, month, day)
            made = known.isoformat()
        elif found := _MONTH.fullmatch(text):
            known = date(int(found[2]), int(found[1]), 1)
            made = f"{known:%Y-%m}"
        elif re.fullmatch(r"\d{4}", text):
            known, made = date(int(text), 1, 1), text
        else:
            known = date.fromisoformat(text)
            made = text
    except ValueError:
        return None
    return made if known <= today and known.year >= today.year - OLDEST else None


def shown(birth_: str) -> str:
    """A FHIR date as it is typed here."""
    return "/".join(reversed(birth_.split("-")))


def years(birth_: str, today: date) -> int:
    """How old somebody at least is who was born then: of a year alone, the end of it."""
    year, month, day = (*(int(part) for part in birth_.split("-")), 0, 0)[:3]
    before = (today.month, today.day) < (month or 12, day or 31)
    return today.year - year - before


def name(written: str) -> str:
    """A name as it stands in the record: `NGUYỄN VĂN MẪU` and `nguyễn văn mẫu` are written `Nguyễn Văn Mẫu`."""
    line = " ".join(unicodedata.normalize("NFC", written).split())
    return line.title() if line.isupper() or line.islower() else line


def digits(written: str) -> str:
    """A number without the spaces, points and strokes that people group it by; letters stand in capitals."""
    return re.sub(r"[\s.\-]", "", written).upper()


def phone(written: str) -> str | None:
    """A telephone number of Vietnam as ten or eleven digits; None for anything else."""
    found = contact(written)
    return found if re.fullmatch(r"0\d{9,10}", found) else None
