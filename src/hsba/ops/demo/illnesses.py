"""What brings people to the demo hospital, as tables: diagnosis, complaint, findings, results, treatment.

A line of these tables is a textbook case in a few words; the stays are told from it with other numbers every time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Illness:
    """A case: who has it, how it shows, what is done."""

    icd: str
    ages: tuple[int, int]
    complaint: str
    history: str
    exam: str
    plan: str
    drugs: tuple[str, ...]
    state: str = "well"
    sex: str = ""
    department: str = "KB"
    room: int = 0
    labs: tuple[str, ...] = ()
    results: dict[str, Range] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    days: tuple[int, int] = (4, 8)
    cover: str = "01/BV1"
    also: tuple[str, ...] = ()
    operation: str = ""
    operation_text: str = ""
    anaesthesia: str = ""
    outcome: str = "2"
    """`state` names the vital signs; `results` and `positive` are what is not as it should be in the laboratory;
    `pictures` are examinations with their conclusion ("" for a normal one); `operation` is an ICD-9-CM code."""


ADULT_VISITS = (
    Illness("J02.9", (18, 70), "Đau họng, sốt nhẹ", "đau rát họng, nuốt đau, ho khan", "họng đỏ, amidan không mủ", "Điều trị ngoại trú, uống nhiều nước ấm, tái khám khi sốt cao.", ("amox", "para", "ace"), "mild", room=8),
    Illness("J20.9", (18, 75), "Ho đàm", "ho có đàm trắng đục, mệt mỏi", "phổi ran ngáy rải rác hai bên", "Kháng sinh, long đàm; tái khám sau 7 ngày.", ("aug", "amb", "para"), "mild", labs=("ctm",), results={"wbc": (10.5, 14.0), "neu": (75, 84)}, pictures=(("xqn", "Dày thành phế quản hai đáy phổi."),)),
    Illness("K29.7", (20, 75), "Đau thượng vị", "đau âm ỉ vùng thượng vị, ợ hơi, ăn kém", "bụng mềm, ấn đau nhẹ thượng vị, không phản ứng thành bụng", "Ức chế bơm proton, ăn uống điều độ, tránh rượu bia.", ("eso", "alu"), labs=("ctm", "shm"), pictures=(("nsd", "Viêm sung huyết hang vị mức độ nhẹ. Test urease âm tính."),)),
    Illness("M54.5", (25, 80), "Đau thắt lưng", "đau vùng thắt lưng sau gắng sức, đau tăng khi cúi", "co cứng cơ cạnh sống, Lasègue âm tính hai bên", "Giảm đau, giãn cơ, hướng dẫn tư thế lao động.", ("melo", "eper", "ome"), room=1, pictures=(("xqx", "Cột sống thắt lưng: gai xương thân đốt L3-L5, khe liên đốt còn đều."),)),
    Illness("J30.4", (18, 60), "Chảy mũi, hắt hơi", "hắt hơi từng tràng, ngứa mũi, chảy mũi trong", "niêm mạc mũi nhợt, cuốn dưới phù nề", "Kháng histamin, tránh dị nguyên.", ("lora",), room=8),
    Illness("A09", (18, 80), "Đi ngoài phân lỏng", "đi ngoài phân lỏng nhiều lần, đau bụng quặn, không nhầy máu", "bụng mềm, không điểm đau khu trú, dấu mất nước không rõ", "Bù dịch đường uống, theo dõi tại nhà.", ("ors", "kem"), "mild", labs=("ctm", "dgd"), results={"k": (3.2, 3.8)}),
    Illness("L30.9", (18, 80), "Ngứa, nổi mảng đỏ da", "mảng hồng ban ngứa vùng cẳng tay, cẳng chân", "mảng hồng ban giới hạn không rõ, ít vảy", "Bôi thuốc tại chỗ, dưỡng ẩm, tránh xà phòng.", ("hydro", "ceti"), room=9),
    Illness("H10.9", (18, 75), "Đỏ mắt, ra ghèn", "đỏ mắt, cộm xốn, ra nhiều ghèn buổi sáng", "kết mạc cương tụ, giác mạc trong", "Nhỏ mắt kháng sinh, rửa tay, không dùng chung khăn.", ("tobra",), room=7),
    Illness("N39.0", (18, 80), "Tiểu buốt, tiểu lắt nhắt", "tiểu buốt, tiểu lắt nhắt, nước tiểu đục", "ấn tức nhẹ hạ vị, chạm thận âm tính", "Kháng sinh theo kinh nghiệm, uống đủ nước.", ("cipro",), "mild", "female", labs=("nt", "ctm"), results={"wbc": (9.5, 12.5)}, positive=("uleu", "unit")),
    Illness("R51", (18, 70), "Đau đầu", "đau đầu căng tức vùng trán, thái dương, ngủ kém", "không dấu thần kinh khu trú, cổ mềm", "Giảm đau, nghỉ ngơi, tái khám khi đau tăng hoặc nôn.", ("para", "b12")),
    Illness("M17.9", (50, 85), "Đau khớp gối", "đau khớp gối kiểu cơ học, cứng khớp buổi sáng dưới 30 phút", "lạo xạo khớp gối hai bên, không tràn dịch", "Giảm đau, tập cơ tứ đầu đùi, giảm cân.", ("melo", "gluco", "ome"), pictures=(("xqx", "Hẹp khe khớp đùi chày trong, gai xương mâm chày hai bên."),)),
    Illness("K21.9", (20, 70), "Ợ nóng", "ợ nóng, ợ chua sau ăn, nóng rát sau xương ức", "bụng mềm, không đau", "Ức chế bơm proton, không nằm ngay sau ăn.", ("ome", "dom")),
    Illness("N76.0", (18, 55), "Ra huyết trắng, ngứa âm hộ", "khí hư vàng đục, ngứa rát âm hộ", "âm đạo viêm đỏ, khí hư lượng vừa, cổ tử cung trơn láng", "Điều trị tại chỗ và toàn thân, tái khám sau sạch kinh.", ("metro",), sex="female", room=6),
    Illness("H81.1", (30, 80), "Chóng mặt", "chóng mặt xoay tròn khi đổi tư thế, buồn nôn", "Dix-Hallpike dương tính bên phải, không dấu tiểu não", "Nghiệm pháp Epley, thuốc tiền đình.", ("beta",)),
    Illness("J01.9", (18, 60), "Nghẹt mũi, nặng mặt", "nghẹt mũi, chảy mũi vàng, đau nhức vùng má", "khe giữa đọng mủ hai bên, ấn đau điểm xoang hàm", "Kháng sinh, rửa mũi nước muối sinh lý.", ("aug", "lora", "para"), "mild", room=8),
    Illness("G47.0", (35, 80), "Mất ngủ", "khó vào giấc, ngủ chập chờn, mệt mỏi ban ngày", "tim đều, phổi trong, không dấu thần kinh khu trú", "Vệ sinh giấc ngủ, tái khám sau 2 tuần.", ("b12",)),
)  # fmt: skip

CHILD_VISITS = (
    Illness("J06.9", (0, 12), "Ho, sổ mũi, sốt", "ho, chảy mũi trong, sốt nhẹ, bú ăn được", "họng đỏ nhẹ, phổi trong", "Hạ sốt, vệ sinh mũi, hướng dẫn dấu hiệu nặng.", ("paras",), "child-fever", room=5),
    Illness("A08.4", (0, 8), "Tiêu chảy, nôn", "nôn vài lần rồi đi ngoài phân lỏng, không máu", "không dấu mất nước, bụng mềm", "Oresol, kẽm, tiếp tục cho ăn bú.", ("ors", "kem"), "child-fever", room=5),
    Illness("H66.9", (1, 8), "Đau tai, sốt", "quấy khóc, dụi tai, sốt", "màng nhĩ sung huyết, phồng nhẹ", "Kháng sinh, hạ sốt, khám lại sau 3 ngày.", ("augs", "paras"), "child-fever", room=8),
    Illness("B08.4", (0, 5), "Nổi bóng nước tay chân", "sốt nhẹ, loét miệng, nổi bóng nước lòng bàn tay, bàn chân", "bóng nước lòng bàn tay, bàn chân, không giật mình", "Theo dõi tại nhà, tái khám mỗi ngày, dặn dấu hiệu nặng.", ("paras",), "child-fever", room=5, labs=("ctm",), results={"wbc": (8.0, 13.0)}),
    Illness("J45.9", (3, 14), "Khò khè tái diễn", "ho, khò khè về đêm, có tiền sử chàm", "phổi ran rít nhẹ hai bên, không co kéo", "Giãn phế quản khi cần, tránh khói thuốc.", ("salb",), "child-fever", room=5),
)  # fmt: skip

CHRONIC = (
    Illness("I10", (45, 85), "Tái khám tăng huyết áp", "uống thuốc đều, không đau ngực, không khó thở", "tim đều, phổi trong, không phù", "Tiếp tục thuốc, ăn nhạt, tái khám sau 1 tháng.", ("amlo", "losa", "ator"), "hypertension", room=2, labs=("shm", "lipid"), results={"cho": (4.8, 6.4), "ldl": (2.9, 4.3)}, pictures=(("ecg", "Nhịp xoang, tăng gánh thất trái nhẹ."),), also=("E78.2",)),
    Illness("E11.9", (42, 82), "Tái khám đái tháo đường", "ăn kiêng tương đối, không hạ đường huyết, không tê bì chân", "bàn chân không loét, mạch mu chân rõ", "Chỉnh liều theo HbA1c, kiểm tra bàn chân, tái khám sau 1 tháng.", ("metf", "glic", "ator"), "well", room=3, labs=("dtd", "than"), results={"glu": (6.8, 11.5), "a1c": (6.6, 9.2)}, also=("I10",)),
    Illness("J44.9", (50, 85), "Tái khám bệnh phổi tắc nghẽn mạn tính", "ho đàm trắng, khó thở khi gắng sức, đã bỏ thuốc lá", "lồng ngực hình thùng, rì rào phế nang giảm", "Duy trì thuốc hít, tập thở, tiêm phòng cúm.", ("form", "salb"), "copd", room=0, labs=("ctm",), pictures=(("xqn", "Phổi tăng sáng, vòm hoành hạ thấp hai bên."),)),
    Illness("J45.9", (18, 65), "Tái khám hen phế quản", "thỉnh thoảng khò khè về đêm, dùng thuốc cắt cơn 1-2 lần/tuần", "phổi ran rít ít", "Duy trì thuốc dự phòng, kiểm tra kỹ thuật hít.", ("form", "salb"), "well", room=0),
    Illness("N18.3", (45, 85), "Tái khám bệnh thận mạn", "mệt mỏi nhẹ, tiểu đêm 2 lần", "phù nhẹ mắt cá, huyết áp kiểm soát được", "Ăn giảm đạm, kiểm soát huyết áp, tái khám sau 1 tháng.", ("losa", "furo", "sat"), "hypertension", room=1, labs=("than", "ctm", "dgd"), results={"cre": (125, 190), "ure": (8.5, 15), "hgb": (98, 118), "k": (4.5, 5.4)}, also=("I10",)),
    Illness("M10.9", (35, 80), "Tái khám gút", "không đau khớp cấp trong tháng, đã giảm rượu bia", "không sưng nóng khớp bàn ngón chân", "Hạ acid uric, uống nhiều nước.", ("allo", "colc"), "well", "male", room=1, labs=("than",), results={"uric": (420, 560)}),
    Illness("E05.0", (20, 60), "Tái khám cường giáp", "bớt hồi hộp, tăng 1 kg, ngủ được", "bướu giáp độ II lan tỏa, tay run nhẹ", "Tiếp tục kháng giáp, kiểm tra công thức máu.", ("thia", "biso"), "fast-heart", "female", room=3, labs=("giap", "ctm"), results={"tsh": (0.01, 0.3), "ft4": (18, 30)}),
    Illness("E03.9", (30, 75), "Tái khám suy giáp", "đỡ mệt, da bớt khô", "tuyến giáp không to, phản xạ gân xương bình thường", "Chỉnh liều theo TSH.", ("levo",), "well", "female", room=3, labs=("giap",), results={"tsh": (3.5, 9.0), "ft4": (10, 15)}),
    Illness("I25.1", (50, 85), "Tái khám bệnh mạch vành", "không đau ngực khi sinh hoạt thường ngày", "tim đều, không âm thổi bệnh lý", "Kháng kết tập tiểu cầu, statin, chẹn beta.", ("asp", "ator", "biso"), "hypertension", room=2, labs=("lipid", "shm"), results={"ldl": (1.6, 2.9)}, pictures=(("sat", "Vận động vùng bình thường, EF 58%, hở van hai lá nhẹ."),), also=("I10",)),
    Illness("B18.1", (25, 65), "Tái khám viêm gan B mạn", "không vàng da, ăn uống được", "gan lách không to, không sao mạch", "Thuốc kháng virus, siêu âm bụng mỗi 6 tháng.", ("teno",), "well", room=1, labs=("shm", "hbsag"), results={"ast": (28, 70), "alt": (30, 92)}, positive=("hbsag",), pictures=(("sab", "Gan cấu trúc hơi thô, bờ đều, không khối khu trú."),)),
)  # fmt: skip

WARD = (
    Illness("J18.9", (40, 88), "Sốt, ho đàm, khó thở", "sốt 38,5-39 °C, ho đàm vàng, đau ngực phải khi hít sâu", "phổi phải ran nổ, rung thanh tăng", "Kháng sinh tĩnh mạch, theo dõi SpO2, cấy đàm.", ("ceft", "azi", "para", "ace"), "pneumonia", department="NOI", labs=("ctm", "crp", "shm"), results={"wbc": (12.5, 19), "neu": (80, 90), "crp": (60, 180)}, pictures=(("xqn", "Đám mờ đồng nhất thùy dưới phổi phải, có hình phế quản hơi."),), days=(5, 8), outcome="1"),
    Illness("I50.0", (55, 88), "Khó thở, phù chân", "khó thở tăng dần, phải ngồi thở về đêm, phù hai chân", "tĩnh mạch cổ nổi, ran ẩm hai đáy phổi, phù mềm ấn lõm", "Lợi tiểu, ức chế men chuyển, hạn chế muối và dịch.", ("furi", "ena", "spiro", "biso"), "heart-failure", department="NOI", labs=("tim", "shm", "dgd"), results={"bnp": (1800, 9000), "na": (130, 138), "cre": (95, 140)}, pictures=(("sat", "Dãn buồng tim trái, EF 34%, hở van hai lá vừa."), ("xqn", "Bóng tim to, ứ huyết hai rốn phổi.")), days=(6, 9), also=("I10",)),
    Illness("I63.9", (50, 88), "Yếu nửa người", "đột ngột yếu nửa người trái, nói khó", "sức cơ tay chân trái 3/5, liệt VII trung ương trái, Glasgow 14 điểm", "Kháng kết tập tiểu cầu, kiểm soát huyết áp, tập vận động sớm.", ("asp", "ator", "enox", "panto"), "stroke", department="NOI", labs=("ctm", "dm", "lipid"), results={"ldl": (3.2, 4.8)}, pictures=(("ctn", "Vùng giảm đậm độ thùy trán - đỉnh phải, không xuất huyết."), ("ecg", "Rung nhĩ đáp ứng thất trung bình.")), days=(7, 10), also=("I10",)),
    Illness("K25.4", (35, 80), "Nôn máu, đi ngoài phân đen", "nôn máu đỏ sẫm, phân đen sệt, chóng mặt", "da niêm nhợt, bụng mềm, thăm trực tràng có phân đen", "Ức chế bơm proton tĩnh mạch, truyền dịch, nội soi sớm.", ("panto", "nacl", "sat"), "bleeding", department="NOI", labs=("ctm", "shm", "dm"), results={"hgb": (72, 98), "hct": (22, 30), "ure": (9, 16)}, pictures=(("nsd", "Ổ loét hang vị 8 mm, Forrest IIb, đã kẹp clip cầm máu."),), days=(5, 9), also=("D64.9",)),
    Illness("J44.1", (55, 86), "Khó thở tăng", "khó thở tăng 3 ngày, đàm đục, đã dùng thuốc xịt không đỡ", "co kéo cơ hô hấp phụ, ran rít ran ngáy hai bên", "Giãn phế quản khí dung, corticoid, kháng sinh, oxy.", ("neb", "meth", "ceft", "form"), "copd-acute", department="NOI", labs=("ctm", "kmdm", "crp"), results={"wbc": (10.5, 15), "pco2": (46, 58), "po2": (56, 68), "ph": (7.32, 7.38), "crp": (20, 80)}, pictures=(("xqn", "Phổi tăng sáng, dày thành phế quản."),), days=(5, 8)),
    Illness("N10", (20, 75), "Sốt, đau hông lưng", "sốt lạnh run, đau hông lưng phải, tiểu buốt", "chạm thận phải dương tính", "Kháng sinh tĩnh mạch, cấy nước tiểu.", ("ceft", "pari", "nacl"), "fever", "female", "NOI", labs=("ctm", "nt", "crp"), results={"wbc": (13, 20), "neu": (80, 91), "crp": (70, 190)}, positive=("uleu", "unit"), pictures=(("sab", "Thận phải to, tăng phản âm vỏ, ứ nước độ I."),), days=(5, 8), outcome="1"),
    Illness("K85.9", (28, 70), "Đau bụng dữ dội", "đau thượng vị lan sau lưng sau bữa rượu, nôn nhiều", "bụng chướng nhẹ, ấn đau thượng vị", "Nhịn ăn, truyền dịch, giảm đau, theo dõi biến chứng.", ("ring", "pari", "panto"), "pain", department="NOI", labs=("ctm", "amy", "shm"), results={"amy": (380, 1500), "lip": (500, 2400), "wbc": (11, 16)}, pictures=(("sab", "Tụy phù nề, ít dịch quanh tụy, đường mật không dãn."),), days=(5, 8)),
    Illness("E11.6", (45, 82), "Mệt nhiều, khát nước", "uống nhiều, tiểu nhiều, sụt 4 kg trong tháng", "môi khô, mạch nhanh, tri giác tốt", "Insulin, bù dịch, giáo dục dinh dưỡng.", ("insu", "nacl", "metf"), "well", department="NOI", labs=("shm", "dgd", "dtd"), results={"glu": (18, 29), "a1c": (9.5, 13), "na": (129, 136)}, days=(5, 8), also=("I10",)),
    Illness("I20.0", (50, 82), "Đau ngực", "đau thắt ngực trái lan vai khi nghỉ, kéo dài 15 phút", "tim đều, phổi không ran", "Kháng kết tập kép, statin, chống đông, theo dõi men tim.", ("asp", "clo", "enox", "ator"), "hypertension", department="NOI", labs=("tim", "shm", "dm"), results={"tni": (0.01, 0.06)}, pictures=(("ecg", "ST chênh xuống 1 mm V4-V6."), ("sat", "Giảm động thành dưới, EF 52%.")), days=(5, 8), also=("I10",)),
)  # fmt: skip

CHILD_WARD = (
    Illness("J21.9", (0, 1), "Ho, khò khè, thở nhanh", "ho, khò khè 3 ngày, bú kém", "thở nhanh, rút lõm ngực nhẹ, ran rít hai phổi", "Hút mũi, khí dung, thở oxy khi cần, bù dịch.", ("nebs", "paras"), "child-breath", department="NHI", labs=("ctm", "crp"), results={"wbc": (8, 14), "lym": (48, 68), "neu": (24, 42)}, pictures=(("xqn", "Ứ khí hai phổi."),), days=(4, 7), cover="02/BV1", outcome="1"),
    Illness("J18.0", (0, 9), "Sốt cao, ho", "sốt cao liên tục, ho đàm, ăn kém", "ran ẩm nhỏ hạt đáy phổi, thở nhanh", "Kháng sinh, hạ sốt, theo dõi nhịp thở.", ("cefo", "paras"), "child-breath", department="NHI", labs=("ctm", "crp"), results={"wbc": (14, 22), "neu": (68, 84), "crp": (30, 110)}, pictures=(("xqn", "Nốt mờ rải rác cạnh tim phải."),), days=(5, 8), cover="02/BV1", outcome="1"),
    Illness("A09.0", (0, 5), "Tiêu chảy, sốt", "đi ngoài phân lỏng 10 lần/ngày, nôn, sốt", "mắt trũng, uống háo hức, nếp véo da mất chậm", "Bù dịch phác đồ B, kẽm, theo dõi dấu mất nước.", ("ring", "ors", "kem"), "child-fever", department="NHI", labs=("ctm", "dgd"), results={"na": (131, 138), "k": (3.1, 3.7)}, days=(3, 5), cover="02/BV1", outcome="1"),
)  # fmt: skip

INFECTIOUS = (
    Illness("A97.1", (6, 50), "Sốt cao ngày 4", "sốt cao liên tục 4 ngày, đau đầu, đau bụng, nôn", "da sung huyết, chấm xuất huyết cẳng tay, gan 2 cm dưới sườn", "Theo dõi Hct, tiểu cầu mỗi ngày, truyền dịch theo phác đồ.", ("ring", "para", "ors"), "fever", department="TN", labs=("ctm", "ns1", "shm"), results={"wbc": (2.1, 3.9), "plt": (28, 92), "hct": (44, 51), "ast": (60, 190), "alt": (48, 150)}, positive=("ns1",), pictures=(("sab", "Ít dịch ổ bụng, dày thành túi mật."),), days=(4, 7), cover="03/BV1", outcome="1"),
    Illness("A41.9", (45, 85), "Sốt, rét run, lơ mơ", "sốt rét run 2 ngày, mệt lả, tiểu ít", "da nổi bông, chi ấm, vẻ mặt nhiễm trùng", "Cấy máu, kháng sinh phổ rộng, bù dịch, theo dõi lactat.", ("mero", "nacl", "pari"), "sepsis", department="TN", labs=("ctm", "pct", "shm"), results={"wbc": (16, 26), "neu": (86, 95), "pct": (4, 40), "lac": (2.6, 5.5), "cre": (120, 210)}, days=(7, 10), cover="03/BV1"),
    Illness("B16.9", (22, 55), "Vàng da, mệt mỏi", "mệt mỏi, chán ăn, nước tiểu sẫm màu, vàng mắt", "vàng da niêm rõ, gan to 2 cm, ấn tức", "Nghỉ ngơi, theo dõi đông máu, dinh dưỡng.", ("nacl", "b12"), "mild", department="TN", labs=("shm", "dm", "hbsag"), results={"ast": (480, 1400), "alt": (620, 1900), "inr": (1.1, 1.6)}, positive=("hbsag",), days=(6, 9), cover="03/BV1"),
)  # fmt: skip

SURGERY = (
    Illness("K35.8", (12, 65), "Đau hố chậu phải", "đau quanh rốn rồi khu trú hố chậu phải, sốt nhẹ, buồn nôn", "ấn đau McBurney, phản ứng thành bụng", "Mổ nội soi cấp cứu.", ("cefz", "keto", "pari"), "pain", department="NGOAI", labs=("ctm", "shm", "dm"), results={"wbc": (12, 18), "neu": (78, 90)}, pictures=(("sab", "Ruột thừa đường kính 11 mm, đè không xẹp, thâm nhiễm mỡ xung quanh."),), days=(3, 5), cover="10/BV1", operation="47.01", operation_text="Ruột thừa sung huyết, phù nề, không dịch mủ ổ bụng. Cắt ruột thừa, rửa bụng, không dẫn lưu.", anaesthesia="Gây mê nội khí quản", outcome="1"),
    Illness("K80.0", (30, 75), "Đau hạ sườn phải", "đau quặn hạ sườn phải sau ăn mỡ, sốt nhẹ", "Murphy dương tính", "Kháng sinh, mổ nội soi cắt túi mật.", ("ceft", "pari", "keto"), "pain", department="NGOAI", labs=("ctm", "shm", "dm"), results={"wbc": (11, 16), "alt": (30, 80)}, pictures=(("sab", "Túi mật căng, thành dày 5 mm, sỏi kẹt cổ 14 mm."),), days=(4, 6), cover="10/BV1", operation="51.23", operation_text="Túi mật viêm, thành dày, nhiều sỏi. Cắt túi mật nội soi, cầm máu kỹ, không dẫn lưu.", anaesthesia="Gây mê nội khí quản", outcome="1"),
    Illness("K40.9", (25, 80), "Khối phồng vùng bẹn", "khối phồng bẹn phải khi đứng, tự xẹp khi nằm", "khối bẹn phải đẩy xẹp được, không đau", "Mổ chương trình đặt tấm lưới.", ("cefz", "para"), "well", "male", "NGOAI", labs=("ctm", "dm"), days=(3, 4), cover="10/BV1", operation="53.02", operation_text="Túi thoát vị gián tiếp bên phải. Khâu cột túi thoát vị, đặt tấm lưới nhân tạo theo Lichtenstein.", anaesthesia="Gây tê tủy sống", outcome="1"),
    Illness("S72.0", (65, 92), "Đau háng sau ngã", "ngã trong nhà, đau háng phải, không đi được", "chân phải ngắn, xoay ngoài, ấn đau háng", "Phẫu thuật kết hợp xương, dự phòng huyết khối, tập sớm.", ("cefz", "enox", "pari", "cal"), "hypertension", department="NGOAI", labs=("ctm", "shm", "dm"), results={"hgb": (98, 122)}, pictures=(("xqx", "Gãy cổ xương đùi phải, di lệch."), ("xqn", "")), days=(6, 9), cover="10/BV1", operation="79.35", operation_text="Nắn ổ gãy cổ xương đùi, kết hợp xương bằng vít dưới màn tăng sáng.", anaesthesia="Gây tê tủy sống", also=("I10",)),
    Illness("S52.5", (16, 70), "Đau cổ tay sau ngã xe", "ngã xe máy chống tay, đau sưng cổ tay trái", "cổ tay trái sưng, biến dạng lưng nĩa, mạch quay rõ", "Phẫu thuật nẹp vít.", ("cefz", "keto"), "pain", department="NGOAI", labs=("ctm", "dm"), pictures=(("xqx", "Gãy đầu dưới xương quay trái, di lệch ra sau."),), days=(3, 5), cover="10/BV1", operation="79.32", operation_text="Nắn chỉnh ổ gãy, kết hợp xương bằng nẹp khóa mặt lòng.", anaesthesia="Gây tê đám rối cánh tay", outcome="1"),
    Illness("H25.9", (60, 90), "Nhìn mờ", "nhìn mờ tăng dần hai năm, chói khi ra nắng", "thủy tinh thể đục nhân độ III mắt phải, nhãn áp bình thường", "Phẫu thuật phaco đặt kính nội nhãn.", ("tobra", "para"), "hypertension", department="LCK", labs=("ctm", "shm"), days=(1, 2), cover="22/BV1", operation="13.41", operation_text="Phaco mắt phải, đặt kính nội nhãn trong bao, thuận lợi.", anaesthesia="Gây tê tại chỗ"),
    Illness("D25.9", (38, 52), "Rong kinh", "kinh kéo dài 10 ngày, lượng nhiều, mệt", "tử cung to bằng thai 12 tuần, chắc, di động", "Mổ cắt tử cung toàn phần, truyền máu khi cần.", ("cefz", "keto", "sat"), "well", "female", "SAN", labs=("ctm", "dm", "shm"), results={"hgb": (82, 104), "hct": (26, 33)}, pictures=(("sab", "Tử cung to, nhiều nhân xơ, lớn nhất 72 mm."),), days=(5, 7), cover="04/BV1", operation="68.49", operation_text="Tử cung to, nhiều nhân xơ. Cắt tử cung toàn phần, để lại hai buồng trứng.", anaesthesia="Gây mê nội khí quản", outcome="1", also=("D50.9",)),
)  # fmt: skip

EMERGENCIES = (
    Illness("S01.0", (6, 80), "Vết thương đầu", "té ngã, rách da đầu, không bất tỉnh", "vết thương da đầu 4 cm, Glasgow 15 điểm", "Khâu vết thương, tiêm huyết thanh uốn ván, dặn theo dõi.", ("amox", "para", "sat2"), "pain", department="CC", pictures=(("ctn", ""),)),
    Illness("S93.4", (14, 60), "Đau cổ chân", "trật cổ chân khi chơi thể thao", "sưng mắt cá ngoài, ấn đau, không mất vững", "Băng ép, chườm lạnh, kê cao chân.", ("melo", "para"), "pain", department="CC", pictures=(("xqx", ""),)),
    Illness("L50.0", (15, 70), "Nổi mề đay", "nổi mẩn ngứa toàn thân sau ăn hải sản", "sẩn phù rải rác, không khó thở, huyết áp ổn", "Kháng histamin, corticoid ngắn ngày, theo dõi 2 giờ.", ("ceti", "pred"), "fast-heart", department="CC"),
    Illness("T63.4", (10, 75), "Ong đốt", "bị ong vò vẽ đốt 5 nốt vùng lưng", "nốt đốt sưng đỏ, không sốc", "Kháng histamin, giảm đau, theo dõi chức năng thận.", ("ceti", "para"), "fast-heart", department="CC", labs=("ctm", "shm")),
    Illness("R10.4", (18, 80), "Đau bụng", "đau quanh rốn từng cơn, buồn nôn", "bụng mềm, không đề kháng", "Giảm đau, theo dõi, siêu âm bụng.", ("ome", "dom"), "pain", department="CC", labs=("ctm", "amy"), pictures=(("sab", ""),)),
    Illness("S06.0", (16, 60), "Té xe, chóng mặt", "té xe máy, choáng thoáng qua, đau đầu", "Glasgow 15 điểm, đồng tử đều, không dấu khu trú", "Chụp CT, theo dõi 24 giờ.", ("para",), "pain", department="CC", pictures=(("ctn", ""),)),
)  # fmt: skip

TRADITIONAL = (
    Illness("M54.4", (40, 80), "Đau lưng lan xuống chân", "đau thắt lưng lan mặt sau đùi trái, tê bàn chân", "Lasègue trái 50 độ, ấn đau cạnh L5", "Điện châm, xoa bóp, thuốc thang.", ("thang", "melo", "b12"), "well", department="YHCT", labs=("ctm",), pictures=(("xqx", "Thoái hóa cột sống thắt lưng, hẹp khe L5-S1."),), days=(7, 10), cover="18/BV1", operation="93.35", operation_text="Điện châm và hồng ngoại vùng thắt lưng, liệu trình 20 phút.", also=("M17.9",)),
    Illness("G51.0", (20, 70), "Méo miệng", "sáng dậy thấy miệng méo, mắt phải nhắm không kín", "liệt VII ngoại biên phải", "Điện châm, xoa bóp, bảo vệ mắt.", ("thang", "pred", "b12"), "well", department="YHCT", labs=("ctm",), days=(7, 10), cover="18/BV1", operation="93.35", operation_text="Điện châm vùng mặt phải, hồng ngoại.", anaesthesia=""),
    Illness("G81.9", (55, 82), "Yếu nửa người sau đột quỵ", "yếu nửa người trái sau đột quỵ 3 tháng, nói được", "sức cơ tay trái 3/5, chân trái 4/5", "Tập vận động, điện châm, thuốc thang.", ("thang", "amlo", "asp"), "hypertension", department="YHCT", labs=("lipid",), days=(8, 11), cover="18/BV1", operation="93.19", operation_text="Tập vận động có trợ giúp nửa người trái.", also=("I10",)),
)  # fmt: skip

DEATHS = (
    Illness("I61.9", (55, 88), "Hôn mê", "đột ngột đau đầu dữ dội, nôn rồi hôn mê", "Glasgow 6 điểm, đồng tử phải 4 mm, liệt nửa người trái", "Thở máy, chống phù não, hội chẩn ngoại thần kinh.", ("mann", "mida", "panto"), "coma", department="HSTC", labs=("ctm", "dm", "kmdm"), results={"wbc": (11, 17), "inr": (1.0, 1.4), "po2": (62, 88)}, pictures=(("ctn", "Khối máu tụ bao trong phải 62 ml, tràn máu não thất, lệch đường giữa 11 mm."),), days=(2, 5), outcome="5", also=("I10", "J96.0")),
    Illness("A41.9", (60, 90), "Sốt, tụt huyết áp", "sốt, lơ mơ, huyết áp tụt dù đã bù dịch", "da nổi bông, tiểu ít, thở nhanh sâu", "Vận mạch, kháng sinh phổ rộng, lọc máu khi cần.", ("nora", "mero", "vanc"), "shock", department="HSTC", labs=("ctm", "pct", "kmdm"), results={"wbc": (19, 32), "pct": (28, 95), "lac": (5, 12), "plt": (40, 110), "ph": (7.08, 7.24), "hco3": (9, 16)}, pictures=(("xqn", "Thâm nhiễm lan tỏa hai phổi."),), days=(2, 6), outcome="5", also=("R57.2", "J96.0")),
    Illness("I21.9", (55, 85), "Đau ngực dữ dội", "đau ngực dữ dội 6 giờ, vã mồ hôi, khó thở", "huyết áp thấp, ran ẩm hai phổi, gallop T3", "Kháng kết tập kép, chống đông, vận mạch, hội chẩn chuyển viện.", ("asp", "clo", "nora"), "shock", department="HSTC", labs=("tim", "ctm", "kmdm"), results={"tni": (8, 50), "bnp": (4000, 18000), "ph": (7.15, 7.3)}, pictures=(("ecg", "ST chênh lên V1-V6."), ("sat", "Giảm động toàn bộ, EF 22%.")), days=(1, 3), outcome="5", also=("I10",)),
)  # fmt: skip

INTENSIVE = (
    Illness("J96.0", (50, 85), "Khó thở nặng", "khó thở tăng nhanh, tím môi, vã mồ hôi", "thở 34 lần/phút, co kéo, SpO2 84% khí trời", "Thở máy không xâm nhập, kháng sinh, giãn phế quản.", ("neb", "mero", "meth", "enox"), "copd-acute", department="HSTC", labs=("ctm", "kmdm", "pct"), results={"wbc": (13, 21), "pco2": (52, 70), "po2": (50, 62), "ph": (7.24, 7.33), "pct": (0.5, 6)}, pictures=(("xqn", "Thâm nhiễm đáy phổi phải trên nền khí phế thũng."),), days=(6, 9), also=("J44.1",)),
)  # fmt: skip

STATION_VISITS = (
    Illness("J06.9", (1, 75), "Ho, sổ mũi", "ho, chảy mũi, không khó thở", "họng đỏ nhẹ, phổi trong", "Điều trị triệu chứng, theo dõi tại nhà.", ("para", "ace"), "mild", department="TYT"),
    Illness("I10", (45, 85), "Đo huyết áp, lĩnh thuốc", "uống thuốc đều, không triệu chứng", "tim đều, phổi trong", "Cấp thuốc theo chương trình quản lý tăng huyết áp.", ("amlo",), "hypertension", department="TYT"),
    Illness("E11.9", (45, 80), "Lĩnh thuốc đái tháo đường", "ăn uống theo hướng dẫn, không hạ đường huyết", "bàn chân không loét", "Cấp thuốc, hẹn xét nghiệm HbA1c tại bệnh viện.", ("metf",), "well", department="TYT"),
    Illness("M54.5", (30, 75), "Đau lưng", "đau thắt lưng sau làm đồng", "co cứng cơ nhẹ", "Giảm đau, hướng dẫn tập luyện.", ("para", "eper"), "well", department="TYT"),
)  # fmt: skip

ALL = (
    *ADULT_VISITS, *CHILD_VISITS, *CHRONIC, *WARD, *CHILD_WARD, *INFECTIOUS, *SURGERY, *EMERGENCIES, *TRADITIONAL,
    *DEATHS, *INTENSIVE, *STATION_VISITS,
)  # fmt: skip
