"""Types that a room serves from a store of its own instead of `record.resource`: read and searched, never written.

`app.py` joins the table STORES; every path of the record asks `ctx.stores` before it goes to the store.  What is found
there passes the same policy, field rules and trail as everything else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from hsba.fhir.problems import BadRequest, Forbidden, MethodNotAllowed
from hsba.fhir.query.expression import Nothing
from hsba.store import search as searching
from hsba.store.search import Page
from hsba.store.search.problems import BadCursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hsba.fhir.query.expression import Expression
    from hsba.fhir.query.parse import Search
    from hsba.record.context import Context
    from hsba.store.resources import Stored


class OwnStore(Protocol):
    """What answers for a type in the record's place; it applies the policy of `ctx`, and what it cannot apply shows nothing."""

    @property
    def parameters(self) -> frozenset[str]:
        """The search parameters that it answers, beside `_id` and `_lastUpdated`."""
        ...

    async def read(self, ctx: Context, id: str) -> Stored:
        """The resource at an address; NotFound where there is none that may be seen."""
        ...

    async def search(self, ctx: Context, wanted: Search) -> Page:
        """The page that answers a search on this type alone."""
        ...


class Shelf(Protocol):
    """What a room adds to a type of the record: resources that come with the program, read and searched beside the saved."""

    async def read(self, ctx: Context, id: str) -> Stored | None:
        """The resource that the room has at an address."""
        ...

    async def search(self, ctx: Context, where: Expression) -> list[Stored]:
        """Those that fit, in the order of their ids; of a question that the room cannot answer none."""
        ...


class WrittenByServer(Forbidden):
    """Resources of this type are written by the server alone; nothing was changed."""

    vi = "Loại này chỉ do máy chủ tự ghi, không ai tạo, sửa hay xóa được; chưa thay đổi gì."


class NoVersions(MethodNotAllowed):
    """Resources of this type never change, so they have no history: read or search them."""

    vi = "Loại này không bao giờ thay đổi nên không có lịch sử: hãy đọc hoặc tìm."


class AskedAlone(BadRequest):
    """This type is searched by itself, not together with others."""

    vi = "Loại này phải được tìm riêng, không gộp với loại khác."


class NotExported(BadRequest):
    """This type is in no export of the record; `hsba audit export` writes the audit trail."""

    vi = "Loại này không nằm trong bản xuất hồ sơ; hãy dùng `hsba audit export` để xuất nhật ký truy cập."


def store(ctx: Context, types: tuple[str, ...]) -> OwnStore | None:
    """The store that answers a search of these types; None where it is the record."""
    own = [type_ for type_ in types if type_ in ctx.stores]
    if not own:
        return None
    if len(types) > 1:
        raise AskedAlone(", ".join(own))
    return ctx.stores[own[0]]


FROM_SHELF = "shelf:"
"""Before a place in the list of a shelf, in a cursor."""


async def on_shelf(ctx: Context, type: str, id: str) -> Stored | None:
    """What a room has at an address beside the record."""
    shelf = ctx.shelves.get(type)
    return await shelf.read(ctx, id) if shelf is not None and _seen(ctx, type) else None


async def with_shelf(ctx: Context, wanted: Search) -> Page:
    """A page of a type that has a shelf: first what comes with the program, then what was saved."""
    (type_,) = wanted.types
    found = await ctx.shelves[type_].search(ctx, wanted.where) if _seen(ctx, type_) else []
    begun = wanted.cursor is None or wanted.cursor.startswith(FROM_SHELF)
    place = (wanted.cursor or f"{FROM_SHELF}0").removeprefix(FROM_SHELF) if begun else str(len(found))
    if not (place.isascii() and place.isdigit() and len(place) < 9):
        raise BadCursor
    start = int(place)
    mine = found[start : start + wanted.count]
    left = wanted.count - len(mine)
    if begun and wanted.count and not left:
        total = await searching.count(ctx.tx, wanted, ctx) if wanted.total != "none" else None
        return Page(
            mine, [], f"{FROM_SHELF}{start + len(mine)}", None if total is None else total + len(found)
        )
    page = await searching.run(
        ctx.tx, replace(wanted, count=left, cursor=None if begun else wanted.cursor), ctx
    )
    total = None if page.total is None else page.total + len(found)
    return Page([*mine, *page.matches], page.included, page.next, total, page.issues)


def _seen(ctx: Context, type: str) -> bool:
    """Whether the caller sees the type at all: what comes with the program is about nobody."""
    return not isinstance(ctx.policy.visible(type), Nothing)


def refuse_write(ctx: Context, type: str) -> None:
    """Refuse whatever would change a resource of a type that has its own store."""
    if type in ctx.stores:
        raise WrittenByServer(type)


def refuse_history(ctx: Context, type: str | None) -> None:
    """Refuse a question about versions of a type that has none."""
    if type in ctx.stores:
        raise NoVersions(type or "")


def refuse_export(ctx: Context, types: Iterable[str]) -> None:
    """Refuse an export that names such a type."""
    for type_ in types:
        if type_ in ctx.stores:
            raise NotExported(type_)


def stored(types: Iterable[str], stores: Mapping[str, OwnStore]) -> tuple[str, ...]:
    """Those of some types that lie in the record."""
    return tuple(type_ for type_ in types if type_ not in stores)
