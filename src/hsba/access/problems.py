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


class ScreenCovered(Problem):
    """The screen is locked; unlock it by your PIN or password. Nothing was read or changed."""

    status, code = 401, "login"
    vi = "Màn hình đang khóa; hãy mở khóa bằng mã PIN hoặc mật khẩu. Chưa đọc hay thay đổi gì."
    headers: ClassVar[dict[str, str]] = {"HSBA-Session": "covered"}


class OutsideHours(Forbidden):
    """Your account may work only in the hours it was given, and these are over or not begun; your session has ended."""

    code = "expired"
    vi = "Tài khoản chỉ được làm việc trong khung giờ đã cấp; hiện ngoài giờ nên phiên làm việc đã kết thúc."


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


class WrongCode(Problem):
    """The code or the passkey was not accepted, or the account is locked; each code is good for one log-in only."""

    status, code = 401, "login"
    vi = "Mã hoặc khóa truy cập không được chấp nhận, hoặc tài khoản đang bị khóa; mỗi mã chỉ dùng được cho một lần đăng nhập."


class SecondStepEnded(Problem):
    """The second step of this log-in took too long or is done already; log in again."""

    status, code = 401, "login"
    vi = "Bước xác thực thứ hai đã quá thời gian hoặc đã xong; hãy đăng nhập lại."


class FirstFactorInside(Forbidden):
    """A log-in from outside needs a second factor and this account has none: set it up inside, or get a new password."""

    vi = (
        "Đăng nhập từ bên ngoài cần lớp xác thực thứ hai mà tài khoản này chưa có: hãy cài đặt khi ở trong đơn vị, hoặc"
        " xin quản trị cấp mật khẩu mới."
    )


class BadFactor(BadRequest):
    """The second factor could not be set up; nothing was changed: try again from the beginning of the page."""

    code = "value"
    vi = "Chưa cài đặt được lớp xác thực thứ hai; chưa thay đổi gì: hãy làm lại từ đầu trang."


class FactorNeeded(Forbidden):
    """This account must have a second factor; add another one before you remove the last."""

    vi = "Tài khoản này bắt buộc có lớp xác thực thứ hai; hãy thêm cái khác trước khi gỡ cái cuối cùng."


class FactorUnreadable(Problem):
    """This code cannot be checked, the key file of second factors is another one; use a recovery code, or have it reset."""

    vi = "Không kiểm tra được mã này vì tệp khóa của lớp xác thực thứ hai đã khác; hãy dùng mã khôi phục hoặc xin đặt lại."


class VaultOpen(Problem):
    """The key file of second factors can be read by others; no code was looked at: give the file mode 0600."""

    vi = "Tệp khóa của lớp xác thực thứ hai đang để người khác đọc được; chưa kiểm tra mã nào: hãy đặt quyền tệp là 0600."


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
