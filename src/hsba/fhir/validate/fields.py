"""The checks of one member of an object: a value or a list, primitive with its sibling or complex.

FHIR R4 json.html.

Each maker returns a function (value, its owner, the owner's place, the run); ``step`` is the member's name in
a place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hsba.fhir.primitives import STRING_LIMIT
from hsba.fhir.validate import narrative

if TYPE_CHECKING:
    from hsba.fhir.primitives import Check
    from hsba.fhir.validate.bindings import Bind
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]
Field = Callable[[Any, Object, "At", "Run"], None]
Whole = Callable[[Any, "At", "Run"], None]
"""``Field`` checks one member of an object, ``Whole`` one object."""


def narrative_div(value: Any, owner: Object, at: At, run: Run) -> None:  # noqa: ARG001
    """The check of Narrative.div."""
    narrative.check(value, (at, "div"), run)


def one_object(step: str, one: Whole, others: tuple[str, ...], name: str) -> Field:
    """The check of Narrative.div."""
    if not others:

        def plain(value: Any, owner: Object, at: At, run: Run) -> None:  # noqa: ARG001
            if type(value) is list:
                run.add("not-repeating", (at, step))
            else:
                one(value, (at, step), run)

        return plain

    def choice(value: Any, owner: Object, at: At, run: Run) -> None:
        _only(others, name, owner, at, run)
        if type(value) is list:
            run.add("not-repeating", (at, step))
        else:
            one(value, (at, step), run)

    return choice


def _only(others: tuple[str, ...], name: str, owner: Object, at: At, run: Run) -> None:
    """Of a choice only one may stand there."""
    for other in others:
        if other in owner:
            run.add("several-choices", at, name=name, other=other)
            return


def many_objects(step: str, one: Whole) -> Field:
    """The check of a complex element that repeats."""

    def many(value: Any, owner: Object, at: At, run: Run) -> None:  # noqa: ARG001
        here = (at, step)
        if type(value) is not list:
            run.add("not-a-list", here)
            return
        if not value:
            run.add("empty-list", here)
        for place, each in enumerate(value):
            one(each, (here, place), run)

    return many


def _wrong(problem: str, value: Any, kind: str, at: At, run: Run) -> None:
    """Note a primitive value of the wrong form."""
    run.add(problem, at, value=value, type=kind, limit=STRING_LIMIT)


def one_value(
    step: str, check: Check, after: Bind | None, kind: str, others: tuple[str, ...], name: str
) -> Field:
    """The check of a primitive that does not repeat."""

    def value_of(value: Any, owner: Object, at: At, run: Run) -> None:
        problem = check(value)
        if problem is not None:
            if value is None:
                run.add("null-value", (at, step))
            elif type(value) is list:
                run.add("not-repeating", (at, step))
            else:
                _wrong(problem, value, kind, (at, step), run)
        elif after is not None:
            after(value, (at, step), run)
        if others:
            _only(others, name, owner, at, run)

    return value_of


def many_values(step: str, name: str, check: Check, after: Bind | None, kind: str) -> Field:
    """The check of a primitive that repeats; a null stands where only extensions are."""
    sibling = "_" + name

    def values(value: Any, owner: Object, at: At, run: Run) -> None:
        here = (at, step)
        if type(value) is not list:
            run.add("not-a-list", here)
            return
        if not value:
            run.add("empty-list", here)
        for place, each in enumerate(value):
            problem = check(each)
            if problem is None:
                if after is not None:
                    after(each, (here, place), run)
            elif each is not None:
                _wrong(problem, each, kind, (here, place), run)
            else:
                beside = owner.get(sibling)
                if type(beside) is not list or place >= len(beside) or beside[place] is None:
                    run.add("null-value", (here, place))

    return values


def _sibling(value: Any, has_value: bool, at: At, run: Run, element: Whole) -> None:  # noqa: FBT001
    """Check what stands beside a primitive: id and extension only (json.html#primitive)."""
    if type(value) is not dict:
        run.add("not-an-object", at, found=value)
        return
    for key in value:
        if key not in ("id", "extension", "_id"):
            run.add("not-allowed-here", at, name=key)
            return
    element(value, at, run)
    if not has_value and "extension" not in value:
        run.add("empty-object", at)


def one_sibling(step: str, name: str, element: Whole, others: tuple[str, ...]) -> Field:
    """The check of what stands beside a primitive under its name with an underscore."""

    def beside(value: Any, owner: Object, at: At, run: Run) -> None:
        _sibling(value, name in owner, (at, step), run, element)
        if others and name not in owner:
            _only(others, name, owner, at, run)

    return beside


def many_siblings(step: str, name: str, element: Whole) -> Field:
    """The check of what stands beside a list of primitives."""

    def beside(value: Any, owner: Object, at: At, run: Run) -> None:
        here = (at, step)
        if type(value) is not list:
            run.add("not-a-list", here)
            return
        values = owner.get(name)
        if type(values) is list and len(values) != len(value):
            run.add("list-lengths", here, name=name)
        for place, each in enumerate(value):
            there = type(values) is list and place < len(values) and values[place] is not None
            if each is not None:
                _sibling(each, there, (here, place), run, element)
            elif not there:
                run.add("null-value", (here, place))

    return beside
