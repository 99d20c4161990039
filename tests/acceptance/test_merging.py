"""Two records of one person through the real door: side by side, joined with a reason, parted again, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance.places import furnish
from hospital import encounter

if TYPE_CHECKING:
    from acceptance.identity import Ward

WHY = {"reason": "Cùng một người, thẻ căn cước đã đối chiếu"}


async def test_merge__is_compared_joined_and_parted_with_what_was_written_in_between(ward: Ward) -> None:
    await ward.account()
    hospital = await furnish(ward)
    await hospital.save(encounter("e2", "p2", "noi"))
    await ward.log_in()

    page = (await ward.http.get("/patients/p1/merge?with=p2")).text
    assert page.index("THỬ") < page.index("Hồ sơ được gộp vào") < page.index("MẪU")
    assert (await ward.http.post("/patients/p1/merge", data={"with": "p2", **WHY})).status_code == 303
    assert "/patients/p2/encounters/e2" not in (await ward.http.get("/patients/p3?tab=timeline")).text
    assert "encounters/e2" in (await ward.http.get("/patients/p1?tab=timeline")).text
    assert "Tách lại" in (await ward.http.get("/patients/p2/merge")).text

    await hospital.save(encounter("e1", "p1", "noi"))
    parted = await ward.http.post("/patients/p2/merge/undo", data=WHY)

    assert parted.status_code == 200
    assert "resources/Encounter/e1" in parted.text
    assert "encounters/e2" not in (await ward.http.get("/patients/p1?tab=timeline")).text


@pytest.mark.parametrize(
    "path, form, status",
    [
        ("/patients/p1/merge", {"with": "p2"}, 422),
        ("/patients/p1/merge", {"with": "p1", **WHY}, 409),
        ("/patients/p1/merge", {"with": "", **WHY}, 404),
        ("/patients/p1/merge", {"with": "niemand", **WHY}, 404),
        ("/patients/p1/merge/undo", WHY, 409),
    ],
)
async def test_merge__what_cannot_be_joined_or_parted_is_refused(
    ward: Ward, path: str, form: dict[str, str], status: int
) -> None:
    await ward.account()
    await furnish(ward)
    await ward.log_in()

    assert (await ward.http.post(path, data=form)).status_code == status


async def test_merge__reception_may_not(ward: Ward) -> None:
    await ward.account(roles=("reception",))
    await furnish(ward)
    await ward.log_in()

    assert (await ward.http.get("/patients/p1/merge?with=p2")).status_code == 403
    assert (await ward.http.post("/patients/p1/merge", data={"with": "p2", **WHY})).status_code == 403
