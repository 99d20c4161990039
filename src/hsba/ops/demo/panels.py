"""What the laboratory measures: tests with LOINC code, UCUM unit and reference range, joined to panels."""

from __future__ import annotations

from dataclasses import dataclass

from hsba.ops.demo.words import TERMINOLOGY, Part, concept


@dataclass(frozen=True, slots=True)
class Test:
    """A measured quantity; `female` is another reference range for women."""

    key: str
    loinc: str
    name: str
    unit: str
    ucum: str
    digits: int
    low: float
    high: float
    female: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A test answered by positive or negative."""

    key: str
    loinc: str
    name: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Tests that are ordered, drawn and reported together."""

    key: str
    loinc: str
    name: str
    section: str
    specimen: str
    tests: tuple[Test | Finding, ...]


BLOOD_COUNT = Panel("ctm", "58410-2", "Tổng phân tích tế bào máu ngoại vi", "HM", "BLD", (
    Test("wbc", "6690-2", "Bạch cầu (WBC)", "G/L", "10*9/L", 1, 4.0, 10.0),
    Test("neu", "770-8", "Bạch cầu trung tính (NEU%)", "%", "%", 1, 45, 75),
    Test("lym", "736-9", "Bạch cầu lympho (LYM%)", "%", "%", 1, 20, 45),
    Test("rbc", "789-8", "Hồng cầu (RBC)", "T/L", "10*12/L", 2, 4.2, 5.9, (3.8, 5.2)),
    Test("hgb", "718-7", "Huyết sắc tố (HGB)", "g/L", "g/L", 0, 130, 170, (120, 150)),
    Test("hct", "4544-3", "Dung tích hồng cầu (HCT)", "%", "%", 1, 39, 50, (36, 46)),
    Test("plt", "777-3", "Tiểu cầu (PLT)", "G/L", "10*9/L", 0, 150, 400),
))  # fmt: skip
CHEMISTRY = Panel("shm", "18719-5", "Sinh hóa máu", "CH", "SER", (
    Test("glu", "14749-6", "Glucose máu", "mmol/L", "mmol/L", 1, 3.9, 6.4),
    Test("ure", "22664-7", "Ure máu", "mmol/L", "mmol/L", 1, 2.5, 7.5),
    Test("cre", "14682-9", "Creatinin máu", "µmol/L", "umol/L", 0, 62, 106, (44, 88)),
    Test("ast", "1920-8", "AST (GOT)", "U/L", "U/L", 0, 8, 37),
    Test("alt", "1742-6", "ALT (GPT)", "U/L", "U/L", 0, 7, 40),
))  # fmt: skip
ELECTROLYTES = Panel("dgd", "24326-1", "Điện giải đồ", "CH", "SER", (
    Test("na", "2951-2", "Natri (Na+)", "mmol/L", "mmol/L", 0, 135, 145),
    Test("k", "2823-3", "Kali (K+)", "mmol/L", "mmol/L", 1, 3.5, 5.0),
    Test("cl", "2075-0", "Clo (Cl-)", "mmol/L", "mmol/L", 0, 98, 107),
))  # fmt: skip
LIPIDS = Panel("lipid", "24331-1", "Bộ mỡ máu", "CH", "SER", (
    Test("cho", "14647-2", "Cholesterol toàn phần", "mmol/L", "mmol/L", 1, 3.1, 5.2),
    Test("tg", "14927-8", "Triglycerid", "mmol/L", "mmol/L", 1, 0.5, 1.7),
    Test("hdl", "14646-4", "HDL-cholesterol", "mmol/L", "mmol/L", 1, 1.0, 2.0),
    Test("ldl", "22748-8", "LDL-cholesterol", "mmol/L", "mmol/L", 1, 1.5, 3.4),
))  # fmt: skip
DIABETES = Panel("dtd", "18719-5", "Theo dõi đái tháo đường", "CH", "BLD", (
    Test("glu", "14749-6", "Glucose máu lúc đói", "mmol/L", "mmol/L", 1, 3.9, 6.4),
    Test("a1c", "4548-4", "HbA1c", "%", "%", 1, 4.0, 6.0),
))  # fmt: skip
KIDNEY = Panel("than", "18719-5", "Chức năng thận", "CH", "SER", (
    Test("ure", "22664-7", "Ure máu", "mmol/L", "mmol/L", 1, 2.5, 7.5),
    Test("cre", "14682-9", "Creatinin máu", "µmol/L", "umol/L", 0, 62, 106, (44, 88)),
    Test("uric", "14933-6", "Acid uric", "µmol/L", "umol/L", 0, 202, 416, (143, 357)),
))  # fmt: skip
INFLAMMATION = Panel("crp", "1988-5", "Định lượng CRP", "CH", "SER", (
    Test("crp", "1988-5", "CRP", "mg/L", "mg/L", 1, 0, 5),
))  # fmt: skip
SEPSIS = Panel("pct", "33959-8", "Procalcitonin và lactat", "CH", "SER", (
    Test("pct", "33959-8", "Procalcitonin", "ng/mL", "ng/mL", 2, 0, 0.05),
    Test("lac", "2524-7", "Lactat", "mmol/L", "mmol/L", 1, 0.5, 2.2),
))  # fmt: skip
COAGULATION = Panel("dm", "18720-3", "Đông máu cơ bản", "HM", "PLAS", (
    Test("inr", "6301-6", "INR", "", "{INR}", 2, 0.8, 1.2),
    Test("aptt", "14979-9", "APTT", "giây", "s", 1, 25, 36),
    Test("fib", "3255-7", "Fibrinogen", "g/L", "g/L", 1, 2, 4),
))  # fmt: skip
HEART = Panel("tim", "18719-5", "Dấu ấn tim mạch", "CH", "SER", (
    Test("tni", "10839-9", "Troponin I", "ng/mL", "ng/mL", 2, 0, 0.04),
    Test("bnp", "33762-6", "NT-proBNP", "pg/mL", "pg/mL", 0, 5, 125),
))  # fmt: skip
THYROID = Panel("giap", "24348-5", "Hormon tuyến giáp", "CH", "SER", (
    Test("tsh", "3016-3", "TSH", "mIU/L", "m[IU]/L", 2, 0.4, 4.2),
    Test("ft4", "14920-3", "FT4", "pmol/L", "pmol/L", 1, 12, 22),
))  # fmt: skip
URINE = Panel("nt", "24357-6", "Tổng phân tích nước tiểu", "LAB", "UR", (
    Test("usg", "5811-5", "Tỷ trọng", "", "1", 3, 1.005, 1.025),
    Test("uph", "5803-2", "pH nước tiểu", "", "[pH]", 1, 5, 7.5),
    Finding("uleu", "5799-2", "Bạch cầu niệu"),
    Finding("unit", "5802-4", "Nitrit niệu"),
    Finding("upro", "20454-5", "Protein niệu"),
))  # fmt: skip
BLOOD_GAS = Panel("kmdm", "24336-0", "Khí máu động mạch", "BG", "BLDA", (
    Test("ph", "2744-1", "pH máu động mạch", "", "[pH]", 2, 7.35, 7.45),
    Test("pco2", "2019-8", "PaCO2", "mmHg", "mm[Hg]", 0, 35, 45),
    Test("po2", "2703-7", "PaO2", "mmHg", "mm[Hg]", 0, 80, 100),
    Test("hco3", "1960-4", "HCO3-", "mmol/L", "mmol/L", 0, 22, 26),
))  # fmt: skip
DENGUE = Panel("ns1", "75377-2", "Dengue NS1Ag test nhanh", "SR", "BLD", (
    Finding("ns1", "75377-2", "Kháng nguyên Dengue NS1"),
))  # fmt: skip
HEPATITIS_B = Panel("hbsag", "5196-1", "HBsAg", "SR", "SER", (Finding("hbsag", "5196-1", "HBsAg"),))
PANCREAS = Panel("amy", "18719-5", "Men tụy", "CH", "SER", (
    Test("amy", "1798-8", "Amylase máu", "U/L", "U/L", 0, 28, 100),
    Test("lip", "3040-3", "Lipase máu", "U/L", "U/L", 0, 13, 60),
))  # fmt: skip
NEWBORN = Panel("bili", "18719-5", "Bilirubin sơ sinh", "CH", "SER", (
    Test("bili", "14631-6", "Bilirubin toàn phần", "µmol/L", "umol/L", 0, 20, 170),
))  # fmt: skip

PANELS = {
    panel.key: panel
    for panel in (
        BLOOD_COUNT, CHEMISTRY, ELECTROLYTES, LIPIDS, DIABETES, KIDNEY, INFLAMMATION, SEPSIS, COAGULATION, HEART,
        THYROID, URINE, BLOOD_GAS, DENGUE, HEPATITIS_B, PANCREAS, NEWBORN,
    )
}  # fmt: skip

SECTIONS: dict[str, list[Part]] = {
    code: [concept(TERMINOLOGY + "v2-0074", code, display)]
    for code, display in (
        ("HM", "Huyết học"), ("CH", "Sinh hóa"), ("LAB", "Xét nghiệm"), ("BG", "Khí máu"), ("SR", "Miễn dịch"),
        ("RAD", "X-quang"), ("RUS", "Siêu âm"), ("CT", "Cắt lớp vi tính"), ("EC", "Điện tim"), ("OTH", "Nội soi"),
    )
}  # fmt: skip
SPECIMENS: dict[str, Part] = {
    code: concept(TERMINOLOGY + "v2-0487", code, display)
    for code, display in (
        ("BLD", "Máu toàn phần"), ("SER", "Huyết thanh"), ("PLAS", "Huyết tương"), ("UR", "Nước tiểu"),
        ("BLDA", "Máu động mạch"),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """An imaging or functional examination and what it says when nothing is wrong."""

    loinc: str
    name: str
    section: str
    normal: str


PICTURES = {
    "xqn": Picture("30745-4", "X-quang ngực thẳng", "RAD", "Bóng tim không to. Hai phế trường sáng, không thấy tổn thương khu trú."),
    "xqx": Picture("18748-4", "X-quang xương khớp", "RAD", "Không thấy hình ảnh gãy xương, khe khớp đều."),
    "sab": Picture("24558-9", "Siêu âm ổ bụng tổng quát", "RUS", "Gan, lách, tụy, hai thận chưa ghi nhận bất thường."),
    "sat": Picture("34552-0", "Siêu âm tim Doppler màu", "RUS", "Kích thước các buồng tim bình thường, EF 62%, không hở van đáng kể."),
    "sath": Picture("11525-3", "Siêu âm thai", "RUS", "Một thai sống trong tử cung, ngôi đầu, tim thai rõ, nước ối trung bình."),
    "ctn": Picture("24725-4", "Chụp CLVT sọ não không tiêm", "CT", "Không thấy tổn thương choán chỗ hay xuất huyết trong sọ."),
    "ctng": Picture("24627-2", "Chụp CLVT lồng ngực", "CT", "Nhu mô phổi hai bên không thấy tổn thương khu trú."),
    "ecg": Picture("11524-6", "Điện tâm đồ 12 chuyển đạo", "EC", "Nhịp xoang đều, trục trung gian, không thấy biến đổi ST-T."),
    "nsd": Picture("18751-8", "Nội soi thực quản - dạ dày - tá tràng", "OTH", "Niêm mạc thực quản, dạ dày, tá tràng bình thường."),
}  # fmt: skip
