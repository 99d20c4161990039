"""A small house with rooms and beds, and patients in it, for tests of desks and boards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hospital import Hospital, to

if TYPE_CHECKING:
    from acceptance.identity import Ward

PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
BED_STATE = "http://terminology.hl7.org/CodeSystem/v2-0116"


def location(id: str, name: str, kind: str, department: str, **more: Any) -> dict[str, Any]:
    """A room or bed."""
    return {
        "resourceType": "Location", "id": id, "name": name, "status": "active",
        "physicalType": {"coding": [{"system": PHYSICAL, "code": kind}]},
        "managingOrganization": to("Organization", department), **more,
    }  # fmt: skip


async def furnish(ward: Ward) -> Hospital:
    """Two departments with beds, one with a room to wait at, and three patients."""
    hospital = Hospital(ward.services)
    await hospital.save(
        *({"resourceType": "Organization", "id": id_, "name": name}
          for id_, name in (("kb", "Khoa Khám bệnh"), ("noi", "Khoa Nội"), ("ngoai", "Khoa Ngoại"))),
        location("pk1", "Phòng khám Nội 1", "ro", "kb"),
        location("g1", "Giường 1", "bd", "noi"),
        location("g2", "Giường 2", "bd", "noi"),
        location("g3", "Giường 3", "bd", "noi", operationalStatus={"system": BED_STATE, "code": "C"}),
        location("n1", "Giường N1", "bd", "ngoai"),
        *({"resourceType": "Patient", "id": id_, "name": [{"text": name}], "gender": "female", "birthDate": "1959"}
          for id_, name in (("p1", "Trần Thị Thử"), ("p2", "Lê Thị Mẫu"), ("p3", "Phạm Thị Giả"))),
    )  # fmt: skip
    return hospital
