"""Codings and attachments by themselves: what their system says of them, whether their size is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.fhir.expansion import walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.problems import Severity
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]

# The code systems that belong to R4 itself are as they are; those kept by terminology.hl7.org go on growing
# after it.
_FROZEN = "http://hl7.org/fhir/"
_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match


def checker(definitions: Definitions) -> Callable[[Any, At, Run], None]:
    """The check of a Coding: its system is an address of a code system, which has the code where it is at hand."""
    known = _Systems(definitions)

    def check(coding: Any, at: At, run: Run) -> None:
        if type(coding) is not dict:
            return
        system, code = coding.get("system"), coding.get("code")
        if type(system) is not str:
            if type(code) is str and "_system" not in coding:
                run.add("code-without-system", at)
            return
        kind = known.kind(system)
        if kind is None:
            if _absolute(system) is None:
                run.add("system-not-absolute", (at, "system"), value=system)
        elif kind == "ValueSet":
            run.add("system-is-value-set", (at, "system"), value=system)
        elif type(code) is str and not known.has(system, code):
            severity: Severity = "error" if system.startswith(_FROZEN) else "warning"
            run.add("unknown-code", (at, "code"), severity, system=system, value=code)

    return check


class _Systems:
    """The code systems that are complete at hand, their codes read when the first one is asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._codes: dict[str, frozenset[str] | None] = {}
        self._folded: set[str] = set()
        self._lists = frozenset(definitions.urls("ValueSet"))
        self._known = frozenset(definitions.urls("CodeSystem"))

    def kind(self, system: str) -> str | None:
        """Whether an address is a code system's at hand, or wrongly a value set's.

        None when it is neither.
        """
        if system in self._known:
            return "CodeSystem"
        return "ValueSet" if system in self._lists else None

    def has(self, system: str, code: str) -> bool:
        """Whether the system has the code, as far as it is complete here."""
        if system not in self._codes:
            self._read(system)
        codes = self._codes[system]
        return codes is None or code in codes or (system in self._folded and code.casefold() in codes)

    def _read(self, system: str) -> None:
        raw = self._definitions.read(system) or {}
        if raw.get("content") != "complete" or "concept" not in raw or raw.get("compositional"):
            self._codes[system] = None
            return
        codes = {one["code"] for one in walk(raw["concept"], "concept")}
        if raw.get("caseSensitive") is False:
            self._folded.add(system)
            codes |= {one.casefold() for one in codes}
        self._codes[system] = frozenset(codes)


def attachment(value: Any, at: At, run: Run) -> None:
    """Check an Attachment: the size it states is that of its data (datatypes.html#Attachment)."""
    if type(value) is not dict:
        return
    data, size = value.get("data"), value.get("size")
    if type(data) is not str or type(size) is not int:
        return
    length = sum(map(len, data.split()))
    actual = length * 3 // 4 - data.rstrip().count("=", -2)
    if actual != size:
        run.add("attachment-size", (at, "size"), value=size, found=actual)
