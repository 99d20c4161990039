"""What may go wrong on the way in, said so that a stranger learns nothing about who has an account."""

from __future__ import annotations

from typing import ClassVar

from hsba.fhir.problems import BadRequest, Forbidden, Problem

CHALLENGE = 'Bearer realm="HSBA"'


class NotLoggedIn(Problem):
    """Nobody is logged in here; log in, or send a bearer token. Nothing was read or changed."""

    status, code = 401, "login"
    vi = "Chưa đăng nhập; hãy đăng nhập hoặc gửi bearer token. Chưa đọc hay thay đổi gì."
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": CHALLENGE}


class BadToken(NotLoggedIn):
    """The bearer token is not known here, has ended or was revoked; get a new one. Nothing was read or changed."""

    vi = "Bearer token không hợp lệ, đã hết hạn hoặc đã bị thu hồi; hãy lấy token mới. Chưa đọc hay thay đổi gì."
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": CHALLENGE + ', error="invalid_token"'}


class WrongLogin(Problem):
    """Name or password is wrong, or the account is locked; after several wrong passwords it opens again by itself in a while."""

    status, code = 401, "login"
    vi = (
        "Tên đăng nhập hoặc mật khẩu không đúng, hoặc tài khoản đang bị khóa; nhập sai nhiều lần thì tài khoản tạm khóa"
        " một lúc rồi tự mở."
    )


class PasswordMustChange(Forbidden):
    """The password of this account must be changed before anything else; open /password in the browser."""

    code = "expired"
    vi = "Phải đổi mật khẩu của tài khoản này trước; hãy mở trang /password."


class WeakPassword(BadRequest):
    """This password is too easy to guess; the old one still holds."""

    code = "value"
    vi = "Mật khẩu này dễ đoán; mật khẩu cũ vẫn còn hiệu lực."


class PasswordUsedBefore(BadRequest):
    """This password was used before; take a new one. The old one still holds."""

    code = "value"
    vi = "Mật khẩu này đã dùng rồi; hãy đặt mật khẩu mới. Mật khẩu cũ vẫn còn hiệu lực."


class PasswordsDiffer(BadRequest):
    """The two new passwords are not the same; the old one still holds."""

    code = "value"
    vi = "Hai lần nhập mật khẩu mới không giống nhau; mật khẩu cũ vẫn còn hiệu lực."


class WrongPassword(Forbidden):
    """The present password is wrong; nothing was changed."""

    vi = "Mật khẩu hiện tại không đúng; chưa thay đổi gì."


class CrossOrigin(Forbidden):
    """The request came from another site's page; nothing was changed."""

    code = "security"
    vi = "Yêu cầu đến từ trang của nơi khác; chưa thay đổi gì."


class BadAccount(BadRequest):
    """The account cannot be made or changed so; nothing was changed."""

    code = "value"
    vi = "Không tạo hoặc sửa được tài khoản như vậy; chưa thay đổi gì."


class UnknownAccount(BadAccount):
    """There is no account or client of this name; nothing was changed."""

    vi = "Không có tài khoản hoặc máy khách mang tên này; chưa thay đổi gì."
