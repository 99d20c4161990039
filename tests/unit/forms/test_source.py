"""Form files: what is read, and that an error names its line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hsba.forms import blocks, catalogue, source
from hsba.forms.blocks import Library
from hsba.forms.lines import BadForm, parse

if TYPE_CHECKING:
    from hsba.forms.model import Form

START = """form: 99/BV9
version: "1"
name: Phiếu thử
title: PHIẾU THỬ
kind: sheet
parts:
  - id: first
    items:
"""
BLOCK = """
place:
  - {id: place.ward, n: "+", label: Buồng}
  - {id: place.bed, n: "+", label: Giường}
"""


def read(items: str, *, more: str = "", block: str = BLOCK) -> Form:
    library = Library(blocks.read({"b.yaml": block}), frozenset({"patient.name"}))
    return source.load(
        START + "\n".join(f"      {line}" for line in items.splitlines()) + "\n" + more, "x.yaml", library
    )


@pytest.mark.parametrize("form", catalogue.forms().values(), ids=lambda form: form.slug)
def test_load__every_form_of_the_program_says_what_it_rests_on(form: Form) -> None:
    assert form.basis
    assert form.source
    assert form.confidence in ("confirmed", "reconstructed")
    assert form.parts


def test_load__numbers_follow_one_another_through_blocks_and_begin_again_where_told() -> None:
    form = read('- {id: one, n: "+"}\n- use: place\n- {id: four, n: "+", count: 10}\n- {id: five, n: "1."}')

    assert [item.number for item in form.walk()] == ["1.", "2.", "3.", "10.", "1."]


def test_load__a_block_may_be_put_in_without_some_items_and_with_others_changed() -> None:
    form = read("- use: place\n  without: [place.ward]\n  with: {place.bed: {label: Giường số, width: 30}}")

    (bed,) = form.walk()
    assert (bed.id, bed.label, bed.width, bed.number) == ("place.bed", "Giường số", 30, "1.")


@pytest.mark.parametrize(
    "items, line, word",
    [
        ("- {id: a}\n- {id: a}", 10, "a stands twice"),
        ("- {id: a, colour: red}", 9, "colour is not known"),
        ("- {id: a, type: melody}", 9, "type is one of"),
        ("- {id: A b}", 9, "small letters"),
        ("- {id: a}\n- {id: b, width: 300}", 10, "width is a whole number"),
        ("- {id: a, type: one}", 9, "choices need options"),
        ("- {id: a, min: 5, max: 1}", 9, "min is over max"),
        ("- {id: a, when: no-such = 1}", 9, "no-such"),
        ("- {id: a, when: a b c}", 9, "when is"),
        ('- {id: a, value: "%b + 1"}', 9, "value names b"),
        ('- {id: a, value: "1 +"}', 9, "value"),
        ("- {id: a, from: patient.shoe}", 9, "no fact patient.shoe"),
        ("- {id: a, becomes: {poem: x}}", 9, "becomes is one of"),
        ("- {id: a, becomes: {observation: {}}}", 9, "code"),
        ("- use: nowhere", 9, "no block nowhere"),
        ("- use: place\n  without: [place.door]", 9, "has no place.door"),
        ("- {id: a, when: b}\n- {id: b, when: a}", 9, "circle"),
        ('- {id: a, type: number, value: "%b"}\n- {id: b, type: number, value: "%a"}', 9, "circle"),
        ("- &anchor {id: a}\n- *anchor", 9, "anchors"),
        ("- {id: a, label: [1, 2]}", 9, "label is text"),
        ("- not a mapping", 8, "mapping"),
        ("- {id: a, label: CHA, MẸ}", 9, "MẸ is not known"),
        ("- {id: a, turned: true}", 9, "for a table only"),
        ("- {id: a, type: chart}", 9, "a chart has them"),
        ("- {id: a, type: chart, curves: [{of: b, label: B, scale: [0, 1, 1]}]}", 9, "a curve names b"),
        ("- {id: a, type: chart, curves: [{of: a, label: A, scale: [0, 1]}]}", 9, "scale is [low, high, step]"),
    ],
)  # fmt: skip
def test_load__an_error_is_told_with_its_line_in_both_languages(items: str, line: int, word: str) -> None:
    with pytest.raises(BadForm) as told:
        read(items)

    assert f"x.yaml, line {line}:" in told.value.sentence
    assert word in told.value.sentence
    assert f"x.yaml, dòng {line}:" in told.value.sentence_vi


def test_load__a_group_that_waits_for_what_it_holds_is_a_circle() -> None:
    with pytest.raises(BadForm, match="circle"):
        read("- id: g\n  when: inside = 1\n  items:\n    - {id: inside}")


@pytest.mark.parametrize("form", catalogue.forms().values(), ids=lambda form: form.slug)
def test_expanded__a_form_with_its_blocks_put_in_is_the_same_form_without_them(form: Form) -> None:
    text = blocks.expanded(form.text, "x.yaml", catalogue.library())

    alone = source.load(text, "x.yaml", Library({}, catalogue.library().facts))

    assert replace(alone, text="") == replace(form, text="")


def test_load__blocks_that_use_one_another_in_a_circle_are_refused() -> None:
    with pytest.raises(BadForm, match="circle"):
        read("- use: a", block="a:\n  - use: b\nb:\n  - use: a\n")


def test_parse__what_is_no_yaml_names_its_line() -> None:
    with pytest.raises(BadForm, match="line 2"):
        parse("form: x\n\t- y", "x.yaml")


def test_parse__a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadForm, match="line 2: form stands twice"):
        parse("form: x\nform: y", "x.yaml")


def test_parse__a_bomb_of_anchors_is_refused_before_it_grows() -> None:
    with pytest.raises(BadForm, match="anchors"):
        parse("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "x.yaml")


def test_load__a_part_stands_on_its_side_only_where_its_entries_make_a_table() -> None:
    with pytest.raises(BadForm, match="turned and rows need as-table"):
        read("- {id: a}", more="  - {id: second, turned: true, items: [{id: b}]}\n")


def test_load__a_line_of_the_head_without_words_shows_the_code_on_the_paper() -> None:
    form = read("- {id: a}", more='printed: "MS: 99/BV9"\nhead: {right: [{id: head.code, type: show}]}\n')

    assert [line.label for line in form.head.right] == ["MS: 99/BV9"]


def test_library__columns_of_a_table_over_resources_are_facts_too() -> None:
    assert {"vitals.series", "vitals.series.pulse"} <= catalogue.library().facts
