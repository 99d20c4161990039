"""The trail as a file: every line once, nothing that a spreadsheet would carry out."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from hsba.audit import report
from hsba.fhir import json
from hsba.record import interactions

if TYPE_CHECKING:
    from pathlib import Path

    from house import House

FORMULAS = ("=1+1", "+84", "-2", "@SUM(A1)", "\t=1", "\r=1", " =cmd|'/C calc'!A0", "＝1")


async def write(house: House, id_: str, account: str = "operator", reason: str | None = None) -> None:
    async with house.writing(account) as ctx:
        await interactions.update(ctx.because(reason), {"resourceType": "Patient", "id": id_})


async def export(house: House, file: Path) -> int:
    return await report.to_file(house.app, house.app.tenants.get(), file, None, None)


async def test_export__csv_holds_no_cell_that_a_spreadsheet_carries_out(house: House, folder: Path) -> None:
    for number, formula in enumerate(FORMULAS):
        await write(house, f"p{number}", account=formula.strip(), reason=formula)

    await export(house, folder / "nhat-ky.csv")

    with (folder / "nhat-ky.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reason"].removeprefix("'") for row in rows] == list(FORMULAS)
    assert all(not cell.lstrip(" ").startswith(report.FORMULA) for row in rows for cell in row.values())
    assert rows[0]["patients"] == "p0"
    assert rows[0]["resources"] == "Patient/p0/_history/1"


async def test_export__ndjson_holds_every_line_once_as_an_audit_event(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "BATCH", 2)
    for number in range(5):
        await write(house, f"p{number}")

    count = await export(house, folder / "trail.ndjson")

    events = [json.parse(line) for line in (folder / "trail.ndjson").read_bytes().splitlines()]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert count == len({event["id"] for event in events}) == len(events)
    assert [event["entity"][0]["what"]["reference"] for event in events[:5]] == [
        f"Patient/p{n}" for n in range(5)
    ]


async def test_export__is_itself_told_and_overwrites_nothing(house: House, folder: Path) -> None:
    await write(house, "p")
    await export(house, folder / "a.csv")

    with pytest.raises(report.FileTaken):
        await export(house, folder / "a.csv")
    with pytest.raises(report.WhichForm):
        await export(house, folder / "a.xlsx")

    async with house.reading() as ctx:
        told = await ctx.tx.fetch("SELECT interaction, detail FROM audit.line ORDER BY id")
    assert tuple(told[-1]) == ("audit-export", "a.csv")
