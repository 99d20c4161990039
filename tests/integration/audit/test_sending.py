"""What is sealed reaches an audit repository by UDP, TCP and TLS: whole, in order, at least once, holding nothing up."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import pytest_asyncio

from hsba.access.ports import Happening
from hsba.audit import sealing, sending, syslog
from hsba.audit.sending import BadTarget, Target
from hsba.record import interactions
from integration.audit.repository import Repository, certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from house import House


async def sealed(house: House, *ids: str) -> None:
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})
    await house.settle()
    await sealing.seal(house.app)


def parsed(text: str | bytes) -> ET.Element:
    """A message of ours as XML."""
    return ET.fromstring(text)  # noqa: S314 - we wrote it


async def waited(repository: Repository, count: int) -> None:
    until = time.monotonic() + 10
    while len(repository.received) < count and time.monotonic() < until:
        time.sleep(0.01)  # noqa: ASYNC251 - the repository listens in a thread
    assert repository.faults == []
    assert len(repository.received) == count


@pytest_asyncio.fixture(params=["udp", "tcp", "tls"])
async def sent_to(
    request: pytest.FixtureRequest, folder: Path, house: House
) -> AsyncIterator[tuple[Repository, Target]]:
    """A repository, and a target that was told of before the first line."""
    pem = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    repository = Repository(context if request.param == "tls" else None, request.param)
    to = Target(request.param, "localhost", repository.port, pem)
    await sending.send_next(house.app, to)
    yield repository, to
    repository.close()


async def test_send__each_line_arrives_once_in_order_as_rfc_5424_and_dicom(
    house: House, sent_to: tuple[Repository, Target]
) -> None:
    repository, to = sent_to
    await sealed(house, "a", "b")
    async with house.app.pool.bare() as tx:
        told = Happening(
            "login", "bs.lan", refused=True, reason="wrong password", address="192.0.2.7", tenant=1
        )
        await house.app.identity.witness.tell(tx, told)
    await sealed(house)

    while await sending.send_next(house.app, to):
        pass

    await waited(repository, 3)
    first, second, login = (parsed(text) for text in repository.texts())
    assert [one["pri"] for one in repository.received] == [b"85", b"85", b"84"]
    assert {one["id"] for one in repository.received} == {b"DICOM+RFC3881"}
    assert first.find("EventIdentification/EventID").attrib == {  # type: ignore[union-attr]
        "csd-code": "110110",
        "codeSystemName": "DCM",
        "originalText": "Patient Record",
    }
    objects = [one.get("ParticipantObjectID") for one in second.findall("ParticipantObjectIdentification")]
    assert objects[:2] == ["Patient/b", "Patient/b/_history/1"]
    assert login.find("EventIdentification/EventTypeCode").get("csd-code") == "110122"  # type: ignore[union-attr]
    assert login.find("ActiveParticipant").get("NetworkAccessPointID") == "192.0.2.7"  # type: ignore[union-attr]
    assert login.find("EventIdentification").get("EventOutcomeIndicator") == "4"  # type: ignore[union-attr]


async def test_send__begins_with_what_is_sealed_after_it_was_set_and_repeats_nothing(house: House) -> None:
    repository = Repository()
    to = Target("tcp", "127.0.0.1", repository.port)
    await sealed(house, "before")

    assert await sending.send_next(house.app, to) == 0
    await sealed(house, "after")
    assert await sending.send_next(house.app, to) == 1
    assert await sending.send_next(house.app, to) == 0

    await waited(repository, 1)
    repository.close()


async def test_send__a_repository_that_hangs_up_gets_everything_again(house: House) -> None:
    repository = Repository(deaf=True)
    to = Target("tcp", "127.0.0.1", repository.port)
    await sending.send_next(house.app, to)
    await sealed(house, *(f"p{number}" for number in range(5)))
    with pytest.raises(OSError, match=r"."):
        await sending.send_next(house.app, to)

    repository.deaf = False
    await sending.send_next(house.app, to)

    await waited(repository, 5)
    repository.close()


async def test_send__when_nobody_listens_the_follower_waits_and_writes_go_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    (send_on,) = sending.followers(Target("tcp", "127.0.0.1", 9))
    await send_on(house.app)
    await sealed(house, "a")

    began = time.monotonic()
    for _ in range(20):
        assert await send_on(house.app) == 0
    await sealed(house, "b")

    assert time.monotonic() - began < 5
    assert len([one for one in caplog.records if "not reached" in one.message]) == 1


@pytest.mark.parametrize("name", ["other.example", "localhost"])
async def test_send__a_repository_that_nobody_vouches_for_gets_nothing(
    house: House, folder: Path, name: str
) -> None:
    pem = certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    repository = Repository(context, "tls")
    to = Target("tls", "localhost", repository.port, pem if name != "localhost" else None)
    await sending.send_next(house.app, to)
    await sealed(house, "a")

    with pytest.raises(ssl.SSLCertVerificationError):
        await sending.send_next(house.app, to)

    assert repository.received == []
    repository.close()


async def test_message__no_text_breaks_out_of_its_line_or_its_xml(house: House, owner: Any) -> None:
    evil = "x]]></AuditMessage>\r\n<85>1 2026-01-01T00:00:00Z h HSBA 1 id - forged\x0b\u202e\x7f"
    await owner.execute(
        "INSERT INTO audit.line (tenant, recorded, account, role, workstation, address, on_behalf_of, channel, purpose,"
        " request, interaction, refused, reason, detail)"
        " VALUES (1, now(), $1, $1, $1, $1, $1, 'access', $1, gen_random_uuid(), 'login', true, $1, $1)",
        evil,
    )
    (row,) = await owner.fetch("SELECT * FROM audit.whole")

    made = syslog.message(row, {}, {}, evil, f"mày chủ {evil}")

    assert b"\n" not in made
    assert b"\r" not in made
    root = parsed(made.partition(syslog.BOM)[2])
    assert root.tag == "AuditMessage"
    assert "forged" in str(root.find("ActiveParticipant").get("UserID"))  # type: ignore[union-attr]
    count, _, rest = syslog.framed(made).partition(b" ")
    assert int(count) == len(rest)


@pytest.mark.parametrize(
    "text", ["log.example", "http://log.example", "tls://", "tcp://h:99999", "tls://u@h", "tls://h/x"]
)
def test_target__that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        sending.target(text)


def test_target__has_the_port_of_its_way() -> None:
    found = [sending.target(f"{way}://log.example") for way in ("udp", "tcp", "tls")]

    assert [one and one.port for one in found] == [514, 601, 6514]
    assert sending.target("") is None
