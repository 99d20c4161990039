"""One composed statement: its arguments numbered as they come, its text written once what it needs is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.store.search.base import NEVER
from hsba.store.search.compile import Compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.store.pool import Connection
    from hsba.store.search.facts import Facts, Scope


_PLACE = re.compile(r"\$(\d+)")


class Statement:
    """The arguments of one statement; the tenant is always `$1`."""

    def __init__(self, tenant: int) -> None:
        """Begin with the tenant."""
        self.args: list[Any] = [tenant]

    def arg(self, value: Any) -> str:
        """A place for this value."""
        self.args.append(value)
        return f"${len(self.args)}"


class Ask:
    """Compiles statements of one search and runs them: None for an empty text, no rows where nothing can match."""

    def __init__(self, tx: Connection, scope: Scope, facts: Facts) -> None:
        """Keep the connection, who asks, and what is known."""
        self.tx = tx
        self.scope = scope
        self.facts = facts

    async def __call__(self, write: Callable[[Compiler], str], *, by_key: bool = False) -> list[Any] | None:
        """The rows of a statement; `by_key` where one plan serves all values."""
        sql, args = await compiled(self.tx, self.scope, self.facts, write)
        if not sql:
            return None
        if sql == NEVER:
            return []
        if by_key:
            return list(await self.tx.fetch_by_key(self.scope.tenant.id, sql, *args))
        return list(await self.tx.fetch(sql, *args))


def moved(sql: str, args: list[Any], arg: Callable[[Any], str]) -> str:
    """A condition with its arguments handed to another statement, whose `$1` is the tenant too."""
    return _PLACE.sub(lambda found: "$1" if found[1] == "1" else arg(args[int(found[1]) - 1]), sql)


async def compiled(
    tx: Connection, scope: Scope, facts: Facts, write: Callable[[Compiler], str]
) -> tuple[str, list[Any]]:
    """A statement and its arguments; asks the database for the numbers it lacks, if any."""
    while True:
        statement = Statement(scope.tenant.id)
        sql = write(Compiler(scope, facts, statement.arg))
        if not facts.lacking:
            return used(sql, statement.args)
        await facts.learn(tx, scope)


def used(sql: str, args: list[Any]) -> tuple[str, list[Any]]:
    """The statement without arguments that it does not use: a part that turned out never to be true left them behind."""
    here = {int(number) for number in _PLACE.findall(sql)}
    if not sql or len(here | {1}) == len(args):
        return sql, args
    kept = [1, *sorted(here - {1})]
    places = {old: new for new, old in enumerate(kept, 1)}
    return _PLACE.sub(lambda found: f"${places[int(found[1])]}", sql), [args[old - 1] for old in kept]
