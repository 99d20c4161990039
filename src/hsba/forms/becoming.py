"""What an answer may become in the record: a table of kinds with what each needs, read from a form's `becomes:`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.forms.lines import Lined

if TYPE_CHECKING:
    from collections.abc import Mapping

BECOMES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "observation": (frozenset({"code"}), frozenset({"category", "display", "site"})),
    "component": (frozenset({"code"}), frozenset({"display"})),
    "condition": (frozenset({"use"}), frozenset({"rank", "category", "site", "text"})),
    "allergy": (frozenset(), frozenset({"text"})),
    "family": (frozenset(), frozenset()),
    "procedure": (frozenset(), frozenset({"code", "category", "when", "end", "by", "text"})),
    "medication": (frozenset(), frozenset({"dose", "route", "quantity", "unit", "note"})),
    "immunization": (frozenset({"code"}), frozenset()),
    "encounter": (frozenset({"field"}), frozenset()),
    "moment": (frozenset(), frozenset()),
    "nothing": (frozenset(), frozenset()),
}
"""By kind: the keys it needs, and those it may have.  `code` is LOINC's, or `system|code`; `when`, `end`, `by`, `text`,
`dose`, `route`, `quantity`, `unit` and `note` name other items.  A `moment` is when all that the entry (or the row) says was so.
`site` is SNOMED CT's place of the body."""


def read(where: Lined, value: Any) -> Mapping[str, Any]:
    """`{observation: "8867-4"}` or `{condition: {use: AD, rank: 1}}`, as {"kind": …, …}; empty for None."""
    if value is None:
        return {}
    if not isinstance(value, Lined) or len(value) != 1:
        raise where.wrong("becomes names one kind.", "becomes chỉ nêu một loại.", "becomes")
    kind, rest = next(iter(value.items()))
    if kind not in BECOMES:
        raise where.wrong(
            f"becomes is one of {', '.join(BECOMES)}.",
            f"becomes phải là một trong: {', '.join(BECOMES)}.",
            "becomes",
        )
    needs, may = BECOMES[kind]
    if isinstance(rest, str | int):
        rest = {next(iter(needs), "text"): str(rest)}
    rest = dict(rest or {})
    wrong = (set(rest) - needs - may) or (needs - set(rest))
    if wrong:
        named = ", ".join(sorted(wrong))
        raise where.wrong(
            f"becomes {kind}: {named} is missing or not known.",
            f"becomes {kind}: thiếu hoặc thừa {named}.",
            "becomes",
        )
    return {"kind": kind, **rest}
