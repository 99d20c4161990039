"""What a page brings along: `_include` and `_revinclude`, again and again with `:iterate` (FHIR R4 search.html#include).

Each round is one statement for all includes; whatever it reaches is bound to the policy like a match.  Cycles end by
themselves, for nothing is brought twice; a page brings at most MOST resources and says so when there were more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.fhir.paths import catalogue
from hsba.store.resources import Stored
from hsba.store.search.base import NEVER, Alias, is_hidden
from hsba.store.search.statement import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hsba.fhir.paths import Parameter, Path
    from hsba.fhir.query.parse import Include, Search
    from hsba.store.pool import Connection
    from hsba.store.search.compile import Compiler
    from hsba.store.search.facts import Facts, Scope

MOST = 1000
ROUNDS = 12
"""Resources brought along by one page, and how many steps away they may be."""


async def bring(
    tx: Connection, wanted: Search, scope: Scope, facts: Facts, matches: Sequence[Stored]
) -> tuple[list[Stored], bool]:
    """The resources that the matches bring along, in the order they were reached, and whether that is all of them."""
    found: dict[int, Stored] = {}
    known = {one.key for one in matches}
    frontier: Sequence[Stored] = matches
    includes = [(one, False) for one in wanted.include] + [(one, True) for one in wanted.revinclude]
    for number in range(ROUNDS):
        round_ = [pair for pair in includes if number == 0 or pair[0].iterate]
        if not round_ or not frontier:
            return list(found.values()), True
        rows = await _round(tx, scope, facts, round_, frontier, known, MOST - len(found) + 1)
        fresh = [Stored(row[0], row[1], row[2], row[3], row[4], deleted=False, body=row[5]) for row in rows]
        room = MOST - len(found)
        found.update((one.key, one) for one in fresh[:room])
        if len(fresh) > room:
            return list(found.values()), False
        known.update(one.key for one in fresh)
        frontier = fresh
    return list(found.values()), not frontier


async def _round(
    tx: Connection,
    scope: Scope,
    facts: Facts,
    includes: Sequence[tuple[Include, bool]],
    frontier: Sequence[Stored],
    known: set[int],
    limit: int,
) -> Sequence[tuple[int, int, str, int, datetime, str]]:
    """One step away from the frontier."""
    by_type: dict[str, list[int]] = {}
    for one in frontier:
        by_type.setdefault(scope.registry.type_name(one.type), []).append(one.key)

    def write(compiler: Compiler) -> str:
        arms: list[str] = []
        for include, reverse in includes:
            arms += _backward(compiler, include, by_type) if reverse else _forward(compiler, include, by_type)
        if not arms:
            return NEVER
        union = " UNION ".join(arms)
        return (
            f"WITH p AS MATERIALIZED (SELECT * FROM ({union}) u WHERE u.key <> ALL ({compiler.arg(list(known))}::bigint[])"
            f" ORDER BY u.type, u.key LIMIT {compiler.arg(limit)})"
            " SELECT p.key, p.type, p.id, p.vid, p.recorded, b.body"
            " FROM p JOIN record.bodies($1, ARRAY(SELECT key FROM p ORDER BY key), ARRAY(SELECT vid FROM p ORDER BY key),"
            " ARRAY(SELECT recorded FROM p ORDER BY key)) b ON b.resource = p.key ORDER BY p.type, p.key"
        )

    sql, args = await compiled(tx, scope, facts, write)
    return [] if sql == NEVER else await tx.fetch(sql, *args)


def _columns(name: str) -> str:
    return f"{name}.key, {name}.type, {name}.id, {name}.vid, {name}.recorded"


def _parameters(compiler: Compiler, type_: str, code: str) -> list[Parameter]:
    """The reference parameter of a type, or all of them; what looks at hidden elements is refused by name, else left out."""
    known = catalogue(compiler.scope.definitions, type_).parameters
    if code != "*":
        parameter = known[code]
        compiler.refuse_hidden(parameter)
        return [parameter]
    hidden = compiler.scope.policy.hidden(type_)
    return [one for one in known.values() if one.kind == "reference" and not is_hidden(one, hidden)]


def _forward(compiler: Compiler, include: Include, by_type: dict[str, list[int]]) -> list[str]:
    """What the frontier refers to."""
    arms: list[str] = []
    for type_, keys in by_type.items():
        if include.type not in ("*", type_):
            continue
        parameters = _parameters(compiler, type_, include.code)
        paths: list[Path] = []
        targets: set[str] = set()
        for parameter in parameters:
            paths += parameter.paths
            targets |= parameter.targets
        types = (
            (include.target,)
            if include.target
            else tuple(sorted(targets & compiler.scope.definitions.resource_types))
        )
        arms += _reached(compiler, paths, keys, types)
    return arms


def _reached(compiler: Compiler, paths: Sequence[Path], keys: list[int], types: tuple[str, ...]) -> list[str]:
    arms: list[str] = []
    target = Alias(compiler.fresh("t"), types)
    on = compiler.on("x", paths)
    live = compiler.live(target)
    if on is None or live == NEVER:
        return arms
    whose = f"x.tenant = $1 AND x.resource = ANY ({compiler.arg(keys)}::bigint[]) AND {on}"
    arms.append(
        f"SELECT {_columns(target.name)} FROM record.ix_reference x"
        f" JOIN record.resource {target.name} ON {target.name}.key = x.target WHERE {whose} AND {live}"
    )
    if any(path.leaves & {"canonical", "uri"} for path in paths):
        urls = compiler.on("u", compiler.url_paths(types))
        if urls is not None:
            arms.append(
                f"SELECT {_columns(target.name)} FROM record.ix_uri x"
                f" JOIN record.ix_uri u ON u.tenant = $1 AND {urls} AND u.value = split_part(x.value, '|', 1)"
                f" JOIN record.resource {target.name} ON {target.name}.key = u.resource WHERE {whose} AND {live}"
            )
    return arms


def _backward(compiler: Compiler, include: Include, by_type: dict[str, list[int]]) -> list[str]:
    """What refers to the frontier; to a patient also through those merged into him."""
    source = Alias(compiler.fresh("s"), (include.type,))
    parameters = _parameters(compiler, include.type, include.code)
    allowed = set(by_type) if include.target is None else {include.target}
    keys = [key for type_, some in by_type.items() if type_ in allowed for key in some]
    on = compiler.on("x", [path for parameter in parameters for path in parameter.paths])
    live = compiler.live(source)
    if on is None or live == NEVER or not keys:
        return []
    whom = f"{compiler.arg(keys)}::bigint[]"
    if "Patient" in by_type and compiler.merged():
        whom += f" || ARRAY(SELECT m.patient FROM record.merged m WHERE m.tenant = $1 AND m.survivor = ANY ({whom}))"
    sql = (
        f"SELECT {_columns(source.name)} FROM record.ix_reference x"
        f" JOIN record.resource {source.name} ON {source.name}.key = x.resource"
        f" WHERE x.tenant = $1 AND x.target = ANY ({whom}) AND {on} AND {live}"
    )
    return [sql]
