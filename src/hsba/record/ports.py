"""The three questions the record asks: may they, is this code right, who shall be told.

`access`, `terminology` and `audit` answer them; `app.py` joins them.  No fourth port without a decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hsba.fhir.problems import Forbidden

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from hsba.fhir.query.expression import Expression
    from hsba.record.context import Context

Resource = dict[str, Any]


class Policy(Protocol):
    """May they?  Answers are search expressions, so that one compiler applies them on every path."""

    def visible(self, type: str) -> Expression:
        """Which resources of this type may be seen: ANDed to every alias the store compiles."""
        ...

    def hidden(self, type: str) -> frozenset[str]:
        """Element paths (`Patient.telecom`) that may be neither shown nor searched nor sorted by."""
        ...

    def check(
        self, ctx: Context, interaction: str, type: str, *, before: Resource | None, after: Resource | None
    ) -> None:
        """Refuse (raise Forbidden) a write or an operation that this actor may not do, whatever it is done to."""
        ...

    def within(self, interaction: str, type: str) -> Expression:
        """What this is done to must be such, before it and after; the record asks the database (record/fence.py)."""
        ...

    @property
    def unrestricted(self) -> bool:
        """True when every type is wholly visible and nothing is hidden: the fast read path may be taken."""
        ...


@runtime_checkable
class ReadsApart(Protocol):
    """A policy that lets more be read by its id than be searched."""

    def to_read(self) -> Policy:
        """The policy of a read by id."""
        ...


class Codes(Protocol):
    """Is this code right?  The store joins the same lists in SQL by `reference.value_set_member`."""

    def member(self, value_set: str, system: str | None, code: str, on: date | None = None) -> bool | None:
        """Whether the code is in the list, on the day of the act where it has one; None when the list is not known."""
        ...

    def value_set_id(self, value_set: str) -> int | None:
        """The list's number in `reference.value_set`, for joins by `:in`; None when it is not known."""
        ...


class Trail(Protocol):
    """Who shall be told?  A line for each act; committed with the write, or before a read's answer."""

    @property
    def keeps_nothing(self) -> bool:
        """True when no line is kept in the database, so that a write may commit before the trail is told of it."""
        ...

    @property
    def written_by_store(self) -> bool:
        """True when the store writes the line of a save or of a read in the very call; `add` is then not told of them."""
        ...

    async def add(self, ctx: Context, interaction: str, type: str | None, subjects: Sequence[object]) -> None:
        """Note an act and what it touched (versions written or shown)."""
        ...


class AllowAll:
    """The policy before there is one: everything, to the operator of the machine on loopback."""

    unrestricted = True

    def visible(self, type: str) -> Expression:  # noqa: ARG002 - the port's signature
        """Everything."""
        from hsba.fhir.query.expression import Everything  # noqa: PLC0415 - avoids an import cycle at start

        return Everything()

    def hidden(self, type: str) -> frozenset[str]:  # noqa: ARG002 - the port's signature
        """Nothing is hidden."""
        return frozenset()

    def check(
        self, ctx: Context, interaction: str, type: str, *, before: Resource | None, after: Resource | None
    ) -> None:
        """Everything is allowed."""

    def within(self, interaction: str, type: str) -> Expression:  # noqa: ARG002 - the port's signature
        """Everything."""
        return self.visible(type)


class AllowNothing:
    """The policy of who is not known here: nothing at all."""

    unrestricted = False

    def visible(self, type: str) -> Expression:  # noqa: ARG002 - the port's signature
        """Nothing."""
        from hsba.fhir.query.expression import Nothing  # noqa: PLC0415 - avoids an import cycle at start

        return Nothing()

    def hidden(self, type: str) -> frozenset[str]:  # noqa: ARG002 - the port's signature
        """There is nothing to hide."""
        return frozenset()

    def check(self, *_: object, **__: object) -> None:
        """Refuse."""
        raise Forbidden

    def within(self, interaction: str, type: str) -> Expression:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return self.visible(type)
