"""Births: the mother's pregnancy and delivery, and one newborn or twins, each a patient linked to her."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hsba.ops.demo import notes, people, results, treatments, vitals
from hsba.ops.demo.illnesses import Illness
from hsba.ops.demo.names import Name, name_of
from hsba.ops.demo.people import Person
from hsba.ops.demo.stays import Course, open_stay
from hsba.ops.demo.story import Scene, Story, Visit
from hsba.ops.demo.visits import outpatient
from hsba.ops.demo.words import DAY, HOUR, LOINC, MINUTE, Part, at, decimal, loinc, quantity

if TYPE_CHECKING:
    from random import Random

NATURAL = Illness(
    "O80.0", (18, 40), "Đau bụng từng cơn", "thai đủ tháng, đau bụng trằn từng cơn tăng dần, ra nhớt hồng",
    "cổ tử cung mở 4 cm, ngôi đầu, tim thai 142 lần/phút", "Theo dõi chuyển dạ, đỡ sinh thường.",
    ("oxy", "sat", "cal"), "labour", "female", "SAN", labs=("ctm", "dm", "hbsag"),
    pictures=(("sath", ""),), cover="05/BV1", also=("Z37.0",), outcome="1",
)  # fmt: skip
CAESAREAN = Illness(
    "O82.0", (20, 42), "Thai đủ tháng, vết mổ cũ", "thai 39 tuần, tiền sử mổ lấy thai 1 lần, hẹn nhập viện mổ",
    "tim thai 138 lần/phút, chưa chuyển dạ", "Mổ lấy thai chủ động.",
    ("cefz", "oxy", "sat", "pari"), "labour", "female", "SAN", labs=("ctm", "dm", "hbsag"),
    pictures=(("sath", ""),), cover="05/BV1", also=("Z37.0",), operation="74.99",
    operation_text="Rạch ngang đoạn dưới tử cung lấy thai, nhau bong hoàn toàn, khâu cơ tử cung hai lớp.",
    anaesthesia="Gây tê tủy sống", outcome="1",
)  # fmt: skip
TWINS = Illness(
    "O84.2", (22, 40), "Song thai, đau bụng", "song thai 37 tuần, đau bụng trằn, ra nước âm đạo",
    "hai tim thai rõ 140 và 146 lần/phút, thai một ngôi mông", "Mổ lấy thai cấp cứu.",
    ("cefz", "oxy", "sat", "pari"), "labour", "female", "SAN", labs=("ctm", "dm", "hbsag"),
    pictures=(("sath", "Song thai hai bánh nhau hai buồng ối, một ngôi mông, một ngôi đầu, tim thai rõ."),),
    cover="05/BV1", also=("O30.0", "Z37.2"), operation="74.99",
    operation_text="Mổ ngang đoạn dưới lấy lần lượt hai thai, hai bánh nhau, tử cung co hồi tốt.",
    anaesthesia="Gây tê tủy sống", outcome="1",
)  # fmt: skip
PRENATAL = Illness(
    "Z34.8", (18, 42), "Khám thai định kỳ", "thai máy đều, không đau bụng, không ra huyết", "tử cung tương xứng tuổi thai",
    "Bổ sung sắt, canxi; tiêm uốn ván; hẹn khám lại sau 4 tuần.", ("sat", "cal"), sex="female", room=6,
    pictures=(("sath", ""),),
)  # fmt: skip
NEWBORN = Illness(
    "Z38.0", (0, 0), "Sinh tại bệnh viện", "trẻ sinh đủ tháng, khóc ngay, hồng hào", "da hồng, phản xạ tốt, tim phổi bình thường",
    "Chăm sóc thiết yếu, da kề da, bú sớm, tiêm vitamin K và vắc xin viêm gan B.", ("vitk",), "well", "", "SAN",
    cover="06/BV1", outcome="1",
)  # fmt: skip
TWIN_NEWBORN = Illness(
    "Z38.3", (0, 0), "Sinh tại bệnh viện (song thai)", "trẻ sinh 37 tuần, khóc ngay sau kích thích",
    "da hồng, phản xạ bú khá, tim phổi bình thường",
    "Chăm sóc thiết yếu, giữ ấm, theo dõi đường huyết, tiêm vitamin K và vắc xin viêm gan B.", ("vitk",), "well", "",
    "SAN", cover="06/BV1", outcome="1",
)  # fmt: skip

BIRTH_WEIGHT: Part = {
    "coding": [{"system": LOINC, "code": "29463-7"}, {"system": LOINC, "code": "8339-4"}],
    "text": "Cân nặng lúc sinh",
}
BIRTH_LENGTH: Part = {
    "coding": [{"system": LOINC, "code": "8302-2"}, {"system": LOINC, "code": "89269-5"}],
    "text": "Chiều dài lúc sinh",
}
APGAR_1 = loinc("9272-6", "Điểm Apgar 1 phút")
APGAR_5 = loinc("9274-2", "Điểm Apgar 5 phút")


def family(
    scene: Scene, random: Random, number: int, babies: int, days_ago: int, *, leaving: bool, bed: Part
) -> list[Story]:
    """Tell a mother and her newborn(s): the newborns first, then who the mother is, then what happened."""
    case = TWINS if babies == 2 else NATURAL if random.random() < 0.6 else CAESAREAN
    woman = people.make(random, number, "female", case.ages, scene.today)
    woman.height = 148 + int(random.random() * 14)
    mother = Story(scene, woman, random)
    admitted = mother.any_hour(days_ago)
    born = admitted + timedelta(hours=3 + int(random.random() * 6))
    if born > scene.last:
        admitted, born = admitted - 10 * HOUR, born - 10 * HOUR
    days = 2 if case is NATURAL else 4
    discharged = at(born.date() + days * DAY, 9, 30) if leaving else None
    father = name_of(random, "male", woman.born.year - 3)
    children = [
        _newborn(
            random,
            number + order,
            woman,
            father,
            born + (order - 1) * 3 * MINUTE,
            order if babies > 1 else 0,
        )
        for order in range(1, babies + 1)
    ]
    links = []
    stories = [Story(scene, child, random) for child in children]
    for story, child in zip(stories, children, strict=True):
        related = people.relative(
            scene.words, child, 1, "MTH", woman.full_name, "female", woman.citizen_number
        )
        story.relatives.append(related)
        links.append({"other": {"reference": f"RelatedPerson/{related['id']}"}, "type": "seealso"})
    woman.links = links
    _pregnancy(mother, days_ago)
    visit = _delivery(mother, case, Course(admitted, discharged, bed, "outp", "1"), born, babies)
    for story in stories:
        _tell_newborn(story, visit, bed, born, discharged, twin=babies > 1)
    return [*stories, mother]


def _newborn(random: Random, number: int, mother: Person, father: Name, born: datetime, order: int) -> Person:
    sex = "female" if random.random() < 0.49 else "male"
    name = name_of(random, sex, born.year, surname=father[0])
    call = f"Con bà {mother.full_name}" + (f" (bé {order})" if order else "")
    child = Person(
        number=number, sex=sex, born=born.date(), name=name, ward=mother.ward, line=mother.line, ethnic=mother.ethnic,
        card_type="TE", newborn=True, born_as=call, order=order,
    )  # fmt: skip
    child.weight = round(2.45 + random.random() * 0.5, 2) if order else round(2.8 + random.random() * 0.9, 2)
    child.height = 46 + int(random.random() * 3) if order else 48 + int(random.random() * 4)
    return child


def _pregnancy(story: Story, days_ago: int) -> None:
    """Tell the course of a pregnancy and two visits before the birth."""
    scene = story.scene
    delivered = scene.today - timedelta(days=days_ago)
    episode = story.add(
        "EpisodeOfCare",
        "hsba-episode-of-care",
        {
            "status": "finished",
            "type": [{"text": "Quản lý thai nghén"}],
            "patient": story.subject,
            "managingOrganization": scene.places.organizations["SAN"],
            "period": {"start": (delivered - timedelta(weeks=28)).isoformat(), "end": delivered.isoformat()},
            "careManager": scene.staff.doctor(story.random, "SAN"),
        },
    )
    for weeks in (16, 4):
        when = story.office_hour(days_ago + weeks * 7)
        outpatient(story, PRENATAL, when, order=True, what="h", episode={"reference": episode})


def _delivery(story: Story, case: Illness, course: Course, born: datetime, babies: int) -> Visit:
    """Tell the mother's stay: labour, birth, the days after."""
    visit, conditions = open_stay(story, case, course)
    visit.nurse = story.scene.staff.midwife(story.random)
    start = course.admitted
    first = vitals.signs(story, case.state)
    vitals.tell(story, visit, start + 10 * MINUTE, first, what="hptb")
    vitals.body(story, visit, start + 12 * MINUTE)
    notes.write(
        story, visit, start + 30 * MINUTE, "admission",
        [
            f"Sản phụ {story.person.age(start.date())} tuổi. Lý do vào viện: {case.complaint}.",
            f"Bệnh sử: {case.history[0].upper()}{case.history[1:]}.",
            f"Khám: {first.text}. {case.exam[0].upper()}{case.exam[1:]}.",
            f"Hướng xử trí: {case.plan}",
        ],
    )  # fmt: skip
    results.laboratory(story, visit, start + 20 * MINUTE, case.labs, case)
    given = treatments.prescribe(story, visit, start + HOUR, case.drugs)
    code = case.operation or "73.59"
    text = case.operation_text or "Sinh thường ngôi đầu, nhau bong tự nhiên, tầng sinh môn rách độ I đã khâu."
    if case.operation:
        treatments.consent(story, visit, born - HOUR, "Giấy cam đoan chấp thuận phẫu thuật và gây mê hồi sức")
    name = "" if case.operation else "Đỡ đẻ thường ngôi chỏm"
    done = treatments.Operation(code, text, 40 if case.operation else 20, case.anaesthesia, name)
    treatments.operate(story, visit, born - 10 * MINUTE, done, conditions[0])
    treatments.give(story, visit, born + MINUTE, *next(one for one in given if one[0].key == "oxy"))
    notes.write(
        story, visit, born + HOUR, "operation" if case.operation else "progress",
        [
            f"Sinh {'hai bé' if babies > 1 else 'một bé'} lúc {born:%H giờ %M ngày %d/%m/%Y}. {text}",
            "Tử cung co hồi tốt, sản dịch lượng ít, không băng huyết.",
        ],
    )  # fmt: skip
    limit = course.discharged or story.scene.last
    day = born.date() + DAY
    number = 1
    while (morning := at(day, 6, 20)) < limit:
        measured = vitals.signs(story, "well")
        vitals.tell(story, visit, morning, measured, what="hpt")
        notes.write(
            story, visit, morning + 2 * HOUR, "progress",
            [f"Hậu sản ngày {number}. {measured.text}.", "Tử cung co hồi tốt, sữa về, vết khâu khô."],
        )  # fmt: skip
        day += DAY
        number += 1
    if course.discharged is not None:
        notes.write(
            story, visit, limit - 20 * MINUTE, "leaving",
            [
                f"Chẩn đoán ra viện: {story.words.disease(case.icd)['text']} ({case.icd}).",
                "Mẹ và bé ổn định, hướng dẫn nuôi con bằng sữa mẹ, tiêm chủng và khám lại sau 6 tuần.",
            ],
        )  # fmt: skip
    return visit


_ASSOCIATED = "http://hl7.org/fhir/StructureDefinition/encounter-associatedEncounter"


def _tell_newborn(
    story: Story, mother: Visit, bed: Part, born: datetime, discharged: datetime | None, *, twin: bool
) -> None:
    """Tell the newborn's stay beside the mother: measures, Apgar, first vaccine, vitamin K."""
    case = TWIN_NEWBORN if twin else NEWBORN
    child = story.person
    began = born + (child.order - 1) * 3 * MINUTE if child.order else born
    visit, _ = open_stay(
        story,
        case,
        Course(began, discharged, bed, "born", "1"),
        [{"url": _ASSOCIATED, "valueReference": mother.ref}],
    )
    visit.nurse = story.scene.staff.midwife(story.random)
    vitals.exam(story, visit, began + MINUTE, APGAR_1, 7 + int(story.random.random() * 3))
    vitals.exam(story, visit, began + 5 * MINUTE, APGAR_5, 9 + int(story.random.random() * 2))
    weight = decimal(child.weight * 1000, 0)
    vitals.one(story, visit, began + 30 * MINUTE, BIRTH_WEIGHT, quantity(weight, "g", "g"))
    vitals.one(story, visit, began + 30 * MINUTE, BIRTH_LENGTH, quantity(child.height, "cm", "cm"))
    around = Decimal(f"{32 + story.random.random() * 3:.1f}")
    vitals.one(story, visit, began + 30 * MINUTE, vitals.HEAD, quantity(around, "cm", "cm"))
    given = treatments.prescribe(story, visit, began + 30 * MINUTE, case.drugs)
    treatments.give(story, visit, began + 40 * MINUTE, *given[0])
    if began + 2 * HOUR < story.scene.last:
        treatments.vaccinate(
            story, treatments.SCHEDULE[0], (began + 2 * HOUR).date(), "SAN", visit.nurse, visit
        )
    limit = discharged or story.scene.last
    day = born.date() + DAY
    while (morning := at(day, 6, 40)) < limit:
        vitals.tell(story, visit, morning, vitals.signs(story, "well"), what="pt")
        day += DAY
    notes.write(
        story, visit, began + HOUR, "admission",
        [
            f"Trẻ {'trai' if child.sex == 'male' else 'gái'} sinh lúc {began:%H giờ %M ngày %d/%m/%Y}, cân nặng {weight} g.",
            f"{case.history[0].upper()}{case.history[1:]}. Khám: {case.exam}.",
            f"Xử trí: {case.plan}",
        ],
    )  # fmt: skip
