"""A line of the trail as the syslog message that an audit repository takes (RFC 5424; DICOM PS3.15 A.5 and A.6); pure, no I/O."""

from __future__ import annotations

import os
from typing import Any
from xml.etree import ElementTree as ET

from hsba.audit import events, security
from hsba.audit.witness import CHANNEL
from hsba.audit.words import plain

PRIORITY = 10 * 8 + 5
"""Facility 10 (security), severity 5 (normal but significant)."""
REFUSED_PRIORITY = 10 * 8 + 4
NAME, MESSAGE = "HSBA", "DICOM+RFC3881"
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>'
BOM = b"\xef\xbb\xbf"
NIL = "-"

RECORD: dict[str, tuple[str, str]] = {
    "search": ("110112", "Query"),
    "export": ("110106", "Export"),
    "export-file": ("110106", "Export"),
    "import": ("110107", "Import"),
    "audit-view": ("110101", "Audit Log Used"),
    "audit-search": ("110101", "Audit Log Used"),
    "audit-export": ("110101", "Audit Log Used"),
}
"""Events about the record (PS3.16 CID 400); everything else is one of the patient's record."""
PATIENT_RECORD = ("110110", "Patient Record")


def message(row: Any, patients: dict[int, str], names: dict[int, str], site: str, host: str) -> bytes:
    """One line: header, no structured data, and the XML of the event."""
    priority = REFUSED_PRIORITY if row["refused"] else PRIORITY
    head = f"<{priority}>1 {row['recorded'].isoformat(timespec='microseconds').replace('+00:00', 'Z')}"
    sender = f"{token(host, 255)} {NAME} {os.getpid()} {MESSAGE} {NIL} "
    return f"{head} {sender}".encode("ascii") + BOM + xml(row, patients, names, site, host)


def framed(message: bytes) -> bytes:
    """A message on a stream: counted in octets, so that none can pretend to be two (RFC 5425 4.3, RFC 6587 3.4.1)."""
    return b"%d %s" % (len(message), message)


def token(text: str, longest: int) -> str:
    """A word of the header: printable ASCII without spaces (RFC 5424 6)."""
    return "".join(one if "!" <= one <= "~" else "_" for one in text)[:longest] or NIL


def xml(row: Any, patients: dict[int, str], names: dict[int, str], site: str, host: str) -> bytes:
    """The AuditMessage of DICOM (PS3.15 A.5.1)."""
    act = row["interaction"]
    root = ET.Element("AuditMessage")
    about_account = row["channel"] == CHANNEL
    if about_account:
        family = security.family(act)
        event, types, action = family.type, [family.subtype], security.action(act)
    else:
        event, types, action = RECORD.get(act, PATIENT_RECORD), [], events.act(act).action
    said = {
        "EventActionCode": action,
        "EventDateTime": row["recorded"].isoformat(),
        "EventOutcomeIndicator": events.REFUSED if row["refused"] else events.SUCCESS,
    }
    identification = _element(root, "EventIdentification", said)
    _code(identification, "EventID", event)
    for one in types:
        _code(identification, "EventTypeCode", one)
    _code(identification, "EventTypeCode", (act, act), system=events.OURS)
    if row["reason"]:
        _element(identification, "EventOutcomeDescription", {}).text = plain(row["reason"])
    _code(identification, "PurposeOfUse", (row["purpose"], row["purpose"]), system="v3-ActReason")
    _participants(root, row)
    source = _element(
        root, "AuditSourceIdentification", {"AuditEnterpriseSiteID": site, "AuditSourceID": host}
    )
    _code(source, "AuditSourceTypeCode", ("4", "Application Server Process"))
    for id_ in dict.fromkeys(patients[one[0]] for one in row["subjects"] if one[0] in patients):
        _object(root, f"Patient/{id_}", "1", "1", ("2", "Patient Number"))
    for _, _, type_, id_, vid, _ in row["subjects"]:
        if type_ is not None and id_ is not None and (names[type_] != "Patient" or vid is not None):
            version = f"/_history/{vid}" if vid is not None else ""
            _object(root, f"{names[type_]}/{id_}{version}", "2", "3", ("12", "URI"))
    if row["detail"]:
        role = "11" if about_account else "3"
        _object(root, row["detail"], "2", role, ("11", "User Identifier") if about_account else ("12", "URI"))
    _object(root, f"AuditEvent/{row['id']}", "2", "13", ("12", "URI"))
    made: bytes = ET.tostring(root, "utf-8", xml_declaration=False)
    return HEAD + made


def _participants(root: ET.Element, row: Any) -> None:
    """Who did it, from where, and for whom."""
    who = {"UserID": row["account"], "UserIsRequestor": "true"}
    if row["workstation"]:
        who["AlternativeUserID"] = row["workstation"]
    if row["address"]:
        who |= {"NetworkAccessPointID": row["address"], "NetworkAccessPointTypeCode": "2"}
    agent = _element(root, "ActiveParticipant", who)
    for role in (row["role"] or "").replace(",", " ").split():
        _code(agent, "RoleIDCode", (role, role), system="urn:hsba:role")
    if row["on_behalf_of"]:
        _element(root, "ActiveParticipant", {"UserID": row["on_behalf_of"], "UserIsRequestor": "false"})


def _object(root: ET.Element, id_: str, kind: str, role: str, of: tuple[str, str]) -> None:
    said = {
        "ParticipantObjectID": id_,
        "ParticipantObjectTypeCode": kind,
        "ParticipantObjectTypeCodeRole": role,
    }
    one = _element(root, "ParticipantObjectIdentification", said)
    _code(one, "ParticipantObjectIDTypeCode", of, system="RFC-3881")
    _element(one, "ParticipantObjectName", {}).text = plain(id_)


def _code(parent: ET.Element, name: str, code: tuple[str, str], *, system: str = "DCM") -> None:
    _element(parent, name, {"csd-code": code[0], "codeSystemName": system, "originalText": code[1]})


def _element(parent: ET.Element, name: str, said: dict[str, str]) -> ET.Element:
    return ET.SubElement(parent, name, {key: plain(value) for key, value in said.items()})
