"""The staff of the demo hospital: about eighty people, each with a licence number nobody holds, and their posts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from hsba.ops.demo.names import name_of
from hsba.ops.demo.places import DEPARTMENTS, PREFIX, STATIONS, Department, Places
from hsba.ops.demo.words import TERMINOLOGY, Part, Resource, Words, concept

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = {
    "BS": ("Bác sĩ", "doctor"),
    "YS": ("Y sĩ", ""),
    "DD": ("Điều dưỡng", "nurse"),
    "HS": ("Hộ sinh", ""),
    "KTV": ("Kỹ thuật y", ""),
    "DS": ("Dược sĩ", "pharmacist"),
}
_DEGREES = {
    "BS": ("BS.", "BS.", "BS.CKI", "BS.CKI", "BS.CKII", "ThS.BS"),
    "YS": ("YS.",),
    "DD": ("ĐD.", "CNĐD.", "CNĐD."),
    "HS": ("HS.", "CNHS."),
    "KTV": ("KTV.", "CN."),
    "DS": ("DS.", "DS.CKI"),
}
_DEGREE_NAMES = {
    "BS.": "Bác sĩ đa khoa", "BS.CKI": "Bác sĩ chuyên khoa cấp I", "BS.CKII": "Bác sĩ chuyên khoa cấp II",
    "ThS.BS": "Thạc sĩ, bác sĩ", "YS.": "Y sĩ đa khoa", "ĐD.": "Cao đẳng điều dưỡng", "CNĐD.": "Cử nhân điều dưỡng",
    "HS.": "Cao đẳng hộ sinh", "CNHS.": "Cử nhân hộ sinh", "KTV.": "Cao đẳng kỹ thuật y", "CN.": "Cử nhân kỹ thuật y",
    "DS.": "Dược sĩ đại học", "DS.CKI": "Dược sĩ chuyên khoa cấp I",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Staff:
    """References to the people by department and role; `doctors` of a department are asked for most."""

    by_role: dict[tuple[str, str], tuple[Part, ...]]

    def doctor(self, random: Random, department: str) -> Part:
        """One of a department's doctors."""
        some = self.by_role[department, "BS"]
        return some[int(random.random() * len(some))]

    def carer(self, random: Random, department: str) -> Part:
        """One of a department's nurses or midwives, or a technician where there are none."""
        for role in ("DD", "HS", "KTV", "BS"):
            some = self.by_role.get((department, role))
            if some:
                return some[int(random.random() * len(some))]
        raise KeyError(department)

    def midwife(self, random: Random) -> Part:
        """One of the midwives."""
        return random.choice(self.by_role["SAN", "HS"])


def build(words: Words, places: Places, scale: int, seed: int, today: date) -> tuple[list[Resource], Staff]:
    """The Practitioners and their PractitionerRoles."""
    random = Random(seed * 7919 + 17)
    found: list[Resource] = []
    by_role: dict[tuple[str, str], list[Part]] = {}
    number = 0
    for department in (*DEPARTMENTS, *STATIONS):
        for role in _posts(department, scale):
            number += 1
            person = _practitioner(words, number, role, department, random, today)
            ref = {
                "reference": f"Practitioner/{person['id']}",
                "display": f"{person['name'][0]['prefix'][0]} {person['name'][0]['text']}",
            }
            first = (department.code, role) not in by_role
            by_role.setdefault((department.code, role), []).append(ref)
            found.append(person)
            found.append(_role(words, number, role, department, ref, places, random, today, head=first))
    return found, Staff({key: tuple(some) for key, some in by_role.items()})


def _posts(department: Department, scale: int) -> Iterator[str]:
    station = department.code.startswith("TYT")
    for role, count in (
        ("BS", department.doctors),
        ("DD", department.nurses),
        ("HS", department.midwives),
        ("KTV", department.technicians),
        ("DS", department.pharmacists),
    ):
        times = 1 if department.code in ("BGD", "KHTH") or station else scale
        for _ in range(count * times):
            yield "YS" if station and role == "DD" else role


def _practitioner(
    words: Words, number: int, role: str, department: Department, random: Random, today: date
) -> Resource:
    sex = "female" if random.random() < {"HS": 1.0, "DD": 0.8, "DS": 0.6}.get(role, 0.4) else "male"
    born = date(
        today.year - 26 - int(random.random() * 32),
        1 + int(random.random() * 12),
        1 + int(random.random() * 28),
    )
    family, middle, given = name_of(random, sex, born.year)
    degree = random.choice(_DEGREES[role])
    licence = f"{number:06d}/MAU-GPHN"
    issued = date(born.year + 25, 1 + int(random.random() * 12), 1 + int(random.random() * 28))
    return {
        "resourceType": "Practitioner",
        "id": f"{PREFIX}-staff-{number:03d}",
        "meta": words.meta["vn-core-practitioner"],
        "identifier": [{"use": "official", "system": words.sid["cchn"], "value": licence}],
        "active": True,
        "name": [
            {
                "use": "official",
                "text": f"{family} {middle} {given}",
                "family": family,
                "given": [middle, given],
                "prefix": [degree],
            }
        ],
        "telecom": [
            {"system": "phone", "value": f"0400 1{number // 100:02d} {number % 100:03d}", "use": "work"},
            {"system": "email", "value": f"nv{number:03d}@songmau.example", "use": "work"},
        ],
        "gender": sex,
        "birthDate": born.isoformat(),
        "qualification": [
            {
                "identifier": [{"system": words.sid["cchn"], "value": licence}],
                "code": {"text": f"{_DEGREE_NAMES[degree]}, {department.specialty}"},
                "period": {"start": issued.isoformat()},
            }
        ],
    }


def _role(
    words: Words,
    number: int,
    role: str,
    department: Department,
    practitioner: Part,
    places: Places,
    random: Random,
    today: date,
    *,
    head: bool,
) -> Resource:
    name, code = ROLES[role]
    codings = [{"system": words.canon.codes("hsba-staff-role-cs"), "code": role, "display": name}]
    if code:
        codings.append({"system": TERMINOLOGY + "practitioner-role", "code": code, "display": name})
    title = name
    if head and role == "BS" and department.code != "KHTH":
        title = {"BGD": "Giám đốc"}.get(
            department.code, "Trưởng trạm" if department.code.startswith("TYT") else "Trưởng khoa"
        )
    elif head and role in ("DD", "HS", "KTV"):
        title = f"{name} trưởng"
    made: Resource = {
        "resourceType": "PractitionerRole",
        "id": f"{PREFIX}-role-{number:03d}",
        "meta": words.meta["vn-core-practitioner-role"],
        "active": True,
        "period": {
            "start": date(
                today.year - 1 - int(random.random() * 9), 1 + int(random.random() * 12), 1
            ).isoformat()
        },
        "practitioner": practitioner,
        "organization": places.organizations[department.code],
        "code": [{"coding": codings, "text": title}],
        "specialty": [{"text": department.specialty}],
    }
    rooms = places.rooms.get(department.code)
    if rooms:
        made["location"] = [rooms[number % len(rooms)]]
    return made


SURGEON = concept(TERMINOLOGY + "v3-ParticipationType", "PPRF", "Phẫu thuật viên chính")
ANAESTHETIST = concept(TERMINOLOGY + "v3-ParticipationType", "SPRF", "Bác sĩ gây mê")
