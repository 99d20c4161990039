"""Numbers that people call things by (MRN, visit, dossier, archive): per tenant, kind and year, never given twice.

The row of a series is locked until the transaction ends, so a number that was rolled back was never given and one
that was committed is never given again.  A station that may lose its line reserves a block and counts by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from hsba.record.context import Context

MAX_BLOCK = 10_000
EVER = 0
"""The year of a series that does not start anew each year."""


@dataclass(frozen=True, slots=True)
class Series:
    """A kind of number: whether it starts at 1 each year, and how it is written."""

    kind: str
    yearly: bool
    pattern: str


SERIES: dict[str, Series] = {
    series.kind: series
    for series in (
        Series("mrn", yearly=False, pattern="{number:08d}"),
        Series("visit", yearly=True, pattern="{yy:02d}{number:06d}"),
        Series("dossier", yearly=True, pattern="{yy:02d}.{number:06d}"),
        Series("archive", yearly=True, pattern="{number:06d}/{yy:02d}"),
        Series("temporary", yearly=True, pattern="T{yy:02d}{number:06d}"),
        Series("queue", yearly=False, pattern="{number}"),
    )
}


class UnknownSeries(BadRequest):
    """There is no number series of this kind."""

    vi = "Không có dãy số loại này."


@dataclass(frozen=True, slots=True)
class Number:
    """A number as given, and as written."""

    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers from first to last that belong to one station from now on."""

    kind: str
    year: int
    first: int
    last: int
    station: str
    pattern: str

    def text(self, value: int) -> str:
        """A number of this block as written."""
        if not self.first <= value <= self.last:
            raise BadRequest(f"{value} is not of this block.", vi=f"{value} không thuộc khối số này.")
        return written(self.pattern, value, self.year)


# The row is made at the first number of its year; ON CONFLICT then locks it for whoever comes second.
_TAKE = """
INSERT INTO record.number_series AS s (tenant, kind, year, next) VALUES ($1, $2, $3, $4 + 1)
ON CONFLICT (tenant, kind, year) DO UPDATE SET next = s.next + $4
RETURNING next - $4
"""


async def give(
    ctx: Context, kind: str, *, year: int | None = None, pattern: str | None = None, of: str = ""
) -> Number:
    """The next number of a series; other writers of the same series wait until this transaction ends.

    `of` names one of many series of a kind: a room and a day have a queue of their own.
    """
    series, year = _series(ctx, kind, year)
    value: int = await ctx.tx.fetchval(_TAKE, ctx.tenant.id, f"{kind}:{of}" if of else kind, year, 1)
    return Number(value, written(pattern or series.pattern, value, year))


async def skip(ctx: Context, kind: str, count: int) -> None:
    """Leave out so many numbers of a series: they stand in the record already."""
    _, year = _series(ctx, kind, None)
    await ctx.tx.fetchval(_TAKE, ctx.tenant.id, kind, year, count)


async def reserve(ctx: Context, kind: str, count: int, station: str, *, year: int | None = None) -> Block:
    """Take a block of numbers out of a series for a station that may be off line."""
    series, year = _series(ctx, kind, year)
    if not 0 < count <= MAX_BLOCK:
        raise BadRequest(f"A block has 1 to {MAX_BLOCK} numbers.", vi=f"Một khối có từ 1 đến {MAX_BLOCK} số.")
    if not station:
        raise BadRequest("A block belongs to a station.", vi="Khối số phải thuộc một trạm.")
    first: int = await ctx.tx.fetchval(_TAKE, ctx.tenant.id, kind, year, count)
    block = Block(kind, year, first, first + count - 1, station, series.pattern)
    await ctx.tx.execute(
        "INSERT INTO record.number_block (tenant, kind, year, first, last, station, given)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ctx.tenant.id,
        kind,
        year,
        block.first,
        block.last,
        station,
        ctx.clock.now(),
    )
    return block


async def blocks(ctx: Context, station: str) -> list[Block]:
    """The blocks a station was given, oldest first."""
    rows = await ctx.tx.fetch(
        "SELECT kind, year, first, last FROM record.number_block"
        " WHERE tenant = $1 AND station = $2 ORDER BY given, kind, first",
        ctx.tenant.id,
        station,
    )
    return [
        Block(row["kind"], row["year"], row["first"], row["last"], station, SERIES[row["kind"]].pattern)
        for row in rows
    ]


def written(pattern: str, value: int, year: int) -> str:
    """A number as people read it: `{number:06d}`, `{year}` and `{yy:02d}` may stand in the pattern."""
    return pattern.format(number=value, year=year, yy=year % 100)


def _series(ctx: Context, kind: str, year: int | None) -> tuple[Series, int]:
    series = SERIES.get(kind)
    if series is None:
        raise UnknownSeries(
            f"{kind}; there are: {', '.join(SERIES)}.", vi=f"{kind}; hiện có: {', '.join(SERIES)}."
        )
    if not series.yearly:
        return series, EVER
    return series, year if year is not None else ctx.clock.now().astimezone(ctx.tenant.zone).year
