"""Accounts from a list: checked first, each fault by row and column, then all of it or nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from acceptance.administering import Room, furnished
from hsba.access.administration.account_lists import MOST, names

if TYPE_CHECKING:
    from acceptance.identity import Ward

GOOD = """tên đăng nhập;họ tên;vai trò;khoa;đến ngày
lan.pham;BS. Phạm Thu Lan;Bác sĩ;Khoa Nội;
ha.tran;ĐD. Trần Thị Hà;nurse;khoa noi;31/12/2999
kho;Thủ kho;;;
"""
SLIP = re.compile(r"<strong>([^<]+)</strong>.*?code\">([a-z.]+)</b>.*?code\">([^<]+)</b>", re.DOTALL)
IMPORT = "/accounts/import"


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """An administrator at his browser."""
    return await furnished(ward)


async def made(room: Room) -> list[str]:
    async with room.ward.owner() as tx:
        rows = await tx.fetch("SELECT login FROM access.account WHERE made_by IS NOT NULL ORDER BY login")
        return [row["login"] for row in rows]


async def test_import__is_shown_first_and_then_made_whole(room: Room) -> None:
    shown = await room.post(IMPORT, text=GOOD)
    before = await made(room)
    done = await room.post(IMPORT, text=GOOD, step="save")

    slips = SLIP.findall(done.text)
    assert "Sẽ tạo các tài khoản này" in shown.text
    assert before == []
    assert await made(room) == ["ha.tran", "kho", "lan.pham"]
    assert [slip[1] for slip in slips] == ["lan.pham", "ha.tran", "kho"]
    assert (await room.ward.log_in("lan.pham", slips[0][2])).status_code == 303
    async with room.ward.owner() as tx:
        given = await tx.fetch("SELECT account, role, department FROM record.role_grant ORDER BY account")
    assert [tuple(one) for one in given] == [("ha.tran", "nurse", "noi"), ("lan.pham", "doctor", "noi")]
    assert room.told.words.count("account-create") == 3


async def test_import__takes_a_file_and_the_cells_of_a_spreadsheet(room: Room) -> None:
    file = ("ds.csv", "\ufeff" + GOOD, "text/csv")
    upload = await room.http.post("/admin" + IMPORT, files={"file": file}, data={"text": ""})
    pasted = await room.post(IMPORT, text=GOOD.replace(";", "\t"))
    latin = await room.http.post(
        "/admin" + IMPORT, files={"file": ("x.csv", b"login,name\nx,\xe9", "text/csv")}
    )

    assert upload.text.count("BS. Phạm Thu Lan") >= 1
    assert "Sẽ tạo các tài khoản này" in upload.text
    assert "Sẽ tạo các tài khoản này" in pasted.text
    assert latin.status_code == 400


@pytest.mark.parametrize(
    "row, told",
    [
        ("BS.LAN;Trùng;;;", "Dòng 3, tên đăng nhập"),
        ("lan.pham;Hai lần;;;", "Trùng với dòng 2"),
        ("x;Quá ngắn;;;", "Dòng 3, tên đăng nhập"),
        ("moi.den;;;;", "Dòng 3, họ tên"),
        ("moi.den;Mới;Phù thủy;;", "Dòng 3, vai trò"),
        ("moi.den;Mới;doctor;Khoa Mây;", "Dòng 3, khoa"),
        ("moi.den;Mới;doctor;;31/02/2027", "Dòng 3, đến hết ngày"),
        ("moi.den;Mới;;Khoa Nội;", "Dòng 3, vai trò"),
    ],
)
async def test_import__says_what_is_wrong_by_row_and_column(room: Room, row: str, told: str) -> None:
    text = "\n".join([*GOOD.splitlines()[:2], row])

    shown = await room.post(IMPORT, text=text)
    forced = await room.post(IMPORT, text=text, step="save")

    assert told in shown.text
    assert told in forced.text
    assert await made(room) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "họ tên\nLan",
        "login;name",
        "login;name;login\na.b;X;c.d",
        'login;name\nlan;"không đóng',
        "login;name\n" + "\n".join(f"a{n};X" for n in range(MOST + 1)),
    ],
)
async def test_import__of_what_is_no_list_is_refused(room: Room, text: str) -> None:
    answer = await room.post(IMPORT, text=text, step="save")

    assert answer.status_code == 400
    assert await made(room) == []


async def test_import__makes_no_administrator(room: Room) -> None:
    answer = await room.post(IMPORT, text="login;name;kind\nhai;Hai;administrator", step="save")

    assert "loại tài khoản" in answer.text
    assert await made(room) == []


async def test_import__that_fails_at_its_last_line_makes_nothing(room: Room) -> None:
    number = await room.number("bs.lan")
    await room.post(f"/accounts/{number}/people", type="Practitioner", person="lan")
    text = "login;name;practitioner\nmot;Một;\nhai;Hai;lan"

    answer = await room.post(IMPORT, text=text, step="save")

    assert answer.status_code == 400
    assert "Dòng 3" in answer.text
    assert await made(room) == []


def test_names__what_two_things_share_means_neither() -> None:
    assert names({"noi": "Khoa Nội", "ngoai": "Khoa Nội"}) == {"noi": "noi", "ngoai": "ngoai"}
