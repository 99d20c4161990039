"""Why OAuth refuses: each with the error's name as the standards write it (RFC 6749 4.1.2.1 and 5.2, RFC 6750 3.1)."""

from __future__ import annotations

from typing import ClassVar

from hsba.fhir.problems import BadRequest, Problem


class Refused(Problem):
    """The app is not let in."""

    status, code = 400, "security"
    vi = "Không cho ứng dụng vào."
    error: ClassVar[str] = "invalid_request"


class InvalidRequest(Refused):
    """The request of the app lacks something, says it twice, or says what no standard knows."""

    vi = "Yêu cầu của ứng dụng thiếu, lặp hoặc sai tham số."


class InvalidClient(Refused):
    """The app or service did not prove who it is; nothing was given out."""

    status = 401
    vi = "Ứng dụng không chứng minh được mình là ai; chưa cấp gì."
    error = "invalid_client"


class InvalidGrant(Refused):
    """What the app was handed is not its own, was used already, has ended or was taken back; let it in anew."""

    vi = "Mã ứng dụng đưa ra không phải của nó, đã dùng, đã hết hạn hoặc đã bị thu hồi; hãy cho phép lại."
    error = "invalid_grant"


class UnauthorizedClient(Refused):
    """The app is not registered for this way of coming in."""

    vi = "Ứng dụng không được đăng ký cho cách vào này."
    error = "unauthorized_client"


class UnsupportedGrantType(Refused):
    """There is no such way to get a token."""

    vi = "Không có cách cấp token này."
    error = "unsupported_grant_type"


class UnsupportedResponseType(Refused):
    """An app is answered with a code and nothing else."""

    vi = "Ứng dụng chỉ được trả lời bằng mã (code)."
    error = "unsupported_response_type"


class InvalidScope(Refused):
    """The app may have none of the scopes it asks for, or asks for more than it was let have."""

    vi = "Ứng dụng không được phép xin phạm vi này."
    error = "invalid_scope"


class AccessDenied(Refused):
    """The person did not let the app in."""

    vi = "Người dùng không cho ứng dụng vào."
    error = "access_denied"


class InteractionRequired(Refused):
    """A person must be asked, and the app said that nobody may be."""

    vi = "Phải hỏi người dùng, mà ứng dụng yêu cầu không hỏi."
    error = "interaction_required"


class UnknownRedirect(BadRequest):
    """This app is not registered here, is closed, or wants you sent to an address that is not its own; nobody was let in.

    A person is told this on a page of ours: to send him to such an address would help a thief.
    """

    code = "security"
    vi = "Ứng dụng này chưa đăng ký, đã bị khóa, hoặc muốn gửi bạn tới địa chỉ không phải của nó; chưa cho ai vào."
