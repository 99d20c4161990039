"""The narrative: what fhir/xhtml.py finds wrong with it, as issues with their place (FHIR R4 narrative.html, txt-1, txt-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import xhtml

if TYPE_CHECKING:
    from hsba.fhir.validate.run import At, Run


def check(value: Any, at: At, run: Run) -> None:
    """Check one Narrative.div."""
    if type(value) is not str:
        run.add("not-string", at, value=value)
        return
    for fault in xhtml.faults(value):
        match fault.wrong:
            case "form":
                run.add("div-not-xhtml", at, detail=fault.name)
            case "root":
                run.add("div-wrong-root", at)
            case "element":
                run.add("div-element", at, name=fault.name)
            case "attribute":
                run.add("div-attribute", at, name=fault.name, element=fault.element)
            case "address":
                run.add("div-address", at, value=fault.name)
            case "empty":
                run.add("div-empty", at)
