"""The medicines the demo hospital prescribes: ATC code, what stands on the prescription, how it is taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine and its usual dosage; `times` a day, `amount` of `unit` each, at `moments`."""

    key: str
    atc: str
    name: str
    unit: str
    amount: int
    times: int
    route: str
    moments: str
    days: int = 7

    @property
    def text(self) -> str:
        """The dosage as a patient reads it."""
        verb = {"Uống": "Uống", "Hít": "Xịt họng", "Bôi": "Bôi", "Nhỏ mắt": "Nhỏ mắt"}.get(
            self.route, self.route
        )
        moments = f", {self.moments}" if self.moments else ""
        return f"{verb} ngày {self.times} lần, mỗi lần {self.amount} {self.unit}{moments}"

    @property
    def injected(self) -> bool:
        """Whether a nurse gives it, so that its giving is recorded."""
        return self.route.startswith(("Tiêm", "Truyền"))


MEDICINES = {
    one.key: one
    for one in (
        Medicine("para", "N02BE01", "Paracetamol 500 mg", "viên", 1, 3, "Uống", "khi đau hoặc sốt, cách nhau ít nhất 6 giờ", 5),
        Medicine("paras", "N02BE01", "Paracetamol 150 mg gói", "gói", 1, 4, "Uống", "khi sốt từ 38,5 °C, cách nhau ít nhất 6 giờ", 3),
        Medicine("amox", "J01CA04", "Amoxicilin 500 mg", "viên", 1, 3, "Uống", "sau ăn", 7),
        Medicine("augs", "J01CR02", "Amoxicilin + acid clavulanic 250 mg/31,25 mg gói", "gói", 1, 2, "Uống", "đầu bữa ăn", 7),
        Medicine("aug", "J01CR02", "Amoxicilin + acid clavulanic 875 mg/125 mg", "viên", 1, 2, "Uống", "đầu bữa ăn", 7),
        Medicine("cefu", "J01DC02", "Cefuroxim 500 mg", "viên", 1, 2, "Uống", "sau ăn", 7),
        Medicine("azi", "J01FA10", "Azithromycin 500 mg", "viên", 1, 1, "Uống", "trước ăn 1 giờ", 3),
        Medicine("cipro", "J01MA02", "Ciprofloxacin 500 mg", "viên", 1, 2, "Uống", "sau ăn", 7),
        Medicine("metro", "P01AB01", "Metronidazol 250 mg", "viên", 2, 3, "Uống", "sau ăn", 7),
        Medicine("ome", "A02BC01", "Omeprazol 20 mg", "viên", 1, 1, "Uống", "trước ăn sáng 30 phút", 28),
        Medicine("eso", "A02BC05", "Esomeprazol 40 mg", "viên", 1, 1, "Uống", "trước ăn sáng 30 phút", 28),
        Medicine("alu", "A02AD01", "Nhôm hydroxyd + magnesi hydroxyd gói", "gói", 1, 3, "Uống", "sau ăn 1 giờ", 14),
        Medicine("dom", "A03FA03", "Domperidon 10 mg", "viên", 1, 3, "Uống", "trước ăn 30 phút", 5),
        Medicine("ors", "A07CA", "Oresol gói pha 200 ml", "gói", 1, 4, "Uống", "uống dần sau mỗi lần đi ngoài", 3),
        Medicine("kem", "A12CB01", "Kẽm (sulfat) 10 mg", "viên", 1, 1, "Uống", "sau ăn", 14),
        Medicine("lora", "R06AX13", "Loratadin 10 mg", "viên", 1, 1, "Uống", "buổi tối", 7),
        Medicine("ceti", "R06AE07", "Cetirizin 10 mg", "viên", 1, 1, "Uống", "buổi tối", 7),
        Medicine("ace", "R05CB01", "Acetylcystein 200 mg gói", "gói", 1, 3, "Uống", "sau ăn", 5),
        Medicine("amb", "R05CB06", "Ambroxol 30 mg", "viên", 1, 3, "Uống", "sau ăn", 5),
        Medicine("melo", "M01AC06", "Meloxicam 7,5 mg", "viên", 1, 1, "Uống", "sau ăn no", 7),
        Medicine("diclo", "M01AB05", "Diclofenac 50 mg", "viên", 1, 2, "Uống", "sau ăn no", 5),
        Medicine("eper", "M03BX09", "Eperison 50 mg", "viên", 1, 3, "Uống", "sau ăn", 7),
        Medicine("gluco", "M01AX05", "Glucosamin 500 mg", "viên", 1, 2, "Uống", "sau ăn", 30),
        Medicine("hydro", "D07AA02", "Hydrocortison 1% kem", "lần bôi", 1, 2, "Bôi", "lớp mỏng lên vùng da tổn thương", 7),
        Medicine("tobra", "S01AA12", "Tobramycin 0,3% nhỏ mắt", "giọt", 2, 4, "Nhỏ mắt", "", 7),
        Medicine("beta", "N07CA01", "Betahistin 16 mg", "viên", 1, 2, "Uống", "sau ăn", 10),
        Medicine("amlo", "C08CA01", "Amlodipin 5 mg", "viên", 1, 1, "Uống", "buổi sáng", 30),
        Medicine("losa", "C09CA01", "Losartan 50 mg", "viên", 1, 1, "Uống", "buổi sáng", 30),
        Medicine("ena", "C09AA02", "Enalapril 5 mg", "viên", 1, 1, "Uống", "buổi sáng", 30),
        Medicine("biso", "C07AB07", "Bisoprolol 2,5 mg", "viên", 1, 1, "Uống", "buổi sáng", 30),
        Medicine("furo", "C03CA01", "Furosemid 40 mg", "viên", 1, 1, "Uống", "buổi sáng", 30),
        Medicine("spiro", "C03DA01", "Spironolacton 25 mg", "viên", 1, 1, "Uống", "buổi sáng", 30),
        Medicine("ator", "C10AA05", "Atorvastatin 20 mg", "viên", 1, 1, "Uống", "buổi tối", 30),
        Medicine("asp", "B01AC06", "Acid acetylsalicylic 81 mg", "viên", 1, 1, "Uống", "sau ăn sáng", 30),
        Medicine("clo", "B01AC04", "Clopidogrel 75 mg", "viên", 1, 1, "Uống", "sau ăn sáng", 30),
        Medicine("metf", "A10BA02", "Metformin 850 mg", "viên", 1, 2, "Uống", "trong bữa ăn", 30),
        Medicine("glic", "A10BB09", "Gliclazid 30 mg giải phóng kéo dài", "viên", 2, 1, "Uống", "trước ăn sáng", 30),
        Medicine("insu", "A10AE04", "Insulin glargin 100 IU/mL", "đơn vị", 14, 1, "Tiêm dưới da", "21 giờ", 30),
        Medicine("allo", "M04AA01", "Allopurinol 300 mg", "viên", 1, 1, "Uống", "sau ăn", 30),
        Medicine("colc", "M04AC01", "Colchicin 1 mg", "viên", 1, 1, "Uống", "buổi tối", 10),
        Medicine("thia", "H03BB02", "Thiamazol 5 mg", "viên", 2, 1, "Uống", "buổi sáng", 30),
        Medicine("levo", "H03AA01", "Levothyroxin 50 µg", "viên", 1, 1, "Uống", "lúc đói, trước ăn sáng 30 phút", 30),
        Medicine("salb", "R03AC02", "Salbutamol 100 µg/liều xịt", "nhát", 2, 4, "Hít", "khi khó thở", 30),
        Medicine("form", "R03AK07", "Budesonid + formoterol 160/4,5 µg", "nhát", 1, 2, "Hít", "súc miệng sau khi xịt", 30),
        Medicine("teno", "J05AF07", "Tenofovir disoproxil 300 mg", "viên", 1, 1, "Uống", "sau ăn", 30),
        Medicine("pred", "H02AB06", "Prednisolon 5 mg", "viên", 6, 1, "Uống", "sau ăn sáng", 5),
        Medicine("sat", "B03AD03", "Sắt (II) sulfat + acid folic", "viên", 1, 1, "Uống", "lúc đói", 30),
        Medicine("cal", "A12AX", "Calci + vitamin D3", "viên", 1, 1, "Uống", "sau ăn sáng", 30),
        Medicine("vitk", "B02BA01", "Phytomenadion 1 mg", "ống", 1, 1, "Tiêm bắp", "một lần", 1),
        Medicine("oxy", "H01BB02", "Oxytocin 5 IU", "ống", 2, 1, "Tiêm bắp", "ngay sau sổ thai", 1),
        Medicine("ceft", "J01DD04", "Ceftriaxon 1 g", "lọ", 2, 1, "Tiêm tĩnh mạch chậm", "8 giờ", 7),
        Medicine("cefz", "J01DB04", "Cefazolin 1 g", "lọ", 2, 1, "Tiêm tĩnh mạch chậm", "trước rạch da 30 phút", 1),
        Medicine("cefo", "J01DD01", "Cefotaxim 1 g", "lọ", 1, 2, "Tiêm tĩnh mạch chậm", "8 giờ, 20 giờ", 7),
        Medicine("mero", "J01DH02", "Meropenem 1 g", "lọ", 1, 3, "Truyền tĩnh mạch", "6 giờ, 14 giờ, 22 giờ", 10),
        Medicine("vanc", "J01XA01", "Vancomycin 1 g", "lọ", 1, 2, "Truyền tĩnh mạch", "8 giờ, 20 giờ", 10),
        Medicine("nacl", "B05XA03", "Natri clorid 0,9% 500 mL", "chai", 1, 2, "Truyền tĩnh mạch", "XL giọt/phút", 2),
        Medicine("ring", "B05BB01", "Ringer lactat 500 mL", "chai", 1, 3, "Truyền tĩnh mạch", "theo phác đồ", 2),
        Medicine("nora", "C01CA03", "Noradrenalin 4 mg/4 mL", "ống", 2, 1, "Truyền tĩnh mạch", "bơm tiêm điện, chỉnh theo huyết áp", 3),
        Medicine("mida", "N05CD08", "Midazolam 5 mg", "ống", 4, 1, "Truyền tĩnh mạch", "bơm tiêm điện", 3),
        Medicine("enox", "B01AB05", "Enoxaparin 40 mg/0,4 mL", "bơm tiêm", 1, 1, "Tiêm dưới da", "20 giờ", 5),
        Medicine("furi", "C03CA01", "Furosemid 20 mg/2 mL", "ống", 1, 2, "Tiêm tĩnh mạch chậm", "8 giờ, 14 giờ", 3),
        Medicine("pari", "N02BE01", "Paracetamol 1 g/100 mL", "chai", 1, 3, "Truyền tĩnh mạch", "khi đau hoặc sốt", 2),
        Medicine("keto", "M01AB15", "Ketorolac 30 mg", "ống", 1, 2, "Tiêm tĩnh mạch chậm", "khi đau", 2),
        Medicine("panto", "A02BC02", "Pantoprazol 40 mg", "lọ", 1, 2, "Tiêm tĩnh mạch chậm", "8 giờ, 20 giờ", 3),
        Medicine("meth", "H02AB04", "Methylprednisolon 40 mg", "lọ", 1, 1, "Tiêm tĩnh mạch chậm", "8 giờ", 5),
        Medicine("neb", "R03AC02", "Salbutamol 5 mg/2,5 mL khí dung", "ống", 1, 3, "Khí dung", "6 giờ, 14 giờ, 22 giờ", 5),
        Medicine("nebs", "R03AC02", "Salbutamol 2,5 mg/2,5 mL khí dung", "ống", 1, 3, "Khí dung", "6 giờ, 14 giờ, 22 giờ", 5),
        Medicine("sat2", "J06AA02", "Huyết thanh kháng độc tố uốn ván 1.500 đơn vị", "ống", 1, 1, "Tiêm bắp", "sau thử phản ứng", 1),
        Medicine("mann", "B05BC01", "Manitol 20% 250 mL", "chai", 1, 3, "Truyền tĩnh mạch", "C giọt/phút", 3),
        Medicine("b12", "A11DB", "Vitamin B1 + B6 + B12", "viên", 1, 2, "Uống", "sau ăn", 15),
        Medicine("thang", "", "Thuốc thang: Độc hoạt tang ký sinh thang gia giảm", "thang", 1, 1, "Uống", "sắc uống ấm, chia 2 lần", 10),
    )
}  # fmt: skip
ATC_LESS = frozenset({"thang"})
"""Traditional remedies have no ATC code; they go by name alone."""
