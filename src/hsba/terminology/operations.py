"""The terminology operations, as a table (FHIR R4 terminology-service.html); `app.py` joins the tables of all rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.record.calls import Operation
from hsba.terminology import closure, expand, lookup, mapping, matches, suggest, translate

if TYPE_CHECKING:
    from hsba.record.calls import Level

HL7 = "http://hl7.org/fhir/OperationDefinition"
LEVELS: frozenset[Level] = frozenset({"type", "instance"})

OPERATIONS: tuple[Operation, ...] = (
    Operation("lookup", LEVELS, lookup.lookup, ("CodeSystem",), definition=f"{HL7}/CodeSystem-lookup"),
    Operation("validate-code", LEVELS, lookup.validate_code, ("CodeSystem",),
              definition=f"{HL7}/CodeSystem-validate-code"),
    Operation("subsumes", LEVELS, lookup.subsumes, ("CodeSystem",), definition=f"{HL7}/CodeSystem-subsumes"),
    Operation("find-matches", LEVELS, matches.find_matches, ("CodeSystem",),
              definition=f"{HL7}/CodeSystem-find-matches"),
    Operation("expand", LEVELS, expand.expand, ("ValueSet",), tx="searching", definition=f"{HL7}/ValueSet-expand"),
    Operation("validate-code", LEVELS, expand.validate_code, ("ValueSet",), tx="searching",
              definition=f"{HL7}/ValueSet-validate-code"),
    Operation("find", LEVELS, suggest.find, ("ValueSet",), tx="searching",
              definition="urn:hsba:operation:ValueSet-find"),
    Operation("translate", LEVELS, translate.translate, ("ConceptMap",),
              definition=f"{HL7}/ConceptMap-translate"),
    Operation("closure", frozenset({"type"}), closure.closure, ("ConceptMap",), affects_state=True, tx="writing",
              definition=f"{HL7}/ConceptMap-closure"),
    Operation("local", LEVELS, mapping.resource, ("ConceptMap",),
              definition="urn:hsba:operation:ConceptMap-local"),
)  # fmt: skip
"""Name, where, by what, for which types: the operations on code lists."""
