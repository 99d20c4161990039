"""A line of the trail as the FHIR R4 AuditEvent that is served (auditevent.html); made anew each time, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hsba.audit import security
from hsba.audit.witness import CHANNEL, INSTALLATION
from hsba.fhir import json
from hsba.record.saving import instant
from hsba.store.resources import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context

Resource = dict[str, Any]
Action = Literal["C", "R", "U", "D", "E"]

TYPE = "AuditEvent"
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
RESTFUL = "http://hl7.org/fhir/restful-interaction"
OURS = "urn:hsba:interaction"
PURPOSES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ENTITY_TYPES = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"
ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
SUCCESS, REFUSED = "0", "4"


@dataclass(frozen=True, slots=True)
class Act:
    """How the standard calls an act of ours: its action, and its code among the RESTful interactions if it is one."""

    action: Action
    restful: str = ""


ACTS: dict[str, Act] = {
    "read": Act("R", "read"),
    "vread": Act("R", "vread"),
    "search": Act("E", "search"),
    "history": Act("R", "history"),
    "create": Act("C", "create"),
    "update": Act("U", "update"),
    "patch": Act("U", "patch"),
    "delete": Act("D", "delete"),
    "view": Act("R"),
    "replay": Act("R"),
    "export": Act("R"),
    "export-file": Act("R"),
    "import": Act("C"),
    "merge": Act("U"),
    "unmerge": Act("U"),
    "link-person": Act("U"),
    "draft": Act("U"),
}
"""What is not here is an operation: it was executed."""
EXECUTED = Act("E")

READ = "SELECT w.* FROM audit.whole w WHERE w.tenant = $1 AND "


def act(interaction: str) -> Act:
    """How the standard calls it."""
    return ACTS.get(interaction, EXECUTED)


async def stored(ctx: Context, rows: Sequence[Any]) -> list[Stored]:
    """Rows of `audit.whole` as resources, ready to be shown like any other."""
    keys = {subject[0] for row in rows for subject in row["subjects"] if subject[0] is not None}
    patients: dict[int, str] = {}
    if keys:
        found = await ctx.tx.fetch(
            "SELECT key, id FROM record.resource WHERE tenant = $1 AND key = ANY($2)",
            ctx.tenant.id,
            list(keys),
        )
        patients = {one[0]: one[1] for one in found}
    type_ = ctx.registry.type_id(TYPE)
    return [
        Stored(
            row["id"],
            type_,
            str(row["id"]),
            1,
            row["recorded"],
            deleted=False,
            body=json.dump(event(ctx, row, patients)).decode(),
        )
        for row in rows
    ]


def event(ctx: Context, row: Any, patients: dict[int, str]) -> Resource:
    """One line as an AuditEvent; `patients` are the ids behind the keys of its subjects."""
    recorded = instant(row["recorded"], ctx)
    made: Resource = {
        "resourceType": TYPE,
        "id": str(row["id"]),
        "meta": {"versionId": "1", "lastUpdated": recorded},
        **(_about_account(row) if row["channel"] == CHANNEL else _about_record(row)),
        "recorded": recorded,
        "outcome": REFUSED if row["refused"] else SUCCESS,
    }
    if row["reason"]:
        made["outcomeDesc"] = row["reason"]
    made["purposeOfEvent"] = [{"coding": [{"system": PURPOSES, "code": row["purpose"]}]}]
    made["agent"] = list(_agents(row))
    made["source"] = {
        **({"site": ctx.tenant.slug} if row["tenant"] != INSTALLATION else {}),
        "observer": {"display": "HSBA"},
        "type": [
            {"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "3"},
            {"system": "urn:hsba:channel", "code": row["channel"]},
        ],
    }
    entities = [*_patients(row, patients), *_things(ctx, row, patients)]
    return {**made, "entity": entities} if entities else made


def _about_record(row: Any) -> Resource:
    """What was done to the record, in the words of REST."""
    how = act(row["interaction"])
    codes = [{"system": RESTFUL, "code": how.restful}] if how.restful else []
    return {
        "type": {"system": TYPES, "code": "rest", "display": "RESTful Operation"},
        "subtype": [*codes, {"system": OURS, "code": row["interaction"]}],
        "action": how.action,
    }


def _about_account(row: Any) -> Resource:
    """What happened to an account, in the words of DICOM."""
    family = security.family(row["interaction"])
    return {
        "type": security.coding(family.type),
        "subtype": [security.coding(family.subtype), {"system": OURS, "code": row["interaction"]}],
        "action": security.action(row["interaction"]),
    }


def _agents(row: Any) -> list[Resource]:
    """Who did it, and for whom."""
    agent: Resource = {"altId": row["account"], "name": row["account"], "requestor": True}
    if row["role"]:
        agent = {"role": [{"text": row["role"]}], **agent}
    if row["address"]:
        agent["network"] = {"address": row["address"], "type": "2"}
    if row["workstation"]:
        agent["location"] = {"display": row["workstation"]}
    found = [agent]
    if row["on_behalf_of"]:
        found.append({"altId": row["on_behalf_of"], "name": row["on_behalf_of"], "requestor": False})
    return found


def _patients(row: Any, patients: dict[int, str]) -> list[Resource]:
    """The patients it was about, each once."""
    ids = dict.fromkeys(patients[one[0]] for one in row["subjects"] if one[0] in patients)
    return [
        {
            "what": {"reference": f"Patient/{id_}"},
            "type": {"system": ENTITY_TYPES, "code": "1", "display": "Person"},
            "role": {"system": ROLES, "code": "1", "display": "Patient"},
        }
        for id_ in ids
    ]


def _things(ctx: Context, row: Any, patients: dict[int, str]) -> list[Resource]:
    """What it touched beside the patients themselves, and words for what is no resource."""
    found: list[Resource] = []
    for patient, key, type_, id_, vid, shown in row["subjects"]:
        if type_ is None or (key is not None and key == patient and patient in patients and vid is None):
            continue
        name = ctx.registry.type_name(type_)
        entity: Resource = {"type": {"system": RESOURCE_TYPES, "code": name}}
        if id_ is not None:
            version = f"/_history/{vid}" if vid is not None else ""
            entity = {"what": {"reference": f"{name}/{id_}{version}"}, **entity}
        elif shown > 1:
            entity["detail"] = [{"type": "resources", "valueString": str(shown)}]
        found.append(entity)
    if row["detail"]:
        found.append({"what": {"display": row["detail"]}, "name": row["detail"]})
    return found
