"""Which forms a keeper has: a version in use is never changed, and what was in use is found for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hsba.forms import catalogue, shelf
from hsba.forms.lines import BadForm
from hsba.forms.shelf import FormInUse, UnknownForm

if TYPE_CHECKING:
    from house import House

OWN = """form: NB-1/BV
version: "{version}"
kind: sheet
name: Phiếu riêng
title: PHIẾU RIÊNG
parts:
  - id: only
    items:
      - {{id: note, type: long, label: "{label}"}}
"""


async def load(house: House, text: str) -> bool:
    async with house.writing() as ctx:
        return (await shelf.load(ctx.tx, ctx.tenant.id, text, "own.yaml", "operator"))[1]


async def test_load__a_keepers_own_form_stands_beside_those_of_the_program(house: House) -> None:
    new = await load(house, OWN.format(version="1", label="Ghi chú:"))
    again = await load(house, OWN.format(version="1", label="Ghi chú:"))

    async with house.reading() as ctx:
        found = await shelf.current(ctx)
        form = await shelf.of(ctx, "http://fhir.hl7.org.vn/core/Questionnaire/NB-1-BV|1")
    assert (new, again) == (True, False)
    assert found.keys() == catalogue.forms().keys() | {"NB-1-BV"}
    assert form.parts[0].items[0].label == "Ghi chú:"


async def test_load__a_version_in_use_is_never_changed_and_another_stands_beside_it(house: House) -> None:
    await load(house, OWN.format(version="1", label="Ghi chú:"))
    with pytest.raises(FormInUse):
        await load(house, OWN.format(version="1", label="Khác:"))
    await load(house, OWN.format(version="2", label="Khác:"))

    async with house.reading() as ctx:
        old, new = await shelf.find(ctx, "NB-1-BV", "1"), await shelf.find(ctx, "NB-1-BV")
    assert (next(old.walk()).label, next(new.walk()).label) == ("Ghi chú:", "Khác:")


async def test_load__a_form_of_the_law_is_changed_under_a_version_of_the_keepers(house: House) -> None:
    text = shelf.written(catalogue.forms()["17-BV1"])
    with pytest.raises(FormInUse):
        await load(house, text)
    await load(
        house, text.replace("version: '1'", "version: 1-nb").replace("Lý do vào trạm:", "Lý do đến trạm:")
    )

    async with house.reading() as ctx:
        changed, ours = await shelf.find(ctx, "17-BV1"), await shelf.find(ctx, "17-BV1", "1")
    assert "Lý do đến trạm:" in [item.label for item in changed.walk()]
    assert ours == catalogue.forms()["17-BV1"]


async def test_retire__no_new_sheet_is_begun_and_what_was_written_is_read(house: House) -> None:
    await load(house, OWN.format(version="1", label="Ghi chú:"))
    async with house.writing() as ctx:
        await shelf.retire(ctx.tx, ctx.tenant.id, "NB-1-BV", "1")

    async with house.reading() as ctx:
        assert "NB-1-BV" not in await shelf.current(ctx)
        assert (await shelf.find(ctx, "NB-1-BV", "1")).version == "1"
        with pytest.raises(UnknownForm):
            await shelf.find(ctx, "NB-1-BV")
    async with house.writing() as ctx:
        with pytest.raises(UnknownForm):
            await shelf.retire(ctx.tx, ctx.tenant.id, "17-BV1", "1")


async def test_load__of_a_file_with_an_error_nothing_is_kept(house: House) -> None:
    with pytest.raises(BadForm, match=r"own\.yaml, line 9"):
        await load(house, OWN.format(version="1", label="x").replace("type: long", "type: song"))

    async with house.reading() as ctx:
        assert "NB-1-BV" not in await shelf.current(ctx)


async def test_current__another_keepers_forms_are_not_there(house: House) -> None:
    await load(house, OWN.format(version="1", label="Ghi chú:"))

    async with house.reading() as ctx:
        mine = await ctx.tx.fetchval("SELECT count(*) FROM record.form")
        await ctx.tx.execute("SELECT set_config('hsba.tenant', '999', false)")
        theirs = await ctx.tx.fetchval("SELECT count(*) FROM record.form")
        await ctx.tx.execute("SELECT set_config('hsba.tenant', $1, false)", str(ctx.tenant.id))
    assert (mine, theirs) == (1, 0)


async def test_load__the_runtime_cannot_change_a_version(house: House) -> None:
    await load(house, OWN.format(version="1", label="Ghi chú:"))

    async with house.reading() as ctx:
        for statement in ("UPDATE record.form SET source = ''", "DELETE FROM record.form"):
            with pytest.raises(Exception, match="permission denied"):
                await ctx.tx.execute(statement)
