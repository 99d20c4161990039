"""The covers of a record together: what one name says on one of them it says on all, so that a changed cover keeps it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from hsba.forms import catalogue
from hsba.forms.model import ANSWERED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.forms.model import Form, Item

COVERS = [form for form in catalogue.forms().values() if form.kind == "cover"]
WORDS = {"text": "words", "long": "words"}
"""Kinds that hold the same sort of answer."""
SAME = {
    "y tế": "cơ quan y tế", "đỡ": "đỡ, giảm", "ngoài 24 giờ vào viện": "sau 24 giờ vào viện", "pt": "đẻ phẫu thuật",
    "bú mẹ": "sữa mẹ", "nhân tạo": "nuôi nhân tạo", "có bệnh": "bệnh lý", "phù nề": "phù", "đục dịch kính": "đục",
    "xuất huyết dịch kính": "xuất huyết",
}  # fmt: skip
"""Words of single covers that say what the others say."""


def asked() -> Iterator[tuple[Form, Item]]:
    return ((form, item) for form in COVERS for item in form.walk() if item.kind in ANSWERED)


def test_covers__a_name_holds_one_kind_of_answer() -> None:
    kinds = defaultdict(set)
    for _, item in asked():
        kinds[item.id].add(WORDS.get(item.kind, item.kind))

    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_covers__a_name_is_measured_in_one_unit() -> None:
    units = defaultdict(set)
    for _, item in asked():
        if item.ucum:
            units[item.id].add(item.ucum)

    assert {name: found for name, found in units.items() if len(found) > 1} == {}


def test_covers__the_number_of_an_option_means_one_thing() -> None:
    words = defaultdict(set)
    for _, item in asked():
        for option in item.options:
            words[item.id, option.code].add((_said(option.label), option.means))

    assert {name: found for name, found in words.items() if len(found) > 1} == {}


def _said(label: str) -> str:
    """An option without its printed number, in the words of most covers."""
    plain = re.sub(r"^[0-9]+[.] ", "", label.strip(" :").lower())
    return SAME.get(plain, plain)


def test_covers__each_is_closed_by_the_parts_that_the_paper_has_signed() -> None:
    for form in COVERS:
        signers = {signer.label for item in form.walk() for signer in item.signers}
        for part in form.parts:
            assert not part.sign or set(part.sign.split("; ")) & signers, f"{form.code} {part.id}"


def test_covers__what_is_said_of_another_person_becomes_no_fact_of_the_patient() -> None:
    """The mother's pregnancies on a child's cover, the child's weight on its mother's."""
    others = {
        "02-BV1": ("para.", "mother.", "father."),
        "05-BV1": ("apgar.", "birth.weight", "birth.length", "birth.head", "newborn."),
        "06-BV1": ("para.", "mother.", "father."),
        "28-BV1": ("para.", "mother.", "father."),
    }

    told = [
        f"{form.slug} {item.id}"
        for form, item in asked()
        if item.id.startswith(others.get(form.slug, ("—",))) and item.becomes
    ]

    assert told == []
