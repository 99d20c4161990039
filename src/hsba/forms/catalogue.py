"""The forms that come with the program, read once: blocks, facts and one file for each form."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from hsba.forms import blocks, source
from hsba.forms.blocks import Library
from hsba.forms.lines import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hsba.forms.model import Form

PLACE = resources.files("hsba") / "definitions" / "vn.moh.forms"
FOLDERS = ("covers", "sheets", "papers")


@cache
def facts() -> Mapping[str, Mapping[str, Any]]:
    """What a form may take from the record, by name (`facts.yaml`)."""
    return parse((PLACE / "facts.yaml").read_text("utf-8"), "facts.yaml")


@cache
def library() -> Library:
    """The blocks and the names of the facts."""
    files = {one.name: one.read_text("utf-8") for one in sorted((PLACE / "blocks").iterdir(), key=str)}
    columns = (f"{name}.{column}" for name, fact in facts().items() for column in fact.get("columns", ()))
    return Library(blocks.read(files), frozenset(facts()) | frozenset(columns))


@cache
def every() -> tuple[Form, ...]:
    """Every version of every form that comes with the program, in the order of its folders and names."""
    return tuple(source.load(text, name, library()) for name, text in _files())


@cache
def forms() -> Mapping[str, Form]:
    """The newest version of each form, by its slug: a file `17-BV1@2.yaml` stands after `17-BV1.yaml`."""
    return {form.slug: form for form in every()}


def _files() -> Iterator[tuple[str, str]]:
    for folder in (folder for folder in FOLDERS if (PLACE / folder).is_dir()):
        for one in sorted((PLACE / folder).iterdir(), key=lambda file: file.name.removesuffix(".yaml")):
            yield one.name, one.read_text("utf-8")
