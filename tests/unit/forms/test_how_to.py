"""The page that tells how to add a form tells the truth: its example loads as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from hsba.forms import catalogue, source
from hsba.forms.model import KINDS

PAGE = Path(__file__).parents[3] / "docs/how-to/add-a-form.md"


def test_add_a_form__the_example_is_a_form() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)

    form = source.load(text, "nb-7.yaml", catalogue.library())

    assert (form.code, form.slug) == ("NB-7/BV", "NB-7-BV")
    assert "person.age" in {item.id for item in form.walk()}


def test_add_a_form__every_kind_of_item_is_named() -> None:
    page = PAGE.read_text("utf-8")

    for kind in KINDS:
        assert re.search(rf"\b{kind}\b", page), kind
