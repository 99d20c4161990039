"""A hospital's list from a file: what changes is told, what is broken is refused whole, the last load can be undone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir.validate import validate
from hsba.fhir.vn import BASE
from hsba.terminology import codes as terminology
from hsba.terminology import concepts, files, loads
from hsba.terminology.loads import BadFile, NothingToUndo
from hsba.terminology.sources.mapping import BadMapping, Mapping, mapping

if TYPE_CHECKING:
    from pathlib import Path

    from house import House
    from hsba.terminology.loads import Report

TODAY = date(2026, 11, 23)
ICD = f"{BASE}/CodeSystem/vn-icd10-cs"
ICD_VS = f"{BASE}/ValueSet/vn-icd10-vs"

MAPPING = """
system = "{system}"
title = "Danh mục của bệnh viện"
version = "2"
source = "QĐ 1/BV"
{more}
flags = ["main"]
[columns]
code = "Mã"
display = "Tên"
{columns}
[properties]
main = "Bệnh chính"
"""


def mapped(folder: Path, system: str = "bv-thu-cs", more: str = "", columns: str = "") -> Mapping:
    path = folder / "columns.toml"
    path.write_text(MAPPING.format(system=system, more=more, columns=columns), encoding="utf-8")
    return mapping(path, BASE)


async def loaded(house: House, folder: Path, text: str, of: Mapping, **more: Any) -> Report:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    async with house.reading() as ctx:
        done = await files.load(
            ctx.tx, house.app.definitions, path, of, account="thử", today=more.pop("today", TODAY), **more
        )
    return done.lists[0]


def told(report: Report) -> tuple[list[str], list[str], list[str], int]:
    return report.added.codes, report.changed.codes, report.ended.codes, report.same


async def names(house: House, system: str, day: date = TODAY) -> dict[str, str]:
    async with house.reading() as ctx:
        rows = await ctx.tx.fetch(
            "SELECT c.code FROM reference.concept c JOIN reference.system s ON s.id = c.system WHERE s.uri = $1",
            system,
        )
        of = await concepts.system(ctx, system)
        if of is None:
            return {}
        found = {}
        for code in {row[0] for row in rows}:
            one = await concepts.find(ctx, of, code, day)
            assert one is not None
            found[code] = one.display if one.in_force(day) else f"({one.display})"
        return found


OURS = f"{BASE}/CodeSystem/bv-thu-cs"
FIRST = "Mã,Tên,Bệnh chính\nX1,Một,1\nX2,Hai,\n"
SECOND = "Mã,Tên,Bệnh chính\nX1,Một mới,1\nX3,Ba,\n"


async def test_load__tells_what_is_new_changed_and_ended_and_keeps_ended_codes(
    house: House, tmp_path: Path
) -> None:
    first = await loaded(house, tmp_path, FIRST, mapped(tmp_path), today=date(2026, 1, 1))
    second = await loaded(house, tmp_path, SECOND, mapped(tmp_path))

    assert told(first) == (["X1", "X2"], [], [], 0)
    assert told(second) == (["X3"], ["X1"], ["X2"], 0)
    assert await names(house, OURS) == {"X1": "Một mới", "X2": "(Hai)", "X3": "Ba"}
    assert (await names(house, OURS, date(2026, 6, 1)))["X2"] == "Hai"


async def test_load__a_dry_run_changes_nothing(house: House, tmp_path: Path) -> None:
    report = await loaded(house, tmp_path, FIRST, mapped(tmp_path), dry=True)

    assert report.added.codes == ["X1", "X2"]
    assert await names(house, OURS) == {}


async def test_load__the_same_file_again_changes_nothing(house: House, tmp_path: Path) -> None:
    await loaded(house, tmp_path, FIRST, mapped(tmp_path), today=date(2026, 1, 1))
    again = await loaded(house, tmp_path, FIRST, mapped(tmp_path))

    assert told(again) == ([], [], [], 2)


async def test_undo__brings_back_what_was_there_step_by_step(house: House, tmp_path: Path) -> None:
    await loaded(house, tmp_path, FIRST, mapped(tmp_path), today=date(2026, 1, 1))
    before = await names(house, OURS)
    await loaded(house, tmp_path, SECOND, mapped(tmp_path))

    async with house.reading() as ctx:
        await loads.undo(ctx.tx, house.app.definitions, system=OURS)
        after = await names(house, OURS)
        await loads.undo(ctx.tx, house.app.definitions, system=OURS)
        nothing = await names(house, OURS)
        with pytest.raises(NothingToUndo):
            await loads.undo(ctx.tx, house.app.definitions, system=OURS)

    assert before == after == {"X1": "Một", "X2": "Hai"}
    assert nothing == {}


@pytest.mark.parametrize(
    "text,said",
    [
        ("Mã,Tên,Bệnh chính\nX1,Một,1\n,Hai,\n", "row 3, column “Mã” is empty"),
        ("Mã,Tên,Bệnh chính\nX1,Một,1\nX1,Hai,\n", "row 3, column “Mã” X1 stands there twice"),
        ("Mã,Bệnh chính\nX1,1\n", "row 1, column “Tên” is missing"),
        ("", "is empty"),
        ("Mã,Tên,Bệnh chính\n", "has no row"),
    ],
)
async def test_load__a_broken_row_is_refused_with_its_place_and_nothing_is_loaded(
    house: House, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(BadFile) as caught:
        await loaded(house, tmp_path, text, mapped(tmp_path))

    assert said in caught.value.sentence
    assert await names(house, OURS) == {}


async def test_load__a_day_that_is_none_is_refused(house: House, tmp_path: Path) -> None:
    of = mapped(tmp_path, columns='from = "Từ"')

    with pytest.raises(BadFile, match="row 2, column “Từ” '31/02/2026' is no day"):
        await loaded(house, tmp_path, "Mã,Tên,Bệnh chính,Từ\nX1,Một,1,31/02/2026\n", of)


def test_mapping__without_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    path.write_text('system = "x"\n[columns]\ndisplay = "Tên"\n', encoding="utf-8")

    with pytest.raises(BadMapping):
        mapping(path, BASE)


async def test_load__into_a_national_list_is_known_to_validation_search_and_other_processes(
    house: House, tmp_path: Path
) -> None:
    of = mapped(tmp_path, "vn-icd10-cs", more="partial = true", columns='from = "Từ"\nparent = "Cha"')
    assert house.app.codes.member(ICD_VS, ICD, "U99.9") is False

    await loaded(house, tmp_path, "Mã,Tên,Bệnh chính,Từ,Cha\nU99.9,Bệnh mới,1,2026-06-01,U99\n", of)
    async with house.reading() as ctx:
        assert await terminology.renew(ctx.tx, house.app.codes)
        assert not await terminology.renew(ctx.tx, house.app.codes)
        inside = await ctx.tx.fetchval(
            "SELECT count(*) FROM reference.value_set_member WHERE value_set = $1 AND code = 'U99.9'",
            house.app.codes.value_set_id(ICD_VS),
        )
        above = await ctx.tx.fetchval(
            "SELECT count(*) FROM reference.concept_ancestor WHERE code = 'U99.9' AND ancestor = 'U99'"
        )

    assert (inside, above) == (1, 1)
    assert house.app.codes.member(ICD_VS, ICD, "U99.9", date(2026, 6, 1)) is True
    assert house.app.codes.member(ICD_VS, ICD, "U99.9", date(2026, 5, 31)) is False


@pytest.mark.parametrize("day,fits", [("2025-06-30", True), ("2025-07-01", False), (None, True)])
def test_member__an_ended_code_is_right_for_an_act_of_its_days(
    house: House, day: str | None, fits: bool
) -> None:
    on = date.fromisoformat(day) if day else None
    member = house.app.codes.member(
        f"{BASE}/ValueSet/vn-province-vs", f"{BASE}/CodeSystem/vn-province-cs", "77", on
    )

    assert member is fits


async def test_validate__a_code_that_is_not_in_force_on_the_day_of_the_act_is_told(
    house: House, tmp_path: Path
) -> None:
    of = mapped(tmp_path, "vn-icd10-cs", more="partial = true", columns='to = "Đến"')
    await loaded(house, tmp_path, "Mã,Tên,Bệnh chính,Đến\nI10,Tăng huyết áp,1,30/06/2026\n", of)
    async with house.reading() as ctx:
        await terminology.renew(ctx.tx, house.app.codes)

    def refused(day: str) -> bool:
        condition = {
            "resourceType": "Condition",
            "meta": {"profile": [f"{BASE}/StructureDefinition/vn-core-condition"]},
            "recordedDate": day,
            "subject": {"display": "Người thử"},
            "code": {"coding": [{"system": ICD, "code": "I10"}]},
        }
        issues = validate(condition, house.app.definitions, codes=house.app.codes)
        return any(ICD_VS in issue.en for issue in issues)

    assert not refused("2026-06-30T23:30:00+07:00")
    assert refused("2026-06-30T23:30:00Z")
