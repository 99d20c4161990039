"""Tables in a ministry's columns: headings in one row or two, what Excel did to codes and days, and what is refused."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsba.fhir.vn import BASE
from hsba.terminology.loads import BadFile
from hsba.terminology.sources import table
from hsba.terminology.sources.archive import Bomb
from hsba.terminology.sources.mapping import BadMapping, mapping, named, shipped

if TYPE_CHECKING:
    from pathlib import Path

    from hsba.terminology.load import Entry
    from hsba.terminology.sources.mapping import Mapping

COLUMNS = 'system = "bv-cs"\n{more}\n[columns]\ncode = "Mã"\ndisplay = "Tên"\n{columns}'


def told(folder: Path, more: str = "", columns: str = "") -> Mapping:
    path = folder / "columns.toml"
    path.write_text(COLUMNS.format(more=more, columns=columns), encoding="utf-8")
    return mapping(path, BASE)


def workbook(
    folder: Path, *rows: tuple[Any, ...], formats: dict[str, str] | None = None, merged: str = ""
) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    if merged:
        sheet.merge_cells(merged)
    path = folder / "list.xlsx"
    book.save(path)
    return path


def read(path: Path, of: Mapping) -> list[Entry]:
    return list(table.read(path, of).entries)  # type: ignore[arg-type]


def refused(path: Path, of: Mapping) -> str:
    with pytest.raises(BadFile) as caught:
        read(path, of)
    return caught.value.sentence


def test_read__a_workbook_as_a_csv_file(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, ("STT", "Mã", "Tên"), (1, "A1", "Một"), (2, "A2", "Hai  ba"), (None, None, None)
    )

    found = read(path, told(tmp_path))

    assert [(one.code, one.display) for one in found] == [("A1", "Một"), ("A2", "Hai ba")]


def test_read__headings_are_found_below_a_title_whatever_their_accents_and_case(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("DANH MỤC NĂM 2026",), (), ("ma", "TEN"), ("(1)", "(2)"), ("A1", "Một"))

    assert [one.code for one in read(path, told(tmp_path))] == ["A1"]


def test_read__two_rows_of_headings_with_merged_cells(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        ("Mã", "Tên", "Hiệu lực", None, "Giá", None),
        (None, None, "Từ ngày", "Đến ngày", "Từ ngày", "Mức"),
        ("A1", "Một", date(2026, 1, 1), date(2026, 12, 31), date(2020, 1, 1), 5),
        merged="C1:D1",
    )

    (one,) = read(path, told(tmp_path, columns='from = "Hiệu lực Từ ngày"\nto = "Đến ngày"'))

    assert (one.since, one.until) == (date(2026, 1, 1), date(2026, 12, 31))


def test_read__a_heading_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Mã", "Diễn giải"), ("A1", "Một"))

    said = refused(path, told(tmp_path))

    assert "column “Tên” is missing" in said
    assert "The headings there: Mã, Diễn giải" in said


def test_read__columns_by_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "columns.toml").write_text(
        'system = "x"\n[columns]\ncode = 3\ndisplay = ["Nothing", "Tên"]\n'
    )
    path = workbook(tmp_path, ("a", "Tên", "b"), ("", "Một", "A1"))

    assert [(one.code, one.display) for one in read(path, mapping(tmp_path / "columns.toml", BASE))] == [
        ("A1", "Một")
    ]


@pytest.mark.parametrize("value", [46204, date(2026, 7, 1), "01/07/2026", "2026-07-01", 20260701, "1.7.2026"])
def test_read__a_day_however_excel_keeps_it(tmp_path: Path, value: Any) -> None:
    path = workbook(tmp_path, ("Mã", "Tên", "Từ"), ("A1", "Một", value))

    (one,) = read(path, told(tmp_path, columns='from = "Từ"'))

    assert one.since == date(2026, 7, 1)


def test_read__a_code_that_became_a_number_is_refused_with_its_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Mã", "Tên"), ("00004", "Một"), (75, "Hai"))

    assert "row 3, column “Mã” (A3) is the number 75" in refused(path, told(tmp_path))


def test_read__a_code_that_lost_its_zeros_is_put_right_where_its_length_is_known(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Mã", "Tên"), (4, "Một"), ("00008", "Hai"))

    assert [one.code for one in read(path, told(tmp_path, "digits = 5"))] == ["00004", "00008"]


def test_read__a_number_that_is_shown_with_its_zeros_is_that_code(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Mã", "Tên"), (4, "Một"), formats={"A2": "00000"})

    assert [one.code for one in read(path, told(tmp_path))] == ["00004"]


@pytest.mark.parametrize(
    "value,said",
    [
        (33.1, "is the number 33.1"),
        (date(2026, 2, 1), "was made a day"),
        ("=A1", "is a formula"),
        ("#N/A", "is the error #N/A"),
        (None, "is empty"),
    ],
)
def test_read__what_is_no_code_is_refused_with_its_cell(tmp_path: Path, value: Any, said: str) -> None:
    path = workbook(tmp_path, ("Mã", "Tên"), (value, "Một"))

    assert f"(A2) {said}" in refused(path, told(tmp_path))


def test_read__a_formula_in_a_column_that_is_not_read_does_no_harm(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Mã", "Tên", "Tổng"), ("A1", "Một", "=SUM(A1:A2)"))

    assert [one.code for one in read(path, told(tmp_path))] == ["A1"]


def test_read__every_fault_is_told_at_once_and_no_more_than_twenty(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Mã", "Tên"), *[(f"A{n}", None) for n in range(40)])

    said = refused(path, told(tmp_path))

    assert said.count("is empty") == 20
    assert said.endswith("…")


def test_read__one_code_may_have_several_times_but_not_at_once(tmp_path: Path) -> None:
    of = told(tmp_path, columns='from = "Từ"\nto = "Đến"')
    apart = workbook(
        tmp_path,
        ("Mã", "Tên", "Từ", "Đến"),
        ("24", "Bắc Giang", None, "30/06/2025"),
        ("24", "Bắc Ninh", "01/07/2025", None),
    )

    assert len(read(apart, of)) == 2

    over = workbook(
        tmp_path,
        ("Mã", "Tên", "Từ", "Đến"),
        ("24", "Bắc Giang", None, "30/06/2025"),
        ("24", "Bắc Ninh", "30/06/2025", None),
    )
    assert "24 stands there twice" in refused(over, of)


def test_read__marks_corrections_and_the_tree_of_icd(tmp_path: Path) -> None:
    of = told(tmp_path, 'marks = "†*"\ntree = true', '[corrections]\n"U13/9" = "U13.9"')
    path = workbook(
        tmp_path,
        ("Mã", "Tên"),
        ("A17†", "Lao"),
        ("A17.0†", "Màng não"),
        ("U13", "Khác"),
        ("U13/9", "Khác nữa"),
    )

    found = read(path, of)

    assert [(one.code, one.parent, one.properties) for one in found] == [
        ("A17", "", {"mark": "†"}), ("A17.0", "A17", {"mark": "†"}), ("U13", "", {}), ("U13.9", "U13", {}),
    ]  # fmt: skip


def test_read__the_mapping_of_tt_06_reads_its_rule_flags(tmp_path: Path) -> None:
    headings = [f"Cột {n}" for n in range(1, 30)]
    headings[21] = "Tên bệnh"
    row: list[Any] = [""] * 29
    row[17], row[21], row[23], row[27] = "O80", "Đẻ thường", "x", "x"
    path = workbook(tmp_path, tuple(headings), tuple(row))

    (one,) = read(path, named("icd10-tt06", BASE))

    assert (one.code, one.display, one.since) == ("O80", "Đẻ thường", None)
    assert one.properties == {
        "main": False, "discouraged": False, "forbidden": False, "death-only": False, "female": True, "male": False,
    }  # fmt: skip


def test_read__medicines_of_a_tender_with_their_days(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        (
            "STT",
            "Mã thuốc BV",
            "Mã hoạt chất",
            "Tên thuốc",
            "Số đăng ký",
            "Quyết định trúng thầu",
            "Đơn giá",
            "Từ ngày",
            "Đến ngày",
        ),
        (
            1,
            "PARA500",
            "40.48",
            "Paracetamol 500",
            "VD-0001",
            "12/QĐ-BV;G1;N1;2026",
            350,
            "01/01/2026",
            "31/12/2026",
        ),
    )

    (one,) = read(path, named("thuoc-trung-thau", BASE))

    assert (one.code, one.display, one.since, one.until) == (
        "PARA500", "Paracetamol 500", date(2026, 1, 1), date(2026, 12, 31),
    )  # fmt: skip
    assert one.properties == {
        "ingredient": "40.48", "registration": "VD-0001", "tender": "12/QĐ-BV;G1;N1;2026", "price": "350",
    }  # fmt: skip


@pytest.mark.parametrize("name", shipped())
def test_mapping__each_that_comes_with_the_program_can_be_read(name: str) -> None:
    assert named(name, BASE).columns["code"]


@pytest.mark.parametrize(
    "text",
    [
        'system = "x"\nunheard = 1\n[columns]\ncode = "a"\ndisplay = "b"',
        'system = "x"\n[columns]\ncode = 0\ndisplay = "b"',
        'system = "x"\n[columns]\ncode = []\ndisplay = "b"',
        'system = "x"\nfrom = "2026"\n[columns]\ncode = "a"\ndisplay = "b"',
        "system = ",
    ],
)
def test_mapping__what_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "columns.toml").write_text(text, encoding="utf-8")

    with pytest.raises(BadMapping):
        mapping(tmp_path / "columns.toml", BASE)


# --- attacks -----------------------------------------------------------------------------------------------


def test_read__a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sharedStrings.xml", "w") as file,
    ):
        for _ in range(80):
            file.write(b"0" * 2**20)

    with pytest.raises(Bomb):
        read(path, told(tmp_path))


def test_read__entities_are_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path, ("Mã", "Tên"), ("A1", "Một"))
    path = tmp_path / "entities.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for one in old.infolist():
            body = old.read(one)
            if one.filename.endswith("sheet1.xml"):
                body = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><worksheet/>'
            new.writestr(one.filename, body)

    with pytest.raises(Bomb):
        read(path, told(tmp_path))


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 half a file", b"not a workbook"])
def test_read__what_is_no_workbook_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(body)

    assert refused(path, told(tmp_path))


def test_read__a_zip_without_sheets_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")

    assert "no whole workbook" in refused(path, told(tmp_path))


# --- there and back ----------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=20).filter(
    lambda text: not text.startswith("=") and not text.startswith("#") and text.split() == [text]
    and "_x" not in text and "\ufffe" not in text and "\uffff" not in text
)  # fmt: skip
ROWS = st.lists(
    st.tuples(TEXT, TEXT, st.dates(date(1901, 1, 1), date(2999, 12, 31)) | st.none()),
    min_size=1,
    unique_by=lambda row: row[0],
)


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_read__a_list_is_the_same_there_and_back_by_csv_and_by_workbook(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, date | None]]
) -> None:
    folder = tmp_path_factory.mktemp("there-and-back")
    of = told(folder, columns='from = "Từ"')
    text = io.StringIO()
    csv.writer(text).writerows([("Mã", "Tên", "Từ"), *((code, name, day or "") for code, name, day in rows)])
    (folder / "list.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    book = workbook(folder, ("Mã", "Tên", "Từ"), *rows)

    for path in (folder / "list.csv", book):
        assert [(one.code, one.display, one.since) for one in read(path, of)] == rows
