"""The patients as people: who they are, where they live, which cards they hold.

Nobody real can be met: citizen's numbers begin with 099, and no province of birth registration has that code;
social insurance numbers and old insurance cards carry province 00; telephone numbers begin with 04, which no
Vietnamese subscriber number has done since the renumbering of 2017.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hsba.ops.demo.names import OTHERS, Name, name_of
from hsba.ops.demo.places import Ward, address, line_in, ward_near
from hsba.ops.demo.words import TERMINOLOGY, Part, Resource, Words, concept

if TYPE_CHECKING:
    from random import Random

ETHNIC = {"01": "Kinh", "05": "Khơ-me", **dict(OTHERS)}
RELIGIONS = (("00", "Không"), ("01", "Phật giáo"), ("02", "Công giáo"))
OCCUPATIONS = {
    "00": "Không có nghề nghiệp", "21": "Nhà chuyên môn trong lĩnh vực khoa học và kỹ thuật",
    "23": "Nhà chuyên môn về giảng dạy", "41": "Nhân viên tổng hợp và làm công việc bàn giấy",
    "51": "Nhân viên dịch vụ cá nhân", "52": "Nhân viên bán hàng", "61": "Lao động có kỹ năng trong nông nghiệp",
    "62": "Lao động có kỹ năng trong lâm nghiệp, thủy sản", "71": "Thợ xây dựng",
    "75": "Thợ chế biến thực phẩm, đồ gỗ, may mặc", "81": "Thợ vận hành máy móc, thiết bị",
    "83": "Lái xe và vận hành thiết bị chuyển động",
}  # fmt: skip
_WORKING = ("61", "61", "61", "62", "52", "52", "51", "71", "75", "75", "81", "83", "41", "21", "23")

CARD_TYPES = {
    "DN": "Người lao động trong doanh nghiệp", "HC": "Cán bộ, công chức, viên chức", "HT": "Người hưởng lương hưu",
    "TE": "Trẻ em dưới 6 tuổi", "HS": "Học sinh", "SV": "Sinh viên", "HN": "Người thuộc hộ nghèo",
    "CN": "Người thuộc hộ cận nghèo", "GD": "Người tham gia theo hộ gia đình",
    "BT": "Người hưởng trợ cấp bảo trợ xã hội hằng tháng",
}  # fmt: skip
_BENEFIT = {"TE": 1, "HN": 2, "BT": 2, "HT": 3, "CN": 3}

CITIZEN, MARRIED = "099", concept(TERMINOLOGY + "v3-MaritalStatus", "M", "Đã kết hôn")
SINGLE = concept(TERMINOLOGY + "v3-MaritalStatus", "S", "Độc thân")
RELATIONS = {
    code: concept(TERMINOLOGY + "v3-RoleCode", code, display)
    for code, display in (("MTH", "Mẹ"), ("FTH", "Cha"), ("SPS", "Vợ/chồng"), ("CHILD", "Con"))
}
_MRN_TYPE = concept(TERMINOLOGY + "v2-0203", "MR", "Mã người bệnh")
FORTY_DAYS = timedelta(days=40)


@dataclass(slots=True)
class Person:
    """A patient before any paper is written."""

    number: int
    sex: str
    born: date
    name: Name
    ward: Ward
    line: str
    ethnic: str = "01"
    religion: str = "00"
    occupation: str = "00"
    card_type: str = ""
    newborn: bool = False
    born_as: str = ""
    order: int = 0
    died: str = ""
    weight: float = 55.0
    height: int = 160
    links: list[Part] = field(default_factory=list)
    """`born_as` is the name until a birth is registered; `order` the place among twins; `links` go into the Patient."""

    @property
    def id(self) -> str:
        """The id of the Patient."""
        return f"demo-patient-{self.number:05d}"

    @property
    def full_name(self) -> str:
        """The name as it is spoken."""
        return " ".join(self.name)

    def age(self, day: date) -> int:
        """Years lived on a day."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))

    @property
    def ref(self) -> Part:
        """A reference to the Patient."""
        return {"reference": f"Patient/{self.id}", "display": self.born_as or self.full_name}

    @property
    def citizen_number(self) -> str:
        """Twelve digits: 099, century and sex, year, six digits that differ for every number."""
        century = {19: 0, 20: 2}[self.born.year // 100] + (self.sex == "female")
        return f"{CITIZEN}{century}{self.born.year % 100:02d}{self.number * 7717 % 1_000_000:06d}"

    @property
    def social_number(self) -> str:
        """Ten digits beginning with 00."""
        return f"00{self.number * 64_879 % 100_000_000:08d}"

    @property
    def card(self) -> str:
        """The insurance number in one of the three forms that live side by side; "" without insurance."""
        if not self.card_type:
            return ""
        form = self.number % 9
        if self.newborn or form in (2, 5):
            return self.old_card
        return self.social_number if form == 7 else self.citizen_number

    @property
    def old_card(self) -> str:
        """The insurance number in the form of 15 characters: group, benefit, province 00, social insurance number."""
        return f"{self.card_type}{_BENEFIT.get(self.card_type, 4)}00{self.social_number}"

    @property
    def cards(self) -> list[str]:
        """The cards held: none, one, and for one in forty the new and the old one together."""
        if not self.card_type:
            return []
        return (
            [self.card, self.old_card]
            if self.number % 40 == 9 and self.card != self.old_card
            else [self.card]
        )


def make(random: Random, number: int, sex: str, ages: tuple[int, int], today: date) -> Person:
    """A person of this sex and of an age between two bounds (years, both may be reached)."""
    days = int((ages[0] + random.random() * (ages[1] + 0.99 - ages[0])) * 365.25)
    born = today - timedelta(days=max(days, 40))
    roll = random.random()
    ethnic = "01" if roll < 0.93 else "05" if roll < 0.98 else random.choice(OTHERS)[0]
    ward = ward_near(random)
    age = (today - born).days / 365.25
    person = Person(
        number=number,
        sex=sex,
        born=born,
        name=name_of(random, sex, born.year, khmer=ethnic == "05"),
        ward=ward,
        line=line_in(ward, random),
        ethnic=ethnic,
        religion="01" if ethnic == "05" else random.choices(("00", "01", "02"), (80, 14, 6))[0],
        occupation=random.choice(_WORKING) if 18 <= age < 62 else "00",
        card_type=card_type(random, age),
    )
    _measure(person, random, age)
    return person


def card_type(random: Random, age: float) -> str:
    """The group of the insurance card one of this age holds; one adult in ten has none."""
    if age < 6:
        return "TE"
    if random.random() < 0.1:
        return ""
    if age < 18:
        return "HS"
    if age < 22:
        return random.choice(("SV", "DN", "GD"))
    if age >= 60:
        return random.choice(("HT", "GD", "GD", "BT", "CN"))
    return random.choice(("DN", "DN", "GD", "GD", "HN", "CN", "HC"))


_CHILD_HEIGHT = (50, 75, 87, 96, 103, 110, 116, 122, 128, 133, 138, 144, 150, 156, 160, 163)
_CHILD_WEIGHT = (3.3, 9.3, 12.0, 14.0, 16.0, 18.0, 20.5, 23.0, 26.0, 29.0, 32.5, 36.5, 41.0, 45.0, 49.0, 52.0)


def _measure(person: Person, random: Random, age: float) -> None:
    """Height in cm and weight in kg, growing with age."""
    if age < 15:
        year = int(age)
        part = age - year
        person.height = round(_CHILD_HEIGHT[year] + (_CHILD_HEIGHT[year + 1] - _CHILD_HEIGHT[year]) * part)
        person.weight = round(_CHILD_WEIGHT[year] + (_CHILD_WEIGHT[year + 1] - _CHILD_WEIGHT[year]) * part, 1)
        return
    person.height = (158 if person.sex == "male" else 148) + int(random.random() * 16)
    index = 19 + random.random() * 8
    person.weight = round(index * (person.height / 100) ** 2, 1)


def phone(number: int) -> str:
    """A mobile number in a range nobody has."""
    digits = f"{number * 86_243 % 10_000_000:07d}"
    return f"04{digits[0]}0 {digits[1:4]} {digits[4:]}"


def patient(words: Words, person: Person, home: Part, today: date) -> Resource:
    """The Patient resource."""
    sid = words.sid
    extensions = [words.coded("vn-ext-ethnicity", "vn-ethnicity-cs", person.ethnic, ETHNIC[person.ethnic])]
    age = person.age(today)
    if age >= 6:
        extensions.append(
            words.coded(
                "vn-ext-occupation", "vn-occupation-cs", person.occupation, OCCUPATIONS[person.occupation]
            )
        )
    identifiers: list[Part] = [
        {
            "use": "usual",
            "type": _MRN_TYPE,
            "system": sid["mrn"],
            "value": f"{person.number:08d}",
            "assigner": home,
        }
    ]
    registered = not person.newborn or today - person.born > FORTY_DAYS
    if registered:
        identifiers.append({"use": "official", "system": sid["cccd"], "value": person.citizen_number})
    identifiers.extend({"system": sid["bhyt"], "value": card} for card in person.cards)
    made: Resource = {
        "resourceType": "Patient",
        "id": person.id,
        "meta": words.patient_meta,
        "extension": extensions,
        "identifier": identifiers,
        "active": True,
        "name": _names(person, today),
        "gender": person.sex,
        "birthDate": f"{person.born.year}"
        if age > 78 and person.number % 3 == 0
        else person.born.isoformat(),
        "address": [address(words, person.ward, person.line)],
    }
    if age >= 12:
        made["telecom"] = [{"system": "phone", "value": phone(person.number), "use": "mobile"}]
    if age >= 18:
        made["maritalStatus"] = MARRIED if age > 26 else SINGLE
    if person.died:
        made["deceasedDateTime"] = person.died
    if person.order:
        made["multipleBirthInteger"] = person.order
    if person.links:
        made["link"] = person.links
    made["managingOrganization"] = home
    return made


def _names(person: Person, today: date) -> list[Part]:
    family, middle, given = person.name
    official = {"use": "official", "text": person.full_name, "family": family, "given": [middle, given]}
    if not person.born_as:
        return [official]
    # Until the birth is registered a child is called after its mother.
    temporary = {"use": "temp", "text": person.born_as}
    return [temporary] if today - person.born <= FORTY_DAYS else [official, {**temporary, "use": "old"}]


def coverage(
    words: Words, person: Person, card: str, number: int, payer: Part, primary: Part, today: date
) -> Resource:
    """The insurance card as Coverage; one in fourteen has run out."""
    ended = person.number % 14 == 3 and person.born.year < today.year - 1
    year = today.year - 1 if ended else today.year
    start = max(date(year, 1, 1), person.born) if not person.newborn else person.born
    return {
        "resourceType": "Coverage",
        "id": f"demo-{person.number:05d}-c{number}",
        "meta": words.meta["vn-core-coverage"],
        "extension": [
            words.coded(
                "vn-ext-bhyt-card-type",
                "vn-bhyt-card-type-cs",
                person.card_type,
                CARD_TYPES[person.card_type],
            ),
            {"url": words.canon.profile("vn-ext-primary-care-facility"), "valueReference": primary},
        ],
        "identifier": [{"system": words.sid["bhyt"], "value": card}],
        "status": "active",
        "type": PUBLIC_INSURANCE,
        "subscriberId": person.social_number,
        "beneficiary": person.ref,
        "period": {"start": start.isoformat(), "end": date(year, 12, 31).isoformat()},
        "payor": [payer],
    }


PUBLIC_INSURANCE = concept(TERMINOLOGY + "v3-ActCode", "PUBLICPOL", "Bảo hiểm y tế")


def relative(
    words: Words, person: Person, number: int, relation: str, name: str, sex: str, other: str = ""
) -> Resource:
    """A relative to be told, or (`other` names the patient) the mother of a newborn."""
    made: Resource = {
        "resourceType": "RelatedPerson",
        "id": f"demo-{person.number:05d}-r{number}",
        "meta": words.meta["hsba-related-person"],
        "active": True,
        "patient": person.ref,
        "relationship": [RELATIONS[relation]],
        "name": [{"text": name}],
        "telecom": [{"system": "phone", "value": phone(person.number + 500_000), "use": "mobile"}],
        "gender": sex,
    }
    if other:
        made["identifier"] = [{"system": words.sid["cccd"], "value": other}]
    return made
