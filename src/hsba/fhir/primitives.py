"""The primitive datatypes: which JSON values each may hold (FHIR R4 datatypes.html#primitive).

Each check answers None for a right value, or the name of the message that says what is wrong.  They stand on
the path of every write, so the regular expressions of the standard are replaced by faster equal tests where
one exists.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

Check = Callable[[Any], str | None]

STRING_LIMIT = 1024 * 1024

_DATE = r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?"
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_date = re.compile(_DATE).fullmatch
_time = re.compile(_TIME).fullmatch
_date_time = re.compile(_DATE + f"(?:T{_TIME}{_ZONE})?").fullmatch
_instant = re.compile(_DATE + f"T{_TIME}{_ZONE}").fullmatch
_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_code = re.compile(r"\S+(?:\s\S+)*").fullmatch
_oid = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_uuid = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_any_uuid = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_space = re.compile(r"\s").search
_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]").search
_base64 = re.compile(r"[A-Za-z0-9+/]*={0,2}").fullmatch

# The greatest whole numbers of the three integer types.
MAX_INTEGER = 2**31 - 1
MIN_INTEGER = -(2**31)

# More digits than this are no measurement; they would be an attack on whoever must compute with them.
MAX_DIGITS = 200
MAX_EXPONENT = 300


def boolean(value: Any) -> str | None:
    """True or false, not their names."""
    return None if value is True or value is False else "not-boolean"


def integer(value: Any) -> str | None:
    """A signed 32-bit whole number."""
    if type(value) is not int:
        return "not-integer"
    return None if MIN_INTEGER <= value <= MAX_INTEGER else "out-of-range"


def unsigned_int(value: Any) -> str | None:
    """A whole number from 0 up."""
    if type(value) is not int:
        return "not-integer"
    return None if 0 <= value <= MAX_INTEGER else "out-of-range"


def positive_int(value: Any) -> str | None:
    """A whole number from 1 up."""
    if type(value) is not int:
        return "not-integer"
    return None if 1 <= value <= MAX_INTEGER else "out-of-range"


def decimal(value: Any) -> str | None:
    """A number, with the digits it was written with."""
    if type(value) is Decimal:
        if not value.is_finite():
            return "not-number"
        fits = len(value.as_tuple().digits) <= MAX_DIGITS and abs(value.adjusted()) <= MAX_EXPONENT
        return None if fits else "out-of-range"
    if type(value) is int:
        return None if value.bit_length() <= 3 * MAX_DIGITS else "out-of-range"
    return "not-number"


def string(value: Any) -> str | None:
    """Text that is not empty, without control characters, of at most 1 MB."""
    if type(value) is not str:
        return "not-string"
    if not value:
        return "empty-string"
    if not value.isprintable() and _control(value):
        return "control-character"
    if value.isspace():
        return "blank-string"
    return None if len(value) <= STRING_LIMIT else "too-long"


def markdown(value: Any) -> str | None:
    """Text with line breaks and markup; checked as text."""
    return string(value)


def code(value: Any) -> str | None:
    """One word, or words with single white space between them."""
    if type(value) is not str:
        return "not-string"
    if value.isalnum() or _code(value):
        return None if len(value) <= STRING_LIMIT else "too-long"
    return "bad-code" if value else "empty-string"


def id_(value: Any) -> str | None:
    """Letters, digits, hyphen and point, 1 to 64 of them."""
    if type(value) is not str:
        return "not-string"
    return None if _id(value) else "bad-id"


def element_id(value: Any) -> str | None:
    """The id of an element inside a resource: any text without white space (element.html#id)."""
    if type(value) is not str:
        return "not-string"
    if not value or _space(value):
        return "bad-element-id"
    return None if len(value) <= STRING_LIMIT else "too-long"


def uri(value: Any) -> str | None:
    """An address or name without white space; a urn:uuid: or urn:oid: must be one."""
    if type(value) is not str:
        return "not-string"
    if not value:
        return "empty-string"
    if _space(value):
        return "bad-uri"
    if value.startswith("urn:"):
        if value.startswith("urn:uuid:") and not _any_uuid(value):
            return "bad-uuid"
        if value.startswith("urn:oid:") and not _oid(value):
            return "bad-oid"
    return None


def oid(value: Any) -> str | None:
    """urn:oid: and digits with points."""
    if type(value) is not str:
        return "not-string"
    return None if _oid(value) else "bad-oid"


def uuid(value: Any) -> str | None:
    """urn:uuid: and a UUID in lower case."""
    if type(value) is not str:
        return "not-string"
    return None if _uuid(value) else "bad-uuid"


def base64_binary(value: Any) -> str | None:
    """Base64 in groups of four, white space between them allowed (datatypes.html#base64Binary)."""
    if type(value) is not str:
        return "not-string"
    if not value:
        return "empty-string"
    if not _base64(value):
        value = "".join(value.split())
        if not _base64(value):
            return "bad-base64"
    return None if len(value) % 4 == 0 else "bad-base64"


def date(value: Any) -> str | None:
    """A year, a month or a day that exists in the calendar."""
    if type(value) is not str:
        return "not-string"
    match = _date(value)
    return "bad-date" if match is None else _calendar(match.group(1), match.group(2), match.group(3))


def date_time(value: Any) -> str | None:
    """A date, or a date and a time with its zone."""
    if type(value) is not str:
        return "not-string"
    match = _date_time(value)
    if match is None:
        return "bad-date-time"
    year, month, day, hour = match.group(1, 2, 3, 4)
    return "bad-date-time" if hour is not None and day is None else _calendar(year, month, day)


def instant(value: Any) -> str | None:
    """A moment: date, time to the second, zone."""
    if type(value) is not str:
        return "not-string"
    match = _instant(value)
    if match is None:
        return "bad-instant"
    year, month, day = match.group(1, 2, 3)
    return "bad-instant" if day is None else _calendar(year, month, day)


def time(value: Any) -> str | None:
    """A time of the day without zone."""
    if type(value) is not str:
        return "not-string"
    return None if _time(value) else "bad-time"


_LAST_SAFE_DAY = "28"


def _calendar(year: str, month: str | None, day: str | None) -> str | None:
    """Whether the day exists: 30 February is well formed but no day; the year 0000 is none either."""
    if year == "0000":
        return "no-such-day"
    if day is None or month is None or day <= _LAST_SAFE_DAY:
        return None
    try:
        dt.date(int(year), int(month), int(day))
    except ValueError:
        return "no-such-day"
    return None


CHECKS: Final[dict[str, Check]] = {
    "boolean": boolean,
    "integer": integer,
    "unsignedInt": unsigned_int,
    "positiveInt": positive_int,
    "decimal": decimal,
    "string": string,
    "markdown": markdown,
    "code": code,
    "id": id_,
    "uri": uri,
    "url": uri,
    "canonical": uri,
    "oid": oid,
    "uuid": uuid,
    "base64Binary": base64_binary,
    "date": date,
    "dateTime": date_time,
    "instant": instant,
    "time": time,
}
"""Every primitive of R4 but xhtml, which hsba.fhir.validate.narrative checks."""
