from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsba.fhir import json
from hsba.fhir.problems import Malformed


def test_parse__decimals_keep_their_digits() -> None:
    value = json.parse(b'{"a": 1.50, "b": 1, "c": -0.0, "d": 1e2, "e": 100}')

    assert [type(each) for each in value.values()] == [Decimal, int, Decimal, Decimal, int]
    assert json.dump(value) == b'{"a":1.50,"b":1,"c":-0.0,"d":1E+2,"e":100}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"a": NaN}',
        b'{"a": 01}',
        b'{"a": 1,}',
        b"{'a': 1}",
        b'{"a": 1} x',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00x"}',
        b'{"a": "\x00"}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": 1e99999999999999999999}',
        b'{"a":' * 100_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_parse__what_is_not_one_sound_object_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        json.parse(body)

    assert caught.value.sentence_vi
    assert caught.value.sentence != caught.value.sentence_vi


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a" : 1, "a":1}',
        b'{"a":1,"a"' + b" " * 200 + b":1}",
        b'{"b":{"a":1,"\\u0061":2}}',
        b'{"x":["\\":",{"a":":","a":2}]}',
        b'{"x":" : ","a"\n:1,"a"\t:2}',
    ],
)
def test_parse__name_given_twice_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="twice"):
        json.parse(body)


def test_parse__colons_in_texts_are_no_names() -> None:
    value = {"a": ':" :', "b": ["x:", '":', {"c": " : "}], "d:": "\\"}

    assert json.parse(json.dump(value)) == value
    assert json.parse(json.dump_pretty(value)) == value


def test_parse__deepest_allowed_nesting_is_read() -> None:
    body = b'{"a":' * 64 + b"1" + b"}" * 64

    assert json.parse(body)["a"]


def test_parse__byte_order_mark_is_passed_over() -> None:
    assert json.parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_parse__escaped_backslash_before_u0000_is_text() -> None:
    assert json.parse(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | TEXTS
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_parse__gives_back_what_was_written(value: dict[str, object]) -> None:
    assert json.parse(json.dump(value)) == value
    assert json.parse(json.dump_pretty(value)) == value
