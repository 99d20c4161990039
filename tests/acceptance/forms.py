"""A stay with a sheet in it, and short ways to write on it, as a browser without script does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from acceptance.identity import LOGIN
from hospital import Hospital, encounter

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

STAY = "/patients/p1/encounters/e1/sheets"
TYPED = {
    "reason": "Sốt", "history.illness": "Sốt cao 3 ngày", "vitals.pulse": "96", "vitals.temperature": "38,5",
    "diagnosis.main": "Viêm họng", "diagnosis.main-system": "http://hl7.org/fhir/sid/icd-10",
    "diagnosis.main-code": "J06.9", "diagnosis.main-display": "Viêm họng", "plan": "Hạ sốt",
}  # fmt: skip
"""The examination of 17/BV1 as its fields are sent."""


@dataclass
class Desk:
    """A sheet of 17/BV1 in a visit, and the browser that writes on it."""

    http: httpx.AsyncClient
    sheet: str = field(default_factory=lambda: str(uuid4()))
    session: str = field(default_factory=lambda: str(uuid4()))

    @property
    def at(self) -> str:
        """The address of the sheet."""
        return f"{STAY}/17-BV1/{self.sheet}"

    async def open(self, part: str = "") -> str:
        """The page of the sheet, or of one part of it."""
        answer = await self.http.get(f"{self.at}/{part}" if part else self.at)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(
        self,
        typed: dict[str, str],
        part: str = "examination",
        act: str = "complete",
        base: str = "",
        **more: str,
    ) -> httpx.Response:
        """Send a part."""
        form = {**typed, "_act": act, "_session": self.session, "_base": base, **more}
        return await self.http.post(f"{self.at}/{part}", data=form)

    async def draft(self, typed: dict[str, str], part: str = "examination", **more: str) -> httpx.Response:
        """Send what was typed since the last time, as the script does."""
        form = {"_session": self.session, **typed, **more}
        return await self.http.post(f"{self.at}/{part}/_draft", data=form)


async def stay(ward: Ward, *roles: str, login: bool = True, **more: Any) -> Desk:
    """A patient in a department, and somebody with these roles (all rights where none are named) at his sheet."""
    hospital = Hospital(ward.services, ward.owner_dsn)
    await ward.account(roles=roles or None, **more)
    await hospital.save(
        {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"},
        {"resourceType": "Patient", "id": "p1", "name": [{"text": "Nguyễn Thị Thử"}], "gender": "female"},
        {"resourceType": "Patient", "id": "p2", "name": [{"text": "Trần Văn Mẫu"}], "gender": "male"},
        encounter("e1", "p1", "noi"),
        encounter("e2", "p2", "noi"),
    )
    await hospital.save({"resourceType": "Practitioner", "id": "lan", "name": [{"text": "Phạm Thu Lan"}]})
    await hospital.is_person(LOGIN, "Practitioner", "lan")
    if login:
        await ward.log_in()
    return Desk(ward.http)
