"""One composed statement: its arguments numbered as they come, its text written once what it needs is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.store.search.compile import Compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.store.pool import Connection
    from hsba.store.search.facts import Facts, Scope


class Statement:
    """The arguments of one statement; the tenant is always `$1`."""

    def __init__(self, tenant: int) -> None:
        """Begin with the tenant."""
        self.args: list[Any] = [tenant]

    def arg(self, value: Any) -> str:
        """A place for this value."""
        self.args.append(value)
        return f"${len(self.args)}"


async def compiled(
    tx: Connection, scope: Scope, facts: Facts, write: Callable[[Compiler], str]
) -> tuple[str, list[Any]]:
    """A statement and its arguments; asks the database for the numbers it lacks, if any."""
    while True:
        statement = Statement(scope.tenant.id)
        sql = write(Compiler(scope, facts, statement.arg))
        if not facts.lacking:
            return sql, statement.args
        await facts.learn(tx, scope)
