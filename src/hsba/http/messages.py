"""What comes in through the FHIR door and what goes out: two light values instead of a framework's objects.

A read must cost microseconds here, so headers stay bytes until somebody asks, and nothing is parsed twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hsba.fhir.problems import BadRequest
from hsba.http import negotiate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from pathlib import Path
    from uuid import UUID

    from hsba.http.negotiate import Shape
    from hsba.http.routes import Route
    from hsba.record.context import Actor, Tenant

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

Header = tuple[bytes, bytes]
Pairs = list[tuple[str, str]]

MAX_PARAMETERS = 1000


class BadParameters(BadRequest):
    """The parameters in the address cannot be read."""

    vi = "Không đọc được tham số trong địa chỉ."


def read_pairs(text: bytes | str) -> Pairs:
    """The parameters of a query or of a form, in order; what is not UTF-8 or holds a NUL is refused."""
    pairs = []
    try:
        if isinstance(text, bytes):
            text = text.decode()
        if text.count("&") >= MAX_PARAMETERS:
            raise BadParameters(
                f"There are more than {MAX_PARAMETERS}.", vi=f"Có quá {MAX_PARAMETERS} tham số."
            )
        for field in text.split("&"):
            name, _, value = field.partition("=")
            if "%" in field or "+" in field:
                name = unquote(name.replace("+", " "), errors="strict")
                value = unquote(value.replace("+", " "), errors="strict")
                if "\0" in name or "\0" in value:
                    raise BadParameters("They hold a NUL character.", vi="Có ký tự NUL.")
            if field:
                pairs.append((name, value))
    except UnicodeDecodeError as exc:
        raise BadParameters("They are not UTF-8.", vi="Không phải mã UTF-8.") from exc
    return pairs


def join_headers(raw: Iterable[Header]) -> dict[bytes, bytes]:
    """Headers by lower-case name; a header sent twice is one list (RFC 9110 5.3)."""
    raw = list(raw)
    headers = dict(raw)
    if len(headers) != len(raw):
        headers = {}
        for name, value in raw:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


@dataclass(slots=True)
class Request:
    """One request at the FHIR door: where it points, who sent it, and what it carries."""

    method: str
    headers: dict[bytes, bytes]
    query: bytes
    segments: tuple[str, ...]
    base: str
    tenant: Tenant
    actor: Actor
    route: Route
    shape: Shape
    pairs: Pairs
    number: UUID
    body: bytes = b""
    file: Path | None = None
    """Where the content lies when it was too long to be held: lines for an operation that takes them."""
    content: dict[str, Any] | None = None
    """The resource in a large body, where it was read already."""
    came_from: str | None = None
    """The address of the machine that asks."""
    told: set[str] = field(default_factory=set)
    """What the trail has kept of this request so far."""

    def header(self, name: bytes) -> str | None:
        """The header as text; None when it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def shape_of(self, pairs: Pairs) -> Shape:
        """The form of the answer when parameters came in the body."""
        return negotiate.shape(self.headers.get(b"accept"), pairs)

    @property
    def type(self) -> str:
        """The `{type}` of the route's template."""
        return self.segments[0]

    @property
    def id(self) -> str:
        """The `{id}` of the route's template."""
        return self.segments[1]

    @property
    def vid(self) -> str:
        """The `{vid}` of the route's template."""
        return self.segments[3]

    @property
    def address(self) -> str:
        """The absolute address of the request, without its parameters."""
        return "/".join((self.base, *self.segments))


@dataclass(slots=True)
class Answer:
    """A status, headers and a body, whole or in pieces; complete before its first byte is sent."""

    status: int
    body: bytes = b""
    headers: list[Header] = field(default_factory=list)
    pieces: Iterable[bytes] | None = None
    """Where a body is large it is sent piece by piece, and ``body`` is empty."""
