"""The rows of an Excel workbook (.xlsx), read one by one; what is no plain value is handed on as what it is."""

from __future__ import annotations

import re
import warnings
from datetime import date, datetime
from typing import TYPE_CHECKING

import openpyxl
from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel

from hsba.terminology.loads import BadFile
from hsba.terminology.sources.archive import LARGEST_WORKBOOK, Bomb, unzipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

MOST_COLUMNS = 500
_ZEROS = re.compile(r'"?(0+)"?')


class Formula(str):
    """A cell that computes something; its value is not what someone wrote there."""

    __slots__ = ()


class Broken(str):
    """A cell that holds an error of the spreadsheet: #N/A, #REF!."""

    __slots__ = ()


Value = str | int | float | date
"""What a cell holds."""


def rows(path: Path, sheet: str = "") -> Iterator[tuple[int, list[Value]]]:
    """The rows with their numbers, of the named sheet or the first."""
    _look(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are no concern of a list
            book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
            try:
                yield from _rows(book, path, sheet)
            finally:
                book.close()
    except (KeyError, ValueError, TypeError, OSError, SyntaxError, EOFError, IndexError) as exc:
        raise BadFile(
            f"{path.name} is no whole workbook: {exc}", vi=f"{path.name} không phải là tệp Excel nguyên vẹn."
        ) from exc


def _rows(book: Any, path: Path, sheet: str) -> Iterator[tuple[int, list[Value]]]:
    if sheet and sheet not in book.sheetnames:
        raise BadFile(
            f"{path.name} has no sheet “{sheet}”, but {', '.join(book.sheetnames)}.",
            vi=f"{path.name} không có trang “{sheet}”; có {', '.join(book.sheetnames)}.",
        )
    if book.epoch != WINDOWS_EPOCH:
        raise BadFile(
            f"{path.name} counts days from 1904; save it with the 1900 date system.",
            vi=f"{path.name} dùng lịch 1904; hãy lưu lại với hệ ngày 1900.",
        )
    chosen = book[sheet] if sheet else book.worksheets[0]
    chosen.reset_dimensions()  # what the file says of its own size is not to be believed
    for number, cells in enumerate(chosen.iter_rows(), 1):
        values = [_value(cell) for cell in cells[:MOST_COLUMNS]]
        while values and values[-1] == "":
            values.pop()
        yield number, values


def _value(cell: Any) -> Value:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return Formula(str(value))
    if cell.data_type == "e":
        return Broken(str(value))
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, int | float):
        zeros = _ZEROS.fullmatch(cell.number_format or "")
        if zeros and float(value).is_integer():  # 5 shown as 00005 is the code 00005
            return f"{int(value):0{len(zeros[1])}d}" if len(zeros[1]) > 1 else int(value)
        return int(value) if float(value).is_integer() else value
    return str(value)


def day(value: float) -> date | None:
    """The day that a number in a column of days is: days since 1900 as Excel counts, or 20260701."""
    if float(value).is_integer() and 18_000_101 <= value <= 99_991_231:
        text = str(int(value))
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            return None
    if not 1 <= value < 2_958_466:
        return None
    found = from_excel(value)
    return found.date() if isinstance(found, datetime) else None


def _look(path: Path) -> None:
    """Refuse what is too large when unpacked, or is XML that declares entities."""
    with unzipped(path, LARGEST_WORKBOOK) as archive:
        for one in archive.infolist():
            if not one.filename.endswith((".xml", ".rels")):
                continue
            with archive.open(one) as file:
                start = file.read(65_536).removeprefix(b"\xef\xbb\xbf").lstrip()
            if start and (not start.startswith(b"<") or b"\0" in start or b"<!DOCTYPE" in start):
                raise Bomb(f"{path.name}: {one.filename} is no XML of a workbook.")
