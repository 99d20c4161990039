"""What the terminology operations are asked: codings, days, flags and numbers, from an address or from Parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from hsba.record.calls import Call
    from hsba.record.context import Context

Raw = dict[str, Any]


class UnknownSystem(NotFound):
    """This code system is not loaded here."""

    vi = "Hệ mã này chưa được nạp trên máy chủ."


class UnknownVersion(UnknownSystem):
    """This version of the code system is not loaded here."""

    vi = "Phiên bản này của hệ mã chưa được nạp trên máy chủ."


class UnknownCode(NotFound):
    """The code system has no such code."""

    vi = "Hệ mã không có mã này."


class UnknownList(NotFound):
    """There is no such value set or map here."""

    vi = "Không có tập giá trị hoặc bảng ánh xạ này."


@dataclass(frozen=True, slots=True)
class Coding:
    """A code that is asked about."""

    system: str
    code: str
    display: str | None = None


def codings(call: Call) -> list[Coding]:
    """The codes asked about: `code` with `system` (or `url`), `coding`, or the codings of `codeableConcept`."""
    found: list[Coding] = []
    if code := call.text("code"):
        system = call.text("system") or (call.text("url") if call.type == "CodeSystem" else None) or ""
        version = call.text("systemVersion") or (call.text("version") if call.type == "CodeSystem" else None)
        if system and version and "|" not in system:
            system = f"{system}|{version}"
        found.append(Coding(system, code, call.text("display")))
    for name in ("coding", "codeableConcept"):
        value = call.value(name, dict)
        given = (value.get("coding", ()) if name == "codeableConcept" else (value,)) if value else ()
        found.extend(coding(each) for each in given)
    if not found:
        raise BadRequest("Give code and system, or coding.", vi="Hãy đưa code và system, hoặc coding.")
    return found


def coding(value: Any) -> Coding:
    """A Coding's parts."""
    if not isinstance(value, dict) or not isinstance(value.get("code"), str):
        raise BadRequest("A coding has a code.", vi="coding phải có mã (code).")
    system, display, version = value.get("system", ""), value.get("display"), value.get("version")
    if not isinstance(system, str) or not isinstance(display, str | None):
        raise BadRequest("system and display are texts.", vi="system và display là chuỗi.")
    if system and isinstance(version, str):
        system = f"{system}|{version}"
    return Coding(system, value["code"], display)


def day(ctx: Context, call: Call) -> tuple[date, bool]:
    """The day asked about and whether it was given; today in the keeper's zone otherwise."""
    text = call.text("date")
    if text is None:
        return ctx.clock.now().astimezone(ctx.tenant.zone).date(), False
    try:
        return date.fromisoformat(text[:10]), True
    except ValueError:
        raise BadRequest(f"date {text!r} is no day.", vi=f"date {text!r} không phải là ngày.") from None


def flag(call: Call, name: str) -> bool:
    """A yes or no, from an address or as valueBoolean."""
    values = call.all(name)
    if not values:
        return False
    if len(values) > 1 or values[0] not in (True, False, "true", "false"):
        raise BadRequest(f"{name} is true or false.", vi=f"{name} là true hoặc false.")
    return values[0] in (True, "true")


def number(call: Call, name: str) -> int | None:
    """A whole number from 0 on."""
    values = call.all(name)
    if not values:
        return None
    try:
        found = int(values[0]) if len(values) == 1 else -1
    except (TypeError, ValueError):
        found = -1
    if not 0 <= found < 2**31:
        raise BadRequest(f"{name} is a number from 0 on.", vi=f"{name} là số từ 0 trở lên.")
    return found
