"""The tree of a search: what a resource must be like, told without tables or SQL.

Search parameters, `_filter` and access policies all become these; every value in them is ready to compare.  Equal
questions are equal values, so they may be keys of dictionaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "po"]
"""The comparisons of search.html#prefix, and `po` (overlaps) of search_filter.html."""

Column = Literal["patient", "encounter", "dossier", "department"]
"""What the current row of a resource says it belongs to."""


# --- tests of one value ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Token:
    """A code or number: system None is any, "" is none; code None is any in the system (search.html#token)."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class TokenText:
    """The text or display beside a code starts with this, folded (`:text`)."""

    text: str


@dataclass(frozen=True, slots=True)
class InValueSet:
    """The code is in a value set (`:in`); the set by its canonical address."""

    url: str


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The code, or the resource or address referred to, lies at or below (above) this one (`:below`, `:above`)."""

    direction: Literal["below", "above"]
    system: str | None
    code: str


@dataclass(frozen=True, slots=True)
class OfType:
    """An identifier of this type and value (`:of-type`)."""

    system: str | None
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text, folded unless `exact` (search.html#string); in names each word of it may begin any word."""

    text: str
    how: Literal["starts", "contains", "exact", "equals", "ends"] = "starts"


@dataclass(frozen=True, slots=True)
class Date:
    """A comparison with a span of time, its first and last instant (search.html#date)."""

    prefix: Prefix
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Number:
    """A comparison with a number; `low` ≤ x < `high` is what its written precision covers (search.html#number)."""

    prefix: Prefix
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit: system None is any (search.html#quantity)."""

    number: Number
    system: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    """What is referred to: a resource here by its id (type None is any the parameter allows), or an address."""

    type: str | None
    id: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Identified:
    """A reference that names its target by this identifier (`:identifier`)."""

    token: Token


@dataclass(frozen=True, slots=True)
class Uri:
    """An address, as it is or in the tree of addresses (search.html#uri)."""

    value: str
    how: Literal["exact", "below", "above"] = "exact"


@dataclass(frozen=True, slots=True)
class Together:
    """The parts of a composite, all true of one element (search.html#composite)."""

    parts: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """A place within some kilometres of a point (location.html#position)."""

    latitude: float
    longitude: float
    kilometres: float


@dataclass(frozen=True, slots=True)
class Other:
    """A value that does not pass the test (`ne` of search_filter.html)."""

    test: Test


Test: TypeAlias = (
    Token
    | TokenText
    | InValueSet
    | Hierarchy
    | OfType
    | Text
    | Date
    | Number
    | Quantity
    | Reference
    | Identified
    | Uri
    | Together
    | Near
    | Other
)


# --- expressions on a resource -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Everything:
    """Every resource."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No resource."""


@dataclass(frozen=True, slots=True)
class And:
    """All parts are true."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not true."""

    part: Expression


@dataclass(frozen=True, slots=True)
class Ids:
    """The logical id is one of these (`_id`)."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """When the current version was recorded (`_lastUpdated`)."""

    test: Date


@dataclass(frozen=True, slots=True)
class Match:
    """A value of this search parameter passes the test."""

    code: str
    test: Test


@dataclass(frozen=True, slots=True)
class Missing:
    """The search parameter has no value (`:missing=true`)."""

    code: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A resource that this parameter refers to, of one of these types, is such (search.html#chaining)."""

    code: str
    types: tuple[str, ...]
    where: Expression


@dataclass(frozen=True, slots=True)
class Has:
    """A resource of this type that refers here by this parameter is such (search.html#has)."""

    type: str
    code: str
    where: Expression


@dataclass(frozen=True, slots=True)
class InCompartment:
    """It belongs to the compartment of this resource (compartmentdefinition.html)."""

    code: str
    id: str


@dataclass(frozen=True, slots=True)
class InCompartments:
    """It belongs to the compartment of one of these resources; without ids, of any of the type (for exports)."""

    code: str
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class InList:
    """It is an entry of this List (`_list`)."""

    id: str


@dataclass(frozen=True, slots=True)
class Content:
    """All these words stand in the resource (`_content`), or in its narrative (`_text`)."""

    words: tuple[str, ...]
    narrative: bool


@dataclass(frozen=True, slots=True)
class Belongs:
    """What the current row says it belongs to is such; for policies, where no reference need be followed."""

    column: Column
    type: str
    where: Expression


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """None of these sensitivity bits is set; for policies."""

    bits: int


@dataclass(frozen=True, slots=True)
class InState:
    """Its dossier, or it itself where it belongs to none, is in one of these states (by number); for policies."""

    states: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OfTypes:
    """It is of one of these resource types."""

    types: tuple[str, ...]


Expression: TypeAlias = (
    Everything
    | Nothing
    | And
    | Or
    | Not
    | Ids
    | Updated
    | Match
    | Missing
    | Chain
    | Has
    | InCompartment
    | InCompartments
    | InList
    | Content
    | Belongs
    | Unlabelled
    | InState
    | OfTypes
)


def all_of(parts: list[Expression] | tuple[Expression, ...]) -> Expression:
    """The conjunction of some expressions, without needless nesting."""
    flat: list[Expression] = []
    for part in parts:
        if isinstance(part, Nothing):
            return part
        if isinstance(part, And):
            flat.extend(part.parts)
        elif not isinstance(part, Everything):
            flat.append(part)
    flat = list(dict.fromkeys(flat))
    if not flat:
        return Everything()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(parts: list[Expression] | tuple[Expression, ...]) -> Expression:
    """The disjunction of some expressions, without needless nesting."""
    flat: list[Expression] = []
    for part in parts:
        if isinstance(part, Everything):
            return part
        if isinstance(part, Or):
            flat.extend(part.parts)
        elif not isinstance(part, Nothing):
            flat.append(part)
    flat = list(dict.fromkeys(flat))
    if not flat:
        return Nothing()
    return flat[0] if len(flat) == 1 else Or(tuple(flat))
