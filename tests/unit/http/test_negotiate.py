"""In which form content is sent and wanted: Accept, _format, Content-Type, Prefer."""

from __future__ import annotations

import pytest

from hsba.fhir.problems import BadRequest, NotAcceptable, UnsupportedMedia
from hsba.http.negotiate import content_kind, shape, wishes

BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept, xml, media",
    [
        (None, False, b"application/fhir+json; charset=utf-8"),
        (b"", False, b"application/fhir+json; charset=utf-8"),
        (b"*/*", False, b"application/fhir+json; charset=utf-8"),
        (b"application/json", False, b"application/json; charset=utf-8"),
        (b"text/xml", True, b"text/xml; charset=utf-8"),
        (b"application/fhir+xml, application/fhir+json;q=0.5", True, b"application/fhir+xml; charset=utf-8"),
        (
            b"application/fhir+xml;q=0.5, application/fhir+json",
            False,
            b"application/fhir+json; charset=utf-8",
        ),
        (b"image/png, application/fhir+xml", True, b"application/fhir+xml; charset=utf-8"),
        (
            b"application/fhir+json; fhirVersion=4.0",
            False,
            b"application/fhir+json; charset=utf-8; fhirVersion=4.0",
        ),
        (b"application/fhir+json; charset=UTF-8", False, b"application/fhir+json; charset=utf-8"),
    ],
)
def test_shape__accept_is_followed(accept: bytes | None, xml: bool, media: bytes) -> None:
    found = shape(accept, [])

    assert (found.xml, found.media) == (xml, media)
    assert found.plain is not xml


@pytest.mark.parametrize(
    "accept",
    [
        b"image/png",
        b"text/turtle",
        b"application/fhir+json; fhirVersion=5.0",
        b"application/fhir+json; charset=iso-8859-1",
        b"application/fhir+json;q=0",
    ],
)
def test_shape__what_cannot_be_given_is_not_acceptable(accept: bytes) -> None:
    with pytest.raises(NotAcceptable):
        shape(accept, [])


def test_shape__a_browser_gets_json_it_can_read() -> None:
    found = shape(BROWSER, [])

    assert found.pretty
    assert not found.xml


@pytest.mark.parametrize(
    "wanted, xml",
    [
        ("json", False),
        ("xml", True),
        ("application/fhir+xml", True),
        ("application/fhir xml", True),
        ("application/fhir+json;fhirVersion=4.0", False),
        ("text/json", False),
    ],
)
def test_shape__format_wins_over_accept(wanted: str, xml: bool) -> None:
    assert shape(b"image/png", [("_format", wanted)]).xml is xml


def test_shape__unknown_format_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptable):
        shape(None, [("_format", "ttl")])


def test_shape__controls_are_read() -> None:
    found = shape(None, [("_summary", "text"), ("_elements", "name, birthDate"), ("_pretty", "true")])

    assert (found.summary, found.elements, found.pretty, found.plain) == (
        "text",
        ("name", "birthDate"),
        True,
        False,
    )


def test_shape__summary_false_is_the_whole() -> None:
    assert shape(None, [("_summary", "false")]).plain


@pytest.mark.parametrize("pair", [("_summary", "all"), ("_pretty", "yes")])
def test_shape__wrong_controls_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(BadRequest):
        shape(None, [pair])


@pytest.mark.parametrize(
    "content_type, kind",
    [
        (b"application/fhir+json", "json"),
        (b"application/fhir+json; charset=utf-8", "json"),
        (b'application/fhir+json; fhirVersion="4.0"', "json"),
        (b"application/json-patch+json", "json-patch"),
        (b"Application/FHIR+XML", "xml"),
    ],
)
def test_content_kind__known_types(content_type: bytes, kind: str) -> None:
    assert content_kind(content_type) == kind


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"text/plain",
        b"application/fhir+json; charset=utf-16",
        b"application/fhir+json; fhirVersion=3.0",
        b"application/fhir+json, application/fhir+xml",
    ],
)
def test_content_kind__others_are_refused(content_type: bytes | None) -> None:
    with pytest.raises(UnsupportedMedia):
        content_kind(content_type)


def test_wishes__prefer_is_understood_and_unknown_ones_passed_over() -> None:
    found = wishes(b"return=minimal; handling=lenient, respond-async, wait=10")

    assert (found.returns, found.strict, found.respond_async) == ("minimal", False, True)


def test_wishes__strict_unless_told_otherwise() -> None:
    assert wishes(None).strict
