"""A table in whatever columns a ministry gives it, CSV or Excel, read as a list by what a mapping says of its columns.

Every row is judged; what is broken is told with its row and column, all faults at once, and nothing is loaded.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from openpyxl.utils import get_column_letter

from hsba.terminology.load import Entry
from hsba.terminology.loads import Arriving, BadFile
from hsba.terminology.sources import workbook
from hsba.terminology.sources.mapping import heading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hsba.terminology.sources.mapping import Columns, Mapping
    from hsba.terminology.sources.workbook import Value

Raw = dict[str, Any]

FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")
MOST_FAULTS = 20
TOLD = {"parent": "parent", "successor": "successor", "designations": "english"}
"""What of a concept is told by which column."""
DEEPEST_HEADING = 40
"""Rows above which the headings must stand."""
NO = frozenset({"", "0", "không", "khong", "false", "n", "no", "-"})
_NUMBERED = re.compile(r"([(\[]?)(\d{1,3})[)\]]?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell, in both languages."""

    place: str
    place_vi: str
    en: str
    vi: str


def read(path: Path, of: Mapping) -> Arriving:
    """The list that a table is; its rows are read when they are asked for."""
    reader = _Reader(path, of)
    made = Arriving(
        of.system,
        (),
        title=of.title,
        version=of.version,
        source=of.source,
        since=of.since,
        partial=of.partial,
    )
    made.entries = reader.entries(made)
    return made


class _Reader:
    """Reads the rows of one table."""

    def __init__(self, path: Path, of: Mapping) -> None:
        self.path = path
        self.of = of
        self.is_workbook = path.suffix.lower() in (".xlsx", ".xlsm")
        self.columns: dict[str, int] = {}
        """Where each part stands, by its name; properties by theirs with `.` before."""
        self.names: dict[int, str] = {}
        """The heading of each column, as it is told to people."""
        self.faults: list[Fault] = []

    def entries(self, of: Arriving) -> Iterator[Entry]:
        """Every row as a concept; what the columns tell is said of the list as soon as the headings are found."""
        rows = workbook.rows(self.path, self.of.sheet) if self.is_workbook else _csv(self.path)
        rows = self._headings(rows)
        of.told = frozenset(part for part, column in TOLD.items() if column in self.columns) | {"display"}
        if self.of.tree:
            of.told |= {"parent"}
        seen: dict[str, list[tuple[date, date]]] = {}
        for number, cells in rows:
            if not any(self._raw(cells, part) != "" for part in self.columns) or (
                not seen and _is_numbering(cells)
            ):
                continue
            entry = self._entry(number, cells)
            days = (entry.since or date.min, entry.until)
            before = seen.setdefault(entry.code, [])
            if entry.code and any(days[0] <= until and since <= days[1] for since, until in before):
                self._fault(number, "code", f"{entry.code} stands there twice", f"mã {entry.code} bị lặp")
            before.append(days)
            if self.of.tree:
                entry.parent = _above(entry.code, seen) or entry.parent
            if len(self.faults) > MOST_FAULTS:
                break
            if not self.faults:
                yield entry
        if self.faults:
            raise _told(self.path, self.faults)
        if not seen:
            raise BadFile(f"{self.path.name} has no row.", vi=f"{self.path.name} không có dòng nào.")

    def _entry(self, number: int, cells: list[Value]) -> Entry:
        code, mark = self._code(number, cells)
        display = self._text(number, cells, "display")
        for part, value in (("code", code), ("display", display)):
            if not value and not self._raw(cells, part):
                self._fault(number, part, "is empty", "bị trống")
        since, until = self._day(number, cells, "from"), self._day(number, cells, "to")
        if since and until and since > until:
            self._fault(number, "to", "is before the first day", "trước ngày bắt đầu")
            until = None
        properties: Raw = {"mark": mark} if mark else {}
        for name in self.of.properties:
            value = self._text(number, cells, f".{name}")
            if name in self.of.flags or name in self.of.not_flags:
                properties[name] = (value.lower() not in NO) is (name in self.of.flags)
            elif value:
                properties[name] = value
        english = self._text(number, cells, "english")
        return Entry(
            code,
            display,
            self._text(number, cells, "parent"),
            since,
            until or date.max,
            self._text(number, cells, "successor").replace(",", " ").replace(";", " "),
            designations=[{"language": "en", "value": english}] if english else [],
            properties=properties,
        )

    # --- cells ---------------------------------------------------------------------------------------------

    def _raw(self, cells: list[Value], part: str) -> Value:
        place = self.columns.get(part, len(cells))
        return cells[place] if place < len(cells) else ""

    def _text(self, number: int, cells: list[Value], part: str) -> str:
        value = self._raw(cells, part)
        if isinstance(value, workbook.Formula):
            self._fault(
                number, part, "is a formula; save values in its place", "là công thức; hãy lưu thành giá trị"
            )
        elif isinstance(value, workbook.Broken):
            self._fault(number, part, f"is the error {value}", f"có lỗi {value}")
        elif isinstance(value, date):
            return value.isoformat()
        elif isinstance(value, float):
            return f"{value:.15g}"
        else:
            return " ".join(str(value).replace("\xa0", " ").split())
        return ""

    def _code(self, number: int, cells: list[Value]) -> tuple[str, str]:
        """A code without its mark, and the mark; a number or a day in its place is refused unless it can be put right."""
        value = self._raw(cells, "code")
        if isinstance(value, date):
            self._fault(
                number, "code", f"was made a day ({value}) by the spreadsheet; write the code as text",
                f"bị Excel đổi thành ngày ({value}); hãy định dạng cột là văn bản và nhập lại mã",
            )  # fmt: skip
            return "", ""
        if isinstance(value, int | float) and not (self.of.digits and isinstance(value, int)):
            self._fault(
                number, "code", f"is the number {value}, which may have lost a zero; write it as text, or give `digits`",
                f"là số {value}, có thể đã mất số 0; hãy định dạng văn bản, hoặc khai `digits` trong tệp ánh xạ",
            )  # fmt: skip
            return "", ""
        code = self._text(number, cells, "code")
        if self.of.digits and code.isdigit():
            code = code.zfill(self.of.digits)
        mark = ""
        while code and code[-1] in self.of.marks:
            mark, code = code[-1] + mark, code[:-1].rstrip()
        return self.of.corrections.get(code, code), mark

    def _day(self, number: int, cells: list[Value], part: str) -> date | None:
        value = self._raw(cells, part)
        if value == "" or isinstance(value, date):
            return value or None  # type: ignore[return-value]
        if isinstance(value, int | float):
            found = workbook.day(value)
        else:
            text = self._text(number, cells, part)
            if not text:
                return None
            found = day(text)
        if found is None:
            self._fault(number, part, f"{str(value)!r} is no day", f"{str(value)!r} không phải là ngày")
        return found

    def _fault(self, number: int, part: str, en: str, vi: str) -> None:
        place = self.columns.get(part, 0)
        name = self.names.get(place) or part.removeprefix(".")
        cell = f" ({get_column_letter(place + 1)}{number})" if self.is_workbook else ""
        self.faults.append(
            Fault(f"row {number}, column “{name}”{cell}", f"dòng {number}, cột “{name}”{cell}", en, vi)
        )

    # --- headings ------------------------------------------------------------------------------------------

    def _headings(self, rows: Iterator[tuple[int, list[Value]]]) -> Iterator[tuple[int, list[Value]]]:
        """Find the row, or the two rows, of the headings; answers the rows below."""
        wanted = {**self.of.columns, **{f".{name}": some for name, some in self.of.properties.items()}}
        best: tuple[int, list[str], list[str]] | None = None
        """The likeliest row, what it lacks, and what it has."""
        before: list[Value] | None = None
        for number, cells in rows:
            for top in (None, before) if before is not None else (None,):
                names = _names(cells, top)
                found, missing = _found(wanted, names, optional=self.of.optional)
                if not missing and _has_heading(wanted, found, names):
                    self.columns = found
                    self.names = {place: some[0] for place, some in names.items()}
                    return rows
                if best is None or len(missing) < len(best[1]):
                    best = (number, missing, [some[0] for some in names.values()])
            before = cells
            if number >= DEEPEST_HEADING:
                break
        if best is None:
            raise BadFile(f"{self.path.name} is empty.", vi=f"{self.path.name} trống.")
        row, missing, there = best
        raise _told(
            self.path,
            [
                Fault(f"row {row}, column “{name}”", f"dòng {row}, cột “{name}”", "is missing, or there twice",
                      "không có, hoặc có hai lần")
                for name in missing
            ],
            more=f" The headings there: {', '.join(there)}.",
            more_vi=f" Tiêu đề ở đó: {', '.join(there)}.",
        )  # fmt: skip


def _is_numbering(cells: list[Value]) -> bool:
    """Whether a row only numbers the columns, (1) (2) (3) or 1 2 3, as ministries write below the headings."""
    there = [(place, str(cell).strip()) for place, cell in enumerate(cells) if cell != ""]
    found = [(place, _NUMBERED.fullmatch(text)) for place, text in there]
    offsets = {int(match[2]) - place for place, match in found if match}
    bracketed = all(match and match[1] for _, match in found)
    return len(offsets) == 1 and all(match for _, match in found) and len(found) >= (2 if bracketed else 3)


def _names(cells: list[Value], top: list[Value] | None) -> dict[int, list[str]]:
    """The names each column may be called by; under a merged heading of the row above, with and without that."""
    names: dict[int, list[str]] = {}
    group = ""
    for place in range(max(len(cells), len(top or ()))):
        own = _said(cells, place)
        over = _said(top, place) if top is not None else ""
        group = over or group
        some = [own] if own else []
        if top is not None and own and group:
            some.append(f"{group} {own}")
        if over and not own:
            some.append(over)
        if some:
            names[place] = some
    return names


def _said(cells: list[Value] | None, place: int) -> str:
    return " ".join(str(cells[place]).split()) if cells and place < len(cells) else ""


def _found(
    wanted: dict[str, Columns], names: dict[int, list[str]], *, optional: bool
) -> tuple[dict[str, int], list[str]]:
    """Where each part stands, and the headings that are not there or stand there twice."""
    places: dict[str, list[int]] = {}
    for place, some in names.items():
        for name in dict.fromkeys(heading(each) for each in some):
            places.setdefault(name, []).append(place)
    found: dict[str, int] = {}
    missing: list[str] = []
    for part, columns in wanted.items():
        for column in columns:
            at = [column - 1] if isinstance(column, int) else places.get(heading(column), [])
            if len(at) == 1:
                found[part] = at[0]
                break
        else:
            if not optional or part in ("code", "display"):
                missing.append(str(columns[0]))
    return found, missing


def _has_heading(wanted: dict[str, Columns], found: dict[str, int], names: dict[int, list[str]]) -> bool:
    """Whether a column was found by its heading: numbers alone would take any row for the headings."""
    told = {heading(one) for one in _headings_of(wanted)}
    return any(heading(name) in told for place in found.values() for name in names.get(place, ()))


def _headings_of(wanted: dict[str, Columns]) -> list[str]:
    return [column for columns in wanted.values() for column in columns if isinstance(column, str)]


def _above(code: str, seen: dict[str, Any]) -> str:
    """The longest other code that this one begins with, without its point."""
    for end in range(len(code) - 1, 1, -1):
        if (start := code[:end].rstrip(".")) != code and start in seen:
            return start
    return ""


def _told(path: Path, faults: list[Fault], more: str = "", more_vi: str = "") -> BadFile:
    some = faults[:MOST_FAULTS]
    rest = " …" if len(faults) > MOST_FAULTS else ""
    return BadFile(
        f"{path.name}: {'; '.join(f'{one.place} {one.en}' for one in some)}{rest}{more and '.'}{more}",
        vi=f"{path.name}: {'; '.join(f'{one.place_vi} {one.vi}' for one in some)}{rest}{more_vi and '.'}{more_vi}",
    )


def _csv(path: Path) -> Iterator[tuple[int, list[Value]]]:
    """The rows of a CSV file with their numbers; the separator is the one its first line has most of."""
    try:
        with path.open("rb") as start:
            encoding = "utf-16" if start.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        with path.open(encoding=encoding, newline="") as file:
            line = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=line.count), strict=True)
            for cells in reader:
                yield reader.line_num, cells  # type: ignore[misc]
    except (UnicodeError, csv.Error, OSError) as exc:
        raise BadFile(f"{path.name}: {exc}") from exc


def day(text: str) -> date | None:
    """A day as people write it."""
    for form in FORMS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None
