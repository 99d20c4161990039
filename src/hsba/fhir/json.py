"""FHIR's JSON, read strictly and written compactly (FHIR R4 json.html).

Numbers with a point keep every digit as Decimal.  What other readers pass over in silence is refused here,
because two programs would read two different records from it: a name given twice, a NUL, half a character.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from hsba.fhir.problems import Malformed

MAX_DEPTH = 64

Resource = dict[str, Any]

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_QUOTE = ord('"')
_spaced_colons = (b" :", b"\n:", b"\t:", b"\r:")
_half = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(data: bytes) -> Resource:
    """Read one JSON object; what cannot be read without doubt is Malformed."""
    value = parse_value(data)
    if type(value) is not dict:
        raise Malformed("The content is not a JSON object.", vi="Nội dung không phải là một đối tượng JSON.")
    return value


def parse_value(data: bytes) -> Any:
    """Read any JSON value by the same rules (a JSON Patch is an array)."""
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    try:
        value = _decoder.decode(data)
    except msgspec.DecodeError as exc:
        raise _unreadable(data, exc) from exc
    except UnicodeDecodeError as exc:
        raise Malformed(
            f"It is not UTF-8 (byte {exc.start}).", vi=f"Không phải mã UTF-8 (byte {exc.start})."
        ) from exc
    except InvalidOperation as exc:
        raise Malformed("A number is too large.", vi="Có số quá lớn.") from exc
    except RecursionError as exc:
        raise _too_deep() from exc
    names = _count(value, 1) if type(value) in (dict, list) else 0
    # Every name in the text is followed by a colon after a quote or white space; strings may add more such
    # places, never fewer.  Equal counts prove that no name was given twice; otherwise the slow reader
    # decides.
    colons = data.count(b'":')
    for spaced in _spaced_colons:
        if spaced in data:
            colons += _names_before(data, spaced)
    if colons != names:
        _refuse_duplicates(data)
    if b"\\u0000" in data:
        _refuse_nul(value)
    return value


def stored(text: str | bytes) -> Resource:
    """Read what `dump` wrote of a value that was read strictly: there is nothing left to refuse."""
    value: Resource = _decoder.decode(text)
    return value


def dump(resource: object) -> bytes:
    """Write compact UTF-8 JSON, decimals with the digits they came with."""
    return _encoder.encode(resource)


def dump_pretty(resource: object) -> bytes:
    """Write indented JSON for people (_pretty=true)."""
    return msgspec.json.format(_encoder.encode(resource), indent=2)


def _count(value: Any, depth: int) -> int:
    """Count the names of all objects, refusing what is nested too deeply."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if type(value) is dict:
        count = len(value)
        inner = value.values()
    else:
        count = 0
        inner = value
    for one in inner:
        kind = type(one)
        if kind is dict or kind is list:
            count += _count(one, depth + 1)
    return count


def _names_before(data: bytes, colon: bytes) -> int:
    """Count the quotes that are followed by white space and this colon: names written `"name" : value`."""
    count = 0
    place = data.find(colon)
    while place >= 0:
        before = place
        while data[before] in b" \n\t\r":
            before -= 1
        count += data[before] == _QUOTE
        place = data.find(colon, place + 2)
    return count


def _too_deep() -> Malformed:
    return Malformed(f"It is nested more than {MAX_DEPTH} levels deep.", vi=f"Lồng nhau quá {MAX_DEPTH} cấp.")


def _unreadable(data: bytes, exc: msgspec.DecodeError) -> Malformed:
    """Say what is wrong with text that is not JSON."""
    if not data.strip():
        return Malformed("The body is empty.", vi="Thân yêu cầu trống.")
    if "surrogate" in str(exc) or _half.search(data):
        return Malformed(
            f"It is not JSON, or holds half of a character pair: {exc}",
            vi=f"Không phải JSON, hoặc có nửa ký tự (lone surrogate): {exc}",
        )
    return Malformed(f"It is not JSON: {exc}", vi=f"Không phải JSON: {exc}")


def _refuse_duplicates(data: bytes) -> None:
    """Name the object member that is given twice, if there is one."""

    def pairs(members: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in members:
            if name in seen:
                raise Malformed(f'The name "{name}" is given twice.', vi=f'Tên "{name}" xuất hiện hai lần.')
            seen.add(name)

    json.loads(data, object_pairs_hook=pairs, parse_float=str, parse_int=str)


def _refuse_nul(value: Any) -> None:
    """Refuse the NUL character, which no FHIR string may hold and PostgreSQL cannot store."""
    if isinstance(value, str):
        if "\0" in value:
            raise Malformed("A text holds a NUL character.", vi="Có ký tự NUL trong văn bản.")
    elif isinstance(value, dict):
        for name, one in value.items():
            _refuse_nul(name)
            _refuse_nul(one)
    elif isinstance(value, list):
        for one in value:
            _refuse_nul(one)
