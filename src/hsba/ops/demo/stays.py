"""In-patient stays: the dossier, the way through the departments, rounds, results, operations, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from hsba.ops.demo import notes, results, sheets, treatments, vitals
from hsba.ops.demo.medicines import MEDICINES, Medicine
from hsba.ops.demo.story import Story, Visit, stamp
from hsba.ops.demo.visits import appointment, condition, extensions, type_of
from hsba.ops.demo.words import (
    ATTENDING,
    CLASSES,
    COVERS,
    DAY,
    HOUR,
    LEAVING,
    MINUTE,
    OUTCOMES,
    TERMINOLOGY,
    USES,
    Part,
    Words,
    at,
    concept,
)

if TYPE_CHECKING:
    from hsba.ops.demo.illnesses import Illness

_SOURCES = {
    code: concept(TERMINOLOGY + "admit-source", code, display)
    for code, display in (
        ("emd", "Từ khoa Cấp cứu"),
        ("outp", "Từ khoa Khám bệnh"),
        ("born", "Sinh tại bệnh viện"),
    )
}
_DEAD = {"system": TERMINOLOGY + "discharge-disposition", "code": "exp", "display": "Tử vong"}


@dataclass(frozen=True, slots=True)
class Course:
    """How a stay goes: when, whence, in which bed, how it ends."""

    admitted: datetime
    discharged: datetime | None
    bed: Part
    source: str = "outp"
    outcome: str = "2"
    leaving: str = "1"
    consultation: bool = False

    @property
    def dead(self) -> bool:
        """Whether the patient died in this stay."""
        return self.outcome == "5" and self.discharged is not None


def open_stay(
    story: Story, illness: Illness, course: Course, links: list[Part] | None = None
) -> tuple[Visit, list[Part]]:
    """Tell the encounter of the stay, its department stays, the dossier's header and the diagnoses."""
    scene = story.scene
    department = illness.department
    ended = course.discharged is not None
    visit = Visit(
        ref={"reference": f"Encounter/{story.reserve()}"},
        department=department,
        doctor=scene.staff.doctor(story.random, department),
        nurse=scene.staff.carer(story.random, department),
        start=course.admitted,
        end=course.discharged,
        inpatient=True,
    )
    dossier_id = story.reserve()
    codes = (illness.icd, *illness.also)
    ids = [story.reserve() for _ in codes]
    period = {"start": stamp(course.admitted)}
    hospitalization: Part = {"admitSource": _SOURCES[course.source]}
    if course.discharged is not None:
        period["end"] = stamp(course.discharged)
        hospitalization["dischargeDisposition"] = _disposition(story.words, course)
    told: Part = {
        "extension": (links or [])
        + extensions(story, "2" if course.source == "emd" else "1", course.outcome if ended else ""),
        "identifier": story.visit_numbers(course.admitted),
        "status": "finished" if ended else "in-progress",
        "class": CLASSES["IMP"],
        "type": type_of(story.words, "03"),
        "subject": story.subject,
        "participant": [{"type": ATTENDING, "individual": visit.doctor}],
        "period": period,
        "reasonCode": [{"text": illness.complaint}],
        "diagnosis": [
            {
                "condition": {"reference": f"Condition/{id_}"},
                "use": USES["CM" if rank > 1 else "DD" if ended else "AD"],
                "rank": rank,
            }
            for rank, id_ in enumerate(ids, 1)
        ],
        "hospitalization": hospitalization,
        "location": [{"location": course.bed, "status": "completed" if ended else "active"}],
        "serviceProvider": scene.places.organizations[department],
    }
    story.put("Encounter", "vn-core-encounter", visit.ref["reference"].partition("/")[2], told)
    visit.dossier = story.words.dossier(_dossier(story, visit, illness, course, dossier_id))
    moved = course.admitted
    if course.source == "emd" and department != "CC":
        moved = course.admitted + timedelta(minutes=50 + int(story.random.random() * 120))
        _department_stay(
            story,
            visit,
            "CC",
            course.admitted,
            moved,
            scene.places.beds["CC"][story.person.number % 10],
            "EMER",
        )
    _department_stay(story, visit, department, moved, course.discharged, course.bed, "IMP")
    conditions = [
        condition(
            story,
            id_,
            icd,
            visit,
            moved + 20 * MINUTE,
            over=ended and course.outcome == "1" and id_ == ids[0],
        )
        for id_, icd in zip(ids, codes, strict=True)
    ]
    return visit, conditions


_DISPOSITIONS: dict[tuple[str, str, bool], Part] = {}


def _disposition(words: Words, course: Course) -> Part:
    system = words.canon.codes("vn-discharge-disposition-cs")
    key = (system, course.leaving, course.dead)
    found = _DISPOSITIONS.get(key)
    if found is None:
        found = concept(system, course.leaving, LEAVING[course.leaving])
        if course.dead:
            found = {"coding": [*found["coding"], _DEAD], "text": "Tử vong"}
        _DISPOSITIONS[key] = found
    return found


def _department_stay(
    story: Story, visit: Visit, department: str, start: datetime, end: datetime | None, bed: Part, class_: str
) -> None:
    period = {"start": stamp(start)}
    if end is not None:
        period["end"] = stamp(end)
    story.add(
        "Encounter",
        "vn-core-encounter",
        {
            "status": "finished" if end is not None else "in-progress",
            "class": CLASSES[class_],
            "subject": story.subject,
            "period": period,
            "location": [
                {"location": bed, "status": "completed" if end is not None else "active", "period": period}
            ],
            "serviceProvider": story.scene.places.organizations[department],
            "partOf": visit.ref,
        },
    )


def _dossier(story: Story, visit: Visit, illness: Illness, course: Course, id_: str) -> str:
    """The header of the dossier: cover, number, who opened it; its sheets point to it."""
    words = story.words
    cover = illness.cover
    return story.put(
        "Composition",
        "hsba-dossier-header",
        id_,
        {
            "identifier": {
                "system": words.sid["so-benh-an"],
                "value": f"{course.admitted.year % 100:02d}.{story.person.number:06d}.{story.visits:02d}",
            },
            "status": "final" if course.discharged is not None else "preliminary",
            "type": concept(words.canon.codes("hsba-cover-cs"), cover, COVERS[cover], COVERS[cover]),
            "category": [
                concept(words.canon.codes("hsba-composition-category-cs"), "dossier", "Hồ sơ bệnh án")
            ],
            "subject": story.subject,
            "encounter": visit.ref,
            "date": stamp(course.discharged or course.admitted),
            "author": [visit.doctor],
            "title": f"{COVERS[cover]} - {story.person.born_as or story.person.full_name}",
            "custodian": story.scene.places.organizations["BV"],
        },
    )


def inpatient(story: Story, illness: Illness, course: Course) -> Visit:
    """Tell a whole stay from admission to leaving, or to the evening before today."""
    visit, conditions = open_stay(story, illness, course)
    limit = course.discharged or story.scene.last
    start = course.admitted
    first = vitals.signs(story, illness.state)
    vitals.tell(
        story,
        visit,
        start + 10 * MINUTE,
        first,
        what="hptbsg" if illness.department in ("HSTC", "NOI") else "hptbs",
    )
    vitals.body(story, visit, start + 15 * MINUTE)
    _admission_note(story, visit, illness, first, start + 40 * MINUTE)
    sheets.opened(story, visit, illness, first, start + 50 * MINUTE)
    results.laboratory(story, visit, start + 30 * MINUTE, illness.labs, illness)
    for key, conclusion in illness.pictures:
        results.picture(story, visit, start + 45 * MINUTE, key, conclusion)
    given = treatments.prescribe(story, visit, start + HOUR, illness.drugs)
    if illness.operation:
        _operation(story, visit, illness, conditions[0], start, limit)
    if course.consultation:
        _consultation(story, visit, illness, min(start + 20 * HOUR, limit - HOUR))
    injected = next(((one, ref) for one, ref in given if one.injected), None)
    days = max(1, (limit.date() - start.date()).days)
    for day in range(1, days + 1):
        share = 1 + 0.5 * day / days if course.outcome == "5" else max(0.1, 1 - 0.9 * day / days)
        _round(story, visit, illness, start.date() + day * DAY, day, share, limit, injected)
        if day == 3 and illness.labs and day < days:
            when = at(start.date() + day * DAY, 6, 30)
            results.laboratory(story, visit, when, illness.labs[:1], illness, share)
    if course.discharged is None:
        results.pending(story, visit, limit - 20 * MINUTE, illness.labs[0] if illness.labs else "ctm")
    else:
        _leave(story, visit, illness, course, limit)
    return visit


def _admission_note(
    story: Story, visit: Visit, illness: Illness, first: vitals.Signs, when: datetime
) -> None:
    person = story.person
    age = person.age(when.date())
    who = f"{'Nam' if person.sex == 'male' else 'Nữ'}, {age} tuổi" if age else "Trẻ dưới 1 tuổi"
    past = (
        "; ".join(story.words.disease(code)["text"].lower() for code in illness.also)
        or "chưa ghi nhận bệnh mạn tính"
    )
    notes.write(
        story, visit, when, "admission",
        [
            f"{who}. Lý do vào viện: {illness.complaint}.",
            f"Bệnh sử: {illness.history[0].upper()}{illness.history[1:]}.",
            f"Tiền sử: {past}.",
            f"Khám lúc vào: {first.text}. {illness.exam[0].upper()}{illness.exam[1:]}.",
            f"Chẩn đoán: {story.words.disease(illness.icd)['text']} ({illness.icd}).",
            f"Hướng điều trị: {illness.plan}",
        ],
    )  # fmt: skip


_PROGRESS = {
    "better": (
        "Người bệnh tỉnh, tiếp xúc tốt, đỡ nhiều so với hôm trước.",
        "Người bệnh tỉnh, ăn uống khá hơn, ngủ được.",
        "Triệu chứng giảm, đi lại nhẹ trong buồng, không than phiền mới.",
        "Toàn trạng ổn định, không sốt thêm, tiêu tiểu bình thường.",
    ),
    "ill": (
        "Người bệnh tỉnh, còn mệt, triệu chứng giảm ít.",
        "Người bệnh còn khó chịu, ăn uống ít, cần theo dõi sát.",
    ),
    "worse": (
        "Tình trạng nặng lên, đáp ứng kém với điều trị; đã giải thích cho gia đình.",
        "Người bệnh nặng, tiếp tục hồi sức tích cực, tiên lượng dè dặt.",
    ),
}


WRITTEN = 3
"""Days of a stay whose notes stand on the treatment sheet too."""
_ORDERS = {
    "better": "Tiếp tục y lệnh thuốc, theo dõi dấu hiệu sinh tồn.",
    "ill": "Tiếp tục y lệnh thuốc, theo dõi dấu hiệu sinh tồn.",
    "worse": "Điều chỉnh y lệnh hồi sức, theo dõi mỗi giờ.",
}


def _round(
    story: Story,
    visit: Visit,
    illness: Illness,
    day: date,
    number: int,
    share: float,
    limit: datetime,
    injected: tuple[Medicine, Part] | None,
) -> None:
    """Tell a day: the nurse's rounds, the doctor's note, an injection that was given."""
    morning = at(day, 6, int(story.random.random() * 40))
    if morning >= limit:
        return
    measured = vitals.signs(story, illness.state, share)
    vitals.tell(story, visit, morning, measured, what="hpts" if number < 4 else "hpt")
    seen = at(day, 8, int(story.random.random() * 55))
    if seen < limit:
        mood = "worse" if share > 1 else "ill" if share > 0.6 else "better"
        said, plan = story.random.choice(_PROGRESS[mood]), _ORDERS[mood]
        notes.write(
            story,
            visit,
            seen,
            "progress",
            [f"Ngày điều trị thứ {number + 1}. {said}", f"{measured.text}.", plan],
        )
        if number <= WRITTEN:
            sheets.noted(story, visit, measured, (said, plan), seen)
    if injected is not None and number <= 4 and (given := at(day, 8, 30)) < limit:
        treatments.give(story, visit, given, *injected)
    evening = at(day, 17, int(story.random.random() * 50))
    if number == 1 and evening < limit:
        vitals.tell(story, visit, evening, vitals.signs(story, illness.state, share), what="pt")


def _operation(
    story: Story, visit: Visit, illness: Illness, reason: Part, start: datetime, limit: datetime
) -> None:
    """Tell the consent, the operation or course of procedures, and its sheet."""
    when = start + timedelta(hours=4 + int(story.random.random() * 14))
    if when + 2 * HOUR >= limit:
        when = start + 3 * HOUR
    minutes = 35 + int(story.random.random() * 70) if illness.anaesthesia else 25
    done = treatments.Operation(illness.operation, illness.operation_text, minutes, illness.anaesthesia)
    if illness.anaesthesia:
        treatments.consent(
            story, visit, when - HOUR, "Giấy cam đoan chấp thuận phẫu thuật, thủ thuật và gây mê hồi sức"
        )
    treatments.operate(story, visit, when, done, reason)
    if not illness.anaesthesia:
        for turn in range(1, 4):
            again = when + turn * 2 * DAY
            if again < limit:
                treatments.operate(story, visit, again, done, reason)
        return
    notes.write(
        story, visit, when + timedelta(minutes=minutes + 20), "operation",
        [
            f"Chẩn đoán trước và sau mổ: {story.words.disease(illness.icd)['text']} ({illness.icd}).",
            f"Phương pháp vô cảm: {illness.anaesthesia}. Thời gian: {minutes} phút.",
            f"Trình tự: {illness.operation_text}",
            "Người bệnh ổn định sau mổ, chuyển hồi tỉnh.",
        ],
    )  # fmt: skip


def _consultation(story: Story, visit: Visit, illness: Illness, when: datetime) -> None:
    notes.write(
        story, visit, when, "consult",
        [
            f"Hội chẩn khoa. Chẩn đoán: {story.words.disease(illness.icd)['text']}.",
            f"Ý kiến: thống nhất chẩn đoán. {illness.plan} Giải thích tình trạng cho gia đình.",
        ],
    )  # fmt: skip


def _leave(story: Story, visit: Visit, illness: Illness, course: Course, when: datetime) -> None:
    """Tell the end: papers, medicines to take home, the next appointment; or the death."""
    name = story.words.disease(illness.icd)["text"]
    if course.dead:
        notes.write(
            story, visit, when - 5 * MINUTE, "death",
            [
                f"Người bệnh tử vong lúc {when:%H giờ %M} ngày {when:%d/%m/%Y}.",
                f"Nguyên nhân chính: {name} ({illness.icd}). Đã hồi sức tích cực nhưng không kết quả.",
                "Gia đình đã được giải thích và nhận thi hài.",
            ],
        )  # fmt: skip
        return
    at_home = tuple(
        key for key in illness.drugs if not MEDICINES[key].injected and MEDICINES[key].route != "Khí dung"
    )
    outgoing = Visit(
        visit.ref, visit.department, visit.doctor, visit.nurse, visit.start, visit.end, visit.dossier
    )
    if at_home:
        treatments.prescribe(story, outgoing, when - 30 * MINUTE, at_home[:2])
    days = max(1, (when.date() - visit.start.date()).days)
    notes.write(
        story, visit, when - 20 * MINUTE, "leaving",
        [
            f"Chẩn đoán ra viện: {name} ({illness.icd}). Số ngày điều trị: {days}.",
            f"Quá trình bệnh lý: {illness.history}; {illness.exam}.",
            f"Phương pháp điều trị: {illness.plan}",
            f"Tình trạng ra viện: {OUTCOMES[course.outcome].lower()}.",
            "Hướng điều trị tiếp: uống thuốc theo đơn, tái khám theo hẹn hoặc khi có dấu hiệu bất thường.",
        ],
    )  # fmt: skip
    sheets.closed(story, visit, illness, course.outcome, when - 15 * MINUTE)
    ahead = (when.date() + timedelta(days=10) - story.scene.today).days
    if ahead >= 0:
        appointment(story, ahead, visit.doctor, "Tái khám sau ra viện")
