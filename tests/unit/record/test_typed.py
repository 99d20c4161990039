"""What a desk types, as FHIR writes it."""

from __future__ import annotations

from datetime import date

import pytest

from hsba.record import cards, communes, typed

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    "written, meant",
    [
        ("12/5/1959", "1959-05-12"), ("12051959", "1959-05-12"), ("12-05-1959", "1959-05-12"), ("5/1959", "1959-05"),
        ("1959", "1959"), ("1959-05-12", "1959-05-12"), ("31/02/1990", None), ("24/11/2026", None), ("1890", None),
        ("hôm qua", None), ("", None), ("99/99/9999", None),
    ],
)  # fmt: skip
def test_birth__is_understood_as_people_write_it(written: str, meant: str | None) -> None:
    assert typed.birth(written, TODAY) == meant


@pytest.mark.parametrize(
    "birth, years", [("2020-11-23", 6), ("2020-11-24", 5), ("2020", 5), ("2020-11", 5), ("1959-05", 67)]
)
def test_years__of_a_birth_that_is_partly_known_are_the_least(birth: str, years: int) -> None:
    assert typed.years(birth, TODAY) == years


@pytest.mark.parametrize(
    "written, meant",
    [("0912 345 678", "0912345678"), ("+84 912345678", "0912345678"), ("12345", None), ("abc", None)],
)
def test_phone__is_a_number_of_vietnam(written: str, meant: str | None) -> None:
    assert typed.phone(written) == meant


@pytest.mark.parametrize(
    "line",
    [
        "",
        "099080000001",
        "|||||||",
        "abc|1|A|01011980|Nam|x|y",
        "099080000001|x",
        "09908000000|1|A|01011980|Nam|x|y",
    ],
)
def test_read__of_what_is_no_card_is_nothing(line: str) -> None:
    assert cards.read(line) is None


def test_read__of_a_newer_card_with_more_or_empty_parts_takes_what_is_there() -> None:
    found = cards.read("099080000001||Nguyễn Văn Mẫu|01011980|Nam||02032021||Nguyễn A|Trần B")

    assert found is not None
    assert (found.address, found.issued, found.doubts) == ("", "2021-03-02", frozenset())


def test_read__of_a_number_of_another_sex_is_a_doubt() -> None:
    found = cards.read("099180000001||Nguyễn Văn Mẫu|01011980|Nam|x|02032021")

    assert found is not None
    assert found.doubts == {"number"}


def test_of_address__of_before_the_districts_ended_keeps_what_it_does_not_know() -> None:
    assert communes.of_address("Ấp 1, Xã Cũ, Huyện Cũ, Đồng Tháp") == ("Ấp 1, Xã Cũ, Huyện Cũ", "82", "")
    assert communes.of_address("Đâu đó") == ("Đâu đó", "", "")
    assert communes.of_address("") == ("", "", "")
