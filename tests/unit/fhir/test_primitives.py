from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hsba.fhir import definitions
from hsba.fhir.primitives import CHECKS

RIGHT: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "unsignedInt": [0, 2**31 - 1],
    "positiveInt": [1],
    "decimal": [0, -3, Decimal("1.50"), Decimal("1E-245")],
    "string": ["x", " x ", "a\tb\r\nc", "Nguyễn Văn Ân", "😀"],
    "markdown": ["# a\n\n* b"],
    "code": ["final", "a b", "đ"],
    "id": ["a", "A-1.b", "x" * 64],
    "uri": [
        "http://a/b?c#d",
        "urn:oid:1.2.3",
        "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
        "../x",
        "a:đ",
    ],
    "url": ["mailto:a@b"],
    "canonical": ["http://a/b|1.0"],
    "oid": ["urn:oid:1.2.840.113883"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "base64Binary": ["aGVsbG8=", "aGVs\n bG8=", "YQ=="],
    "date": ["2026", "2026-11", "2026-11-22", "2024-02-29", "0001"],
    "dateTime": [
        "2026",
        "2026-11",
        "2026-11-22",
        "2026-11-22T23:59:60+07:00",
        "2026-11-22T10:00:00.123456789Z",
    ],
    "instant": ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5-14:00"],
    "time": ["00:00:00", "23:59:59.999"],
}

WRONG: dict[str, list[Any]] = {
    "boolean": ["true", 1, 0, None, []],
    "integer": [True, 1.0, Decimal("1.0"), "1", 2**31, None],
    "unsignedInt": [-1, True, Decimal(1)],
    "positiveInt": [0, -1],
    "decimal": ["1", True, None, Decimal("1E+400"), 10**400, Decimal("NaN")],
    "string": ["", " ", "\n", "a\x01", 1, None, "x" * (1024 * 1024 + 1)],
    "markdown": ["", 5],
    "code": ["", " a", "a ", "a  b", "a\n\nb", 1],
    "id": ["", "a b", "x" * 65, "a/b", "đ", "a_b", "a\n"],
    "uri": ["", "a b", "http://a\n", "urn:oid:1.x", "urn:oid:3.1", "urn:uuid:1"],
    "url": [" x"],
    "canonical": [""],
    "oid": ["1.2.3", "urn:oid:1.02"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "base64Binary": ["", "abc", "a===", "đđđđ", "ab=c"],
    "date": [
        "",
        "26",
        "2026-13",
        "2026-00",
        "2026-02-30",
        "2023-02-29",
        "2026-1-1",
        "2026-11-22T10:00:00Z",
        "0000",
    ],
    "dateTime": [
        "2026-11-22T10:00",
        "2026-11-22T10:00:00",
        "2026T10:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-02-30",
    ],
    "instant": ["2026-11-22", "2026T10:00:00Z", "2026-02-30T10:00:00Z", "2026-11-22T10:00:00"],
    "time": ["24:00:00", "10:00", "10:00:00Z"],
}


def test_checks__cover_every_primitive_of_r4() -> None:
    assert CHECKS.keys() == definitions.default().primitives - {"xhtml"}
    assert RIGHT.keys() == WRONG.keys() == CHECKS.keys()


@pytest.mark.parametrize("name,value", [(name, value) for name, many in RIGHT.items() for value in many])
def test_check__right_value(name: str, value: Any) -> None:
    assert CHECKS[name](value) is None


@pytest.mark.parametrize("name,value", [(name, value) for name, many in WRONG.items() for value in many])
def test_check__wrong_value(name: str, value: Any) -> None:
    assert CHECKS[name](value) is not None
