"""ConceptMap/$closure: a table of what subsumes what among the codes that a client uses, kept for it by its name.

(FHIR R4 terminology-service.html#closure.)  A call with codes answers only what is new; with a version, what came after
it, so that a client that lost an answer catches up.  Each account has its own tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest, NotFound, TooCostly
from hsba.terminology import asked, concepts, lookup, tree
from hsba.terminology.asked import UnknownCode

if TYPE_CHECKING:
    from hsba.record.calls import Call
    from hsba.record.context import Context

Raw = dict[str, Any]

MOST_TABLES = 100
MOST_CODES = 10_000
LONGEST = 200

LINES = f"""
SELECT s.uri, d.code, a.code AS ancestor FROM record.closure_code d
CROSS JOIN LATERAL (
    SELECT t.ancestor FROM reference.concept_ancestor t WHERE t.system = d.system AND t.code = d.code
    UNION SELECT u.code FROM ({tree.up("d.system", "d.code", "$1")}) u WHERE NOT (
        SELECT l.closed FROM reference.code_list l WHERE l.system = d.system AND l.tenant IN (0, $1)
        ORDER BY l.tenant DESC LIMIT 1)) t
JOIN record.closure_code a ON a.tenant = d.tenant AND a.account = d.account AND a.name = d.name
                          AND a.system = d.system AND a.code = t.ancestor AND a.code <> d.code
JOIN reference.system s ON s.id = d.system
WHERE d.tenant = $1 AND d.account = $2 AND d.name = $3 AND greatest(d.version, a.version) > $4
ORDER BY s.uri, d.code, a.code
"""


class UnknownClosure(NotFound):
    """You have no closure table of this name; begin one with its name alone."""

    vi = "Bạn chưa có bảng closure tên này; hãy khởi tạo bằng cách chỉ gửi name."


class TooManyClosures(TooCostly):
    """A closure table has at most 10,000 codes, and an account at most 100 tables; begin one anew to empty it."""

    vi = "Mỗi bảng closure có tối đa 10.000 mã, mỗi tài khoản tối đa 100 bảng; khởi tạo lại bảng để làm rỗng."


async def closure(ctx: Context, call: Call) -> Raw:
    """Begin a table, add codes to it, or tell again what came after a version."""
    name = call.text("name")
    if not name or len(name) > LONGEST:
        raise BadRequest("Give the name of the table.", vi="Hãy đưa tên bảng (name).")
    since = call.text("version")
    given = [asked.coding(value) for value in call.all("concept")]
    if since is not None and (given or not since.isdecimal() or len(since) > 9):
        raise BadRequest(
            "Give either codes to add, or the version (a number) after which to tell again.",
            vi="Hãy đưa mã cần thêm, hoặc phiên bản (số) cần kể lại từ đó.",
        )
    key = ctx.tenant.id, ctx.actor.account, name
    if since is None and not given:
        await _begin(ctx, key)
        return _shown(ctx, name, 0, [])
    version = await ctx.tx.fetchval(
        "SELECT version FROM record.closure WHERE tenant = $1 AND account = $2 AND name = $3 FOR UPDATE", *key
    )
    if version is None:
        raise UnknownClosure(name)
    if since is not None:
        return _shown(ctx, name, version, await ctx.tx.fetch(LINES, *key, int(since)))
    await _add(ctx, key, version + 1, given)
    return _shown(ctx, name, version + 1, await ctx.tx.fetch(LINES, *key, version))


async def _begin(ctx: Context, key: tuple[int, str, str]) -> None:
    """An empty table, in the place of an older one."""
    await ctx.tx.execute("DELETE FROM record.closure WHERE tenant = $1 AND account = $2 AND name = $3", *key)
    there = await ctx.tx.fetchval(
        "SELECT count(*) FROM record.closure WHERE tenant = $1 AND account = $2", *key[:2]
    )
    if there >= MOST_TABLES:
        raise TooManyClosures
    await ctx.tx.execute("INSERT INTO record.closure (tenant, account, name) VALUES ($1, $2, $3)", *key)


async def _add(ctx: Context, key: tuple[int, str, str], version: int, given: list[asked.Coding]) -> None:
    systems, codes = [], []
    day = ctx.clock.now().astimezone(ctx.tenant.zone).date()
    for coding in given:
        of = await lookup.loaded(ctx, coding.system)
        found = await concepts.find(ctx, of, coding.code, day)
        if found is None:
            raise UnknownCode(f"{of.url}#{coding.code}")
        systems.append(of.number)
        codes.append(found.code)
    await ctx.tx.execute(
        "INSERT INTO record.closure_code (tenant, account, name, system, code, version)"
        " SELECT $1, $2, $3, w.system, w.code, $4 FROM unnest($5::integer[], $6::text[]) AS w(system, code)"
        " ON CONFLICT DO NOTHING",
        *key, version, systems, codes,
    )  # fmt: skip
    there = await ctx.tx.fetchval(
        "SELECT count(*) FROM record.closure_code WHERE tenant = $1 AND account = $2 AND name = $3", *key
    )
    if there > MOST_CODES:
        raise TooManyClosures
    await ctx.tx.execute(
        "UPDATE record.closure SET version = $4, used = now() WHERE tenant = $1 AND account = $2 AND name = $3",
        *key, version,
    )  # fmt: skip


def _shown(ctx: Context, name: str, version: int, rows: list[Any]) -> Raw:
    """The lines as a ConceptMap: each code, and what subsumes it."""
    groups: dict[str, dict[str, list[Raw]]] = {}
    for system, code, ancestor in rows:
        target = {"code": ancestor, "equivalence": "subsumes"}
        groups.setdefault(system, {}).setdefault(code, []).append(target)
    made: Raw = {
        "resourceType": "ConceptMap", "version": str(version), "name": "Closure", "title": name, "status": "active",
        "experimental": True, "date": ctx.clock.now().isoformat(timespec="seconds"),
    }  # fmt: skip
    if groups:
        made["group"] = [
            {
                "source": system,
                "target": system,
                "element": [{"code": code, "target": targets} for code, targets in elements.items()],
            }
            for system, elements in groups.items()
        ]
    return made
