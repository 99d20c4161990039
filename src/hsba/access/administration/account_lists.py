"""Accounts from a list, as a hospital's office keeps it: each fault by row and column, and either all of it or nothing.

The list is CSV, or cells copied out of a spreadsheet; its first line names the columns, in Vietnamese or English.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from hsba.access import accounts
from hsba.access.administration import role_desk, staffing
from hsba.access.problems import BadAccount
from hsba.access.rights import grants
from hsba.fhir.fold import fold
from hsba.fhir.problems import BadRequest, Problem
from hsba.fhir.query.dates import interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from hsba.access.administration.office import Office
    from hsba.access.administration.staffing import FirstPassword

MOST = 500
LONGEST_CELL = 300
COLUMNS: dict[str, tuple[str, ...]] = {
    "login": ("login", "ten dang nhap", "tai khoan"),
    "name": ("name", "ho ten", "ho va ten", "ten hien thi"),
    "kind": ("kind", "loai", "loai tai khoan"),
    "role": ("role", "vai tro"),
    "department": ("department", "khoa", "khoa phong", "khoa/phong", "khoa, phong"),
    "to": ("to", "den ngay", "het han", "den het ngay"),
    "practitioner": ("practitioner", "ma nhan vien", "id nhan vien"),
}
"""What each column may be called, without accents."""
NEEDED = ("login", "name")
KINDS = ("staff", "technical", "service", "patient")
"""Administrators and security officers are made one by one."""
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\Z")


class BadList(BadRequest):
    """The list cannot be read: its first line names the columns, login and name among them. Nothing was changed."""

    code = "value"
    vi = "Không đọc được danh sách: dòng đầu phải ghi tên các cột, có “tên đăng nhập” và “họ tên”. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong in a cell; in both languages."""

    row: int
    column: str
    en: str
    vi: str


@dataclass(frozen=True, slots=True)
class Row:
    """One account of the list, understood as far as it could be."""

    number: int
    """The line of the list; the heading is line 1."""
    login: str
    name: str
    kind: str
    role: str | None
    department: str | None
    to: str | None
    practitioner: str | None


@dataclass(frozen=True, slots=True)
class List:
    """A list that was read, and all that is wrong in it."""

    rows: tuple[Row, ...]
    wrong: tuple[Wrong, ...]


@dataclass(slots=True)
class House:
    """What the cells of a list are compared with: roles and departments by name, title or id, without accents."""

    roles: Mapping[str, str]
    departments: Mapping[str, str]
    taken: frozenset[str] = frozenset()
    wrong: list[Wrong] = field(default_factory=list)


def names(some: Mapping[str, str]) -> dict[str, str]:
    """Every spelling of things by id: the id itself and the title; what two things share means neither."""
    found: dict[str, str | None] = {}
    for id_, title in some.items():
        for spelling in {fold(id_), fold(title)}:
            found[spelling] = None if spelling in found and found[spelling] != id_ else id_
    return {spelling: id_ for spelling, id_ in found.items() if id_ is not None}


async def read(office: Office, text: str, departments: Mapping[str, str], zone: ZoneInfo) -> List:
    """Read a list and say all that is wrong in it; `departments` are the names by id. Nothing is changed."""
    cells = list(_cells(text))
    known, _ = await grants.every_role(office.tx, office.tenant)
    rows = await office.tx.fetch(
        "SELECT login FROM access.account WHERE login = ANY ($1)",
        [accounts.folded(row.get("login", "")) for _, row in cells],
    )
    house = House(
        names({name: role.title for name, role in known.items()}),
        names(departments),
        frozenset(row["login"] for row in rows),
    )
    found = [_row(number, row, house, zone) for number, row in cells]
    for which in ("login", "practitioner"):
        seen: dict[str, int] = {}
        for one in found:
            value = getattr(one, which)
            if value and seen.setdefault(value, one.number) != one.number:
                first = seen[value]
                _wrong(house, one.number, which, f"As in line {first}.", f"Trùng với dòng {first}.")
    return List(tuple(found), tuple(sorted(house.wrong, key=lambda one: one.row)))


async def make(office: Office, found: List, passwords: Sequence[FirstPassword], zone: ZoneInfo) -> None:
    """Make all accounts of a list without fault, with their roles; one that cannot be made takes all back."""
    if found.wrong or len(passwords) != len(found.rows):
        raise BadList
    for row, password in zip(found.rows, passwords, strict=True):
        try:
            made = await staffing.make(office, row.login, row.kind, row.name, password)
            if row.practitioner:
                await staffing.link(office, made.id, "Practitioner", row.practitioner)
            if row.role:
                until = None if row.to is None else interval(row.to, zone)[1]
                await role_desk.give(office, made.login, row.role, department=row.department, valid_to=until)
        except Problem as problem:
            raise BadList(
                f"Line {row.number}: {problem.sentence}", vi=f"Dòng {row.number}: {problem.sentence_vi}"
            ) from problem
    await office.tell("account-import", office.actor.account, f"{len(found.rows)}")


# --- cells -------------------------------------------------------------------------------------------------


def _cells(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines that hold something, each with its number and its cells by our names of the columns."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff\n").split("\n")
    delimiter = max("\t;,", key=lines[0].count)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as problem:
        raise BadList(str(problem)) from problem
    ours = {spelling: column for column, some in COLUMNS.items() for spelling in some}
    heading = [ours.get(fold(cell.strip()), "") for cell in rows[0]]
    named = [column for column in heading if column]
    if not set(NEEDED) <= set(named) or len(named) != len(set(named)):
        raise BadList
    filled = [(number, row) for number, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if not filled:
        raise BadList("It holds no account.", vi="Danh sách không có tài khoản nào.")
    if len(filled) > MOST:
        raise BadList(f"It holds more than {MOST} lines.", vi=f"Danh sách quá {MOST} dòng.")
    for number, row in filled:
        yield (
            number,
            {
                column: cell.strip()[:LONGEST_CELL]
                for column, cell in zip(heading, row, strict=False)
                if column
            },
        )


def _row(number: int, cells: dict[str, str], house: House, zone: ZoneInfo) -> Row:
    login, name = accounts.folded(cells.get("login", "")), cells.get("name", "")
    kind = cells.get("kind", "") or "staff"
    try:
        accounts.checked(login, "staff", "x")
    except BadAccount as problem:
        _wrong(house, number, "login", problem.detail, problem.detail_vi)
    if login in house.taken:
        _wrong(house, number, "login", "There is one of this name already.", "Đã có tài khoản tên này.")
    try:
        accounts.checked("xx", "staff", name)
    except BadAccount as problem:
        _wrong(house, number, "name", problem.detail, problem.detail_vi)
    if kind not in KINDS:
        some = ", ".join(KINDS)
        _wrong(house, number, "kind", f"One of: {some}.", f"Một trong: {some}.")
    role = _named(house, number, "role", cells, house.roles)
    department = _named(house, number, "department", cells, house.departments)
    to = _day(house, number, cells.get("to", ""), zone)
    if role is None and not cells.get("role") and (department or to):
        _wrong(house, number, "role", "Which role is it that is given?", "Chưa ghi cấp vai trò nào.")
    return Row(number, login, name, kind, role, department, to, cells.get("practitioner") or None)


def _named(
    house: House, number: int, column: str, cells: dict[str, str], known: Mapping[str, str]
) -> str | None:
    typed = cells.get(column, "")
    found = known.get(fold(typed)) if typed else None
    if typed and found is None:
        _wrong(
            house, number, column, f"“{typed}” is not known here.", f"Không có “{typed}”, hoặc có hơn một."
        )
    return found


def _day(house: House, number: int, typed: str, zone: ZoneInfo) -> str | None:
    """A day as 2026-12-31, typed so or as 31/12/2026."""
    if not typed:
        return None
    written = _DAY.match(typed)
    try:
        if written:
            typed = date(int(written[3]), int(written[2]), int(written[1])).isoformat()
        interval(typed, zone)
    except ValueError:
        _wrong(house, number, "to", f"“{typed}” is no day.", f"“{typed}” không phải ngày.")
        return None
    return typed


def _wrong(house: House, row: int, column: str, en: str, vi: str) -> None:
    house.wrong.append(Wrong(row, column, en, vi))
