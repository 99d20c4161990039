"""What an operation is and what it is called with (FHIR R4 operations.html): the shape of every room's OPERATIONS table."""

from __future__ import annotations

import builtins
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hsba.record.context import Context

Resource = dict[str, Any]
Level = Literal["system", "type", "instance"]
Room = Literal["reading", "searching", "writing"]


Kind = builtins.type[Any]
"""A class of plain values; the calls have a `type` of their own."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: on what, with which parameters, and under which address (for links in the answer)."""

    name: str
    type: str | None = None
    id: str | None = None
    vid: str | None = None
    parameters: tuple[Resource, ...] = ()
    """The parts of a Parameters resource: `{"name": …, "valueString": …}` or `{"name": …, "resource": …}`."""
    address: str = ""
    query: tuple[tuple[str, str], ...] = ()
    """What stood in the address, for links to further pages."""
    file: Path | None = None
    """Where the content lies that came as lines (NDJSON), for an operation that takes a file."""
    strict: bool = True
    """Whether a parameter that is not known is refused (`Prefer: handling`)."""
    asynchronous: bool = False
    """Whether the answer may come later (`Prefer: respond-async`)."""

    @classmethod
    def of(
        cls,
        name: str,
        *,
        type: str | None = None,
        id: str | None = None,
        vid: str | None = None,
        pairs: Iterable[tuple[str, str]] = (),
        body: Resource | None = None,
        address: str = "",
        **more: Any,
    ) -> Call:
        """A call as it came: parameters from the address, and from a body that is Parameters or the one resource."""
        pairs = tuple(pairs)
        found: list[Resource] = [{"name": key, "valueString": value} for key, value in pairs]
        if body is not None and body.get("resourceType") == "Parameters":
            given = body.get("parameter", [])
            if not isinstance(given, list) or not all(
                isinstance(one, dict) and "name" in one for one in given
            ):
                raise BadRequest(
                    "Each parameter has a name.", vi="Mỗi tham số phải có tên.", path="Parameters.parameter"
                )
            found.extend(given)
        elif body is not None:
            found.append({"name": "resource", "resource": body})
        return cls(name, type, id, vid, tuple(found), address, pairs, **more)

    def all(self, name: str) -> list[Any]:
        """Every value given under a name, whatever its type."""
        found: list[Any] = []
        for one in self.parameters:
            if one["name"] == name:
                found.extend(value for key, value in one.items() if key.startswith("value"))
        return found

    def text(self, name: str) -> str | None:
        """The one text given under a name."""
        values = self.all(name)
        if len(values) > 1 or not all(isinstance(value, str) for value in values):
            raise BadRequest(f"{name} is one text.", vi=f"{name} là một chuỗi.")
        return values[0] if values else None

    def value(self, name: str, kind: Kind) -> Any:
        """The one value of this kind given under a name."""
        values = self.all(name)
        if len(values) > 1 or not all(isinstance(value, kind) for value in values):
            raise BadRequest(f"{name} is one {kind.__name__}.", vi=f"{name} là một {kind.__name__}.")
        return values[0] if values else None

    def resource(self, name: str = "resource") -> Resource | None:
        """The one resource given under a name."""
        found = [one["resource"] for one in self.parameters if one["name"] == name and "resource" in one]
        if len(found) > 1 or not all(isinstance(one, dict) and "resourceType" in one for one in found):
            raise BadRequest(f"{name} is one resource.", vi=f"{name} là một tài nguyên.")
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than a resource: its status and headers, and a resource, some text or a file."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    resource: Resource | None = None
    text: str = ""
    file: Path | None = None
    """Sent piece by piece, as it lies there."""
    media: str = "application/json"
    """What text or file is."""


Handler = Callable[["Context", Call], Awaitable[Resource | Reply | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name without `$`, where it may be called, what answers it, and on which connection it runs."""

    name: str
    levels: frozenset[Level]
    handler: Handler
    types: tuple[str, ...] = ()
    """The resource types it is for; none means every type."""
    affects_state: bool = False
    """Whether it may change something, and so must be called by POST (FHIR R4 operations.html#request)."""
    tx: Room = "reading"
    definition: str = ""
    """The canonical address of its OperationDefinition."""
    remove: Handler | None = None
    """What answers DELETE, where what the address names may be given up."""
    alone: bool = False
    """Whether it answers with more than a resource, and so cannot stand in a batch or transaction."""
    takes_lines: bool = False
    """Whether NDJSON is kept in a file for it as it comes, however long it is."""

    def fits(self, level: Level, type: str | None) -> bool:
        """Whether it may be called there."""
        return level in self.levels and (type is None or not self.types or type in self.types)


def parameters(*parts: Resource) -> Resource:
    """A Parameters resource."""
    found: Resource = {"resourceType": "Parameters"}
    if parts:
        found["parameter"] = list(parts)
    return found


__all__ = ["Call", "Handler", "Level", "Operation", "Reply", "parameters"]
