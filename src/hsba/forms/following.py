"""What follows when an entry of a sheet is saved: its facts are in the record as it says, in the same transaction.

Step 1 the entry is held against its form - step 2 what was made of it before is found - step 3 what it says now is
written under the same ids, and what it no longer says becomes `entered-in-error` - step 4 the stay learns its
diagnoses and how it ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Busy, Gone, NotFound, VersionConflict
from hsba.forms import extract, into_encounter, shelf
from hsba.forms.checking import check, is_ours
from hsba.record import derived, interactions
from hsba.record.ports import AllowAll
from hsba.record.transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hsba.forms.extract import Made
    from hsba.forms.model import Form
    from hsba.record.consequences import Consequences
    from hsba.record.context import Context

Resource = dict[str, Any]
Address = tuple[str, str]

SINCE = ("effectiveDateTime", "recordedDate", "authoredOn", "date")
"""When a fact was found: an amendment of the entry corrects the fact and does not move it."""


class Entries:
    """Acts on QuestionnaireResponses that answer a form of this house; others are left as they are."""

    async def follow(self, ctx: Context, id: str, before: Resource | None, after: Resource | None) -> None:
        """Refuse an entry that does not fit its form, and make the record say what it says."""
        was, form = await _form(ctx, before), await _form(ctx, after)
        if after is not None and is_ours(after):
            check(form, after)
        if form is None and was is None:
            return
        made = extract.made(form, {**after, "id": id}) if form and after else []
        there = await derived.made_of(ctx, id, extract.TYPES) if before else {}
        inner = replace(ctx, entry=id, alone=False)
        if changed := changes(made, there):
            await transaction(inner, _bundle(changed))
        ours = {
            f"Condition/{id_}" for type_, id_ in (*there, *map(_address, _of(made))) if type_ == "Condition"
        }
        old = into_encounter.fields(was, before) if was and before else {}
        new = into_encounter.fields(form, after) if form and after else {}
        stay, left = _stay_of(after), _stay_of(before)
        if left and left != stay:  # written into the wrong stay, and put right
            await _tell_stay(inner, left, [], ours, old, {})
            old = {}
        if stay:
            await _tell_stay(inner, stay, [one for one in made if one.role], ours, old, new)


CONSEQUENCES: dict[str, Consequences] = {"QuestionnaireResponse": Entries()}


async def _form(ctx: Context, response: Resource | None) -> Form | None:
    """The form that a response answers; None for one that is not here."""
    try:
        return await shelf.of(ctx, str((response or {}).get("questionnaire", "")))
    except shelf.UnknownForm:
        return None


def changes(made: list[Made], there: dict[Address, Resource]) -> list[Resource]:
    """What is to be written so that the record says what the entry says, and nothing that it said before."""
    return [*_now(made, there), *_gone(made, there)]


def _now(made: Iterable[Made], there: dict[Address, Resource]) -> Iterable[Resource]:
    """What the entry says now, where the record does not say the same already."""
    for one in made:
        resource = one.resource
        before = there.get(_address(resource))
        if before is None:
            yield resource
            continue
        if not one.dated:
            resource = {
                **resource,
                **{name: before[name] for name in SINCE if name in before and name in resource},
            }
        if resource["resourceType"] == "Observation" and before["status"] != "entered-in-error":
            same = _bare({**resource, "status": before["status"]}) == _bare(before)
            resource = {**resource, "status": before["status"] if same else "corrected"}
        yield resource


def _gone(made: Iterable[Made], there: dict[Address, Resource]) -> Iterable[Resource]:
    """What the entry no longer says."""
    kept = {_address(one) for one in _of(made)}
    for address, before in there.items():
        if address not in kept:
            yield VOID.get(address[0], _by_status)(_bare(before))


def _by_status(resource: Resource) -> Resource:
    return {**resource, "status": "entered-in-error"}


def _by_verification(system: str) -> Callable[[Resource], Resource]:
    def void(resource: Resource) -> Resource:
        kept = {name: value for name, value in resource.items() if name != "clinicalStatus"}
        return {**kept, "verificationStatus": {"coding": [{"system": system, "code": "entered-in-error"}]}}

    return void


VOID: dict[str, Callable[[Resource], Resource]] = {
    "AllergyIntolerance": _by_verification(f"{extract.HL7}allergyintolerance-verification"),
    "Condition": _by_verification(f"{extract.HL7}condition-ver-status"),
}
"""How a type says that it should never have been there, where it has no status for that."""


async def _tell_stay(
    ctx: Context, id: str, roles: list[Made], ours: set[str], old: dict[str, Any], new: dict[str, Any]
) -> None:
    """Write diagnoses and the end of a stay into its Encounter.

    Whoever may record a diagnosis says with it what it is for; how a stay ends is changed by the rights on the stay.
    """
    if not (ours or old or new):
        return
    everything = replace(ctx, policy=AllowAll())
    try:
        stored = await interactions.read(ctx, "Encounter", id)
        if ctx.policy.hidden("Encounter"):  # what is hidden from the writer stays in the stay
            stored = await interactions.read(everything, "Encounter", id)
    except (NotFound, Gone):
        return
    before = json.stored(stored.body or "")
    ended = into_encounter.with_fields(before, old, new)
    after = into_encounter.with_diagnoses(ended, roles, ours)
    if after == before:
        return
    may = ctx if ended != before else everything
    try:
        await interactions.update(may, after, if_match=str(stored.vid))
    except VersionConflict as conflict:
        raise Busy from conflict  # somebody changed the stay meanwhile: a second try builds on that


def _stay_of(response: Resource | None) -> str:
    """The stay that a response is of; empty where it names none here."""
    reference = (response or {}).get("encounter", {}).get("reference", "")
    type_, _, id_ = str(reference).partition("/")
    return id_ if type_ == "Encounter" else ""


def _of(made: Iterable[Made]) -> Iterable[Resource]:
    return (one.resource for one in made)


def _bundle(changes: list[Resource]) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in changes
        ],
    }


def _address(resource: Resource) -> Address:
    return resource["resourceType"], resource["id"]


def _bare(resource: Resource) -> Resource:
    """A resource without the stamp that saving gives it."""
    meta = {
        name: value for name, value in resource["meta"].items() if name not in ("versionId", "lastUpdated")
    }
    return {**resource, "meta": meta}
