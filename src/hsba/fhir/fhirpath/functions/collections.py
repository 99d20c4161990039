"""Functions on whole collections: to filter, cut and combine them (FHIRPath N1, sections 5.1 to 5.4)."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from hsba.fhir.fhirpath.functions.kinds import Function, lazy, plain
from hsba.fhir.fhirpath.items import (
    EMPTY,
    FALSE,
    TRUE,
    describe,
    distinct,
    key,
    one,
    one_integer,
    order_items,
    truth,
)
from hsba.fhir.fhirpath.members import Step, children, descendants
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.scope import Items, Node, Scope

MAX_ITEMS = 200_000
"""More items than any resource holds: repeat() that goes on beyond never ends."""


def empty(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """Whether there is nothing."""
    return FALSE if items else TRUE


def exists(scope: Scope, items: Items, criteria: Step | None = None) -> Items:
    """Whether there is anything (that meets the criteria)."""
    return TRUE if (items if criteria is None else where(scope, items, criteria)) else FALSE


def holds_for_all(scope: Scope, items: Items, criteria: Step) -> Items:
    """Whether every item meets the criteria."""
    outer = scope.index
    answer = TRUE
    for index, item in enumerate(items):
        scope.index = index
        if truth(criteria(scope, (item,))) is not True:
            answer = FALSE
            break
    scope.index = outer
    return answer


def _booleans(scope: Scope, items: Items) -> list[bool]:
    found = []
    for item in items:
        value = item.value if type(item) is Node else item
        if type(value) is not bool:
            raise Refused(
                f"Only true and false can be asked here, not {describe(scope, item)}.",
                f"Ở đây chỉ nhận đúng/sai, không phải {describe(scope, item)}.",
            )
        found.append(value)
    return found


def all_true(scope: Scope, items: Items) -> Items:
    """Whether all are true."""
    return (all(_booleans(scope, items)),)


def any_true(scope: Scope, items: Items) -> Items:
    """Whether one is true."""
    return (any(_booleans(scope, items)),)


def all_false(scope: Scope, items: Items) -> Items:
    """Whether all are false."""
    return (not any(_booleans(scope, items)),)


def any_false(scope: Scope, items: Items) -> Items:
    """Whether one is false."""
    return (not all(_booleans(scope, items)),)


def _keys(scope: Scope, items: Items) -> set[Any]:
    return {key(scope, item) for item in items}


def subset_of(scope: Scope, items: Items, other: Items) -> Items:
    """Whether all items are among the others."""
    return (_keys(scope, items) <= _keys(scope, other),)


def superset_of(scope: Scope, items: Items, other: Items) -> Items:
    """Whether all the others are among the items."""
    return (_keys(scope, items) >= _keys(scope, other),)


def count(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """How many there are."""
    return (len(items),)


def is_distinct(scope: Scope, items: Items) -> Items:
    """Whether no two are equal."""
    return (len(_keys(scope, items)) == len(items),)


def where(scope: Scope, items: Items, criteria: Step) -> Items:
    """The items that meet the criteria."""
    found = []
    outer = scope.index
    for index, item in enumerate(items):
        scope.index = index
        if truth(criteria(scope, (item,))) is True:
            found.append(item)
    scope.index = outer
    return found


def select(scope: Scope, items: Items, projection: Step) -> Items:
    """What the projection makes of each item."""
    found: list[Any] = []
    outer = scope.index
    for index, item in enumerate(items):
        scope.index = index
        found.extend(projection(scope, (item,)))
    scope.index = outer
    return found


def repeat(scope: Scope, items: Items, projection: Step) -> Items:
    """What the projection makes of each item, and of what it made, until nothing new comes."""
    found: dict[Any, Any] = {}
    waiting = list(items)
    while waiting:
        fresh = []
        for item in select(scope, waiting, projection):
            identity = (
                ("node", id(item.value))
                if type(item) is Node and type(item.value) is dict
                else key(scope, item)
            )
            if identity not in found:
                found[identity] = item
                fresh.append(item)
        if len(found) > MAX_ITEMS:
            raise Refused("repeat() does not come to an end.", "repeat() không kết thúc.")
        waiting = fresh
    return list(found.values())


def aggregate(scope: Scope, items: Items, aggregator: Step, start: Step | None = None) -> Items:
    """What the aggregator makes of $total and each item, one after the other."""
    outer_total, outer_index = scope.total, scope.index
    total = EMPTY if start is None else start(scope, items)
    for index, item in enumerate(items):
        scope.total, scope.index = total, index
        total = aggregator(scope, (item,))
    scope.total, scope.index = outer_total, outer_index
    return total


def single(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The only item; more than one is an error."""
    one(items)
    return items


def first(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The first item."""
    return items[:1]


def last(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The last item."""
    return items[-1:]


def tail(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """All but the first."""
    return items[1:]


def skip(scope: Scope, items: Items, number: Items) -> Items:
    """All but the first so many."""
    return items[max(0, one_integer(scope, number) or 0) :]


def take(scope: Scope, items: Items, number: Items) -> Items:
    """The first so many."""
    return items[: max(0, one_integer(scope, number) or 0)]


def intersect(scope: Scope, items: Items, other: Items) -> Items:
    """The items that are also among the others, without repetitions."""
    shared = _keys(scope, other)
    return distinct(scope, [item for item in items if key(scope, item) in shared])


def exclude(scope: Scope, items: Items, other: Items) -> Items:
    """The items that are not among the others."""
    unwanted = _keys(scope, other)
    return [item for item in items if key(scope, item) not in unwanted]


def union(scope: Scope, items: Items, other: Items) -> Items:
    """The items and the others, without repetitions."""
    return distinct(scope, [*items, *other])


def combine(scope: Scope, items: Items, other: Items) -> Items:  # noqa: ARG001
    """The items and the others, repetitions kept."""
    return [*items, *other]


def all_children(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The children of each item."""
    return [child for item in items if type(item) is Node for child in children(item)]


def all_descendants(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The children of each item, theirs, and so on."""
    return list(descendants(items))


def iif(scope: Scope, items: Items, criterion: Step, yes: Step, no: Step | None = None) -> Items:
    """One expression or the other; the one not chosen is not evaluated."""
    one(items)
    answer = criterion(scope, items)
    item = one(answer)
    value = item.value if type(item) is Node else item
    if value is not None and type(value) is not bool:
        raise Refused(
            f"iif() needs true or false, not {describe(scope, item)}.",
            f"iif() cần đúng hoặc sai, không phải {describe(scope, item)}.",
        )
    if value:
        return yes(scope, items)
    return EMPTY if no is None else no(scope, items)


def sort(scope: Scope, items: Items, *keys: tuple[Step, bool]) -> Items:
    """The items in order of their keys; what has no key comes last, or first where the order falls."""

    def compare(left: Any, right: Any) -> int:
        for step, falling in keys:
            first_key, second_key = one(step(scope, (left,))), one(step(scope, (right,)))
            if first_key is None or second_key is None:
                answer = (first_key is None) - (second_key is None)
            else:
                answer = order_items(scope, first_key, second_key) or 0
            if answer:
                return -answer if falling else answer
        return 0

    return sorted(items, key=cmp_to_key(compare))


def trace(scope: Scope, items: Items, name: Step, projection: Step | None = None) -> Items:
    """The items as they are, shown to the scope's trace on the way."""
    if scope.trace is not None:
        label = one(name(scope, items))
        shown = items if projection is None else select(scope, items, projection)
        scope.trace(str(label), [item.value if type(item) is Node else item for item in shown])
    return items


TABLE: dict[str, Function] = {
    "empty": plain(empty),
    "exists": lazy(exists, 0, 1),
    "all": lazy(holds_for_all),
    "allTrue": plain(all_true),
    "anyTrue": plain(any_true),
    "allFalse": plain(all_false),
    "anyFalse": plain(any_false),
    "subsetOf": plain(subset_of, 1),
    "supersetOf": plain(superset_of, 1),
    "count": plain(count),
    "distinct": plain(distinct),
    "isDistinct": plain(is_distinct),
    "where": lazy(where),
    "select": lazy(select),
    "repeat": lazy(repeat),
    "aggregate": lazy(aggregate, 1, 2),
    "single": plain(single),
    "first": plain(first),
    "last": plain(last),
    "tail": plain(tail),
    "skip": plain(skip, 1),
    "take": plain(take, 1),
    "intersect": plain(intersect, 1),
    "exclude": plain(exclude, 1),
    "union": plain(union, 1),
    "combine": plain(combine, 1),
    "children": plain(all_children),
    "descendants": plain(all_descendants),
    "iif": lazy(iif, 2, 3),
    "sort": lazy(sort, 0, 9),
    "trace": lazy(trace, 1, 2),
}
