"""The pages about the trail: for who investigates, for who answers for the accounts, and for the patient himself."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from acceptance.door import numbered
from acceptance.identity import LOGIN
from hsba.access.rights import grants
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

OFFICER = "an.ninh"


@pytest_asyncio.fixture
async def officer(ward: Ward) -> Ward:
    """A doctor who has saved and read a patient, and a security officer who is logged in."""
    await ward.account()
    await ward.account("nguoi.benh", kind="patient", roles=("patient",))
    await ward.account(OFFICER, kind="security", roles=("security-officer",))
    bearer = await ward.token()
    made = await ward.http.put("/fhir/Patient/p", json=numbered("BA-7", id="p"), headers=bearer)
    assert made.status_code == 201, made.text
    await ward.http.get("/fhir/Patient/p", headers=bearer)
    await ward.http.get("/fhir/Patient/khong-co", headers=bearer)
    await ward.log_in(password="sai")
    entered = await ward.log_in(OFFICER)
    assert entered.status_code == 303
    return ward


async def page(ward: Ward, query: str = "") -> str:
    answer = await ward.http.get(f"/audit?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(text: str) -> int:
    return text.count("<td><time")


async def test_audit__is_for_security_officers_alone(officer: Ward) -> None:
    for path in ("/audit", "/audit/file.csv", "/audit/file.ndjson"):
        assert (await officer.http.get(path)).status_code == 200
    await officer.account("bs.khoa", roles=("doctor",))
    await officer.account("quan.tri", kind="administrator", roles=("administrator",))
    for login in ("bs.khoa", "quan.tri", "nguoi.benh"):
        await officer.log_in(login)
        for path in ("/audit", "/audit/file.csv", "/audit/file.ndjson"):
            assert (await officer.http.get(path)).status_code == 403, (login, path)
        assert "entry" not in (await officer.http.get("/fhir/AuditEvent")).json()


async def test_audit__finds_by_person_patient_act_result_and_place(officer: Ward, owner: Any) -> None:
    await owner.execute("SELECT 1")
    everything = await page(officer)

    assert "đăng nhập" in everything
    assert "sai mật khẩu" in everything
    assert "BS. Phạm Thu Lan" in everything
    assert "192.0.2.7" in everything
    assert rows(await page(officer, f"person={LOGIN}&act=read")) == 2
    assert rows(await page(officer, "person=thu+lan&act=create")) == 1
    assert rows(await page(officer, "person=khong.co.ai")) == 0
    assert rows(await page(officer, "patient=p&act=read")) == 1
    assert rows(await page(officer, "patient=BA-7&act=create")) == 1
    assert "Không có người bệnh nào mang số này" in await page(officer, "patient=BA-8")
    refused = await page(officer, "result=refused")
    assert rows(refused) == 2
    assert "khong-co" in refused
    assert rows(await page(officer, "address=192.0.2.&act=login")) == 2
    assert rows(await page(officer, "address=10.")) == 0
    assert rows(await page(officer, "workstation=K1-02")) == 0
    assert rows(await page(officer, "from=2020-01-01&to=2020-12-31")) == 0


async def test_audit__shows_nothing_of_the_patient_but_his_id(officer: Ward) -> None:
    text = await page(officer, "patient=BA-7")

    assert "Ánh" not in text
    assert 'href="/patients/' not in text


@pytest.mark.parametrize(
    "query",
    [
        "from=hôm-qua",
        "from=9999-12-31&to=9999-12-31",
        "from=0001-01-01&to=0001-01-01",
        "person=%00",
        "patient=" + "9" * 500,
        "act='; DROP TABLE audit.line;--",
        "result=%25",
        "address=%25_%5C",
        "before=-1",
        "before=" + "9" * 30,
        "person=%25%25",
    ],
)
async def test_audit__bad_input_is_answered_in_words(officer: Ward, query: str) -> None:
    assert (await officer.http.get(f"/audit?{query}")).status_code == 200
    assert (await officer.http.get(f"/audit/file.csv?{query}")).status_code in (200, 400)


async def test_audit__goes_on_page_by_page(officer: Ward, owner: Any) -> None:
    await owner.execute(
        "INSERT INTO audit.line (tenant, recorded, account, channel, purpose, request, interaction, refused)"
        " SELECT 1, now(), 'nhieu', 'rest', 'TREAT', gen_random_uuid(), 'read', false FROM generate_series(1, 120)"
    )
    seen, address = 0, "/audit?person=nhieu"
    while address:
        text = (await officer.http.get(address)).text
        seen += rows(text)
        _, _, rest = text.partition('rel="next"')
        found = text.rpartition('" rel="next"')[0].rpartition('href="')[2] if rest else ""
        address = found.replace("&amp;", "&")

    assert seen == 120


async def test_audit__each_question_and_each_download_is_a_line_with_its_patient(
    officer: Ward, owner: Any
) -> None:
    await page(officer, "patient=BA-7")
    await officer.http.get("/audit/file.csv?patient=BA-7")

    told = await owner.fetch(
        "SELECT l.interaction, s.id FROM audit.line l JOIN audit.subject s ON s.line = l.id"
        " WHERE l.account = $1 AND l.channel = 'web' ORDER BY l.id",
        OFFICER,
    )
    assert [tuple(row) for row in told] == [("audit-search", "p"), ("audit-export", "p")]


async def test_file__csv_is_safe_for_a_spreadsheet_and_ndjson_holds_audit_events(
    officer: Ward, owner: Any
) -> None:
    await owner.execute(
        "INSERT INTO audit.line (tenant, recorded, account, channel, purpose, request, interaction, refused, reason,"
        " detail) VALUES (1, now(), 'x', 'rest', 'TREAT', gen_random_uuid(), 'read', false,"
        " '=HYPERLINK(\"http://evil\")', '  @SUM(1)')"
    )
    sheet = await officer.http.get("/audit/file.csv")
    lines = await officer.http.get("/audit/file.ndjson")

    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.headers["content-disposition"].startswith('attachment; filename="nhat-ky-')
    assert sheet.headers["cache-control"] == "no-store"
    found = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    (evil,) = [row for row in found if row["account"] == "x"]
    assert evil["reason"] == '\'=HYPERLINK("http://evil")'
    assert evil["detail"] == "'  @SUM(1)"
    events = [json.loads(line) for line in lines.text.splitlines()]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert len(events) == len(found) + 1  # the first download


async def test_file__name_of_a_day_breaks_no_header(officer: Ward) -> None:
    answer = await officer.http.get("/audit/file.csv?from=2026-01-01%22%0d%0aSet-Cookie:%20x=1&to=2026-01-02")

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert (await officer.http.get("/audit/file.exe")).status_code == 404


async def shown(ward: Ward) -> tuple[str, str]:
    """The list of accounts, and what its button sends."""
    answer = await ward.http.get("/audit/accounts")
    assert answer.status_code == 200, answer.text
    return answer.text, answer.text.partition('name="seen" value="')[2].partition('"')[0]


async def confirm(ward: Ward, seen: str) -> httpx.Response:
    return await ward.http.post("/audit/accounts", data={"seen": seen})


async def test_accounts__are_listed_with_roles_and_confirmed_as_they_were_seen(
    officer: Ward, owner: Any
) -> None:
    text, seen = await shown(officer)
    answer = await confirm(officer, seen)
    again, _ = await shown(officer)

    assert "BS. Phạm Thu Lan" in text
    assert "Cán bộ an toàn thông tin" in text
    assert "Chưa ai xác nhận" in text
    assert answer.status_code == 303
    assert "Xác nhận gần nhất" in again
    row = await owner.fetchrow("SELECT tenant, account, accounts FROM access.review")
    assert (row["tenant"], row["account"]) == (1, OFFICER)
    assert f"{OFFICER} active security-officer" in row["accounts"]
    told = await owner.fetchval("SELECT account FROM audit.line WHERE interaction = 'audit-review'")
    assert told == OFFICER


async def test_accounts__what_changed_meanwhile_is_not_confirmed(officer: Ward, owner: Any) -> None:
    _, seen = await shown(officer)
    await officer.account("moi.vao")

    answer = await confirm(officer, seen)

    assert answer.status_code == 409
    assert "đã thay đổi" in answer.text
    assert await owner.fetchval("SELECT count(*) FROM access.review") == 0


async def test_accounts__of_others_than_administrators_and_officers_see_no_list(officer: Ward) -> None:
    await officer.log_in()

    assert (await officer.http.get("/audit/accounts")).status_code == 403
    assert (await confirm(officer, "x")).status_code == 403


async def test_accounts__overdue_is_told_to_who_must_do_it(officer: Ward, owner: Any) -> None:
    overdue = "nửa năm chưa được xác nhận"
    early = (await officer.http.get("/account")).text
    await owner.execute("UPDATE access.account SET created = created - interval '7 months'")
    late = (await officer.http.get("/account")).text
    _, seen = await shown(officer)
    await confirm(officer, seen)
    after = (await officer.http.get("/account")).text
    await owner.execute("UPDATE access.review SET confirmed = confirmed - interval '7 months'")
    again = (await officer.http.get("/account")).text
    await officer.log_in()
    doctor = (await officer.http.get("/account")).text

    assert [overdue in one for one in (early, late, after, again, doctor)] == [
        False,
        True,
        False,
        True,
        False,
    ]


async def test_own__a_patient_sees_who_read_his_record_and_no_other(officer: Ward) -> None:
    async with officer.services.pool.writing(1) as tx:
        await grants.tell_person(tx, 1, OPERATOR, "nguoi.benh", "Patient", "p")
    await officer.log_in("nguoi.benh")

    own = await officer.http.get("/my/seen")
    other = await officer.http.get("/my/seen?of=q")

    assert own.status_code == 200
    assert "BS. Phạm Thu Lan" in own.text
    assert "192.0.2.7" not in own.text
    assert other.status_code == 403
    assert (await officer.http.get("/patients/p/seen")).status_code == 403


async def test_own__is_no_page_of_staff_or_of_a_patient_without_a_record(officer: Ward) -> None:
    assert (await officer.http.get("/my/seen")).status_code == 403
    await officer.log_in("nguoi.benh")
    assert (await officer.http.get("/my/seen")).status_code == 403
