"""Operations of Structured Data Capture (SDC): what the record knows put into a form, and what a form's answers become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import BadRequest
from hsba.forms import extract, populate, shelf, state
from hsba.forms.answers import PART, Answers, to_items
from hsba.forms.checking import check
from hsba.forms.questionnaire import CODE, id_of
from hsba.record import interactions
from hsba.record.calls import Call, Level, Operation, parameters

if TYPE_CHECKING:
    from hsba.forms.model import Form
    from hsba.record.context import Context

Resource = dict[str, Any]

SDC = "http://hl7.org/fhir/uv/sdc/OperationDefinition"
NOT_SYSTEM: frozenset[Level] = frozenset({"type", "instance"})


async def fill(ctx: Context, call: Call) -> Resource:
    """$populate: a response in progress with what the record knows of `subject` in the stay of `context` (or `encounter`)."""
    form = await _form(ctx, call)
    patient = _id(call.all("subject"), "Patient", "subject")
    if not patient:
        raise BadRequest("Name the subject.", vi="Hãy nêu subject (người bệnh).", path="subject")
    encounter = _id([*call.all("encounter"), *_context(call, "encounter")], "Encounter", "encounter")
    named = call.text("part")
    parts = [part for part in form.parts if named in (None, part.id)]
    if not parts:
        raise shelf.UnknownForm(f"{form.code} {named}")
    wanted = frozenset(name for part in parts for name in populate.wanted(form, part.id))
    # The patient is read first, so that who may not see him learns nothing.
    facts = await populate.gather(ctx, patient, encounter, wanted | {"patient.name"})
    now, zone = ctx.clock.now(), ctx.tenant.zone
    others: Answers = {}
    items: list[Resource] = []
    for part in parts:
        given = populate.filled(form, part.id, facts, zone)
        worked = state.work(form, part, given, others, now, zone)
        others |= worked.answers
        items += to_items(form, part.id, worked.answers, worked.asked.__contains__)
    made: Resource = {
        "resourceType": "QuestionnaireResponse",
        **({"extension": [{"url": PART, "valueCode": named}]} if named else {}),
        "questionnaire": form.canonical,
        "status": "in-progress",
        "subject": {"reference": f"Patient/{patient}"},
        **({"encounter": {"reference": f"Encounter/{encounter}"}} if encounter else {}),
        "authored": now.astimezone(zone).isoformat(timespec="seconds"),
        **({"item": items} if items else {}),
    }
    return parameters({"name": "response", "resource": made})


async def facts_of(ctx: Context, call: Call) -> Resource:
    """$extract: the resources that a completed response becomes, as a transaction; saving the response saves them."""
    response = call.resource("questionnaire-response") or call.resource()
    if response is None:
        if call.id is None:
            raise BadRequest(
                "Give questionnaire-response.",
                vi="Hãy đưa questionnaire-response.",
                path="questionnaire-response",
            )
        stored = await interactions.read(ctx, "QuestionnaireResponse", call.id)
        response = json.stored(stored.body or "")
    if response.get("resourceType") != "QuestionnaireResponse" or not isinstance(response.get("id"), str):
        raise BadRequest(
            "questionnaire-response is a QuestionnaireResponse with its id.",
            vi="questionnaire-response phải là QuestionnaireResponse có id.", path="questionnaire-response",
        )  # fmt: skip
    form = await shelf.of(ctx, str(response.get("questionnaire", "")))
    interactions.check(ctx, response)
    check(form, response)
    made = extract.resources(form, response)
    entries = [
        {
            "fullUrl": f"{one['resourceType']}/{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in made
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", **({"entry": entries} if entries else {})}
    return parameters({"name": "return", "resource": bundle})


async def _form(ctx: Context, call: Call) -> Form:
    """The form that is meant: by its id, its address, its code, or as it was given."""
    given = call.resource("questionnaire") or {}
    canonical = call.text("canonical") or (
        f"{given['url']}|{given.get('version', '')}" if "url" in given else None
    )
    if call.id is not None:
        for form in await shelf.every(ctx):
            if id_of(form) == call.id:
                return form
        raise shelf.UnknownForm(call.id)
    if canonical:
        return await shelf.of(ctx, canonical.rstrip("|"))
    if identifier := call.value("identifier", dict):
        for form in (await shelf.current(ctx)).values():
            if form.code == identifier.get("value") and identifier.get("system", CODE) == CODE:
                return form
        raise shelf.UnknownForm(str(identifier.get("value", "")))
    raise BadRequest(
        "Name the form: canonical, identifier or questionnaire.",
        vi="Hãy nêu biểu mẫu: canonical, identifier hoặc questionnaire.",
    )


def _context(call: Call, name: str) -> list[Any]:
    """The content of a launch context of this name."""
    found: list[Any] = []
    for one in call.parameters:
        parts = one.get("part", ()) if one["name"] == "context" else ()
        told = {part.get("name"): part for part in parts if isinstance(part, dict)}
        said = told.get("name", {})
        if name in (said.get("valueString"), said.get("valueCode"), said.get("valueCoding", {}).get("code")):
            content = told.get("content", {})
            found += [value for key, value in content.items() if key.startswith("value")]
            if "resource" in content:
                resource = content["resource"]
                found.append({"reference": f"{resource.get('resourceType')}/{resource.get('id')}"})
    return found


def _id(values: list[Any], type_: str, name: str) -> str:
    """The id in a reference to a resource of this type; empty where none was given."""
    if not values:
        return ""
    reference = values[0].get("reference") if isinstance(values[0], dict) else values[0]
    found, _, id_ = str(reference).partition("/")
    if found != type_ or not id_ or "/" in id_:
        raise BadRequest(
            f"{name} is a reference {type_}/id.", vi=f"{name} là một tham chiếu {type_}/id.", path=name
        )
    return id_


OPERATIONS: tuple[Operation, ...] = (
    Operation("extract", NOT_SYSTEM, facts_of, ("QuestionnaireResponse",),
              definition=f"{SDC}/QuestionnaireResponse-extract"),
    Operation("populate", NOT_SYSTEM, fill, ("Questionnaire",), tx="searching",
              definition=f"{SDC}/Questionnaire-populate"),
)  # fmt: skip
"""The operations of forms."""
