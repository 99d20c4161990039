"""The entries of a batch or transaction: what each asks for, what goes wrong with it, and what it is answered.

FHIR R4 bundle.html#bundle-request.  Reading them touches no database, so every problem of every entry is told at once.
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, unquote

from hsba.fhir import json, outcome
from hsba.fhir import patch as patches
from hsba.fhir.problems import BadRequest, Busy, Malformed, Problem, UnknownType, Unprocessable
from hsba.fhir.query.expression import Everything
from hsba.fhir.query.parse import parse_expression
from hsba.record import owned
from hsba.record.context import new_id
from hsba.record.saving import instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.fhir.problems import Issue
    from hsba.fhir.query.expression import Expression
    from hsba.record.context import Context
    from hsba.store.resources import Stored

Resource = dict[str, Any]
Room = Literal["reading", "searching", "writing"]
Returns = Literal["minimal", "representation", "OperationOutcome"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
MAX_PARAMETERS = 100
_is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch


@dataclass(frozen=True, slots=True)
class Asked:
    """What one entry asks for."""

    index: int
    method: str
    url: str
    type: str = ""
    id: str = ""
    condition: str | None = None
    """The query that says which resource is meant, or that must fit none (`ifNoneExist`)."""
    resource: Resource | None = None
    full_url: str | None = None
    operation: bool = False
    read: tuple[str, str, str | None] | None = None
    """Type, id and version of a plain read."""
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None

    @property
    def room(self) -> Room:
        """On which connection it is carried out when it stands alone."""
        if self.read is not None:
            return "reading"
        return (
            "searching"
            if self.method in ("GET", "HEAD") or self.url.partition("?")[0].endswith("_search")
            else "writing"
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """What one entry is answered: a version, another resource (a search's bundle), or what is wrong."""

    status: int
    type: str = ""
    stored: Stored | None = None
    issues: tuple[Issue, ...] = ()
    resource: Resource | None = None
    shows: bool = False
    """Whether the resource is shown whatever the client prefers: the answer to a GET."""

    @classmethod
    def refused(cls, problem: Problem) -> Answered:
        """The answer to an entry that was not carried out."""
        return cls(problem.status, issues=problem.issues)

    @property
    def failed(self) -> bool:
        """Whether it was refused."""
        return self.status >= 400

    def response(
        self, ctx: Context, returns: Returns = "minimal", *, language: outcome.Language = "vi"
    ) -> Resource:
        """The `response` of the entry (FHIR R4 bundle-definitions.html#Bundle.entry.response)."""
        found: Resource = {"status": f"{self.status} {HTTPStatus(self.status).phrase}"}
        stored = self.stored
        if stored is not None:
            if not stored.deleted and not self.shows:
                found["location"] = (
                    f"{ctx.base}{'/' if ctx.base else ''}{self.type}/{stored.id}/_history/{stored.vid}"
                )
            found["etag"] = f'W/"{stored.vid}"'
            found["lastModified"] = instant(stored.recorded, ctx)
        if self.failed or (returns == "OperationOutcome" and not self.shows):
            found["outcome"] = outcome.outcome(self.issues, language=language)
        return found

    def content(self, returns: Returns = "minimal") -> str | None:
        """The resource of the entry as text, where one is to be shown."""
        if self.resource is not None:
            return json.dump(self.resource).decode()
        if self.stored is not None and self.status != 304 and (self.shows or returns == "representation"):
            return self.stored.body
        return None

    def full_url(self, ctx: Context) -> str | None:
        """The address of the resource that is shown."""
        return f"{ctx.base}/{self.type}/{self.stored.id}" if ctx.base and self.stored is not None else None


def bundle(ctx: Context, kind: str, answers: list[Answered], returns: Returns = "minimal") -> Resource:
    """The answers as a Bundle, in the order of the entries; a door that sends text joins the parts itself."""
    found = []
    for answered in answers:
        entry: Resource = {}
        content = answered.content(returns)
        if content is not None:
            if full_url := answered.full_url(ctx):
                entry["fullUrl"] = full_url
            entry["resource"] = json.parse(content.encode())
        entry["response"] = answered.response(ctx, returns)
        found.append(entry)
    members: Resource = {"resourceType": "Bundle", "id": new_id(), "type": f"{kind}-response"}
    return {**members, "entry": found} if found else members


# --- what goes wrong ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Faults:
    """The problems of all entries, told together with their places; one alone keeps its own words and place."""

    found: list[Problem] = field(default_factory=list)
    alone: bool = False

    def add(self, asked: Asked, problem: Problem, place: str = "", *, drop: str = "") -> None:
        """Keep a problem of an entry."""
        self.found.append(self.at(asked, problem, place, drop=drop))

    def at(self, asked: Asked, problem: Problem, place: str = "", *, drop: str = "") -> Problem:
        """The problem with the place of its entry before its own."""
        if self.alone:
            return problem
        return located(problem, asked.index, place, drop=drop)

    def stop(self) -> None:
        """Refuse the whole transaction if anything was found; the status is that of the first."""
        if not self.found:
            return
        first = self.found[0]
        if len(self.found) == 1:
            raise first
        raise type(first)(issues=tuple(issue for problem in self.found for issue in problem.issues))


def located(problem: Problem, index: int, place: str = "", *, drop: str = "") -> Problem:
    """A problem as one of an entry: `Patient.name[0]` becomes `Bundle.entry[3].resource.name[0]`."""
    start = f"Bundle.entry[{index}]{place}"

    def path(own: str) -> str:
        if drop and (own == drop or own[: len(drop) + 1] in (drop + ".", drop + "[")):
            own = own[len(drop) :]
        if not own:
            return start
        return start + own if own[0] in ".[" else f"{start}.{own}"

    issues = tuple(replace(issue, path=path(issue.path)) for issue in problem.issues)
    return type(problem)(problem.detail, vi=problem.detail_vi, issues=issues)


@contextmanager
def placed(faults: Faults, asked: Asked, place: str = "", *, drop: str = "") -> Iterator[None]:
    """Note what goes wrong with an entry and go on with the next, so that the client hears of everything at once."""
    try:
        yield
    except Busy:
        raise
    except Problem as problem:
        if problem.status >= 500:
            raise
        faults.add(asked, problem, place, drop=drop)


# --- what is asked -----------------------------------------------------------------------------------------


def read(ctx: Context, bundle: Resource, kind: Literal["transaction", "batch"]) -> list[Asked | Problem]:
    """The entries of a bundle; those of a transaction are all right or refused, those of a batch each for itself."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != kind:
        raise BadRequest(
            f"It is not a Bundle of type {kind}.", vi=f"Không phải Bundle loại {kind}.", path="Bundle.type"
        )
    given = bundle.get("entry", [])
    if not isinstance(given, list):
        raise Malformed("entry is a list.", vi="entry phải là danh sách.", path="Bundle.entry")
    found: list[Asked | Problem] = []
    for index, entry in enumerate(given):
        try:
            found.append(_entry(ctx, index, entry))
        except Problem as problem:
            found.append(problem if kind == "batch" else located(problem, index))
    problems = [one for one in found if isinstance(one, Problem)]
    if problems and kind == "transaction":
        if len(problems) == 1:
            raise problems[0]
        raise BadRequest(issues=tuple(issue for problem in problems for issue in problem.issues))
    return found


def _entry(ctx: Context, index: int, entry: Any) -> Asked:
    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        raise BadRequest("The entry has no request.", vi="Mục không có request.", path="request")
    request = entry["request"]
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise BadRequest(f"The method is one of {', '.join(sorted(METHODS))}.", path="request.method")
    if not isinstance(url, str) or not url:
        raise BadRequest("The request has no url.", vi="request không có url.", path="request.url")
    resource = entry.get("resource")
    if resource is not None and (
        not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str)
    ):
        raise BadRequest(
            "The resource has no resourceType.", vi="resource không có resourceType.", path="resource"
        )
    asked = Asked(
        index,
        method,
        url,
        resource=resource,
        full_url=_text(entry, "fullUrl"),
        if_match=_text(request, "ifMatch"),
        if_none_match=_text(request, "ifNoneMatch"),
        if_modified_since=_text(request, "ifModifiedSince"),
    )
    path, _, query = url.removeprefix(ctx.base + "/" if ctx.base else "").lstrip("/").partition("?")
    segments = [unquote(part) for part in path.split("/")]
    if any(part[:1] == "$" or part == "_search" for part in segments):
        if method not in ("GET", "HEAD", "POST"):
            raise BadRequest(f"{method} {url}", path="request.url")
        return replace(asked, operation=True)
    if method in ("GET", "HEAD"):
        return replace(asked, read=_plain_read(ctx, segments) if not query else None)
    return _write(ctx, asked, segments, query, _text(request, "ifNoneExist"))


def _write(ctx: Context, asked: Asked, segments: list[str], query: str, if_none_exist: str | None) -> Asked:
    """POST, PUT, PATCH or DELETE of a resource."""
    type_ = segments[0]
    if type_ not in ctx.definitions.resource_types:
        raise UnknownType(type_[:64], path="request.url")
    owned.refuse_write(ctx, type_)
    id_ = segments[1] if len(segments) == 2 else ""
    shape = (len(segments), bool(query))
    if asked.method == "POST":
        if shape != (1, False):
            raise BadRequest("POST goes to a type.", vi="POST gửi đến một loại.", path="request.url")
        if if_none_exist is not None:
            query = if_none_exist.rpartition("?")[2]
    elif shape not in ((2, False), (1, True)) or (len(segments) == 2 and not _is_id(id_)):
        raise BadRequest(
            f"{asked.method} goes to Type/id or Type?condition.",
            vi=f"{asked.method} gửi đến Loại/id hoặc Loại?điều-kiện.",
            path="request.url",
        )
    resource = asked.resource
    if asked.method != "DELETE":
        if resource is None:
            raise BadRequest("The entry has no resource.", vi="Mục không có resource.", path="resource")
        if asked.method != "PATCH" and resource["resourceType"] != type_:
            raise BadRequest(
                f"The resource is a {resource['resourceType']}, the url says {type_}.",
                vi=f"Nội dung là {resource['resourceType']}, url lại ghi {type_}.",
                path="resource",
            )
        if asked.method == "PUT" and id_ and resource.get("id") != id_:
            raise BadRequest(
                "The id in the content must be the one in the url.",
                vi="id trong nội dung phải trùng với id trong url.",
                path="resource.id",
            )
    conditional = (asked.method != "POST" and not id_) or if_none_exist is not None
    return replace(asked, type=type_, id=id_, condition=query if conditional else None)


def _plain_read(ctx: Context, segments: list[str]) -> tuple[str, str, str | None] | None:
    """A read or vread without parameters; everything else is answered by the door."""
    if (
        segments[0] not in ctx.definitions.resource_types
        or len(segments) not in (2, 4)
        or segments[1][:1] in ("_", "")
    ):
        return None
    if len(segments) == 2:
        return segments[0], segments[1], None
    return (segments[0], segments[1], segments[3]) if segments[2] == "_history" else None


def _text(where: Resource, name: str) -> str | None:
    value = where.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} is a text.", vi=f"{name} là một chuỗi.", path=name)
    return value


def condition(ctx: Context, type_: str, query: str) -> Expression:
    """A condition as a search expression; one that says nothing would fit everything, so it is refused."""
    if type_ not in ctx.definitions.resource_types:
        raise UnknownType(type_[:64])
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as exc:
        raise BadRequest("The condition cannot be read.", vi="Không đọc được điều kiện.") from exc
    found = parse_expression(
        ctx.definitions, type_, pairs, zone=ctx.tenant.zone, bases=(ctx.base,) if ctx.base else ()
    )
    if isinstance(found, Everything):
        raise BadRequest("The condition is empty.", vi="Điều kiện trống.")
    return found


def change(resource: Resource) -> patches.Patch:
    """The patch in an entry: FHIRPath Patch as Parameters, JSON Patch as Binary (FHIR R4 http.html#patch)."""
    if resource["resourceType"] == "Parameters":
        return patches.Patch.fhirpath(resource)
    if (
        resource["resourceType"] == "Binary"
        and resource.get("contentType", "").partition(";")[0] in _JSON_PATCH
    ):
        try:
            operations = json.parse_value(base64.b64decode(resource.get("data", ""), validate=True))
        except binascii.Error as exc:
            raise Malformed("data is not base64.", vi="data không phải base64.", path="data") from exc
        return patches.Patch.json(operations)
    raise Unprocessable(
        "A patch is Parameters (FHIRPath Patch) or a Binary of application/json-patch+json.",
        vi="Bản vá là Parameters (FHIRPath Patch) hoặc Binary kiểu application/json-patch+json.",
    )


_JSON_PATCH = frozenset({"application/json-patch+json", "application/json"})
