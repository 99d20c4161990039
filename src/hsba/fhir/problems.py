"""The one tree of everything that can go wrong in a way the caller can understand.

Each class carries the HTTP status and the FHIR IssueType; its docstring is the English sentence and ``vi`` the
Vietnamese one.  The class name is the stable code that support staff and machines may rely on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of an OperationOutcome: what is wrong, where, in both languages (FHIR R4 operationoutcome.html)."""

    severity: Severity
    code: str
    en: str
    vi: str
    path: str = ""
    problem: str = ""

    @property
    def blocks(self) -> bool:
        """Whether this issue refuses the write (warnings never do)."""
        return self.severity in ("fatal", "error")


class Problem(Exception):
    """Something went wrong that the caller can understand."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"
    vi: ClassVar[str] = "Có lỗi xảy ra."
    headers: ClassVar[dict[str, str]] = {}

    def __init__(
        self, detail: str = "", *, vi: str = "", issues: tuple[Issue, ...] = (), path: str = ""
    ) -> None:
        """Keep the detail (English, and Vietnamese where it differs) or the full list of issues."""
        self.detail = detail
        self.detail_vi = vi or detail
        self.path = path
        self._issues = issues
        super().__init__(self.sentence)

    def __reduce__(self) -> tuple[Callable[..., Problem], tuple[type[Problem], dict[str, object]]]:
        """Travel between processes with every word and issue."""
        return _again, (type(self), dict(self.__dict__))

    @classmethod
    def en(cls) -> str:
        """The English sentence of this kind of problem."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @property
    def sentence(self) -> str:
        """The English sentence with its detail."""
        return f"{self.en()} {self.detail}".strip()

    @property
    def sentence_vi(self) -> str:
        """The Vietnamese sentence with its detail."""
        return f"{self.vi} {self.detail_vi}".strip()

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The lines of the OperationOutcome: those given, or one made from the sentence."""
        if self._issues:
            return self._issues
        return (Issue("error", self.code, self.sentence, self.sentence_vi, self.path, type(self).__name__),)


def _again(kind: type[Problem], state: dict[str, object]) -> Problem:
    """A problem as it was in another process."""
    problem = kind.__new__(kind)
    problem.__dict__.update(state)
    problem.args = (problem.sentence,)
    return problem


class Malformed(Problem):
    """The content cannot be read; nothing was saved."""

    status, code = 400, "structure"
    vi = "Không đọc được nội dung gửi đến; chưa lưu gì."


class BadRequest(Problem):
    """The request is not of a form this server understands; nothing was saved."""

    status, code = 400, "invalid"
    vi = "Yêu cầu không đúng dạng; chưa lưu gì."


class UnknownParameter(BadRequest):
    """The search asks for a parameter that this server does not know; nothing was searched."""

    code = "not-supported"
    vi = "Tham số tìm kiếm không có trên máy chủ này; chưa tìm gì."


class Forbidden(Problem):
    """You have no right to do this; ask your administrator or head of department."""

    status, code = 403, "forbidden"
    vi = "Không có quyền làm việc này; hãy hỏi quản trị hoặc trưởng khoa."


class HostRefused(Forbidden):
    """The Host header names an address this server does not answer for."""

    status, code = 421, "security"
    vi = "Tên máy trong địa chỉ không phải của máy chủ này."


class NotFound(Problem):
    """There is no such resource here."""

    status, code = 404, "not-found"
    vi = "Không có bản ghi này."


class UnknownType(NotFound):
    """There is no such resource type in FHIR R4."""

    code = "not-supported"
    vi = "FHIR R4 không có loại tài nguyên này."


class Gone(Problem):
    """The resource was deleted; its history can still be read."""

    status, code = 410, "deleted"
    vi = "Bản ghi đã bị xóa; lịch sử vẫn xem được."


class MethodNotAllowed(Problem):
    """This address does not answer to this method."""

    status, code = 405, "not-supported"
    vi = "Địa chỉ này không nhận phương thức đó."


class NotAcceptable(Problem):
    """The answer cannot be given in the format asked for; ask for JSON or XML."""

    status, code = 406, "not-supported"
    vi = "Không trả lời được theo định dạng yêu cầu; hãy dùng JSON hoặc XML."


class Conflict(Problem):
    """The request contradicts the state of the record; nothing was changed."""

    status, code = 409, "conflict"
    vi = "Yêu cầu mâu thuẫn với hồ sơ hiện có; chưa thay đổi gì."


class StillReferenced(Conflict):
    """The resource cannot be deleted because something signed refers to it."""

    vi = "Không xóa được vì có nội dung đã ký trỏ tới."


class SignedRecord(Conflict):
    """This content is locked, so it stays as it is; make a correction with a reason instead."""

    code = "business-rule"
    vi = "Nội dung đã khóa nên giữ nguyên; hãy lập bản sửa có lý do."


class OwnedElsewhere(Conflict):
    """Another owner keeps this fact; correct it there."""

    code = "business-rule"
    vi = "Dữ kiện này thuộc nơi khác quản lý; hãy sửa ở đó."


class VersionConflict(Problem):
    """The record was changed by someone else; read it again and repeat your change."""

    status, code = 412, "conflict"
    vi = "Hồ sơ đã được người khác sửa; hãy tải lại rồi sửa tiếp."


class MultipleMatches(Problem):
    """The condition fits more than one resource; nothing was changed."""

    status, code = 412, "multiple-matches"
    vi = "Điều kiện khớp nhiều bản ghi; chưa thay đổi gì."


class TooLarge(Problem):
    """The content is larger than this server accepts; nothing was saved."""

    status, code = 413, "too-long"
    vi = "Nội dung lớn hơn mức cho phép; chưa lưu gì."


class UnsupportedMedia(Problem):
    """The content type is not one this server reads; send JSON or XML of FHIR R4."""

    status, code = 415, "not-supported"
    vi = "Kiểu nội dung không được nhận; hãy gửi JSON hoặc XML theo FHIR R4."


class Unprocessable(Problem):
    """The content breaks the rules of its type or profile; nothing was saved."""

    status, code = 422, "invalid"
    vi = "Nội dung sai quy tắc của loại hoặc hồ sơ mẫu; chưa lưu gì."


class PreconditionRequired(Problem):
    """The change must say which version it is based on (If-Match)."""

    status, code = 428, "required"
    vi = "Phải nêu bản đang sửa (If-Match)."


class TooManyRequests(Problem):
    """Too many requests at once; wait a moment and repeat."""

    status, code = 429, "throttled"
    vi = "Quá nhiều yêu cầu cùng lúc; hãy chờ rồi gửi lại."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class TooCostly(Problem):
    """The question needs more work than the server allows; make it narrower."""

    status, code = 403, "too-costly"
    vi = "Câu hỏi quá nặng; hãy thu hẹp phạm vi."


class Busy(Problem):
    """The record is busy; nothing was changed, repeat the request."""

    status, code = 503, "transient"
    vi = "Hồ sơ đang bận; chưa thay đổi gì, hãy gửi lại."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}
