"""The settings: one table, read from the environment and one TOML file; an unknown name is refused.

The first that names a setting wins: the command line, the environment, the file, the default.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hsba.fhir.problems import Problem
from hsba.record.subscriptions.addresses import Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILES = (Path("hsba.toml"), Path("/etc/hsba/hsba.toml"))
PREFIX = "HSBA_"
NOT_OURS = ("HSBA_CONFIG", "HSBA_TEST_", "HSBA_BENCH_", "HSBA_SHARED")


class BadSetting(Problem):
    """A setting is wrong; nothing was started."""

    vi = "Có thiết lập sai; chưa khởi động gì."


def _text(value: str) -> str:
    return value


def _folder(value: str) -> Path:
    return Path(value).expanduser()


def _whole(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError(value)
    return number


def _flag(value: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    return words[value.strip().lower()]


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _hosts(value: str) -> tuple[str, ...]:
    hosts = _list(value)
    Targets.of(hosts)
    return hosts


def _zone(value: str) -> ZoneInfo:
    return ZoneInfo(value)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    read.__name__ = " | ".join(words)
    return read


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, how its text is read, its default as text, and what it is for."""

    name: str
    read: Callable[[str], Any]
    default: str
    en: str
    vi: str
    variable: str = ""
    secret: bool = False

    @property
    def env(self) -> str:
        """The variable of the environment that sets it."""
        return self.variable or PREFIX + self.name.upper()

    @property
    def type(self) -> str:
        """What kind of text it takes."""
        return self.read.__name__.lstrip("_")


SETTINGS = (
    Setting("data", _folder, "",
            "Folder of the embedded PostgreSQL and of files; by default /var/lib/hsba/main for root, else"
            " ~/.local/share/hsba/main (`hsba demo`: …/demo)",
            "Thư mục của PostgreSQL đi kèm và của tệp; mặc định /var/lib/hsba/main với root, còn lại"
            " ~/.local/share/hsba/main (`hsba demo`: …/demo)"),
    Setting("database_url", _text, "",
            "A PostgreSQL of your own (15 or newer), as the role hsba_runtime; PGHOST, PGPORT, PGUSER,"
            " PGPASSWORD and PGDATABASE fill what it leaves out. Empty: the embedded one, unless PGHOST is"
            " set",
            "PostgreSQL riêng (từ bản 15), bằng vai trò hsba_runtime; PGHOST, PGPORT, PGUSER, PGPASSWORD,"
            " PGDATABASE bổ sung phần thiếu. Để trống: dùng bản đi kèm, trừ khi có PGHOST",
            variable="DATABASE_URL", secret=True),
    Setting("owner_database_url", _text, "",
            "The same database as the role hsba_owner, for migrations; by default as database_url",
            "Cùng cơ sở dữ liệu ấy bằng vai trò hsba_owner, để nâng lược đồ; mặc định như database_url",
            variable="HSBA_OWNER_DATABASE_URL", secret=True),
    Setting("host", _text, "localhost",
            "Address to listen on: localhost is this machine alone, :: is every address (IPv4 and IPv6)",
            "Địa chỉ lắng nghe: localhost là chỉ máy này, :: là mọi địa chỉ (IPv4 và IPv6)"),
    Setting("port", _whole, "8000", "Port to listen on", "Cổng lắng nghe"),
    Setting("workers", _whole, "1", "Server processes", "Số tiến trình phục vụ"),
    Setting("allowed_hosts", _list, "localhost,127.0.0.1,[::1]",
            "Names that the Host header may give, with commas; * allows every name",
            "Các tên máy được chấp nhận trong header Host, cách nhau bằng dấu phẩy; * là mọi tên"),
    Setting("base_url", _text, "",
            "Address that links and identifiers are made with; by default the address the caller used",
            "Địa chỉ dùng để tạo liên kết; mặc định là địa chỉ người gọi đã dùng"),
    Setting("trusted_proxies", _list, "",
            "Addresses of proxies whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are believed, with"
            " commas",
            "Địa chỉ các proxy được tin ở X-Forwarded-For, X-Forwarded-Proto và X-Forwarded-Host, cách nhau bằng dấu"
            " phẩy"),
    Setting("behind_tls_proxy", _flag, "no",
            "A proxy of yours stands before this server and speaks TLS; without it, only localhost is answered",
            "Có proxy của đơn vị đứng trước và dùng TLS; nếu không, máy chủ chỉ trả lời localhost"),
    Setting("password_min_length", _whole, "14", "Characters a password has at least, of four classes",
            "Số ký tự ít nhất của mật khẩu, đủ bốn loại ký tự"),
    Setting("password_min_length_second_factor", _whole, "8",
            "The same for accounts with a second factor (not there yet)",
            "Như trên, cho tài khoản có lớp xác thực thứ hai (chưa có)"),
    Setting("password_max_days", _whole, "180", "Days after which a password must be changed",
            "Số ngày phải đổi mật khẩu"),
    Setting("password_history", _whole, "10", "The last so many passwords are not taken again",
            "Không dùng lại chừng ấy mật khẩu gần nhất"),
    Setting("login_failures", _whole, "5", "So many wrong passwords lock an account for a while",
            "Sai mật khẩu chừng ấy lần thì tài khoản tạm khóa"),
    Setting("login_lock_minutes", _whole, "15", "Minutes that such a lock lasts", "Số phút tạm khóa"),
    Setting("account_unused_days", _whole, "45", "Days after which an account that nobody used is disabled",
            "Số ngày không dùng thì tài khoản bị vô hiệu"),
    Setting("session_idle_minutes", _whole, "15", "Minutes without a request that end a session",
            "Số phút không thao tác thì phiên kết thúc"),
    Setting("session_hours", _whole, "12", "Hours that a session lasts at the most", "Số giờ dài nhất của một phiên"),
    Setting("token_minutes", _whole, "60", "Minutes that a service client's token holds",
            "Số phút có hiệu lực của token cấp cho máy khách"),
    Setting("cors_origins", _list, "", "Origins of web pages that may call the API, with commas",
            "Các nguồn trang web được gọi API, cách nhau bằng dấu phẩy"),
    Setting("zone", _zone, "Asia/Ho_Chi_Minh", "Time zone of dates and times that name none",
            "Múi giờ của ngày giờ không ghi múi giờ"),
    Setting("canonical_base", _text, "http://fhir.hl7.org.vn/core",
            "Base of the addresses of the Vietnamese profiles, extensions and identifier systems",
            "Gốc địa chỉ của các hồ sơ mẫu, phần mở rộng và hệ định danh Việt Nam"),
    Setting("refuse_dangling_references", _flag, "no",
            "Refuse a resource that refers to one that is not there",
            "Từ chối tài nguyên trỏ tới cái không có"),
    Setting("keep_answers_hours", _whole, "24",
            "Answer a repeated request (Idempotency-Key) as the first time for so many hours",
            "Trả lời yêu cầu gửi lặp (Idempotency-Key) như lần đầu trong chừng ấy giờ"),
    Setting("late_after_hours", _whole, "24",
            "Mark an entry as late when it was recorded so many hours after it happened",
            "Đánh dấu ghi muộn khi ghi sau chừng ấy giờ kể từ lúc xảy ra"),
    Setting("max_search_count", _whole, "1000", "Most resources on one page of a search",
            "Số tài nguyên nhiều nhất trên một trang kết quả tìm"),
    Setting("max_body_mb", _whole, "50", "Largest request body, in MB",
            "Nội dung gửi lớn nhất, tính bằng MB"),
    Setting("max_import_mb", _whole, "8192", "Longest file that $import takes in, unpacked, in MB",
            "Tệp dài nhất mà $import nhận, sau khi giải nén, tính bằng MB"),
    Setting("max_requests", _whole, "256",
            "Requests worked on at once by each process; the next one is asked to come back",
            "Số yêu cầu xử lý cùng lúc của mỗi tiến trình; yêu cầu sau đó được hẹn quay lại"),
    Setting("subscription_targets", _hosts, "",
            "Hosts beyond the public internet that subscriptions may point to, with commas: names, IP addresses"
            " and networks (his.benhvien.vn,10.1.0.0/16)",
            "Các máy ngoài internet công cộng mà đăng ký nhận tin được trỏ tới, cách nhau bằng dấu phẩy: tên,"
            " địa chỉ IP, mạng (his.benhvien.vn,10.1.0.0/16)"),
    Setting("subscription_http", _flag, "no", "Let subscriptions point to http, without encryption",
            "Cho đăng ký nhận tin trỏ tới http, không mã hóa"),
    Setting("pool_size", _whole, "10", "Connections for reads and writes, for each process",
            "Số kết nối để đọc và ghi, cho mỗi tiến trình"),
    Setting("search_pool_size", _whole, "6", "Connections for searches, for each process",
            "Số kết nối để tìm kiếm, cho mỗi tiến trình"),
    Setting("log_format", _one_of("text", "json"), "text", "How log lines look", "Dạng dòng nhật ký"),
    Setting("log_level", _one_of("debug", "info", "warning", "error"), "info", "The least that is logged",
            "Mức thấp nhất được ghi nhật ký"),
    Setting("audit_folder", _folder, "",
            "Folder for the signed checkpoints of the audit trail, best on another disk or machine; by default audit in"
            " the data folder",
            "Thư mục ghi các điểm kiểm đã ký của nhật ký truy cập, nên để ở ổ đĩa hay máy khác; mặc định là audit trong"
            " thư mục dữ liệu"),
    Setting("audit_security_months", _whole, "12",
            "Months that lines about log-ins, accounts and rights are kept; 0 is for ever",
            "Số tháng lưu các dòng nhật ký về đăng nhập, tài khoản và quyền; 0 là lưu mãi"),
    Setting("audit_access_years", _whole, "0",
            "Years that lines about patients' records are kept; 0 is as long as the record",
            "Số năm lưu các dòng nhật ký về hồ sơ người bệnh; 0 là lâu như hồ sơ"),
    Setting("syslog_target", _text, "",
            "Audit repository that every line of the audit trail is sent to: tls://host:6514, tcp://host:601 or"
            " udp://host:514",
            "Máy nhận mọi dòng nhật ký truy cập qua syslog: tls://máy:6514, tcp://máy:601 hoặc udp://máy:514"),
    Setting("syslog_authorities", _folder, "",
            "PEM file of the authorities that vouch for the audit repository; by default those of the machine",
            "Tệp PEM các nơi chứng thực của máy nhận nhật ký; mặc định là của hệ điều hành"),
    Setting("syslog_certificate", _folder, "",
            "PEM file with our certificate and its key, where the audit repository asks for one",
            "Tệp PEM gồm chứng thư và khóa của ta, khi máy nhận nhật ký đòi"),
    Setting("account_review_months", _whole, "6",
            "Months after which the list of accounts and roles must be confirmed again",
            "Sau chừng ấy tháng phải xác nhận lại danh sách tài khoản và vai trò"),
    Setting("lang", _one_of("vi", "en"), "vi", "Language of the commands' messages", "Ngôn ngữ của các lệnh"),
)  # fmt: skip
"""Every setting there is; `docs/reference/settings.md` is made from this table."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force."""

    data: Path | None
    database_url: str
    owner_database_url: str
    host: str
    port: int
    workers: int
    allowed_hosts: tuple[str, ...]
    base_url: str
    trusted_proxies: tuple[str, ...]
    behind_tls_proxy: bool
    password_min_length: int
    password_min_length_second_factor: int
    password_max_days: int
    password_history: int
    login_failures: int
    login_lock_minutes: int
    account_unused_days: int
    session_idle_minutes: int
    session_hours: int
    token_minutes: int
    cors_origins: tuple[str, ...]
    zone: ZoneInfo
    canonical_base: str
    refuse_dangling_references: bool
    keep_answers_hours: int
    late_after_hours: int
    max_search_count: int
    max_body_mb: int
    max_import_mb: int
    max_requests: int
    subscription_targets: tuple[str, ...]
    subscription_http: bool
    pool_size: int
    search_pool_size: int
    log_format: str
    log_level: str
    audit_folder: Path | None
    audit_security_months: int
    audit_access_years: int
    syslog_target: str
    syslog_authorities: Path | None
    syslog_certificate: Path | None
    account_review_months: int
    lang: str

    def folder(self, kind: str) -> Path:
        """The data folder: the one that was set, or this kind's (`main`, `demo`) usual one."""
        if self.data is not None:
            return self.data
        if os.geteuid() == 0:
            return Path("/var/lib/hsba") / kind
        home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
        return Path(home).expanduser() / "hsba" / kind


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from, for `hsba settings`."""

    text: str
    source: str


def load(
    environ: Mapping[str, str] | None = None,
    *,
    files: tuple[Path, ...] = FILES,
    given: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings; `given` are those of the command line."""
    return _values(origins(environ, files=files, given=given))


def origins(
    environ: Mapping[str, str] | None = None,
    *,
    files: tuple[Path, ...] = FILES,
    given: Mapping[str, str] | None = None,
) -> dict[str, Origin]:
    """The text of every setting and where it came from; refuses names that no setting has."""
    environ = os.environ if environ is None else environ
    known = {setting.env: setting for setting in SETTINGS}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in known and not variable.startswith(NOT_OURS):
            _refuse(variable, known)
    file, table = _file(environ, files)
    found = {}
    for setting in SETTINGS:
        if given and given.get(setting.name):
            found[setting.name] = Origin(given[setting.name], "command line")
        elif environ.get(setting.env):
            found[setting.name] = Origin(environ[setting.env], setting.env)
        elif setting.name in table:
            found[setting.name] = Origin(_as_text(table[setting.name]), str(file))
        elif setting.name == "database_url" and environ.get("PGHOST"):
            found[setting.name] = Origin("postgresql://", "PGHOST")
        else:
            found[setting.name] = Origin(setting.default, "default")
    return found


def _values(found: dict[str, Origin]) -> Settings:
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        origin = found[setting.name]
        if setting.read is _folder and not origin.text:
            values[setting.name] = None
            continue
        try:
            values[setting.name] = setting.read(origin.text)
        except (ValueError, KeyError, ZoneInfoNotFoundError) as exc:
            shown = "…" if setting.secret else origin.text
            raise BadSetting(
                f"{setting.env} = {shown!r} ({origin.source}) is not of the kind: {setting.type}",
                vi=f"{setting.env} = {shown!r} ({origin.source}) không đúng dạng: {setting.type}",
            ) from exc
    return Settings(**values)


def _file(environ: Mapping[str, str], files: tuple[Path, ...]) -> tuple[Path | None, dict[str, Any]]:
    """The settings file, if there is one: HSBA_CONFIG, ./hsba.toml or /etc/hsba/hsba.toml."""
    named = environ.get("HSBA_CONFIG")
    candidates = (Path(named),) if named else files
    for candidate in candidates:
        if named or candidate.is_file():
            try:
                table = tomllib.loads(candidate.read_text("utf-8"))
            except (OSError, ValueError) as exc:
                raise BadSetting(f"{candidate}: {exc}") from exc
            known = {setting.name: setting for setting in SETTINGS}
            for name in table:
                if name not in known:
                    _refuse(name, known, where=f"{candidate}: ")
            return candidate, table
    return None, {}


def _refuse(name: str, known: Mapping[str, Setting], *, where: str = "") -> None:
    near = difflib.get_close_matches(name, known, n=1)
    hint, hint_vi = (f"; did you mean {near[0]}?", f"; có phải {near[0]}?") if near else ("", "")
    raise BadSetting(
        f"{where}There is no setting {name}{hint}", vi=f"{where}Không có thiết lập {name}{hint_vi}"
    )


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    return str(value)
