"""Vietnamese names as people bear them: family name, middle name, given name, by sex and generation.

The tables follow what is common in the country; the people made of them are nobody.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

Name = tuple[str, str, str]
"""Family name, middle name (đệm), given name (tên)."""

_SURNAMES = {
    "Nguyễn": 32, "Trần": 12, "Lê": 10, "Phạm": 7, "Huỳnh": 6, "Võ": 5, "Phan": 4, "Trương": 3, "Bùi": 3, "Đặng": 3,
    "Đỗ": 2, "Ngô": 2, "Hồ": 2, "Dương": 2, "Đinh": 1, "Đoàn": 1, "Lâm": 1, "Mai": 1, "Trịnh": 1, "Cao": 1, "Lý": 1,
    "Châu": 1, "Tô": 1, "Lương": 1, "Hà": 1, "Vũ": 2, "Hoàng": 2, "Tạ": 1, "Quách": 1, "Kiều": 1,
}  # fmt: skip
SURNAMES = tuple(_SURNAMES)
_SURNAME_WEIGHTS = tuple(accumulate(_SURNAMES.values()))

_OLD, _YOUNG = 0, 1
YOUNG_SINCE = 1985

MIDDLE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "male": (
        (
            "Văn",
            "Văn",
            "Văn",
            "Hữu",
            "Đức",
            "Công",
            "Thành",
            "Minh",
            "Quốc",
            "Ngọc",
            "Xuân",
            "Tấn",
            "Phước",
            "Trung",
        ),
        (
            "Minh",
            "Gia",
            "Hoàng",
            "Quốc",
            "Thanh",
            "Anh",
            "Bảo",
            "Tuấn",
            "Đức",
            "Nhật",
            "Phúc",
            "Văn",
            "Đăng",
            "Khánh",
        ),
    ),
    "female": (
        (
            "Thị",
            "Thị",
            "Thị",
            "Thị",
            "Thị Kim",
            "Thị Ngọc",
            "Thị Thu",
            "Ngọc",
            "Kim",
            "Thị Mỹ",
            "Thị Bích",
            "Thị Hồng",
        ),
        (
            "Thị",
            "Ngọc",
            "Thanh",
            "Thùy",
            "Kim",
            "Bảo",
            "Khánh",
            "Minh",
            "Phương",
            "Gia",
            "Thị Thanh",
            "Hoàng",
            "Quỳnh",
        ),
    ),
}
GIVEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "male": (
        ("Hùng", "Dũng", "Minh", "Tâm", "Thành", "Sơn", "Hải", "Tư", "Bình", "Long", "Phước", "Lộc", "Thọ", "Đức",
         "Hòa", "Nghĩa", "Tài", "Bảy", "Út", "Quang", "Cường", "Phong", "Chiến", "Thắng", "Hiền", "Lợi", "Đông"),
        ("Huy", "Khang", "Phúc", "Bảo", "Khôi", "Nam", "Đạt", "Thịnh", "Tuấn", "Kiệt", "Long", "An", "Nguyên", "Quân",
         "Phát", "Khoa", "Hưng", "Duy", "Trí", "Vinh", "Tùng", "Lâm", "Hiếu", "Thiện", "Đăng", "Toàn", "Việt"),
    ),
    "female": (
        ("Lan", "Hoa", "Hồng", "Mai", "Cúc", "Nga", "Hương", "Thủy", "Tuyết", "Bé", "Liên", "Loan", "Yến", "Phượng",
         "Xuân", "Sáu", "Út", "Lý", "Đào", "Huệ", "Thu", "Hạnh", "Nhung", "Oanh", "Vân", "Dung", "Hai", "Ba"),
        ("Trâm", "Ngân", "Vy", "Nhi", "Thảo", "Trang", "Linh", "Anh", "My", "Hân", "Quỳnh", "Như", "Uyên", "Trinh",
         "An", "Châu", "Thư", "Tiên", "Giang", "Đan", "Ngọc", "Hà", "Mỹ", "Duyên", "Thy", "Yến", "Diễm"),
    ),
}  # fmt: skip

KHMER_SURNAMES = ("Thạch", "Sơn", "Kim", "Danh", "Lâm", "Châu")
KHMER_GIVEN = {
    "male": (
        ("Sa", "Rinh"),
        ("Chanh", "Đa"),
        ("Sà", "Rương"),
        ("Văn", "Thươl"),
        ("Sô", "Phếp"),
        ("Minh", "Phol"),
    ),
    "female": (("Thị", "Sà Phia"), ("Thị", "Sô Phia"), ("Chanh", "Thi"), ("Thị", "Na Ri"), ("Thị", "Sa Na")),
}

OTHERS = (("04", "Hoa"), ("17", "Chăm"), ("02", "Tày"), ("06", "Mường"), ("12", "Ê-đê"))
"""Further ethnic groups that visit now and then; they bear names of the general tables."""


def name_of(random: Random, sex: str, year: int, *, surname: str = "", khmer: bool = False) -> Name:
    """A name as someone of this sex, born in this year, may bear it."""
    if khmer:
        middle, given = random.choice(KHMER_GIVEN[sex])
        return surname or random.choice(KHMER_SURNAMES), middle, given
    age = _YOUNG if year >= YOUNG_SINCE else _OLD
    family = surname or random.choices(SURNAMES, cum_weights=_SURNAME_WEIGHTS)[0]
    middle = random.choice(MIDDLE[sex][age])
    given = random.choice(GIVEN[sex][age])
    if middle.endswith(given):
        given = GIVEN[sex][age][0] if not middle.endswith(GIVEN[sex][age][0]) else GIVEN[sex][age][1]
    return family, middle, given
