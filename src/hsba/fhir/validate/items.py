"""The values of one element of an object: their types, their places, what stands beside a primitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.fhir.validate.run import At

Object = dict[str, Any]
Item = tuple[Any, Object, str, "At"]
"""One value of an element: (value, what stands beside a primitive, its type, its place)."""

NOTHING: Object = {}


Reader = Callable[[Object, "At"], list[Item]]
"""Reads the values of one element of an object: (the object, its place)."""

_ABSENT: list[Item] = []


def reader(kind: str, name: str, definitions: Definitions) -> Reader:
    """The reader of one element in objects of a type; value[x] reads whichever type stands there."""
    known = definitions.type(kind) if definitions.knows(kind) else None
    if known is not None and name.endswith("[x]"):
        elements = [known.elements[each] for each in known.choices.get(name[:-3], ())]
        return _choice_reader(
            [
                (each.name, "_" + each.name, each.content, f"{each.choice}.ofType({each.type})")
                for each in elements
            ]
        )
    element = known.elements.get(name) if known is not None else None
    if element is None:
        return lambda _owner, _at: _ABSENT
    return _plain_reader(name, element.content, beside=element.type in definitions.primitives)


def _plain_reader(name: str, content: str, *, beside: bool) -> Reader:
    under = "_" + name

    def with_sibling(owner: Object, at: At) -> list[Item]:
        value, extra = owner.get(name), owner.get(under)
        return _ABSENT if value is None and extra is None else _spread(value, extra, content, (at, name))

    def alone(owner: Object, at: At) -> list[Item]:
        value = owner.get(name)
        return _ABSENT if value is None else _spread(value, None, content, (at, name))

    return with_sibling if beside else alone


def _choice_reader(names: list[tuple[str, str, str, str]]) -> Reader:
    def choice(owner: Object, at: At) -> list[Item]:
        for name, under, content, step in names:
            if name in owner or under in owner:
                return _spread(owner.get(name), owner.get(under), content, (at, step))
        return _ABSENT

    return choice


def items(owner: Object, kind: str, name: str, at: At, definitions: Definitions) -> list[Item]:
    """The values of one element of an object; the reader is made once for each type and name."""
    read = definitions.made("items", f"{kind}/{name}", lambda: reader(kind, name, definitions))
    return read(owner, at)


def _spread(value: Any, beside: Any, content: str, at: At) -> list[Item]:
    """The values of one element, one item each."""
    if beside is None and content != "Resource":
        if type(value) is not list:
            return [(value, NOTHING, content, at)]
        return [(one, NOTHING, content, (at, place)) for place, one in enumerate(value)]
    if type(value) is list or type(beside) is list:
        many = value if type(value) is list else [None] * len(beside)
        extras = beside if type(beside) is list else ()
        return [
            (
                one,
                extras[place] if place < len(extras) and type(extras[place]) is dict else NOTHING,
                _kind(one, content),
                (at, place),
            )
            for place, one in enumerate(many)
        ]
    return [(value, beside if type(beside) is dict else NOTHING, _kind(value, content), at)]


def _kind(value: Any, content: str) -> str:
    """The type of a value: a resource says it itself."""
    if content == "Resource" and type(value) is dict:
        found = value.get("resourceType")
        return found if type(found) is str else content
    return content
