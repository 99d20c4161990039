"""The settings: one table, read from the environment and one TOML file; an unknown name is refused.

The first that names a setting wins: the command line, the environment, the file, the default.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hsba.access.identity import Kind
from hsba.access.rules import INSIDE
from hsba.fhir.problems import Problem
from hsba.ops.certificates import Pair
from hsba.record.subscriptions.addresses import Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hsba.access.rules import Network

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


def _file_path(value: str) -> Path:
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


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in _list(value))


def _kinds(value: str) -> frozenset[str]:
    kinds = frozenset(_list(value)) - {"none"}
    if not kinds <= frozenset(get_args(Kind)):
        raise ValueError(value)
    return kinds


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
            "A proxy of yours stands before this server and speaks TLS; without it or a tls_certificate, only localhost is"
            " answered",
            "Có proxy của đơn vị đứng trước và dùng TLS; không có proxy hay tls_certificate thì chỉ trả lời localhost"),
    Setting("tls_certificate", _file_path, "",
            "Certificate of this server with its chain (PEM); with tls_key the server speaks TLS itself, and only TLS",
            "Chứng thư của máy chủ này kèm chuỗi (PEM); cùng với tls_key thì máy chủ tự nói TLS, và chỉ TLS"),
    Setting("tls_key", _file_path, "", "Private key of that certificate (PEM, mode 0600)",
            "Khóa riêng của chứng thư ấy (PEM, quyền 0600)"),
    Setting("tls_redirect_port", _whole, "0",
            "Plain port that sends browsers on to the TLS one, usually 80; 0 is none",
            "Cổng không mã hóa chuyển trình duyệt sang cổng TLS, thường là 80; 0 là không mở"),
    Setting("password_min_length", _whole, "14", "Characters a password has at least, of four classes",
            "Số ký tự ít nhất của mật khẩu, đủ bốn loại ký tự"),
    Setting("password_min_length_second_factor", _whole, "8",
            "The same for accounts with a second factor",
            "Như trên, cho tài khoản có lớp xác thực thứ hai"),
    Setting("inside_networks", _networks, ",".join(str(one) for one in INSIDE),
            "Addresses and networks of the hospital, with commas; who logs in from elsewhere needs a second factor",
            "Các địa chỉ, mạng của đơn vị, cách nhau bằng dấu phẩy; đăng nhập từ nơi khác phải có lớp xác thực thứ hai"),
    Setting("second_factor", _kinds, "administrator,security",
            "Kinds of accounts that need a second factor wherever they log in, with commas; none: no kind",
            "Các loại tài khoản luôn phải có lớp xác thực thứ hai, cách nhau bằng dấu phẩy; none: không loại nào"),
    Setting("second_factor_first_outside", _flag, "no",
            "Let an account set up its first second factor from outside with a password it has had for long; otherwise"
            " only inside, or with a password that was handed to it just now",
            "Cho tài khoản cài lớp xác thực thứ hai lần đầu từ bên ngoài bằng mật khẩu đang dùng; nếu không thì chỉ ở"
            " trong đơn vị, hoặc bằng mật khẩu vừa được cấp"),
    Setting("second_factor_waived", _flag, "no",
            "Ask nobody for a second factor who has none, administrators neither: for practice with invented people, as"
            " the demo does",
            "Không đòi lớp xác thực thứ hai ở người chưa có, kể cả quản trị: chỉ để thực hành với người giả định, như"
            " bản demo"),
    Setting("second_factor_key", _file_path, "",
            "File with the key that seals the secrets of second factors; by default files/keys/second-factor.key in the"
            " data folder, made at first use; back it up",
            "Tệp khóa niêm phong bí mật của lớp xác thực thứ hai; mặc định là files/keys/second-factor.key trong thư mục"
            " dữ liệu, tự tạo khi dùng lần đầu; cần sao lưu"),
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
    Setting("shift_hours", _whole, "12",
            "Hours after a full log-in at a ward's PC in which a PIN brings the same person back there",
            "Số giờ sau khi đăng nhập đầy đủ trên máy trạm của khoa mà mã PIN còn dùng được trên máy đó"),
    Setting("badge_alone", _flag, "no", "Let a badge alone, without a PIN, switch persons at a ward's PC",
            "Cho đổi người trên máy trạm của khoa chỉ bằng thẻ, không cần mã PIN"),
    Setting("emergency_minutes", _whole, "60", "Minutes that an emergency access to a patient lasts",
            "Số phút một lần truy cập khẩn cấp vào hồ sơ người bệnh có hiệu lực"),
    Setting("emergency_mail_to", _list, "",
            "Mail addresses, with commas, that are told when emergency accesses wait to be looked at",
            "Các địa chỉ thư (cách nhau dấu phẩy) được báo khi có truy cập khẩn cấp chờ xem xét"),
    Setting("mail_server", _text, "",
            "Mail server: smtps://host:465, smtp://host:587 (STARTTLS), smtp+plain://host:25 (not encrypted)",
            "Máy chủ thư: smtps://máy:465, smtp://máy:587 (STARTTLS), smtp+plain://máy:25 (không mã hóa)"),
    Setting("mail_from", _text, "", "Address that our e-mails come from", "Địa chỉ gửi thư của hệ thống"),
    Setting("mail_user", _text, "", "Our name at the mail server, where it asks for one",
            "Tên đăng nhập máy chủ thư, nếu cần"),
    Setting("mail_password", _text, "", "Our password there", "Mật khẩu ở đó", secret=True),
    Setting("mail_authorities", _file_path, "",
            "PEM file with the authorities that vouch for the mail server; this machine's by default",
            "Tệp PEM các nơi chứng thực của máy chủ thư; mặc định là của hệ điều hành"),
    Setting("role_approval", _one_of("auto", "always", "never"), "auto",
            "When a change of a role waits for a second person: auto (where two administrators or officers are), always, never",
            "Khi nào sửa vai trò phải chờ người thứ hai duyệt: auto (khi có hai quản trị hoặc cán bộ an toàn), always, never"),
    Setting("token_minutes", _whole, "60", "Minutes that a service client's token holds",
            "Số phút có hiệu lực của token cấp cho máy khách"),
    Setting("refresh_days", _whole, "30",
            "Days after which an app that was let in for longer must come back; each use begins them anew",
            "Số ngày ứng dụng được giữ quyền truy cập lâu dài mà không quay lại; mỗi lần dùng tính lại từ đầu"),
    Setting("signing_key_days", _whole, "90",
            "Days after which a new key signs who people are (OpenID Connect); the old one is published as long again",
            "Số ngày thay khóa ký danh tính người dùng (OpenID Connect); khóa cũ còn được công bố thêm chừng ấy ngày"),
    Setting("jwks_hosts", _hosts, "",
            "Hosts whose addresses of keys (JWKS) a registered app may name, with commas",
            "Các máy mà ứng dụng đăng ký được đặt địa chỉ khóa (JWKS), cách nhau bằng dấu phẩy"),
    Setting("oidc_issuer", _text, "",
            "An OpenID provider whose log-in is taken too: its issuer address; empty for none",
            "Nhà cung cấp OpenID được chấp nhận đăng nhập: địa chỉ issuer; để trống nếu không dùng"),
    Setting("oidc_client_id", _text, "", "Our client_id at that provider", "client_id của hệ thống tại nhà cung cấp đó"),
    Setting("oidc_client_secret", _text, "", "Our secret there", "Bí mật của hệ thống tại đó", secret=True),
    Setting("oidc_name", _text, "OpenID", "What the button of that log-in says", "Tên hiện trên nút đăng nhập ấy"),
    Setting("oidc_claim", _text, "preferred_username",
            "The claim of that provider that is the name of an account here; none is made",
            "Trường của nhà cung cấp đó trùng với tên tài khoản ở đây; không tự tạo tài khoản"),
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
    Setting("audit_prune", _flag, "no",
            "Let the worker remove lines of the trail whose time is over, once a day; it needs owner_database_url",
            "Để tiến trình nền xóa dòng nhật ký hết thời hạn, mỗi ngày một lần; cần owner_database_url"),
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
    tls_certificate: Path | None
    tls_key: Path | None
    tls_redirect_port: int
    password_min_length: int
    password_min_length_second_factor: int
    inside_networks: tuple[Network, ...]
    second_factor: frozenset[str]
    second_factor_first_outside: bool
    second_factor_waived: bool
    second_factor_key: Path | None
    password_max_days: int
    password_history: int
    login_failures: int
    login_lock_minutes: int
    account_unused_days: int
    session_idle_minutes: int
    session_hours: int
    shift_hours: int
    badge_alone: bool
    emergency_minutes: int
    emergency_mail_to: tuple[str, ...]
    mail_server: str
    mail_from: str
    mail_user: str
    mail_password: str
    mail_authorities: Path | None
    role_approval: str
    token_minutes: int
    refresh_days: int
    signing_key_days: int
    jwks_hosts: tuple[str, ...]
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_name: str
    oidc_claim: str
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
    audit_prune: bool
    syslog_target: str
    syslog_authorities: Path | None
    syslog_certificate: Path | None
    account_review_months: int
    lang: str

    @property
    def pair(self) -> Pair | None:
        """The certificate and the key to speak TLS with; both or none are set."""
        if self.tls_certificate is None and self.tls_key is None:
            return None
        if self.tls_certificate is None or self.tls_key is None:
            raise BadSetting(
                "tls_certificate and tls_key are set together.",
                vi="tls_certificate và tls_key phải đặt cùng nhau.",
            )
        return Pair(self.tls_certificate, self.tls_key)

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
        if setting.read in (_folder, _file_path) and not origin.text:
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
