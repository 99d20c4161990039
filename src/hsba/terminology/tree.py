"""What lies above and below a code, as conditions: from the tree that is spelt out, or climbed in a very long list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.terminology.concepts import Concept

_ANCESTORS = "SELECT FROM reference.concept_ancestor a WHERE a.system = {0}::integer AND a.{1} = c.code AND a.{2} = {3}::text"


def _spelt(code: str, ancestor: str, more: str = "") -> Callable[[str, str], str]:
    return lambda system, value: f"EXISTS ({_ANCESTORS.format(system, code, ancestor, value)}{more})"


SPELT: dict[str, Callable[[str, str], str]] = {
    "is-a": _spelt("code", "ancestor"),
    "descendent-of": _spelt("code", "ancestor", " AND a.code <> a.ancestor"),
    "is-not-a": lambda system, value: f"NOT {_spelt('code', 'ancestor')(system, value)}",
    "generalizes": _spelt("ancestor", "code"),
    "child-of": lambda _, value: f'(c.parent = {value}::text OR c.also @> ARRAY[{value}::text COLLATE "C"])',
}
"""Conditions on `c` by the operators of a filter, of a system and a code."""


def up(system: str, code: str, tenant: str) -> str:
    """A code and those above it, climbing."""
    return f"""
WITH RECURSIVE up (code) AS (SELECT {code} COLLATE "C" UNION SELECT p.code FROM up u JOIN reference.concept x
  ON x.system = {system}::integer AND x.code = u.code AND x.parent <> '' AND x.tenant IN (0, {tenant}::integer)
  CROSS JOIN LATERAL unnest(x.also || x.parent) AS p(code))
SELECT code FROM up"""


def down(system: str, code: str, tenant: str) -> str:
    """A code and those below it, climbing."""
    return f"""
WITH RECURSIVE below (code) AS (SELECT {code} COLLATE "C" UNION SELECT k.code FROM below b CROSS JOIN LATERAL (
  SELECT x.code FROM reference.concept x WHERE x.system = {system}::integer AND x.parent = b.code
    AND x.tenant IN (0, {tenant}::integer)
  UNION ALL SELECT x.code FROM reference.concept x WHERE x.system = {system}::integer AND x.also <> '{{}}'
    AND x.also @> ARRAY[b.code] AND x.tenant IN (0, {tenant}::integer)) k)
SELECT code FROM below"""


def _below(system: str, value: str, tenant: str) -> str:
    return f"c.code IN ({down(system, f'{value}::text', tenant)})"


CLIMBED: dict[str, Callable[[str, str, str], str]] = {
    "is-a": _below,
    "descendent-of": lambda system, value, tenant: (
        f"({_below(system, value, tenant)} AND c.code <> {value}::text)"
    ),
    "is-not-a": lambda system, value, tenant: f"NOT {_below(system, value, tenant)}",
    "generalizes": lambda system, value, tenant: f"c.code IN ({up(system, f'{value}::text', tenant)})",
}
"""The same, where it differs, of a list whose tree is not spelt out: of a system, a code and a tenant."""

IN_MEMORY: dict[str, Callable[[set[str], Concept, str], bool]] = {
    "is-a": lambda above, _, value: value in above,
    "descendent-of": lambda above, one, value: value in above and one.code != value,
    "is-not-a": lambda above, _, value: value not in above,
    "generalizes": lambda _, __, ___: False,
    "child-of": lambda _, one, value: value in (one.parent, *one.also),
}
"""The same of codes that are in memory, by what lies above each."""
