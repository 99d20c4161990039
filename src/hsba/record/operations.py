"""The record's own operations, as a table (FHIR R4 operationslist.html); `app.py` joins the tables of all rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import json, outcome
from hsba.fhir.problems import BadRequest, Conflict, Forbidden, NotFound, Problem, UnknownType
from hsba.fhir.validate import validate as find_issues
from hsba.record import compartment, interactions, lifecycle, patients
from hsba.record.calls import Call, Level, Operation, parameters
from hsba.store import resources

if TYPE_CHECKING:
    from hsba.fhir.problems import Issue
    from hsba.record.context import Context

Resource = dict[str, Any]

HL7 = "http://hl7.org/fhir/OperationDefinition"
OURS = "urn:hsba:operation"
MODES = ("create", "update", "delete", "profile")
META = ("profile", "security", "tag")
SYSTEM_LIMIT = 10_000
"""The most distinct labels that $meta of a type or of the system lists."""


# --- $validate ---------------------------------------------------------------------------------------------


async def validate(ctx: Context, call: Call) -> Resource:
    """Say what is wrong with a resource, given or stored, without saving it (FHIR R4 resource-operation-validate.html)."""
    mode = call.text("mode")
    profile = call.text("profile")
    if mode is not None and mode not in MODES:
        raise BadRequest(f"mode is one of {', '.join(MODES)}.", vi=f"mode là một trong {', '.join(MODES)}.")
    if mode == "delete":
        return outcome.outcome(await _may_delete(ctx, call))
    resource = call.resource()
    if resource is None:
        if call.type is None or call.id is None:
            raise BadRequest(
                "There is no resource to validate.", vi="Không có nội dung để kiểm tra.", path="resource"
            )
        stored = await interactions.read(ctx, call.type, call.id)
        resource = json.stored(stored.body or "")
    if call.type is not None and resource["resourceType"] != call.type:
        raise BadRequest(
            f"The resource is a {resource['resourceType']}, not a {call.type}.",
            vi=f"Nội dung là {resource['resourceType']}, không phải {call.type}.",
        )
    against = (profile,) if profile else ()
    if ctx.aside is None:
        issues = find_issues(resource, ctx.definitions, codes=ctx.codes, against=against, best_practice=True)
    else:
        (issues,) = await ctx.aside.issues([resource], against=against, best_practice=True)
    if mode in ("create", "update"):
        issues.extend(await _may_write(ctx, call, resource, mode))
    return outcome.outcome(issues)


async def _may_delete(ctx: Context, call: Call) -> tuple[Issue, ...]:
    """What would refuse a delete."""
    if call.type is None or call.id is None:
        raise BadRequest("mode=delete is asked of one resource.", vi="mode=delete chỉ hỏi về một bản ghi.")
    current = await resources.current(ctx.tx, ctx.tenant.id, ctx.registry.type_id(call.type), call.id)
    if current is None or current.vid == 0:
        raise NotFound(f"{call.type}/{call.id}")
    await interactions.may_see(ctx, call.type, call.id)
    try:
        before = json.stored(current.body) if current.body else None
        ctx.policy.check(ctx, "delete", call.type, before=before, after=None)
        await lifecycle.check_delete(ctx, current)
    except (Conflict, Forbidden) as problem:
        return problem.issues
    return ()


async def _may_write(ctx: Context, call: Call, resource: Resource, mode: str) -> tuple[Issue, ...]:
    """What beside the content would refuse a create or update."""
    type_ = resource["resourceType"]
    try:
        if mode == "create":
            ctx.policy.check(ctx, "create", type_, before=None, after=resource)
            return ()
        id_ = call.id or resource.get("id")
        if id_ is None or resource.get("id", id_) != id_:
            raise BadRequest(
                "The content's id is not that of the resource.", vi="id trong nội dung không đúng."
            )
        current = await resources.current(ctx.tx, ctx.tenant.id, ctx.registry.type_id(type_), id_)
        if current is not None and current.vid:
            await interactions.may_see(ctx, type_, id_)
        before = json.stored(current.body) if current is not None and current.body else None
        ctx.policy.check(ctx, "update" if before else "create", type_, before=before, after=resource)
        if current is not None:
            lifecycle.check_change(current)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return problem.issues
    return ()


# --- $meta -------------------------------------------------------------------------------------------------


async def meta(ctx: Context, call: Call) -> Resource:
    """The profiles, tags and labels of a version, a resource, a type or the system (resource-operation-meta.html)."""
    if call.id is None:
        found = await _all_meta(ctx, call.type)
    else:
        if call.type is None:
            raise UnknownType("")
        stored = await (
            interactions.read(ctx, call.type, call.id)
            if call.vid is None
            else interactions.vread(ctx, call.type, call.id, call.vid)
        )
        found = json.stored(stored.body or "").get("meta", {})
    return parameters({"name": "return", "valueMeta": found})


async def _all_meta(ctx: Context, type_: str | None) -> Resource:
    """Every profile, tag and label in use; only for who may see everything, for a label may tell of a hidden patient."""
    if not ctx.policy.unrestricted:
        raise Forbidden
    number = None if type_ is None else ctx.registry.type_id(type_)
    rows = await ctx.tx.fetch(
        "SELECT DISTINCT p.expression AS place, s.uri AS system, x.code FROM reference.path p"
        " JOIN record.ix_token x ON x.tenant = $1 AND x.path = p.id JOIN reference.system s ON s.id = x.system"
        r" WHERE p.kind = 'token' AND p.expression ~ '^[A-Za-z]+\.meta\.(tag|security)$'"
        " AND ($2::smallint IS NULL OR p.type = $2)"
        " UNION SELECT DISTINCT p.expression, '', x.value FROM reference.path p"
        " JOIN record.ix_uri x ON x.tenant = $1 AND x.path = p.id"
        r" WHERE p.kind = 'uri' AND p.expression ~ '^[A-Za-z]+\.meta\.profile$' AND ($2::smallint IS NULL OR p.type = $2)"
        " ORDER BY 1, 2, 3 LIMIT $3",
        ctx.tenant.id,
        number,
        SYSTEM_LIMIT,
    )
    found: dict[str, list[Any]] = {}
    for row in rows:
        name = row["place"].rpartition(".")[2]
        coding = {"system": row["system"], "code": row["code"]} if row["system"] else {"code": row["code"]}
        value = row["code"] if name == "profile" else coding
        if value not in found.setdefault(name, []):  # types share their labels
            found[name].append(value)
    return found


async def meta_add(ctx: Context, call: Call) -> Resource:
    """Add profiles, tags and labels (resource-operation-meta-add.html); as the stored bytes are hashed, a new version."""
    return await _change_meta(ctx, call, add=True)


async def meta_delete(ctx: Context, call: Call) -> Resource:
    """Take profiles, tags and labels away (resource-operation-meta-delete.html), in a new version."""
    return await _change_meta(ctx, call, add=False)


async def _change_meta(ctx: Context, call: Call, *, add: bool) -> Resource:
    given = call.value("meta", dict)
    if given is None or call.type is None or call.id is None:
        raise BadRequest(
            "Give the meta to change as parameter “meta”.", vi="Hãy đưa meta vào tham số “meta”."
        )
    if call.vid is not None:
        raise BadRequest("A past version stays as it is.", vi="Bản cũ giữ nguyên.")
    stored = await interactions.read(ctx, call.type, call.id)
    resource = json.stored(stored.body or "")
    found = dict(resource.get("meta", {}))
    for name in META:
        there, asked = found.get(name, []), given.get(name, [])
        if not isinstance(asked, list):
            raise BadRequest(f"meta.{name} is a list.", vi=f"meta.{name} là danh sách.")
        keys = [_key(one) for one in asked]
        if add:
            have = {_key(one) for one in there}
            left = [*there, *(one for one in asked if _key(one) not in have)]
        else:
            left = [one for one in there if _key(one) not in keys]
        found.pop(name, None)
        if left:
            found[name] = left
    saved = await interactions.update(ctx, {**resource, "meta": found}, if_match=str(stored.vid))
    now = json.stored(saved.stored.body or "").get("meta", {})
    return parameters({"name": "return", "valueMeta": now})


def _key(one: Any) -> tuple[Any, ...]:
    """What makes two labels the same: system and code; for a profile its address."""
    return (one.get("system"), one.get("code")) if isinstance(one, dict) else (one,)


# --- the dossier and the patient ---------------------------------------------------------------------------


async def step(ctx: Context, call: Call) -> Resource:
    """Take a step of a dossier's lifecycle, with the reason where one is needed."""
    name = call.text("step")
    if name is None or call.type is None or call.id is None:
        raise BadRequest("Name the step.", vi="Hãy nêu bước.")
    await interactions.may_see(ctx, call.type, call.id)
    state = await lifecycle.move(ctx.because(call.text("reason") or ctx.reason), call.type, call.id, name)
    return parameters({"name": "state", "valueCode": state})


async def merge(ctx: Context, call: Call) -> Resource:
    """Let one patient count as another: `source-patient` is merged into `target-patient` (as FHIR R5 names them)."""
    source = _patient(call, "source-patient") or call.id
    target = _patient(call, "target-patient") or (call.id if source != call.id else None)
    if source is None or target is None:
        raise BadRequest(
            "Name source-patient and target-patient.",
            vi="Hãy nêu source-patient (bị gộp) và target-patient (giữ lại).",
        )
    merged = await patients.merge(ctx, target, source)
    result = json.stored(merged.survivor.body or "")
    return parameters({"name": "result", "resource": result})


async def unmerge(ctx: Context, call: Call) -> Resource:
    """Take a merged patient out again; `written` lists what was recorded in between, for a person to assign."""
    source = _patient(call, "source-patient") or call.id
    if source is None:
        raise BadRequest("Name source-patient.", vi="Hãy nêu source-patient.")
    parted = await patients.unmerge(ctx, source)
    return parameters(
        {"name": "result", "resource": json.stored(parted.other.body or "")},
        *(
            {"name": "written", "valueReference": {"reference": f"{one.type}/{one.id}"}}
            for one in parted.written
        ),
    )


def _patient(call: Call, name: str) -> str | None:
    """The id in a parameter that refers to a Patient: a Reference, or its text."""
    values = call.all(name)
    if not values:
        return None
    reference = values[0].get("reference") if isinstance(values[0], dict) else values[0]
    type_, _, id_ = str(reference).partition("/")
    if len(values) > 1 or type_ != "Patient" or not id_:
        raise BadRequest(f"{name} is one reference Patient/id.", vi=f"{name} là một tham chiếu Patient/id.")
    return id_


ANYWHERE: frozenset[Level] = frozenset({"system", "type", "instance"})
INSTANCE: frozenset[Level] = frozenset({"instance"})
NOT_SYSTEM: frozenset[Level] = frozenset({"type", "instance"})

OPERATIONS: tuple[Operation, ...] = (
    Operation("everything", INSTANCE, compartment.everything_patient, ("Patient",), tx="searching",
              definition=f"{HL7}/Patient-everything"),
    Operation("everything", INSTANCE, compartment.everything_encounter, ("Encounter",), tx="searching",
              definition=f"{HL7}/Encounter-everything"),
    Operation("hsba-step", INSTANCE, step, ("Composition",), affects_state=True, tx="writing",
              definition=f"{OURS}:hsba-step"),
    Operation("merge", NOT_SYSTEM, merge, ("Patient",), affects_state=True, tx="writing",
              definition=f"{OURS}:merge"),
    Operation("meta", ANYWHERE, meta, definition=f"{HL7}/Resource-meta"),
    Operation("meta-add", INSTANCE, meta_add, affects_state=True, tx="writing",
              definition=f"{HL7}/Resource-meta-add"),
    Operation("meta-delete", INSTANCE, meta_delete, affects_state=True, tx="writing",
              definition=f"{HL7}/Resource-meta-delete"),
    Operation("unmerge", NOT_SYSTEM, unmerge, ("Patient",), affects_state=True, tx="writing",
              definition=f"{OURS}:unmerge"),
    Operation("validate", ANYWHERE, validate, definition=f"{HL7}/Resource-validate"),
)  # fmt: skip
"""Name, where, by what, for which types: the record's operations."""

__all__ = ["OPERATIONS", "Call", "Operation", "parameters"]
