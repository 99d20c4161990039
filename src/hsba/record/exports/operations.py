"""`$export` at the door: begin, ask how far it is, take the files, give up (hl7.org/fhir/uv/bulkdata/export.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from hsba.fhir import outcome
from hsba.fhir.problems import Issue
from hsba.record import orders
from hsba.record.calls import Operation, Reply
from hsba.record.exports.asked import Asked, BadExport, asked
from hsba.record.exports.work import NAME, members, steps

if TYPE_CHECKING:
    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.record.exports.asked import Level

HL7 = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
OURS = "urn:hsba:operation"
FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "application/x-ndjson", "ndjson"})
KNOWN = frozenset({"_outputFormat", "_since", "_type", "_typeFilter", "patient"})
MEDIA = "application/fhir+ndjson"


async def begin(ctx: Context, call: Call) -> Reply:
    """Start an export of the system, of all patients, or of the patients of a Group."""
    if not call.asynchronous:
        raise BadExport("Send the header Prefer: respond-async.", vi="Hãy gửi header Prefer: respond-async.")
    ignored = sorted({one["name"] for one in call.parameters} - KNOWN)
    if ignored and call.strict:
        names = ", ".join(name[:64] for name in ignored)
        raise BadExport(f"Not known here: {names}.", vi=f"Không có ở đây: {names}.")
    # In an address a "+" means a space, and people write application/fhir+ndjson unescaped.
    format_ = (call.text("_outputFormat") or MEDIA).replace(" ", "+")
    if format_ not in FORMATS:
        raise BadExport(
            f"_outputFormat is {MEDIA}, not {format_[:64]}.",
            vi=f"_outputFormat là {MEDIA}, không phải {format_[:64]}.",
        )
    level: Level = "Group" if call.type == "Group" else "Patient" if call.type == "Patient" else "system"
    wanted = asked(
        ctx,
        level,
        types=_listed(call, "_type"),
        since=call.text("_since"),
        group=call.id,
        patients=_patients(call),
        filters=_filters(call),
    )
    if wanted.group is not None:
        await members(ctx, wanted.group)
    await ctx.trail.add(ctx, "export-begin", call.type, [*wanted.types])
    request = f"{call.address}?{urlencode(call.query)}" if call.query else call.address
    reply = await orders.order(ctx, NAME, {"asked": wanted.detail(), "request": request})
    return _with_ignored(reply, ignored)


def _with_ignored(reply: Reply, names: list[str]) -> Reply:
    """The same answer, with a word about what was passed over."""
    if names and reply.resource is not None:
        told = ", ".join(name[:64] for name in names)
        issue = Issue("warning", "not-supported", f"Passed over: {told}.", f"Đã bỏ qua: {told}.")
        reply.resource["issue"] += outcome.outcome([issue])["issue"]
    return reply


def _listed(call: Call, name: str) -> tuple[str, ...]:
    """The words of a parameter that may be repeated and may hold several with commas."""
    found = [part.strip() for value in call.all(name) for part in str(value).split(",")]
    return tuple(part for part in found if part)


def _filters(call: Call) -> tuple[str, ...]:
    """The searches of `_typeFilter`; several may stand in one, with commas before the next type."""
    found: list[str] = []
    for value in call.all("_typeFilter"):
        for part in str(value).split(","):
            if found and "?" not in part:
                found[-1] += f",{part}"
            elif "?" in part:
                found.append(part)
            else:
                raise BadExport("_typeFilter is Type?criteria.", vi="_typeFilter có dạng Loại?tiêu-chí.")
    return tuple(found)


def _patients(call: Call) -> tuple[str, ...]:
    """The ids of the patients named one by one."""
    found = []
    for value in call.all("patient"):
        for text in [value.get("reference")] if isinstance(value, dict) else str(value).split(","):
            type_, _, id_ = str(text).rpartition("/")
            if (type_ and type_ != "Patient" and not type_.endswith("/Patient")) or not id_:
                raise BadExport("patient is a reference Patient/id.", vi="patient là tham chiếu Patient/id.")
            found.append(id_)
    if found and call.type not in ("Patient", "Group"):
        raise BadExport("patient goes with Patient/$export.", vi="patient đi cùng Patient/$export.")
    return tuple(found)


async def status(ctx: Context, call: Call) -> Reply:
    """How far an export is, or the list of its files."""
    job = await orders.mine(ctx, call, NAME)
    wanted = Asked.of(job.detail["asked"])
    if job.state == "failed":
        return orders.broken(job)
    if job.state != "done":
        done = job.progress
        told = (
            f"{done['resources']} resources, type {done['step'] + 1} of {len(steps(wanted))}"
            if done
            else "waiting"
        )
        return orders.under_way(job, told)
    files = [(one, _item(ctx, job.id, one)) for one in job.progress["files"]]
    manifest: dict[str, Any] = {
        "transactionTime": job.progress["at"],
        "request": job.detail["request"],
        "requiresAccessToken": True,
        "output": [item for one, item in files if not one["deleted"]],
        "error": [],
    }
    if wanted.since is not None:
        manifest["deleted"] = [item for one, item in files if one["deleted"]]
    return orders.ready(job, manifest)


def _item(ctx: Context, job: int, file: dict[str, Any]) -> dict[str, Any]:
    url = f"{ctx.base}/$export-file?job={job}&name={quote(file['name'])}"
    return {"type": file["type"], "url": url, "count": file["count"]}


async def file(ctx: Context, call: Call) -> Reply:
    """One file of an export that is done."""
    job = await orders.mine(ctx, call, NAME)
    name = call.text("name")
    known = {one["name"] for one in job.progress.get("files", ())} if job.state == "done" else set()
    if name is None or name not in known:
        raise orders.NoSuchJob
    path = ctx.files / f"{NAME}s" / str(job.id) / name
    if not path.is_file():
        raise orders.NoSuchJob
    await ctx.trail.add(ctx, "export-file", None, [f"{job.id}/{name}"])
    return Reply(file=path, media=MEDIA, headers=(("Content-Disposition", f'attachment; filename="{name}"'),))


async def give_up(ctx: Context, call: Call) -> Reply:
    """Stop an export and remove its files."""
    return await orders.give_up(ctx, call, NAME, lambda job: ctx.files / f"{NAME}s" / str(job.id))


OPERATIONS: tuple[Operation, ...] = (
    Operation("export", frozenset({"system"}), begin, tx="writing", alone=True, definition=f"{HL7}/export"),
    Operation("export", frozenset({"type"}), begin, ("Patient",), tx="writing", alone=True,
              definition=f"{HL7}/patient-export"),
    Operation("export", frozenset({"instance"}), begin, ("Group",), tx="writing", alone=True,
              definition=f"{HL7}/group-export"),
    Operation("export-status", frozenset({"system"}), status, alone=True, remove=give_up,
              definition=f"{OURS}:export-status"),
    Operation("export-file", frozenset({"system"}), file, alone=True, definition=f"{OURS}:export-file"),
)  # fmt: skip
"""Name, where, by what, for which types: the operations of an export."""
