"""CodeSystem/$find-matches: codes by their properties, whole or as far as they fit (R4 codesystem-operation-find-matches)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest, Problem
from hsba.record.calls import parameters
from hsba.terminology import asked, concepts, lookup, tree
from hsba.terminology.words import folded, mark, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.record.calls import Call
    from hsba.record.context import Context

Raw = dict[str, Any]

MOST = 50
MOST_PROPERTIES = 20


class NotComposed(Problem):
    """This server puts no codes together (compositional); ask for the codes that are there."""

    status, code = 422, "not-supported"
    vi = "Máy chủ không ghép mã (compositional); hãy hỏi các mã có sẵn."


async def find_matches(ctx: Context, call: Call) -> Raw:
    """The codes of a system that have these properties: all of them, or (not `exact`) at least one, the nearest first."""
    url = call.text("system") or await lookup.instance(ctx, call)
    if not url:
        raise BadRequest("Say of which system.", vi="Hãy nêu hệ mã (system).")
    if asked.flag(call, "compositional"):
        raise NotComposed
    of = await lookup.loaded(ctx, url)
    wanted = [_property(one) for one in call.parameters if one["name"] == "property"]
    if not 0 < len(wanted) <= MOST_PROPERTIES:
        raise BadRequest(
            f"Give 1 to {MOST_PROPERTIES} properties.", vi=f"Hãy đưa từ 1 đến {MOST_PROPERTIES} thuộc tính."
        )
    exact = asked.flag(call, "exact")
    args: list[Any] = []

    def arg(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    day = of.on(asked.day(ctx, call)[0])
    system, tenant, on = arg(of.number), arg(ctx.tenant.id), arg(day)

    def below(value: str) -> str:
        return tree.SPELT["is-a"](system, value) if of.closed else tree.CLIMBED["is-a"](system, value, tenant)

    tests = [
        below(arg(value)) if name in ("concept", "is-a") else _test(name, value, arg, of.number, exact=exact)
        for name, value in wanted
    ]
    fits = f"ARRAY[{', '.join(f'coalesce({test}, false)' for test in tests)}]"
    enough = "NOT false = ANY(f.fits)" if exact else "true = ANY(f.fits)"
    rows = await ctx.tx.fetch(
        f"SELECT {concepts.COLUMNS}, f.fits FROM reference.concept c CROSS JOIN LATERAL (SELECT {fits} AS fits) f"
        f" WHERE c.system = {system}::integer AND c.tenant IN (0, {tenant}::integer)"
        f" AND c.valid_from <= {on}::date AND c.valid_to >= {on}::date AND {enough}"
        f" ORDER BY cardinality(array_positions(f.fits, true)) DESC, c.place LIMIT {MOST}",
        *args,
    )
    parts: list[Raw] = []
    for row in rows:
        one = concepts.concept(row)
        shown = one.shown(call.text("displayLanguage"), of.language)
        match: list[Raw] = [
            {"name": "code", "valueCoding": {"system": of.url, "code": one.code, "display": shown}}
        ]
        match += [
            {
                "name": "unmatched",
                "part": [
                    {
                        "name": "property",
                        "part": [
                            {"name": "code", "valueCode": name},
                            {"name": "value", "valueString": value},
                        ],
                    }
                ],
            }
            for (name, value), fit in zip(wanted, row["fits"], strict=True)
            if not fit
        ]
        parts.append({"name": "match", "part": match})
    return parameters(*parts)


def _property(one: Raw) -> tuple[str, str]:
    """A property's code and value."""
    parts = {part.get("name"): part for part in one.get("part", ())}
    if "subproperty" in parts:
        raise BadRequest(
            "Properties within properties are not known.", vi="Không hỗ trợ thuộc tính lồng nhau."
        )
    code = next((value for key, value in parts.get("code", {}).items() if key.startswith("value")), None)
    value = next((value for key, value in parts.get("value", {}).items() if key.startswith("value")), None)
    if isinstance(value, dict):
        value = value.get("code")
    if not isinstance(code, str) or not isinstance(value, str | bool | int | float):
        raise BadRequest("A property has a code and a value.", vi="Mỗi property phải có code và value.")
    return code, str(value).lower() if isinstance(value, bool) else str(value)


def _test(name: str, value: str, arg: Callable[[Any], str], system: int, *, exact: bool) -> str:
    """Whether a concept has the property."""
    if name == "display":
        if exact:
            return f"c.folded = {arg(folded(value))}::text"
        query = " & ".join(f"'{mark(system)}{word}':*" for word in words(value)[:MOST_PROPERTIES])
        return f"c.words @@ {arg(query)}::text::tsquery"
    column = {"code": "c.code", "parent": "c.parent"}.get(name)
    return f"{column or f'c.properties ->> {arg(name)}::text'} = {arg(value)}::text"
