"""`$import`: a file of lines (NDJSON) that was sent in is loaded by the worker with several processes.

The lines come in the request itself; addresses are never fetched, for a server that fetches what it is told to can be
made to reach what only it can reach.  A line that is refused leaves the others be and is told with its number.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from hsba.fhir import json, outcome
from hsba.fhir.problems import BadRequest, Issue, Problem
from hsba.ops import loading
from hsba.record import orders
from hsba.record.calls import Operation, Reply
from hsba.record.context import Actor
from hsba.record.saving import instant
from hsba.record.work import Kind
from hsba.store import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hsba.record.bulk import Figures
    from hsba.record.calls import Call, Level
    from hsba.record.context import Context
    from hsba.record.work import House
    from hsba.store.jobs import Job, Status

NAME = "import"
OURS = "urn:hsba:operation"
LINES = "lines.ndjson"
REFUSED = "refused.ndjson"
PULSE = 1.0
LONGEST_LINE = 64 * 1024 * 1024
AT_ONCE = max(2, (os.cpu_count() or 1) // 2)
"""Processes that load: the wards work meanwhile."""


class SendTheLines(BadRequest):
    """Send the resources themselves, one JSON in each line, as application/fhir+ndjson; addresses are not fetched."""

    vi = "Hãy gửi chính các tài nguyên, mỗi dòng một JSON, kiểu application/fhir+ndjson; máy chủ không tải từ địa chỉ."


class LinesLost(Problem):
    """The file that was sent in is no longer there; send it again, what was saved of it stays saved."""

    status, code = 410, "not-found"
    vi = "Tệp đã gửi không còn; hãy gửi lại, những gì đã lưu vẫn còn."


@dataclass(slots=True)
class State:
    """How far an import is; all figures are about the lines up to `line`."""

    line: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    size: int = 0
    """Bytes of the file of refusals."""
    ended: bool = False

    def words(self) -> str:
        """The figures in one line."""
        return (
            f"{self.line} lines, {self.created} new, {self.updated} changed,"
            f" {self.unchanged} as they were, {self.refused} refused"
        )


# --- at the door -------------------------------------------------------------------------------------------


async def begin(ctx: Context, call: Call) -> Reply:
    """Start to load the lines that were sent."""
    if call.file is None:
        raise SendTheLines
    folder = call.file.parent.name
    await ctx.trail.add(ctx, "import-begin", None, [folder])
    detail = {"folder": folder, "request": call.address}
    return await orders.order(ctx, NAME, detail, f"{NAME}s/{folder}")


def _folder(ctx: Context, job: Status) -> Path:
    return ctx.files / f"{NAME}s" / str(job.detail["folder"])


async def status(ctx: Context, call: Call) -> Reply:
    """How far an import is, or what became of its lines."""
    job = await orders.mine(ctx, call, NAME)
    if job.state == "failed":
        return orders.broken(job)
    state = State(**job.progress)
    if job.state != "done" or job.ended is None:
        return orders.under_way(job, state.words() if job.progress else "waiting")
    url = f"{ctx.base}/${NAME}-file?job={job.id}&name={REFUSED}"
    refused = [{"type": "OperationOutcome", "url": url, "count": state.refused}] if state.refused else []
    figures = {name: getattr(state, name) for name in ("created", "updated", "unchanged", "refused")}
    return orders.ready(
        job,
        {
            "transactionTime": instant(job.ended, ctx),
            "request": job.detail["request"],
            "requiresAccessToken": True,
            "output": [],
            "error": refused,
            "extension": {"urn:hsba:import": figures},
        },
    )


async def file(ctx: Context, call: Call) -> Reply:
    """The refusals of an import that is done, one OperationOutcome in each line."""
    job = await orders.mine(ctx, call, NAME)
    path = _folder(ctx, job) / REFUSED
    if job.state != "done" or call.text("name") != REFUSED or not path.is_file():
        raise orders.NoSuchJob
    return Reply(file=path, media="application/fhir+ndjson")


async def give_up(ctx: Context, call: Call) -> Reply:
    """Stop an import; what is saved stays saved."""
    return await orders.give_up(ctx, call, NAME, lambda job: _folder(ctx, job))


# --- in the worker -----------------------------------------------------------------------------------------


async def run(house: House, job: Job) -> dict[str, Any]:
    """Load the lines, from where it was cut off; what was saved just before counts as unchanged."""
    folder = house.files / f"{NAME}s" / job.detail["folder"]
    work = _Work(folder, State(**job.progress))
    if work.state.ended:
        return asdict(work.state)
    if not (folder / LINES).is_file():
        raise LinesLost
    await _sweep(house)
    tenant = await orders.keeper(house, job.tenant)
    work.go_on()
    loaded = asyncio.create_task(
        asyncio.to_thread(
            loading.load,
            house.opener,
            tenant.slug,
            islice(read(folder / LINES), work.state.line, None),
            at_once=AT_ONCE,
            before=work.state.line,
            note=work.note,
            channel="rest",
            purpose=job.detail["purpose"],
            actor=Actor(**job.detail["actor"]),
        )
    )
    try:
        while not loaded.done():
            await asyncio.wait([loaded], timeout=PULSE)
            async with house.pool.bare() as tx:
                wanted = await jobs.progress(tx, job.id, asdict(work.state))
            work.stopped = work.stopped or not wanted
    finally:
        work.stopped = True
    await loaded
    async with house.pool.bare() as tx:
        work.state.ended = True
        wanted = await jobs.progress(tx, job.id, asdict(work.state))
    if wanted:
        (folder / LINES).unlink()
    else:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return asdict(work.state)


async def _sweep(house: House) -> None:
    """Remove what was sent in and never became a job: the web process died in between."""
    async with house.pool.bare() as tx:
        wanted = {detail["folder"] for detail in await jobs.unfinished(tx, NAME)}
    long_ago = time.time() - 2 * orders.KEEP.total_seconds()
    for folder in (house.files / f"{NAME}s").iterdir():
        if folder.name not in wanted and folder.stat().st_mtime < long_ago:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class _Work:
    """What the loading thread tells the one that shows signs of life: the state is replaced whole, never changed."""

    def __init__(self, folder: Path, state: State) -> None:
        self.refusals = folder / REFUSED
        self.before = state
        self.state = state
        self.stopped = False

    def go_on(self) -> None:
        """Take away the refusals that were written after the state was kept."""
        with self.refusals.open("ab") as opened:
            opened.truncate(min(self.state.size, opened.tell()))

    def note(self, step: loading.Step) -> bool:
        """Write down a chunk's refusals, and how far it is."""
        with self.refusals.open("ab") as opened:
            opened.writelines(_refusals(step.part))
            size = opened.tell()
        of, before = step.total, self.before
        self.state = State(
            step.line,
            before.created + of.created,
            before.updated + of.updated,
            before.unchanged + of.unchanged,
            before.refused + of.refused,
            size,
        )
        return not self.stopped


def _refusals(part: Figures) -> Iterator[bytes]:
    for number, en, vi in part.problems:
        issue = Issue("error", "invalid", f"Line {number}: {en}", f"Dòng {number}: {vi}")
        found = outcome.outcome([issue])
        found["issue"][0]["diagnostics"] = f"line={number}"
        yield json.dump(found) + b"\n"


def read(file: Path) -> Iterator[bytes]:
    """The lines of a file; one that is longer than any resource is cut, and so refused."""
    with file.open("rb") as opened:
        while line := opened.readline(LONGEST_LINE):
            rest = line
            while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                rest = opened.readline(LONGEST_LINE)
            yield line


SYSTEM: frozenset[Level] = frozenset({"system"})
OPERATIONS: tuple[Operation, ...] = (
    Operation("import", SYSTEM, begin, affects_state=True, tx="writing", alone=True, takes_lines=True,
              definition=f"{OURS}:import"),
    Operation("import-status", SYSTEM, status, alone=True, remove=give_up, definition=f"{OURS}:import-status"),
    Operation("import-file", SYSTEM, file, alone=True, definition=f"{OURS}:import-file"),
)  # fmt: skip
"""Name, where, by what: the operations of an import."""
JOBS: tuple[Kind, ...] = (Kind(NAME, run, long=True),)
