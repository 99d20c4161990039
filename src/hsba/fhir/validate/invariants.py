"""Invariants: by hand where there is a rule of ours, otherwise by their FHIRPath.

FHIR R4 conformance-rules.html#constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hsba.fhir import fhirpath
from hsba.fhir.fhirpath.problems import EvaluationFailed, InvalidExpression
from hsba.fhir.validate.rules import BUILT_IN, RULES
from hsba.fhir.validate.sentences import SENTENCES

if TYPE_CHECKING:
    from hsba.fhir.definitions import Constraint, Definitions
    from hsba.fhir.problems import Severity
    from hsba.fhir.validate.rules import Rule
    from hsba.fhir.validate.run import At, Run

Invariant = Callable[[Any, "At", "Run"], None]


def of_type(constraints: Iterable[Constraint], type: str, definitions: Definitions) -> tuple[Invariant, ...]:
    """The tests of the invariants of one of R4's own types or elements."""
    found: list[Invariant] = []
    for each in constraints:
        if each.key == "dom-6":
            found.append(_narrative_advised)
        elif each.key in BUILT_IN:
            continue
        elif each.key in RULES:
            found.append(_by_hand(each, RULES[each.key]))
        else:
            found.append(by_fhirpath(each, type, definitions))
    return tuple(found)


def _by_hand(constraint: Constraint, rule: Rule) -> Invariant:
    def test(value: Any, at: At, run: Run) -> None:
        if type(value) is dict and not rule(value):
            broken(constraint, at, run)

    return test


def by_fhirpath(constraint: Constraint, kind: str, definitions: Definitions) -> Invariant:
    """The test of an invariant by its FHIRPath, compiled when it is first needed."""
    compiled: fhirpath.Compiled | None = None

    def test(value: Any, at: At, run: Run) -> None:
        nonlocal compiled
        if run.deferring:
            run.later(test, value, at)
            return
        try:
            if compiled is None:
                compiled = fhirpath.compile(constraint.expression)
            holds = compiled.test(
                value, type=kind, definitions=definitions, root=run.scope.container, resource=run.resource
            )
        except (EvaluationFailed, InvalidExpression) as exc:
            run.add("invariant-failed", at, key=constraint.key, detail=exc.detail)
            return
        if not holds:
            broken(constraint, at, run)

    return test


def broken(constraint: Constraint, at: At, run: Run) -> None:
    """Note a broken invariant in both languages, with the severity its definition gives it."""
    severity: Severity = "warning" if constraint.severity == "warning" else "error"
    run.add_sentence(
        "invariant",
        at,
        severity,
        constraint.en,
        SENTENCES.get(constraint.key, constraint.en),
        key=constraint.key,
    )


def _narrative_advised(value: Any, at: At, run: Run) -> None:
    """dom-6: a narrative is advised; said only when best practice is asked for, since it blocks nothing."""
    if run.best_practice and type(value) is dict and run.resource is value and value is run.scope.container:
        text = value.get("text")
        if type(text) is not dict or "div" not in text:
            run.add("narrative-advised", at)
