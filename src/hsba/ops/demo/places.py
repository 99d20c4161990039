"""The demo hospital's buildings: departments, wards, rooms, beds, and two commune health stations; and real communes.

The hospital is invented (province code 00 does not exist, so no facility code can meet a real one); the communes its
patients live in are real ones of after 1 July 2025, with no district.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from hsba.fhir import code_lists
from hsba.ops.demo.words import TERMINOLOGY, TEST_DATA, Part, Resource, Words, concept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

HOME_PROVINCE = "82"
NEIGHBOURS = ("80", "86", "91", "92", "79", "96", "75", "01", "48")
FACILITY = "00001"
HOSPITAL_NAME = "Bệnh viện Đa khoa tỉnh Sông Mẫu (mẫu)"
PREFIX = "demo"


@dataclass(frozen=True, slots=True)
class Department:
    """A department: how it is called, and how many beds, doctors, nurses … it has at scale 1."""

    code: str
    name: str
    specialty: str
    beds: int = 0
    doctors: int = 0
    nurses: int = 0
    midwives: int = 0
    technicians: int = 0
    pharmacists: int = 0
    rooms: tuple[str, ...] = ()
    bed_mark: str = "H"


DEPARTMENTS = (
    Department("BGD", "Ban Giám đốc", "Quản lý bệnh viện", doctors=2),
    Department("KHTH", "Phòng Kế hoạch tổng hợp", "Quản lý hồ sơ bệnh án", doctors=1),
    Department("KB", "Khoa Khám bệnh", "Đa khoa", doctors=6, nurses=3, rooms=(
        "Phòng khám Nội 1", "Phòng khám Nội 2", "Phòng khám Tim mạch", "Phòng khám Nội tiết", "Phòng khám Ngoại",
        "Phòng khám Nhi", "Phòng khám Phụ sản", "Phòng khám Mắt", "Phòng khám Tai mũi họng", "Phòng khám Da liễu")),
    Department("CC", "Khoa Cấp cứu", "Cấp cứu", 10, 3, 4, rooms=("Buồng cấp cứu ban đầu",), bed_mark="C"),
    Department("HSTC", "Khoa Hồi sức tích cực - Chống độc", "Hồi sức tích cực", 10, 3, 4, bed_mark="C"),
    Department("NOI", "Khoa Nội tổng hợp", "Nội khoa", 36, 4, 5),
    Department("NGOAI", "Khoa Ngoại tổng hợp", "Ngoại khoa", 30, 4, 4),
    Department("SAN", "Khoa Phụ sản", "Sản phụ khoa", 24, 3, 0, 4, rooms=("Phòng sinh",)),
    Department("NHI", "Khoa Nhi", "Nhi khoa", 24, 3, 3),
    Department("TN", "Khoa Truyền nhiễm", "Truyền nhiễm", 16, 2, 2),
    Department("YHCT", "Khoa Y học cổ truyền - Phục hồi chức năng", "Y học cổ truyền", 16, 2, 2),
    Department("LCK", "Khoa Liên chuyên khoa Mắt - Tai mũi họng - Răng hàm mặt", "Mắt", 10, 2, 1),
    Department("GMHS", "Khoa Phẫu thuật - Gây mê hồi sức", "Gây mê hồi sức", doctors=2, technicians=1,
               rooms=("Phòng mổ 1", "Phòng mổ 2", "Phòng hồi tỉnh")),
    Department("XN", "Khoa Xét nghiệm", "Xét nghiệm", doctors=1, technicians=2, rooms=("Phòng lấy mẫu",)),
    Department("CDHA", "Khoa Chẩn đoán hình ảnh", "Chẩn đoán hình ảnh", doctors=2, technicians=1,
               rooms=("Phòng X-quang", "Phòng siêu âm", "Phòng CT", "Phòng nội soi")),
    Department("DUOC", "Khoa Dược", "Dược", pharmacists=2, rooms=("Quầy phát thuốc ngoại trú",)),
)  # fmt: skip
STATIONS = (
    Department("TYT1", "Trạm Y tế xã Mẫu Đông", "Y tế cơ sở", doctors=1, nurses=1, midwives=1),
    Department("TYT2", "Trạm Y tế xã Mẫu Tây", "Y tế cơ sở", doctors=1, nurses=1, midwives=1),
)
STATION_CODES = {"TYT1": "00101", "TYT2": "00102"}
PAYER = "BHXH"
BEDS_PER_ROOM = 6


@dataclass(frozen=True, slots=True)
class Ward:
    """A commune with the province it lies in."""

    code: str
    name: str
    kind: str
    province: str
    province_name: str

    @property
    def urban(self) -> bool:
        """Whether it is a phường, where houses stand in streets."""
        return self.kind == "phuong"


_KINDS = (("Phường", "phuong"), ("Đặc khu", "dac-khu"), ("Xã", "xa"))


@cache
def wards() -> dict[str, tuple[Ward, ...]]:
    """All communes by province."""
    provinces = {one.code: one.display for one in code_lists.current("vn-province-cs")}
    found: dict[str, list[Ward]] = {code: [] for code in provinces}
    for one in code_lists.current("vn-ward-cs"):
        kind = next(kind for prefix, kind in _KINDS if one.display.startswith(prefix))
        found[one.parent].append(Ward(one.code, one.display, kind, one.parent, provinces[one.parent]))
    return {code: tuple(some) for code, some in found.items()}


_STREETS = (
    "Nguyễn Huệ", "Lê Lợi", "Trần Hưng Đạo", "Hùng Vương", "Nguyễn Trãi", "Lý Thường Kiệt", "Hai Bà Trưng",
    "Nguyễn Du", "Phan Bội Châu", "Võ Thị Sáu", "Cách Mạng Tháng Tám", "30 Tháng 4", "Nguyễn Sinh Sắc", "Tôn Đức Thắng",
)  # fmt: skip
_HAMLETS = (
    "Hòa Bình", "Tân Lập", "Mỹ Phú", "An Thạnh", "Long Hưng", "Phú Thuận", "Tân Hòa", "Bình An", "Thạnh Lợi", "Đông Mỹ",
    "Hưng Lợi", "Tân Tiến", "Vĩnh Hòa", "Phước Lộc",
)  # fmt: skip


def ward_near(random: Random) -> Ward:
    """A commune as patients come from: mostly the home province's, some of the neighbours'."""
    roll = random.random()
    home = wards()[HOME_PROVINCE]
    if roll < 0.55:
        return home[int(random.random() * 14)]
    if roll < 0.85:
        return random.choice(home)
    return random.choice(wards()[random.choice(NEIGHBOURS)])


def line_in(ward: Ward, random: Random) -> str:
    """A house in a commune."""
    number = 1 + int(random.random() * 480)
    if ward.urban:
        return f"Số {number} đường {random.choice(_STREETS)}, khóm {1 + int(random.random() * 9)}"
    return f"Số nhà {number}, ấp {random.choice(_HAMLETS)}"


def address(words: Words, ward: Ward, line: str) -> Part:
    """An address of two levels: province and commune (since 1 July 2025 there are no districts)."""
    canon = words.canon
    return {
        "extension": [
            {
                "url": canon.profile("vn-ext-province"),
                "valueCoding": {
                    "system": canon.codes("vn-province-cs"),
                    "code": ward.province,
                    "display": ward.province_name,
                },
            },
            {
                "url": canon.profile("vn-ext-ward"),
                "valueCoding": {"system": canon.codes("vn-ward-cs"), "code": ward.code, "display": ward.name},
            },
        ],
        "use": "home",
        "text": f"{line}, {ward.name}, {ward.province_name}",
        "line": [line],
        "city": ward.province_name,
        "country": "VN",
    }


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: references to organizations, beds and rooms."""

    organizations: dict[str, Part]
    beds: dict[str, tuple[Part, ...]]
    rooms: dict[str, tuple[Part, ...]]


def build(words: Words, scale: int, occupied: dict[str, int]) -> tuple[list[Resource], Places]:
    """The Organizations and Locations; `occupied` says how many beds of a department are taken now."""
    organizations, org_refs = _organizations(words)
    locations: list[Resource] = []
    beds: dict[str, tuple[Part, ...]] = {}
    rooms: dict[str, tuple[Part, ...]] = {}
    site = _location(words, "site", "Khu nhà chính", "si", "Khu vực", org_refs["BV"], None)
    locations.append(site)
    site_ref = _ref(site)
    for department in DEPARTMENTS:
        if not department.beds and not department.rooms:
            continue
        org = org_refs[department.code]
        mark = department.code.lower()
        ward = _location(words, f"ward-{mark}", f"Khu {department.name}", "wa", "Khu điều trị", org, site_ref)
        locations.append(ward)
        own = [
            _location(words, f"room-{mark}-{n}", name, "ro", "Phòng", org, _ref(ward))
            for n, name in enumerate(department.rooms, 1)
        ]
        locations += own
        rooms[department.code] = tuple(_ref(one) for one in own)
        some = list(
            _beds(
                words, department, department.beds * scale, org, _ref(ward), occupied.get(department.code, 0)
            )
        )
        locations += some
        beds[department.code] = tuple(
            _ref(one) for one in some if one["physicalType"]["coding"][0]["code"] == "bd"
        )
    for station in STATIONS:
        org = org_refs[station.code]
        place = _location(words, f"site-{station.code.lower()}", station.name, "bu", "Nhà trạm", org, None)
        locations.append(place)
        rooms[station.code] = (_ref(place),)
    return organizations + locations, Places(org_refs, beds, rooms)


def _ref(resource: Resource) -> Part:
    return {"reference": f"{resource['resourceType']}/{resource['id']}", "display": resource["name"]}


def _organizations(words: Words) -> tuple[list[Resource], dict[str, Part]]:
    meta = {**words.meta["vn-core-organization"], "tag": [TEST_DATA]}
    home = wards()[HOME_PROVINCE][0]

    def level(code: str, display: str) -> Part:
        return words.coded("vn-ext-facility-care-level", "vn-facility-care-level-cs", code, display)

    def kind(code: str, display: str) -> Part:
        return words.coded("vn-ext-org-type", "vn-org-type-cs", code, display)

    provider = [concept(TERMINOLOGY + "organization-type", "prov", "Cơ sở khám bệnh, chữa bệnh")]
    department_type = [concept(TERMINOLOGY + "organization-type", "dept", "Khoa, phòng")]
    hospital: Resource = {
        "resourceType": "Organization",
        "id": f"{PREFIX}-hospital",
        "meta": meta,
        "extension": [kind("BV", "Bệnh viện"), level("CO_BAN", "Cấp cơ bản")],
        "identifier": [{"use": "official", "system": words.sid["ma-cskcb"], "value": FACILITY}],
        "active": True,
        "type": provider,
        "name": HOSPITAL_NAME,
        "alias": ["BVĐK Sông Mẫu"],
        "telecom": [{"system": "phone", "value": "0400 000 001", "use": "work"}],
        "address": [{**address(words, home, "Số 1 đường Mẫu"), "use": "work"}],
    }
    found = [hospital]
    refs = {"BV": _ref(hospital)}
    for department in DEPARTMENTS:
        found.append(
            {
                "resourceType": "Organization",
                "id": f"{PREFIX}-dept-{department.code.lower()}",
                "meta": meta,
                "extension": [kind("KHOA", "Khoa, phòng")],
                "identifier": [{"system": words.sid["ma-khoa"], "value": department.code}],
                "active": True,
                "type": department_type,
                "name": department.name,
                "partOf": refs["BV"],
            }
        )
        refs[department.code] = _ref(found[-1])
    for number, station in enumerate(STATIONS, 2):
        where = wards()[HOME_PROVINCE][-number]
        found.append(
            {
                "resourceType": "Organization",
                "id": f"{PREFIX}-station-{station.code.lower()}",
                "meta": meta,
                "extension": [kind("TYT", "Trạm y tế"), level("BAN_DAU", "Cấp ban đầu")],
                "identifier": [
                    {"use": "official", "system": words.sid["ma-cskcb"], "value": STATION_CODES[station.code]}
                ],
                "active": True,
                "type": provider,
                "name": f"{station.name} (mẫu)",
                "telecom": [{"system": "phone", "value": f"0400 000 10{number}", "use": "work"}],
                "address": [{**address(words, where, f"Ấp {_HAMLETS[number]}"), "use": "work"}],
            }
        )
        refs[station.code] = _ref(found[-1])
    found.append(
        {
            "resourceType": "Organization",
            "id": f"{PREFIX}-payer",
            "meta": meta,
            "extension": [kind("BHXH", "Cơ quan bảo hiểm xã hội")],
            "active": True,
            "type": [concept(TERMINOLOGY + "organization-type", "pay", "Cơ quan chi trả")],
            "name": "Bảo hiểm xã hội tỉnh Sông Mẫu (mẫu)",
        }
    )
    refs[PAYER] = _ref(found[-1])
    return found, refs


def _location(
    words: Words, id_: str, name: str, type_: str, type_name: str, owner: Part, within: Part | None
) -> Resource:
    made: Resource = {
        "resourceType": "Location",
        "id": f"{PREFIX}-{id_}",
        "meta": words.meta["vn-core-location"],
        "status": "active",
        "name": name,
        "mode": "instance",
        "physicalType": concept(TERMINOLOGY + "location-physical-type", type_, type_name),
        "managingOrganization": owner,
    }
    if within is not None:
        made["partOf"] = within
    return made


_BED_STATES = {
    code: {"system": TERMINOLOGY + "v2-0116", "code": code, "display": display}
    for code, display in (
        ("O", "Đang có người bệnh"),
        ("U", "Trống"),
        ("H", "Đang vệ sinh"),
        ("C", "Tạm đóng"),
    )
}


def _beds(
    words: Words, department: Department, count: int, owner: Part, ward: Part, occupied: int
) -> Iterator[Resource]:
    """The rooms of a ward, each followed by its beds; the first ones are taken."""
    mark = department.code.lower()
    room: Part = ward
    for n in range(count):
        if n % BEDS_PER_ROOM == 0:
            number = n // BEDS_PER_ROOM + 1
            made = _location(
                words,
                f"room-{mark}-b{number}",
                f"Buồng {department.code} {number:02d}",
                "ro",
                "Buồng bệnh",
                owner,
                ward,
            )
            room = _ref(made)
            yield made
        bed = _location(
            words,
            f"bed-{mark}-{n + 1:03d}",
            f"Giường {department.code}-{n + 1:02d}",
            "bd",
            "Giường bệnh",
            owner,
            room,
        )
        state = "O" if n < occupied else ("H" if n % 11 == 10 else "C" if n % 23 == 22 else "U")
        bed["identifier"] = [{"system": words.sid["ma-giuong"], "value": f"{department.bed_mark}{n + 1:03d}"}]
        bed["operationalStatus"] = _BED_STATES[state]
        yield bed
