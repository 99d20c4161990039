"""Changing the cover keeps what both covers ask, and says what it does not."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from form_answers import answers
from hsba.forms import catalogue, source
from hsba.forms.answers import held_by
from hsba.forms.changing import carried

if TYPE_CHECKING:
    from hsba.forms.model import Form

COVERS = [form for form in catalogue.forms().values() if form.kind == "cover"]
PAIRS = list(permutations(COVERS[:6], 2))
WORDS = """
form: 99/{0}
version: "1"
kind: cover
name: Thử
title: THỬ
parts:
  - id: one
    items: [{1}]
"""


def made(code: str, items: str) -> Form:
    return source.load(WORDS.format(code, items), "test.yaml", catalogue.library())


@pytest.mark.parametrize("old, new", PAIRS, ids=[f"{old.slug} {new.slug}" for old, new in PAIRS])
def test_carried__every_answer_has_a_place_or_is_told(old: Form, new: Form) -> None:
    given = {id_: one for part in old.parts if not part.repeats for id_, one in answers(old, part.id).items()}
    typed = {item.id for part in old.parts for item in held_by(old, part.id) if not item.readonly}
    calculated = {item.id for part in new.parts for item in held_by(new, part.id) if item.readonly}

    found = carried(old, given, new)

    taken = {id_ for part in found.parts.values() for id_ in part}
    told = {one.item for one in found.left}
    assert taken | told >= (given.keys() & typed) - calculated
    assert all(new.part(part) is not None for part in found.parts)


def test_carried__internal_to_surgical_keeps_the_history_and_the_diagnosis() -> None:
    old, new = catalogue.forms()["01-BV1"], catalogue.forms()["10-BV1"]
    given = {
        "history.illness": "Đau bụng",
        "diagnosis.main": {"display": "Viêm ruột thừa"},
        "vitals.pulse": 90,
    }

    found = carried(old, given, new)

    assert found.parts["examination"] == given
    assert found.left == ()


def test_carried__a_choice_that_means_something_else_stays_behind() -> None:
    old = made("A", "{id: way, label: Cách, type: one, options: [{1: Mổ}, {2: Thường}]}")
    new = made("B", "{id: way, type: one, options: [{1: Mổ}, {2: Hút}]}")

    assert carried(old, {"way": "1"}, new).parts == {"one": {"way": "1"}}
    (left,) = carried(old, {"way": "2"}, new).left
    assert (left.item, left.label, left.value) == ("way", "Cách", "2")


def test_carried__of_a_table_the_columns_that_both_have() -> None:
    old = made("A", "{id: t, type: table, items: [{id: t.a}, {id: t.b}]}")
    new = made("B", "{id: t, type: table, items: [{id: t.a}]}")

    found = carried(old, {"t": [{"t.a": "x", "t.b": "y"}, {"t.a": "z"}]}, new)

    assert found.parts == {"one": {"t": [{"t.a": "x"}, {"t.a": "z"}]}}
    assert [one.value for one in found.left] == [[{"t.b": "y"}]]


def test_carried__words_fit_where_a_number_is_not_asked() -> None:
    old = made("A", "{id: a, type: text}, {id: b, type: text}")
    new = made("B", "{id: a, type: long}, {id: b, type: integer}")

    found = carried(old, {"a": "x", "b": "ba"}, new)

    assert found.parts == {"one": {"a": "x"}}
    assert [one.item for one in found.left] == ["b"]
