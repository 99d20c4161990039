"""What an export is asked for: types, since when, of whom (hl7.org/fhir/uv/bulkdata/export.html#query-parameters)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from hsba.fhir.problems import BadRequest
from hsba.fhir.query.dates import interval
from hsba.fhir.query.expression import (
    Date,
    Expression,
    InCompartments,
    Updated,
    all_of,
    any_of,
)
from hsba.fhir.query.parse import parse_search
from hsba.record import owned
from hsba.record.compartment import members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context

Level = Literal["system", "Patient", "Group"]

MOST_PATIENTS = 1000
"""Patients that may be named one by one; for more of them there are Groups."""
MOST_CRITERIA = 100
NO_CRITERIA = frozenset(
    {"_sort", "_include", "_revinclude", "_count", "_cursor", "_elements", "_summary", "_total", "_type"}
)
"""What a search may say beside its criteria."""


class BadExport(BadRequest):
    """This export cannot be made; nothing was started."""

    vi = "Không xuất được theo yêu cầu này; chưa bắt đầu gì."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is exported; kept with the job as plain values."""

    level: Level
    types: tuple[str, ...]
    since: datetime | None = None
    group: str | None = None
    patients: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    """`Type?parameters`; those of one type are alternatives."""

    def detail(self) -> dict[str, Any]:
        """As it is kept with the job."""
        return {**asdict(self), "since": self.since.isoformat() if self.since else None}

    @classmethod
    def of(cls, detail: dict[str, Any]) -> Asked:
        """As it was kept with the job."""
        since = detail["since"]
        return cls(
            detail["level"],
            tuple(detail["types"]),
            datetime.fromisoformat(since) if since else None,
            detail["group"],
            tuple(detail["patients"]),
            tuple(detail["filters"]),
        )


def asked(
    ctx: Context,
    level: Level,
    *,
    types: Sequence[str] = (),
    since: str | None = None,
    group: str | None = None,
    patients: Sequence[str] = (),
    filters: Sequence[str] = (),
) -> Asked:
    """An export of all or some types, refused where it names what is not there or may not be had."""
    known = sorted(ctx.definitions.resource_types) if level == "system" else members(ctx, "Patient")
    known = list(owned.stored(known, ctx.stores))
    owned.refuse_export(ctx, types)
    for type_ in types:
        if type_ not in known:
            where = "of FHIR R4" if level == "system" else "of the Patient compartment"
            where_vi = "của FHIR R4" if level == "system" else "thuộc hồ sơ người bệnh (compartment Patient)"
            raise BadExport(
                f"{type_[:64]} is no resource type {where}.",
                vi=f"{type_[:64]} không phải loại tài nguyên {where_vi}.",
            )
    if len(patients) > MOST_PATIENTS:
        raise BadExport(
            f"At most {MOST_PATIENTS} patients are named; make a Group of them.",
            vi=f"Chỉ nêu tối đa {MOST_PATIENTS} người bệnh; hãy lập một Group.",
        )
    wanted = tuple(sorted(set(types))) or tuple(known)
    for type_ in wanted:
        ctx.policy.check(ctx, "export", type_, before=None, after=None)
    found = Asked(
        level,
        wanted,
        _since(ctx, since),
        group,
        tuple(dict.fromkeys(patients)),
        tuple(dict.fromkeys(filters)),
    )
    for one in found.filters:
        if (type_ := one.partition("?")[0]) not in wanted:
            raise BadExport(
                f"_typeFilter is for {type_[:64]}, which is not exported.",
                vi=f"_typeFilter hỏi {type_[:64]}, loại này không được xuất.",
            )
        _filter(ctx, one)
    return found


def _since(ctx: Context, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return interval(text, ctx.tenant.zone)[0]
    except ValueError as exc:
        raise BadExport("_since is a time.", vi="_since là một thời điểm.") from exc


def _filter(ctx: Context, text: str) -> Expression:
    """What a `_typeFilter` asks, which is a search without an order and without anything brought along."""
    type_, _, query = text.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_CRITERIA)
    except (UnicodeDecodeError, ValueError) as exc:
        raise BadExport("_typeFilter cannot be read.", vi="Không đọc được _typeFilter.") from exc
    for name, _value in pairs:
        if name.partition(":")[0] in NO_CRITERIA:
            raise BadExport(f"{name[:64]} is no criterion.", vi=f"{name[:64]} không phải tiêu chí.")
    bases = (ctx.base,) if ctx.base else ()
    return parse_search(
        ctx.definitions, (type_,), pairs, zone=ctx.tenant.zone, strict=True, bases=bases
    ).where


def condition(ctx: Context, asked: Asked, type: str, group: Sequence[str]) -> Expression:
    """Which resources of a type are exported; `group` are the patients of the Group."""
    parts: list[Expression] = [belonging(asked, group)]
    if asked.since is not None:
        parts.append(Updated(Date("ge", asked.since, asked.since)))
    filters = [_filter(ctx, one) for one in asked.filters if one.partition("?")[0] == type]
    if filters:
        parts.append(any_of(filters))
    return all_of(parts)


def belonging(asked: Asked, group: Sequence[str]) -> Expression:
    """Of whom it must be."""
    parts: list[Expression] = []
    if asked.level == "Patient" and not asked.patients:
        parts.append(InCompartments("Patient"))
    if asked.level == "Group":
        parts.append(InCompartments("Patient", tuple(group)))
    if asked.patients:
        parts.append(InCompartments("Patient", asked.patients))
    return all_of(parts)
