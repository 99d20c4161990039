"""Groups of two sides: one item of the file is asked of the right and of the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hsba.forms import conditions, paper, source
from hsba.forms.blocks import Library
from hsba.forms.lines import BadForm

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
      - id: eyes
        label: Khám mắt
        sides: {sides}
        items:
"""
EYES = '[{id: right, label: Mắt phải, width: 37, site: "18944008"}, {id: left, label: Mắt trái, width: 37, site: "8966001"}]'


def read(items: str, sides: str = EYES) -> Form:
    text = (
        START.replace("{sides}", sides) + "\n".join(f"          {line}" for line in items.splitlines()) + "\n"
    )
    return source.load(text, "x.yaml", Library({}, frozenset()))


def test_doubled__an_item_is_asked_of_each_side_under_its_own_id() -> None:
    form = read('- {id: lids, n: "1.", label: Mi mắt, type: one, options: [{yes: Có}, {no: Không}]}')

    items = {item.id: item for item in form.walk()}
    assert list(items) == ["eyes", "lids", "lids.right", "lids.left"]
    assert (items["lids"].kind, items["lids"].number, items["lids"].label) == ("group", "1.", "Mi mắt")
    assert (items["lids.left"].kind, items["lids.left"].label) == ("one", "Mắt trái")


def test_doubled__conditions_and_calculations_name_their_own_side() -> None:
    form = read(
        "- id: scar\n"
        "  label: Sẹo\n"
        "  items:\n"
        "    - {id: scar.there, type: one, options: [{yes: Có}, {scar.there: Không}]}\n"
        "    - {id: scar.place, when: scar.there = scar.there}\n"
        "- {id: none, when: no scar.place and scar.there = yes}\n"
        '- {id: sum, type: number, value: "%`scar.place`.length()"}'
    )

    items = {item.id: item for item in form.walk()}
    assert items["scar.place.left"].when == conditions.read("scar.there.left = scar.there")
    assert items["none.right"].when == conditions.read("no scar.place.right and scar.there.right = yes")
    assert items["sum.right"].value == "%`scar.place.right`.length()"


def test_doubled__what_becomes_of_an_answer_has_the_place_of_its_side() -> None:
    form = read(
        '- {id: pressure, type: number, becomes: {observation: "56844-4"}}\n- {id: eye, type: drawing, art: "eye-{side}"}'
    )

    items = {item.id: item for item in form.walk()}
    assert items["pressure.right"].becomes == {"kind": "observation", "code": "56844-4", "site": "18944008"}
    assert items["pressure.left"].becomes["site"] == "8966001"
    assert items["eye.left"].art == "eye-left"


@pytest.mark.parametrize(
    "sides",
    ["[{id: right, label: Phải}]", "[{id: right, label: Phải}, {id: left, label: Trái, hue: red}]", "right"],
)
def test_sides__anything_but_two_is_refused(sides: str) -> None:
    with pytest.raises(BadForm):
        read("- {id: lids}", sides)


def test_lay__sides_are_a_table_with_the_words_at_the_left() -> None:
    form = read('- {id: lids, n: "1.", label: Mi mắt}\n- {id: lids.swollen, label: "- Sưng nề"}')

    table = paper.lay(form, {"first": [paper.Written({"lids.swollen.left": "nhẹ"})]})["body"][-1]

    assert [one["label"] for one in table["columns"]] == ["Khám mắt", "Mắt phải", "Mắt trái"]
    assert [row[0][0]["label"] for row in table["rows"]] == ["Mi mắt", "- Sưng nề"]
    assert table["joined"] == [False, True]
    assert table["rows"][1][2][0]["lines"] == [[["ink", "nhẹ"]]]
