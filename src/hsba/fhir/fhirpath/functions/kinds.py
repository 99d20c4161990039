"""The three kinds of functions: on evaluated arguments, on expressions for each item, on a type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.fhirpath.scope import Items

Kind: TypeAlias = Literal["plain", "lazy", "typed"]


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is called: with how many arguments; as items, as steps or as a type's name."""

    run: Callable[..., Items]
    least: int = 0
    most: int = 0
    kind: Kind = "plain"


def plain(run: Callable[..., Items], least: int = 0, most: int | None = None) -> Function:
    """A function on the items of its arguments, which are evaluated where the function stands."""
    return Function(run, least, least if most is None else most)


def lazy(run: Callable[..., Items], least: int = 1, most: int | None = None) -> Function:
    """A function that evaluates its arguments itself, for each item anew."""
    return Function(run, least, least if most is None else most, "lazy")


def typed(run: Callable[..., Items]) -> Function:
    """A function whose only argument names a type."""
    return Function(run, 1, 1, "typed")
