"""FHIR's XML: what is kept both ways, and what is refused with its path."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hsba.fhir import definitions as packaged
from hsba.fhir import xml
from hsba.fhir.problems import Malformed, UnknownType, Unprocessable

DEFINITIONS = packaged.default()
HEAD = '<Patient xmlns="http://hl7.org/fhir">'
DIV = 'xmlns="http://www.w3.org/1999/xhtml"'


def read(text: str) -> dict[str, Any]:
    return xml.parse(text.encode(), DEFINITIONS)


def patient(inner: str) -> dict[str, Any]:
    return read(f"{HEAD}{inner}</Patient>")


def narrative(inner: str) -> Any:
    return patient(f'<text><status value="generated"/>{inner}</text>')["text"]["div"]


# --- reading


def test_parse__values_get_their_json_types() -> None:
    found = read(
        '<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="x"/></code>'
        '<valueQuantity><value value="1.50"/></valueQuantity>'
        '<component><code/><valueInteger value="-3"/></component>'
        '<component><code/><valueBoolean value="false"/></component></Observation>'
    )

    assert str(found["valueQuantity"]["value"]) == "1.50"
    assert found["component"] == [{"code": {}, "valueInteger": -3}, {"code": {}, "valueBoolean": False}]


def test_parse__ids_and_extensions_of_primitives_stand_beside_their_values() -> None:
    found = patient(
        '<name id="n"><given value="Văn"/><given id="g"><extension url="urn:x"><valueCode value="y"/></extension>'
        '</given></name><birthDate><extension url="urn:z"><valueBoolean value="true"/></extension></birthDate>'
    )

    assert found["name"] == [
        {
            "id": "n",
            "given": ["Văn", None],
            "_given": [None, {"id": "g", "extension": [{"url": "urn:x", "valueCode": "y"}]}],
        }
    ]
    assert found["_birthDate"] == {"extension": [{"url": "urn:z", "valueBoolean": True}]}
    assert "birthDate" not in found


def test_parse__comments_and_instructions_are_passed_over() -> None:
    text = f'<?xml version="1.0"?><!-- a --><?style x?>{HEAD}<!-- b --><active value="true"/></Patient>'

    assert read(text) == {"resourceType": "Patient", "active": True}


def test_parse__schema_location_is_passed_over() -> None:
    text = (
        '<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="http://hl7.org/fhir patient.xsd"/>'
    )

    assert read(text) == {"resourceType": "Patient"}


def test_parse__prefix_for_fhir_is_as_good_as_none() -> None:
    assert (
        read('<f:Patient xmlns:f="http://hl7.org/fhir"><f:active value="true"/></f:Patient>')["active"]
        is True
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_parse__encodings_that_say_what_they_are_are_read(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding == "iso-8859-1" else ""
    text = f'{declared}{HEAD}<name><family value="Lê Thà"/></name></Patient>'

    assert xml.parse(text.encode(encoding), DEFINITIONS)["name"] == [{"family": "Lê Thà"}]


@pytest.mark.parametrize(
    "div, kept",
    [
        (f"<div {DIV}><p>a &amp; b&#160;<br/>  </p><!-- c --></div>", None),
        (f"<div {DIV}/>", None),
        (f'<div title="a>b" {DIV}/>', None),
        (f"<div {DIV} lang='vi'><div>trong</div></div  >", None),
        (f"<h:div xmlns:h={DIV[6:]}><h:p>a</h:p></h:div>", f"<div {DIV}><p>a</p></div>"),
    ],
)
def test_parse__narrative_is_kept_as_it_is_written(div: str, kept: str | None) -> None:
    assert narrative(div) == (kept or div)


def test_parse__narrative_with_a_prefix_from_above_declares_its_namespace_itself() -> None:
    text = (
        f'<Patient xmlns="http://hl7.org/fhir" xmlns:h={DIV[6:]}><text><status value="generated"/>'
        "<h:div>x</h:div></text></Patient>"
    )

    assert read(text)["text"]["div"] == f"<div {DIV}>x</div>"


@pytest.mark.parametrize(
    "inner, path",
    [
        ('<colour value="x"/>', "Patient.colour"),
        ('<name><giben value="x"/></name>', "Patient.name[0].giben"),
        ('<name/><name><given value="a"/><given x="a"/></name>', "Patient.name[1].given[1]"),
        ('<birthDate value="1980"/><birthDate value="1981"/>', "Patient.birthDate"),
        ('<birthDate value="1980"/><gender value="male"/>', "Patient.gender"),
        ('<name/><gender value="male"/><name/>', "Patient.name"),
        ('<active value="maybe"/>', "Patient.active"),
        ('<multipleBirthInteger value="2.5"/>', "Patient.multipleBirthInteger"),
        ("<active/>", "Patient.active"),
        ('<active xmlns="urn:other" value="true"/>', "Patient.active"),
        ("<contained/>", "Patient.contained[0]"),
        ("<contained><Patient/><Patient/></contained>", "Patient.contained[0]"),
        ("<contained><Nobody/></contained>", "Patient.contained[0]"),
        ("<name>An</name>", "Patient.name[0]"),
        ("<url value='x'/>", "Patient.url"),
        ("<extension><url value='x'/></extension>", "Patient.extension[0].url"),
    ],
)
def test_parse__what_is_not_defined_is_told_with_its_path(inner: str, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        patient(inner)

    assert caught.value.issues[0].path == path


def test_parse__every_fault_is_told() -> None:
    with pytest.raises(Malformed) as caught:
        patient('<a value="1"/><active value="2"/><b value="3"/>')

    assert [issue.path for issue in caught.value.issues] == ["Patient.a", "Patient.active", "Patient.b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Patient",
        "<Patient/>",
        '<Patient xmlns="urn:other"/>',
        '<Nobody xmlns="http://hl7.org/fhir"/>',
        f'<!DOCTYPE Patient [<!ENTITY a "aaaaaaaaaa">]>{HEAD}<id value="&a;"/></Patient>',
        f'<!DOCTYPE Patient SYSTEM "file:///etc/passwd">{HEAD}</Patient>',
        f'{HEAD}<id value="&nbsp;"/></Patient>',
        f'{HEAD}<id value="&#0;"/></Patient>',
        f'{HEAD}<extension url="x">{"<extension>" * 10_000}',
        f'{HEAD}<text><status value="generated"/><div {DIV}>{"<b>" * 10_000}',
        f'<Patient xmlns="http://hl7.org/fhir" xmlns:h={DIV[6:]}><text><div {DIV}><h:b/></div></text></Patient>',
    ],
)
def test_parse__what_cannot_be_read_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read(text)


def test_parse__wrong_bytes_are_malformed() -> None:
    for data in (
        b'<?xml version="1.0" encoding="koi8-r"?><a/>',
        HEAD.encode() + b'<id value="\xff"/></Patient>',
    ):
        with pytest.raises(Malformed):
            xml.parse(data, DEFINITIONS)


# --- writing


def test_dump__elements_stand_in_the_order_of_the_definitions() -> None:
    written = xml.dump(
        {"birthDate": "1980", "active": True, "id": "a", "resourceType": "Patient"}, DEFINITIONS
    )

    assert written.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir">'
        '<id value="a"/><active value="true"/><birthDate value="1980"/></Patient>'
    )


def test_dump__text_comes_back_character_by_character() -> None:
    name = {"text": "a\tb\nc\r\nd <&\"'> \u00a0 Đặng 𝄞", "id": 'n"&'}
    resource = {"resourceType": "Patient", "name": [name]}

    assert xml.parse(xml.dump(resource, DEFINITIONS), DEFINITIONS) == resource


def test_dump__named_characters_of_html_become_numbers() -> None:
    resource = {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": f"<div {DIV}>a&nbsp;b &amp; c</div>"},
    }

    back = xml.parse(xml.dump(resource, DEFINITIONS), DEFINITIONS)

    assert back["text"]["div"] == f"<div {DIV}>a&#160;b &amp; c</div>"


def test_dump__numbers_keep_their_digits() -> None:
    for digits in ("1.50", "0.000", "1E+2", "-0.0", "100"):
        value = Decimal(digits) if digits != "100" else 100
        resource = {"resourceType": "Observation", "valueQuantity": {"value": value}}

        back = xml.parse(xml.dump(resource, DEFINITIONS), DEFINITIONS)

        assert str(back["valueQuantity"]["value"]) == digits


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "colour": "x"},
        {"resourceType": "Patient", "_colour": {"id": "x"}},
        {"resourceType": "Patient", "active": {"x": 1}},
        {"resourceType": "Patient", "name": ["An"]},
        {"resourceType": "Patient", "name": [None]},
        {"resourceType": "Patient", "id": "a\x00"},
        {"resourceType": "Patient", "id": "a\x1f"},
        {"resourceType": "Patient", "text": {"div": f"<div {DIV}></div></text><active value='true'/><text>"}},
        {"resourceType": "Patient", "text": {"div": "<p>x</p>"}},
        {"resourceType": "Patient", "text": {"div": f"<!DOCTYPE div><div {DIV}/>"}},
    ],
)
def test_dump__what_xml_cannot_hold_is_refused(resource: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable):
        xml.dump(resource, DEFINITIONS)


def test_dump__unknown_type_is_refused() -> None:
    with pytest.raises(UnknownType):
        xml.dump({"resourceType": "Nobody"}, DEFINITIONS)


def test_dump_pretty__reads_as_the_same() -> None:
    resource = {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Patient", "id": "c"}],
        "active": True,
    }

    pretty = xml.dump_pretty(resource, DEFINITIONS)

    assert b'\n  <contained>\n    <Patient>\n      <id value="c"/>\n' in pretty
    assert xml.parse(pretty, DEFINITIONS) == resource
