"""What is typed into the finder, understood."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from hsba.fhir.query import expression as e
from hsba.record.views.finding import Question, expression, understand

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "typed, question",
    [
        ("Nguyễn Thị Hoa", Question((), ("nguyen", "thi", "hoa"), ())),
        ("hoa 59", Question((), ("hoa",), ("1959",))),
        ("hoa 05", Question((), ("hoa",), ("1905", "2005"))),
        ("hoa 1959", Question((), ("hoa",), ("1959",))),
        ("hoa 12/5/1959", Question((), ("hoa",), ("1959-05-12",))),
        ("hoa 12051959", Question((), ("hoa",), ("1959-05-12",))),
        ("079159012345", Question(("079159012345",), (), ())),
        ("0791 5901 2345", Question(("079159012345",), (), ())),
        ("gd4790123456789", Question(("GD4790123456789",), (), ())),
        ("26-000123", Question(("26-000123",), (), ())),
        ("0912345678 hoa", Question(("0912345678",), ("hoa",), ())),
        ("  ", Question((), (), ())),
        ("hoa 31/02/1959", Question((), ("hoa", "31/02/1959"), ())),
        ("Đỗ\0Ánh", Question((), ("do", "anh"), ())),
    ],
)
def test_understand__tells_numbers_words_and_births_apart(typed: str, question: Question) -> None:
    assert understand(typed, TODAY) == question


def test_expression__ten_digits_are_tried_as_card_and_as_telephone() -> None:
    wanted = expression(Question(("0912345678",), (), ()), ZoneInfo("Asia/Ho_Chi_Minh"))

    assert isinstance(wanted, e.Or)
    assert {part.code for part in wanted.parts if isinstance(part, e.Match)} == {"identifier", "phone"}


def test_expression__words_must_all_fit() -> None:
    wanted = expression(Question((), ("hoa", "nguyen"), ()), ZoneInfo("Asia/Ho_Chi_Minh"))

    assert wanted == e.And((e.Match("name", e.Text("hoa")), e.Match("name", e.Text("nguyen"))))
