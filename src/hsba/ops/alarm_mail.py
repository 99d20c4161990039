"""Tells by e-mail that emergency accesses wait to be looked at: how many and where, and nothing of patients or of people.

The line is encrypted (`smtps://` from the first byte, `smtp://` by STARTTLS, and without it nothing is sent); a server on this
machine or in a closed network may be spoken to in the open by `smtp+plain://`, and never with a password.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hsba.access.rights.emergency import MAIL
from hsba.fhir.problems import Problem
from hsba.record.work import Kind

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from hsba.record.work import House
    from hsba.store.jobs import Job

log = logging.getLogger("hsba.ops.mail")

PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
"""The schemes of a server's address, with the port where none is named."""
SECONDS = 20.0


class BadMail(Problem):
    """The settings of e-mail (mail_…, emergency_mail_to) do not fit together; nothing was started."""

    vi = "Các thiết lập thư điện tử (mail_…, emergency_mail_to) không khớp nhau; chưa khởi động gì."


class NotSent(Problem):
    """The mail server did not take the e-mail; it is tried again later."""

    status, code = 502, "transient"
    vi = "Máy chủ thư không nhận thư; sẽ gửi lại sau."


@dataclass(frozen=True, slots=True)
class Post:
    """The mail server, how we log in there, and who writes to whom."""

    scheme: str
    host: str
    port: int
    sender: str
    readers: tuple[str, ...]
    user: str = ""
    password: str = ""
    authorities: Path | None = None
    """A PEM file of the authorities that vouch for the server; None trusts those of this machine."""
    base: str = ""
    """The address of this installation, for the link."""


def post(
    server: str,
    sender: str,
    readers: tuple[str, ...],
    *,
    user: str = "",
    password: str = "",
    authorities: Path | None = None,
    base: str = "",
) -> Post | None:
    """The post as the settings name it; None where no server or nobody to write to is named. Raises BadMail."""
    if not server or not readers:
        return None
    try:
        parts = urlsplit(server)
        port = parts.port
    except ValueError as exc:
        raise BadMail(server) from exc
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise BadMail("mail_server")
    if parts.username or parts.password:
        raise BadMail("mail_user, mail_password")
    for address in (sender, *readers):
        name, at, host = address.rpartition("@")
        if (
            not (name and at and host)
            or not address.isprintable()
            or any(one in address for one in " <>,;\"'")
        ):
            raise BadMail("emergency_mail_to" if address in readers else "mail_from")
    if not (user + password).isascii():  # smtplib knows no others
        raise BadMail("mail_user, mail_password: a-z A-Z 0-9 …")
    if parts.scheme == "smtp+plain" and password:
        raise BadMail("smtp+plain, mail_password")
    return Post(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        sender,
        readers,
        user,
        password,
        authorities,
        base,
    )


def letter(post: Post, house: str, waiting: int) -> EmailMessage:
    """What is written: how many wait, at which house, and where to look."""
    made = EmailMessage()
    made["From"], made["To"] = post.sender, ", ".join(post.readers)
    made["Date"], made["Message-ID"] = formatdate(), make_msgid(domain=post.sender.rpartition("@")[2])
    made["Subject"] = (
        f"HSBA: {waiting} lần truy cập khẩn cấp chờ xem xét · emergency accesses to be looked at"
    )
    made["Auto-Submitted"] = "auto-generated"
    where = f"{post.base.rstrip('/')}/emergencies" if post.base else "Truy cập khẩn cấp (/emergencies)"
    made.set_content(
        f"{house}\n\n"
        f"Có {waiting} lần truy cập khẩn cấp chưa ai xem xét. Hãy đăng nhập và mở: {where}\n\n"
        f"{waiting} emergency accesses wait to be looked at. Log in and open: {where}\n\n"
        "Thư này không chứa thông tin người bệnh. · This letter holds nothing of patients.\n",
        cte="base64",
    )
    return made


def jobs(post: Post) -> tuple[Kind, ...]:
    """The job that writes the letter."""

    async def write(house: House, job: Job) -> dict[str, Any]:
        tenant = next(one for one in house.tenants.all() if one.id == job.tenant)
        async with house.pool.reading(tenant.id) as tx:
            waiting: int = await tx.fetchval(
                "SELECT count(*) FROM record.emergency WHERE tenant = $1 AND reviewed IS NULL", tenant.id
            )
        if waiting:
            await asyncio.to_thread(send, post, letter(post, tenant.title, waiting))
            log.info("e-mail about emergency accesses sent", extra={"readers": len(post.readers)})
        return {"waiting": waiting, "sent": bool(waiting)}

    return (Kind(MAIL, write, slots=1),)


def send(post: Post, written: EmailMessage) -> None:
    """Hand a letter to the mail server; raises NotSent. Blocks, so it is called in a thread."""
    try:
        context = ssl.create_default_context(cafile=post.authorities)
        if post.scheme == "smtps":
            line: smtplib.SMTP = smtplib.SMTP_SSL(post.host, post.port, timeout=SECONDS, context=context)
        else:
            line = smtplib.SMTP(post.host, post.port, timeout=SECONDS)
        with line:
            if post.scheme == "smtp":
                line.starttls(context=context)  # raises where the server offers none
            if post.user:
                line.login(post.user, post.password)
            line.send_message(written)
    except (OSError, smtplib.SMTPException) as exc:
        # the server's own words may repeat what was sent
        raise NotSent(f"{post.host}:{post.port} {type(exc).__name__}") from exc
