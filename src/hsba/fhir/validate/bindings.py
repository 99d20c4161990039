"""Codes against the lists they must come from (FHIR R4 terminologies.html#binding)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hsba.fhir.validate.acts import act_day

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]
Bind = Callable[[Any, "At", "Run"], None]
Members = frozenset[tuple[str, str]]

_mime = re.compile(
    r"[A-Za-z0-9!#$&^_.+\-]+/[A-Za-z0-9!#$&^_.+\-]+(\s*;\s*[A-Za-z0-9!#$&^_.+\-]+=.+)*"
).fullmatch
_language = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*").fullmatch
_BARE_FORMATS = frozenset({"xml", "json", "ttl", "turtle", "application/fhir+json", "application/fhir+xml"})

Grammar = tuple[Callable[[str], object], str]

# Lists without end that are defined by a grammar: what may stand there, and the message otherwise.
GRAMMARS: dict[str, Grammar] = {
    "http://hl7.org/fhir/ValueSet/mimetypes": (
        lambda code: code in _BARE_FORMATS or _mime(code),
        "bad-mime-type",
    ),
    "http://hl7.org/fhir/ValueSet/all-languages": (_language, "bad-language"),
}


class Binding:
    """One binding of an element: whether codes, codings, concepts or quantities are in the list."""

    def __init__(self, strength: str, url: str, definitions: Definitions) -> None:
        """Bind to a list; its codes are read when the first code is seen."""
        self.url = url
        self.required = strength == "required"
        self.problem = "not-in-value-set" if self.required else "not-in-extensible"
        self.definitions = definitions
        self.grammar = GRAMMARS.get(url)
        self._members: Members | None = None
        self._codes: frozenset[str] = frozenset()
        self._read = False

    def members(self) -> Members | None:
        """The list's (system, code) pairs; None when the packages do not enumerate it."""
        if not self._read:
            self._members = None if self.grammar else self.definitions.value_set_codes(self.url)
            self._codes = frozenset(code for _, code in self._members or ())
            self._read = True
        return self._members

    def holds(self, system: str | None, code: str, run: Run) -> bool | None:
        """Whether the code is in the list; None when nobody here knows the list."""
        members = self.members()
        if members is not None:
            return code in self._codes if system is None else (system, code) in members
        if run.codes is None:
            return None
        return run.codes.member(self.url, system, code, act_day(run.resource))

    def code(self, value: Any, at: At, run: Run) -> None:
        """Check a code, uri or string."""
        if type(value) is not str or value in self._codes:
            return
        if self.grammar is not None:
            fits, problem = self.grammar
            if not fits(value):
                run.add(problem, at, value=value)
        elif self.holds(None, value, run) is False:
            run.add(self.problem, at, value=value, list=self.url)

    def coding(self, value: Any, at: At, run: Run) -> None:
        """Check a Coding, or a Quantity by its system and code."""
        if type(value) is not dict:
            return
        system, code = value.get("system"), value.get("code")
        if type(code) is not str:
            if (
                self.required
                and "extension" not in value
                and "_code" not in value
                and self.members() is not None
            ):
                run.add("no-code", at, list=self.url)
            return
        if self.holds(system if type(system) is str else "", code, run) is False:
            run.add(self.problem, at, value=f"{system or ''}#{code}", list=self.url)

    def quantity(self, value: Any, at: At, run: Run) -> None:
        """Check the unit of a Quantity, where it gives one as a code."""
        if type(value) is dict and type(value.get("code")) is str:
            self.coding(value, at, run)

    def concept(self, value: Any, at: At, run: Run) -> None:
        """Check a CodeableConcept: one of its codings is in the list."""
        if type(value) is not dict:
            return
        found = None
        codings = value.get("coding")
        for each in codings if type(codings) is list else ():
            if type(each) is not dict or type(each.get("code")) is not str:
                continue
            system = each.get("system")
            holds = self.holds(system if type(system) is str else "", each["code"], run)
            if holds is not False:
                return
            found = f"{system or ''}#{each['code']}"
        if found is not None:
            run.add(self.problem, at, value=found, list=self.url)
        elif self.required and "extension" not in value and self.members() is not None:
            run.add("no-code", at, list=self.url)

    def reader(self, type: str) -> Bind | None:
        """The check for an element of this type; None where a binding means nothing."""
        readers: dict[str, Bind] = {
            "CodeableConcept": self.concept,
            "Coding": self.coding,
            "Quantity": self.quantity,
            "code": self.code,
            "string": self.code,
            "uri": self.code,
        }
        return readers.get(type)


def bind(binding: tuple[str, str] | None, type: str, definitions: Definitions) -> Bind | None:
    """The check of a binding that obliges or advises (required, extensible).

    Examples and preferences oblige nobody.
    """
    if binding is None or binding[0] not in ("required", "extensible"):
        return None
    return Binding(binding[0], binding[1], definitions).reader(type)
