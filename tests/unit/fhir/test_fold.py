from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsba.fhir.fold import MAX_KEY, above, contact, fold, key_text, token
from hsba.fhir.names import display, order_key, sort_key


@pytest.mark.parametrize(
    "written, folded",
    [
        ("Đặng Thị Ánh", "dang thi anh"),
        ("ĐẶNG  THỊ\tÁNH ", "dang thi anh"),
        ("Nguyễn Ưng Ỷ", "nguyen ung y"),
        ("Straße", "strasse"),
        ("A-Z 09", "a-z 09"),
        ("", ""),
    ],
)
def test_fold__leaves_accents_case_and_doubled_spaces_away(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(st.text())
def test_fold__composed_and_decomposed_spellings_are_equal(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text))


@given(st.text(min_size=1, max_size=6), st.text(max_size=6))
def test_above__is_just_after_every_text_with_the_prefix(prefix: str, rest: str) -> None:
    end = above(prefix)

    assert end is None or (prefix + rest).encode("utf-8", "surrogatepass") < end.encode(
        "utf-8", "surrogatepass"
    )
    assert end is None or prefix < end


def test_key_text__long_texts_stay_different_and_short_enough() -> None:
    one, two = key_text("x" * 5000 + "1"), key_text("x" * 5000 + "2")

    assert len(one) == len(two) == MAX_KEY
    assert one != two
    assert key_text("short") == "short"


@pytest.mark.parametrize(
    "written, kept",
    [
        ("0912 345 678", "0912345678"),
        ("+84 912.345.678", "0912345678"),
        ("0084912345678", "0912345678"),
        ("(024) 3826-1234", "02438261234"),
        ("An@Example.VN", "an@example.vn"),
        ("gặp trưởng khoa", "gap truong khoa"),
    ],
)
def test_contact__numbers_are_compared_by_their_digits(written: str, kept: str) -> None:
    assert contact(written) == kept


def test_token__codes_are_compared_whatever_their_case() -> None:
    assert token(" I10.a ") == "i10.a"


def test_sort_key__orders_people_by_given_family_and_middle_name() -> None:
    people = [
        "Nguyễn Văn An",
        "Trần Thị Ánh",
        "Lê Ân",
        "Phạm Văn Anh",
        "Đỗ Đức",
        "Đỗ Dũng",
        "Bùi An",
        "Lê Văn Ân",
    ]

    ordered = sorted(people, key=lambda text: sort_key({"text": text}))

    assert ordered == [
        "Bùi An",
        "Nguyễn Văn An",
        "Phạm Văn Anh",
        "Trần Thị Ánh",
        "Lê Ân",
        "Lê Văn Ân",
        "Đỗ Dũng",
        "Đỗ Đức",
    ]


def test_order_key__follows_the_alphabet_before_the_tones() -> None:
    words = ["ma", "mà", "mả", "mã", "má", "mạ", "măc", "mâc", "mo", "mô", "mơ", "mu", "mư"]

    assert sorted(words, key=order_key) == words


def test_display__joins_family_and_given_in_the_vietnamese_order() -> None:
    assert display({"family": "Lê", "given": ["Thị", "Hồng"]}) == "Lê Thị Hồng"
    assert display({"text": "Bà Hồng", "family": "Lê"}) == "Bà Hồng"
