"""A form as the standard's Questionnaire, with the extensions of Structured Data Capture (SDC), for any client of it.

The items stand as the answers do (`answers.to_items`): no groups for parts, what is printed beside follows, the cells of
printed rows are items of their table.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.forms import catalogue
from hsba.forms.answers import PART, cells, coding
from hsba.forms.extract import CATEGORIES, HL7, LOINC, SURVEY, UCUM
from hsba.forms.model import ANSWERED, KINDS
from hsba.forms.source import GIVEN, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hsba.forms.model import Clause, Form, Item

Resource = dict[str, Any]

FHIR = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
CONTROLS = "http://hl7.org/fhir/questionnaire-item-control"
LAUNCH = "http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext"
CODE = "http://fhir.hl7.org.vn/core/sid/form"
"""The system of a form's code as the law writes it."""
CONTEXTS = {"patient": "Patient", "encounter": "Encounter"}
"""What a client gives when it begins to fill a form."""
PATH, QUERY = "text/fhirpath", "application/x-fhir-query"
TITLE = "title."
"""Before the id of a part, for the item that shows its title."""


def id_of(form: Form) -> str:
    """The id of its Questionnaire: one for each version."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", f"{form.slug}.{form.version}")[:64]


def questionnaire(form: Form) -> Resource:
    """The Questionnaire of a form."""
    items = {item.id: item for item in form.walk()}
    items |= {cell.id: cell for item in form.walk() if item.fixed for cell, _, _ in cells(item)}
    searches = _searches(form)
    made: Resource = {
        "resourceType": "Questionnaire",
        "id": id_of(form),
        "language": "vi",
        "extension": [*_launch(), *_variables(form, searches), *_signatures(form)],
        "url": form.url,
        "identifier": [{"system": CODE, "value": form.code}],
        "version": form.version,
        "name": "Form" + re.sub(r"\W", "", form.slug, flags=re.ASCII),
        "title": form.name,
        "status": "active",
        "experimental": form.confidence != "confirmed",
        "subjectType": ["Patient"],
        "publisher": "HSBA",
        "item": [
            one
            for part in form.parts
            for one in ([_title(part.id, part.title)] if part.title else [])
            + list(_items(part.items, items, searches, ""))
        ],
    }
    if form.basis:
        made["purpose"] = form.basis
    if form.source:
        made["description"] = form.source
    period = {"start": form.valid_from, "end": form.valid_to}
    if any(period.values()):
        made["effectivePeriod"] = {key: day.isoformat() for key, day in period.items() if day}
    return made


# --- the whole ---------------------------------------------------------------------------------------------


def _launch() -> Iterator[Resource]:
    for name, type_ in CONTEXTS.items():
        yield {
            "url": f"{SDC}launchContext",
            "extension": [
                {"url": "name", "valueCoding": {"system": LAUNCH, "code": name}},
                {"url": "type", "valueCode": type_},
            ],
        }


def _searches(form: Form) -> dict[str, str]:
    """The searches whose results fill items, and the name of each."""
    known = catalogue.facts()
    asked = (known.get(item.source or item.copy, {}).get("search") for item in form.walk())
    return {query: f"found-{number}" for number, query in enumerate(dict.fromkeys(q for q in asked if q), 1)}


def _variables(form: Form, searches: Mapping[str, str]) -> Iterator[Resource]:
    for query, name in searches.items():
        yield _expression(f"{FHIR}variable", query, QUERY, name)
    asked = {name for item in form.walk() for name in names(item.value)} - GIVEN
    for name in sorted(asked):
        path = f"%resource.repeat(item | answer.item).where(linkId = '{name}').answer.value"
        yield _expression(f"{FHIR}variable", path, PATH, name)
    if any(GIVEN & names(item.value) for item in form.walk()):
        yield _expression(f"{FHIR}variable", "today()", PATH, "today")
        yield _expression(f"{FHIR}variable", "now()", PATH, "now")


def _signatures(form: Form) -> Iterator[Resource]:
    for words in dict.fromkeys(part.sign for part in form.parts if part.sign):
        yield {"url": f"{FHIR}questionnaire-signatureRequired", "valueCodeableConcept": {"text": words}}


def _title(part: str, title: str) -> Resource:
    return {"linkId": f"{TITLE}{part}", "text": title, "type": "display"}


# --- items -------------------------------------------------------------------------------------------------


def _items(
    of: Iterable[Item], known: Mapping[str, Item], searches: Mapping[str, str], part: str
) -> Iterator[Resource]:
    for item in of:
        if item.kind == "table" and item.fixed:
            inside: Iterable[Item] = (cell for cell, _, _ in cells(item))
        elif item.kind in ANSWERED:
            inside = ()
        else:
            inside = item.children()
        made = _item(item, known, searches, part)
        if below := list(_items(inside, known, searches, item.part)):
            made["item"] = below
        elif made["type"] == "group":
            made["type"] = "display"  # a group of nothing
        yield made
        if item.kind in ANSWERED and item.beside:
            yield from _items((item.beside,), known, searches, part)


def _item(item: Item, known: Mapping[str, Item], searches: Mapping[str, str], part: str) -> Resource:
    made: Resource = {"linkId": item.id}
    extension = list(_extensions(item, searches, part))
    if extension:
        made["extension"] = extension
    if item.becomes.get("kind") in ("observation", "component"):
        named, _, code = str(item.becomes["code"]).rpartition("|")
        made["code"] = [{"system": named or LOINC, "code": code}]
    if item.number:
        made["prefix"] = item.number
    if item.label or item.hint:
        made["text"] = " ".join(words for words in (item.label, item.hint) if words)
        if item.en:
            said = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": item.en}]
            made["_text"] = {"extension": [{"url": f"{FHIR}translation", "extension": said}]}
    made["type"] = KINDS[item.kind]
    if item.when:
        made["enableWhen"] = [_when(clause, known[clause.item]) for clause in item.when.clauses]
        if len(item.when.clauses) > 1:
            made["enableBehavior"] = item.when.behavior
    if item.kind not in ANSWERED:
        return made | ({"repeats": True} if item.repeats else {})
    if item.required:
        made["required"] = True
    if item.kind == "many":
        made["repeats"] = True
    if item.readonly:
        made["readOnly"] = True
    if item.longest and item.kind in ("text", "long"):
        made["maxLength"] = item.longest
    if item.options:
        made["answerOption"] = [{"valueCoding": coding(item, option.code)} for option in item.options]
    elif KINDS[item.kind] in ("choice", "open-choice") and item.codes.startswith("http"):
        made["answerValueSet"] = item.codes
    return made


def _extensions(item: Item, searches: Mapping[str, str], part: str) -> Iterator[Resource]:
    if item.part != part:
        yield {"url": PART, "valueCode": item.part}
    if item.kind in ("number", "integer"):
        yield from _bounds(item)
    if control := _control(item):
        yield {
            "url": f"{FHIR}questionnaire-itemControl",
            "valueCodeableConcept": {"coding": [{"system": CONTROLS, "code": control}]},
        }
    if item.value:
        yield _expression(f"{SDC}calculatedExpression", item.value, PATH)
    elif path := _initial(item, searches):
        yield _expression(f"{SDC}initialExpression", path, PATH)
    if item.becomes.get("kind") == "observation":
        category = str(item.becomes.get("category", SURVEY))
        coded = {
            "system": f"{HL7}observation-category",
            "code": category,
            "display": CATEGORIES.get(category, category),
        }
        yield {"url": f"{SDC}observationExtract", "valueBoolean": True}
        yield {
            "url": f"{SDC}observation-extract-category",
            "valueCodeableConcept": {"coding": [coded]},
        }


def _bounds(item: Item) -> Iterator[Resource]:
    if item.unit or item.ucum:
        unit = {"code": item.ucum, "display": item.unit}
        told = {key: value for key, value in unit.items() if value}
        yield {
            "url": f"{FHIR}questionnaire-unit",
            "valueCoding": ({"system": UCUM} if item.ucum else {}) | told,
        }
    for name, bound in (("minValue", item.least), ("maxValue", item.most)):
        if bound is not None:
            whole = item.kind == "integer"
            yield {
                "url": FHIR + name,
                "valueInteger" if whole else "valueDecimal": int(bound) if whole else bound,
            }
    if item.decimals is not None and item.kind == "number":
        yield {"url": f"{FHIR}maxDecimalPlaces", "valueInteger": item.decimals}


def _control(item: Item) -> str:
    """How a client that knows the control shows it."""
    if item.repeats:
        return "gtable"
    if item.kind in ("icd", "coded"):
        return "autocomplete"
    return {"one": "radio-button", "many": "check-box"}.get(item.kind, "")


def _initial(item: Item, searches: Mapping[str, str]) -> str:
    """Where an answer comes from, as far as a client can ask it: of the patient, of the stay, of a search."""
    fact = catalogue.facts().get(item.source or item.copy, {})
    if item.kind not in ANSWERED or "path" not in fact:
        return ""
    if (name := searches.get(fact.get("search", ""))) is not None:
        return f"%`{name}`.entry.resource.{fact['path']}"
    return f"%{fact['of']}.{fact['path']}" if fact.get("of") in CONTEXTS else ""


def _expression(url: str, expression: str, language: str, name: str = "") -> Resource:
    told = {"name": name} if name else {}
    return {"url": url, "valueExpression": {**told, "language": language, "expression": expression}}


def _when(clause: Clause, item: Item) -> Resource:
    """One condition (FHIR R4 questionnaire.html#enableWhen)."""
    made: Resource = {"question": item.id, "operator": clause.operator}
    if clause.operator == "exists":
        return {**made, "answerBoolean": clause.value == "true"}
    match item.kind:
        case "one" | "many":
            return {**made, "answerCoding": coding(item, clause.value)}
        case "tick":
            return {**made, "answerBoolean": clause.value == "true"}
        case "integer":
            return {**made, "answerInteger": int(clause.value)}
        case "number":
            return {**made, "answerDecimal": Decimal(clause.value)}
        case "date":
            return {**made, "answerDate": clause.value}
        case "coded" | "icd":
            return {**made, "answerCoding": {"code": clause.value}}
        case _:
            return {**made, "answerString": clause.value}
