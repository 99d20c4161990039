"""An emergency access is told by e-mail: through a real mail server, encrypted, without a word about patients."""

from __future__ import annotations

import asyncio
import socket
import ssl
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from acceptance.identity import LOGIN
from acceptance.jobs import working
from acceptance.test_rights_pages import WHY, hospital
from hsba.access.rights import emergency
from hsba.ops import alarm_mail
from hsba.ops.alarm_mail import BadMail, NotSent, Post
from integration.audit.repository import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

    from acceptance.identity import Ward
    from hospital import Hospital

__all__ = ["hospital"]
PASSWORD = "Thu-di-1-chieu"


class Box:
    """What a mail server was handed."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"

    def letters(self) -> list[EmailMessage]:
        return [
            message_from_bytes(one.original_content or b"", policy=policy.default) for one in self.envelopes
        ]


class Encrypted(Controller):
    """A mail server that takes letters only after STARTTLS and a log-in."""

    context: ssl.SSLContext

    def factory(self) -> SMTP:
        def check(
            server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
        ) -> AuthResult:
            right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
            return AuthResult(success=right)

        return SMTP(
            self.handler,
            tls_context=self.context,
            require_starttls=True,
            auth_required=True,
            authenticator=check,
        )


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    """A mail server without encryption, on a port of this machine."""
    kept = Box()
    server = Controller(kept, hostname="127.0.0.1", port=free_port())
    server.start()
    yield kept, server.port
    server.stop()


def free_port() -> int:
    """A port that nobody listens on now; the mail server asks itself there whether it is up."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def post(port: int, scheme: str = "smtp+plain", **more: object) -> Post:
    made = alarm_mail.post(
        f"{scheme}://localhost:{port}",
        "hsba@bv.vn",
        ("an.ninh@bv.vn", "truc@bv.vn"),
        **more,  # type: ignore[arg-type]
    )
    assert made is not None
    return made


async def test_emergency__is_told_by_one_letter_without_patient_person_or_reason(
    ward: Ward, hospital: Hospital, box: tuple[Box, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emergency, "GATHERED", emergency.GATHERED * 0)
    kept, at = box
    ward.services.glass.mails = True
    ward.services.jobs = (*ward.services.jobs, *alarm_mail.jobs(post(at, base="https://hsba.bv.vn")))
    await ward.log_in()
    for id_ in ("binh", "an"):
        await ward.http.post(f"/patients/{id_}/emergency", data={"category": "life", "reason": WHY})

    async with working(ward.services):
        for _ in range(200):
            if kept.envelopes:
                break
            await asyncio.sleep(0.05)

    assert len(kept.envelopes) == 1
    letter = kept.letters()[0]
    text = letter.get_content()
    assert kept.envelopes[0].rcpt_tos == ["an.ninh@bv.vn", "truc@bv.vn"]
    assert "2 lần truy cập khẩn cấp" in str(letter["subject"])
    assert "https://hsba.bv.vn/emergencies" in text
    for secret in (WHY, "binh", "Bình", LOGIN, "Phạm"):
        assert secret not in text + str(letter["subject"])


async def test_emergency__asks_for_no_letter_where_nobody_is_named(ward: Ward, hospital: Hospital) -> None:
    await ward.log_in()
    await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": WHY})

    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT count(*) FROM ops.job WHERE kind = $1", emergency.MAIL) == 0


def test_send__encrypts_and_logs_in(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    kept = Box()
    server = Encrypted(kept, hostname="127.0.0.1", port=free_port())
    server.context = context
    server.start()
    try:
        to = post(server.port, "smtp", user="hsba", password=PASSWORD, authorities=pem)
        alarm_mail.send(to, alarm_mail.letter(to, "Bệnh viện", 1))
        strange = post(server.port, "smtp", user="hsba", password=PASSWORD)
        with pytest.raises(NotSent):  # an authority that this machine does not know
            alarm_mail.send(strange, alarm_mail.letter(to, "Bệnh viện", 1))
        wrong = post(server.port, "smtp", user="hsba", password="sai", authorities=pem)
        with pytest.raises(NotSent) as refused:
            alarm_mail.send(wrong, alarm_mail.letter(to, "Bệnh viện", 1))
    finally:
        server.stop()

    assert len(kept.envelopes) == 1
    assert PASSWORD not in str(refused.value)


def test_send__refuses_a_server_that_offers_no_encryption(box: tuple[Box, int]) -> None:
    to = post(box[1], "smtp")

    with pytest.raises(NotSent):
        alarm_mail.send(to, alarm_mail.letter(to, "Bệnh viện", 1))
    assert box[0].envelopes == []


def test_letter__carries_no_line_of_its_own_from_the_houses_title() -> None:
    to = post(25)

    letter = alarm_mail.letter(to, "Bệnh viện\r\nBcc: trom@example.vn", 1)

    assert letter["bcc"] is None
    assert letter.as_bytes().count(b"Subject:") == 1


@pytest.mark.parametrize(
    "server, sender, reader",
    [
        ("http://mail.bv.vn", "hsba@bv.vn", "a@bv.vn"),
        ("smtp://mail.bv.vn:banana", "hsba@bv.vn", "a@bv.vn"),
        ("smtp://ten:mat@mail.bv.vn", "hsba@bv.vn", "a@bv.vn"),
        ("smtp://mail.bv.vn", "", "a@bv.vn"),
        ("smtp://mail.bv.vn", "hsba@bv.vn", "a@bv.vn\r\nBcc: b@bv.vn"),
        ("smtp://mail.bv.vn", "hsba@bv.vn", "An Ninh"),
    ],
)
def test_post__that_cannot_be_is_refused_at_the_start(server: str, sender: str, reader: str) -> None:
    with pytest.raises(BadMail):
        alarm_mail.post(server, sender, (reader,))


def test_post__takes_no_password_that_the_protocol_cannot_carry() -> None:
    with pytest.raises(BadMail):
        alarm_mail.post("smtp://mail.bv.vn", "hsba@bv.vn", ("a@bv.vn",), user="hsba", password="Thư")


def test_post__sends_no_password_in_the_open() -> None:
    with pytest.raises(BadMail):
        alarm_mail.post("smtp+plain://mail.bv.vn", "hsba@bv.vn", ("a@bv.vn",), user="hsba", password="x")
