"""What doctors of the demo hospital have written on the statutory forms: covers from admission to leaving, daily notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from hsba.forms import answers, catalogue
from hsba.forms.answers import held_by
from hsba.ops.demo.story import stamp
from hsba.ops.demo.words import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hsba.forms.model import Form
    from hsba.ops.demo.illnesses import Illness
    from hsba.ops.demo.story import Story, Visit
    from hsba.ops.demo.vitals import Signs

DEMO = UUID("6f0c2f5e-5b6e-5c0a-9d5e-0000000d3a00")
"""The name space of the sheets' ids: the same demo has the same sheets."""
NOTES = "36-BV2"
USUAL = {
    "exam.circulation": "Mỏm tim ở vị trí thường, nhịp đều, T1 T2 rõ.",
    "exam.respiration": "Lồng ngực cân đối, rì rào phế nang hai bên nghe được.",
    "exam.digestion": "Bụng mềm, không chướng, gan lách không to.",
    "exam.urogenital": "Chạm thận âm tính hai bên.",
    "exam.nerves": "Không có dấu thần kinh khu trú.",
    "exam.musculoskeletal": "Không biến dạng, vận động trong giới hạn thường.",
    "prognosis": "Dè dặt, theo dõi thêm.",
    "history.family": "Chưa ghi nhận bệnh lý liên quan.",
}
"""What stands where the case has nothing to tell."""


def opened(story: Story, visit: Visit, illness: Illness, first: Signs, when: datetime) -> None:
    """Tell the doctor's part of the cover, as he writes it after the first examination."""
    form = _cover(illness)
    disease = story.words.disease(illness.icd)["coding"][0]
    own = "; ".join(story.words.disease(code)["text"].lower() for code in illness.also)
    told: dict[str, Any] = {
        **USUAL,
        "reason": illness.complaint,
        "history.illness": f"{illness.history[0].upper()}{illness.history[1:]}.",
        "history.own": f"{own[0].upper()}{own[1:]}." if own else "Chưa ghi nhận bệnh mạn tính.",
        "exam.general": f"Tỉnh, tiếp xúc được. {illness.exam[0].upper()}{illness.exam[1:]}.",
        "vitals.pulse": first.pulse,
        "vitals.temperature": first.temperature,
        "vitals.systolic": first.systolic,
        "vitals.diastolic": first.diastolic,
        "vitals.breath": first.breathing,
        "summary": f"Người bệnh vào viện vì {illness.complaint.lower()}. {first.text}.",
        "diagnosis.main": disease,
        "plan": illness.plan,
    }
    _write(story, visit, form, "examination", told, when)


def closed(story: Story, visit: Visit, illness: Illness, outcome: str, when: datetime) -> None:
    """Tell the end of the cover: its summary."""
    told = {
        "course": f"{illness.history[0].upper()}{illness.history[1:]}; {illness.exam}.",
        "results": "Xem các phiếu kết quả kèm theo." if illness.labs or illness.pictures else "",
        "treatment": illness.plan,
        "leaving.state": f"{OUTCOMES[outcome]}.",
        "leaving.plan": "Uống thuốc theo đơn, tái khám theo hẹn hoặc khi có dấu hiệu bất thường.",
    }
    _write(story, visit, _cover(illness), "summary-b", told, when)


def noted(story: Story, visit: Visit, measured: Signs, lines: tuple[str, str], when: datetime) -> None:
    """Tell a doctor's note of the day on the treatment sheet."""
    told = {
        "note.when": stamp(when),
        "note.subjective": lines[0],
        "note.objective": f"{measured.text}.",
        "note.plan": lines[1],
    }
    _write(story, visit, catalogue.forms()[NOTES], "notes", told, when, repeats=stamp(when))


def _cover(illness: Illness) -> Form:
    return catalogue.forms()[illness.cover.replace("/", "-")]


def _write(
    story: Story,
    visit: Visit,
    form: Form,
    part: str,
    told: Mapping[str, Any],
    when: datetime,
    repeats: str = "",
) -> None:
    """An entry with those of the answers that the part has a place for."""
    held = {item.id for item in held_by(form, part)}
    given = {name: value for name, value in told.items() if name in held and value not in ("", None)}
    if not given:
        return
    sheet = uuid5(DEMO, f"{visit.ref['reference']} {form.slug}")
    entry = {
        "extension": [{"url": answers.PART, "valueCode": part}, *(visit.dossier or ())],
        "identifier": {"system": answers.SHEET, "value": str(sheet)},
        "questionnaire": form.canonical,
        "status": "completed",
        "subject": story.subject,
        "encounter": visit.ref,
        "authored": stamp(when),
        "author": visit.doctor,
        "item": answers.to_items(form, part, given),
    }
    id_ = str(uuid5(sheet, part + repeats))
    story.resources.append({"resourceType": "QuestionnaireResponse", "id": id_, **entry})
