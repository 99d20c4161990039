"""The demo's accounts: one for each role, held by somebody of the demo hospital's own, who is as invented as the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.ops.demo.generate import generate
from hsba.ops.demo.places import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

Resource = dict[str, Any]
Place = tuple[str, str, int]
"""A department's code, a staff role's code, and which of those people."""


@dataclass(frozen=True, slots=True)
class Post:
    """An account to be made: who it is for, and in which role."""

    login: str
    kind: str
    role: str
    """Empty for who keeps the machine and sees nothing."""
    place: Place | None = None
    name: str = ""
    """For who is nobody in the record."""


@dataclass(frozen=True, slots=True)
class Face:
    """An account of the demo: whoever logs in by it is this person."""

    login: str
    kind: str
    role: str
    name: str
    person: tuple[str, str] | None = None
    """Type and id of who that is in the record."""


POSTS = (
    Post("tiepdon", "staff", "reception", ("KB", "DD", 0)),
    Post("bacsi", "staff", "doctor", ("NOI", "BS", 1)),
    Post("dieuduong", "staff", "nurse", ("NOI", "DD", 0)),
    Post("truongkhoa", "staff", "head-of-department", ("NOI", "BS", 0)),
    Post("kythuatvien", "staff", "technician", ("XN", "KTV", 0)),
    Post("duocsi", "staff", "pharmacist", ("DUOC", "DS", 0)),
    Post("giamdoc", "staff", "director", ("BGD", "BS", 0)),
    Post("kehoach", "staff", "planning", ("KHTH", "BS", 0)),
    Post("baohiem", "staff", "insurance-clerk", name="Nguyễn Thị Giám Định Mẫu"),
    Post("giamdinh", "staff", "outside-assessor", name="Giám định viên BHXH Mẫu"),
    Post("quantri", "administrator", "administrator", name="Vũ Quốc Bình"),
    Post("anninh", "security", "security-officer", name="Đỗ Hải Yến"),
    Post("kythuat", "technical", "", name="Hoàng Đức Long"),
    Post("ketnoi", "service", "service", name="Kết nối HIS"),
    Post("nguoibenh", "patient", "patient"),
    Post("daidien", "patient", "representative"),
)


def faces(resources: Iterable[Resource] | None = None) -> tuple[Face, ...]:
    """Who the accounts of the demo belong to: read off the hospital itself, as far as it must be told."""
    staff: dict[Place, Resource] = {}
    grown: Resource | None = None
    names: dict[str, str] = {}
    for one in generate() if resources is None else resources:
        match one["resourceType"]:
            case "PractitionerRole":
                _place(staff, one)
            case "Patient":
                names[one["id"]] = one["name"][0]["text"]
            case "Encounter" if grown is None:
                grown = one["subject"]
            case "RelatedPerson" if grown is not None:
                child = one["patient"]["reference"].partition("/")[2]
                return tuple(_face(post, staff, grown, names, child, one) for post in POSTS)
    raise LookupError(PREFIX)


def _place(staff: dict[Place, Resource], post: Resource) -> None:
    department = post["organization"]["reference"].rpartition("-")[2].upper()
    role = post["code"][0]["coding"][0]["code"]
    count = sum(place[:2] == (department, role) for place in staff)
    staff[department, role, count] = post["practitioner"]


def _face(
    post: Post,
    staff: dict[Place, Resource],
    grown: Resource,
    names: dict[str, str],
    child: str,
    near: Resource,
) -> Face:
    if post.place is not None:
        who = staff[post.place]
        type_, _, id_ = who["reference"].partition("/")
        return Face(post.login, post.kind, post.role, who["display"], (type_, id_))
    if post.role == "patient":
        id_ = grown["reference"].partition("/")[2]
        return Face(post.login, post.kind, post.role, names[id_], ("Patient", id_))
    if post.role == "representative":
        return Face(post.login, post.kind, post.role, near["name"][0]["text"], ("Patient", child))
    return Face(post.login, post.kind, post.role, post.name)
