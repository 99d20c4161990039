"""What doctors and nurses write: notes as DocumentReferences whose text lies in them, papers of admission and leaving."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from hsba.ops.demo.story import Story, Visit, stamp
from hsba.ops.demo.words import LOINC, Part

if TYPE_CHECKING:
    from datetime import datetime

KINDS: dict[str, tuple[Part, list[Part], str]] = {
    key: ({"coding": [{"system": LOINC, "code": code}], "text": name}, [{"text": category}], name)
    for key, (code, name, category) in {
        "visit": ("34117-2", "Phiếu khám bệnh", "Khám bệnh"),
        "emergency": ("34111-5", "Phiếu khám cấp cứu", "Khám bệnh"),
        "admission": ("34117-2", "Bệnh án vào khoa", "Bệnh án"),
        "progress": ("11506-3", "Tờ điều trị", "Bệnh án"),
        "operation": ("11504-8", "Phiếu phẫu thuật, thủ thuật", "Phẫu thuật, thủ thuật"),
        "leaving": ("18842-5", "Tổng kết bệnh án, giấy ra viện", "Giấy tờ ra viện"),
        "death": ("18842-5", "Trích biên bản kiểm thảo tử vong", "Giấy tờ ra viện"),
        "consult": ("11488-4", "Biên bản hội chẩn", "Bệnh án"),
    }.items()
}


def write(story: Story, visit: Visit, when: datetime, kind: str, lines: list[str]) -> None:
    """Tell a note: its text as it was written, and as a narrative that people and searches can read."""
    type_, category, title = KINDS[kind]
    text = "\n".join(lines)
    moment = stamp(when)
    told: Part = {
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>'
            + "</p><p>".join(map(escape, lines))
            + "</p></div>",
        },
        "status": "current",
        "docStatus": "final",
        "type": type_,
        "category": category,
        "subject": story.subject,
        "date": moment,
        "author": [visit.doctor],
        "description": title,
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "language": "vi",
                    "data": b64encode(text.encode()).decode(),
                    "title": title,
                    "creation": moment,
                }
            }
        ],
        "context": {"encounter": [visit.ref]},
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("DocumentReference", "vn-core-document-reference", told)
