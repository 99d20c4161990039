"""FHIRPath: expressions read once, compiled to closures, evaluated on plain JSON (FHIR R4 fhirpath.html).

It may use the definitions, which it asks only when an expression is about types.
It never reaches outside: what needs the world (resolve, codes, profiles, the clock) comes in as a callback.
"""

from hsba.fhir.fhirpath.ast import Expression, alternatives, write
from hsba.fhir.fhirpath.compiled import Compiled, compile  # noqa: A004 - what re.compile is to patterns
from hsba.fhir.fhirpath.parser import parse
from hsba.fhir.fhirpath.problems import EvaluationFailed, InvalidExpression
from hsba.fhir.fhirpath.quantities import Quantity
from hsba.fhir.fhirpath.scope import Node, Scope
from hsba.fhir.fhirpath.values import Moment

__all__ = [
    "Compiled",
    "EvaluationFailed",
    "Expression",
    "InvalidExpression",
    "Moment",
    "Node",
    "Quantity",
    "Scope",
    "alternatives",
    "compile",
    "parse",
    "write",
]
