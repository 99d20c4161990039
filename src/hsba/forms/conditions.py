"""When something is asked: `outcome = 5 and sex != 1`, read into clauses of FHIR's enableWhen, and told of given answers."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from hsba.forms.model import Clause, Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CLAUSE = re.compile(r"^\s*(?P<item>[a-z][a-z0-9.-]*)\s*(?:(?P<op>=|!=|<=|>=|<|>)\s*(?P<value>.+?)\s*)?$")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def read(text: str) -> Condition | None:
    """The condition that a text says; None when it says none that is understood (`and` and `or` do not mix)."""
    both, either = re.split(r"\s+and\s+", text), re.split(r"\s+or\s+", text)
    if len(both) > 1 and len(either) > 1:
        return None
    clauses = []
    for part in both if len(both) > 1 else either:
        negated = part.strip().startswith("no ")
        found = CLAUSE.match(part.strip().removeprefix("no "))
        if found is None or (negated and found["op"]):
            return None
        if found["op"]:
            clauses.append(Clause(found["item"], found["op"], found["value"]))
        else:
            clauses.append(Clause(found["item"], "exists", "false" if negated else "true"))
    return Condition(tuple(clauses), "any" if len(either) > 1 else "all")


def holds(condition: Condition | None, answers: Mapping[str, Any]) -> bool:
    """Whether it holds of these answers; nothing asked for always does (FHIR R4 questionnaire.html#enableWhen)."""
    if condition is None:
        return True
    told = (_clause(clause, answers.get(clause.item)) for clause in condition.clauses)
    return any(told) if condition.behavior == "any" else all(told)


def _clause(clause: Clause, answer: Any) -> bool:
    given = answer not in (None, "", [], ())
    if clause.operator == "exists":
        return (given and answer is not False) == (clause.value == "true")
    if not given:
        return clause.operator == "!="
    compare = OPERATORS[clause.operator]
    values = answer if isinstance(answer, list | tuple) else [answer]
    return any(compare(*_comparable(_plain(value), clause.value)) for value in values)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value)


def _comparable(one: str, other: str) -> tuple[Any, Any]:
    """Two values as numbers where both are, otherwise as words."""
    try:
        return Decimal(one), Decimal(other)
    except InvalidOperation:
        return one, other
