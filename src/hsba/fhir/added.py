"""Whether a search parameter that somebody wrote can work here (FHIR R4 searchparameter.html).

It must have a code of its own, be of a type that the index holds, and look at places that can be told as plain paths;
what cannot be indexed is refused when it is saved and not found out when it is searched by.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.fhir.extract import holds
from hsba.fhir.fhirpath import InvalidExpression
from hsba.fhir.fhirpath.check import check as check_expression
from hsba.fhir.paths import KINDS, Catalogue
from hsba.fhir.problems import Conflict, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.paths import Path

Raw = dict[str, Any]

CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}").fullmatch
TYPES = frozenset({*KINDS, "composite"})
ABSTRACT = {"Resource": "Basic", "DomainResource": "Basic"}
"""Bases that are no type to store, and a type that has what all of theirs have and nothing more."""

MEANING = ("url", "code", "base", "type", "expression", "target", "component")
"""The elements that decide what is indexed and found; a change of the others changes no search."""


class UnusableParameter(Unprocessable):
    """This search parameter cannot work here; nothing was saved."""

    vi = "Tham số tìm kiếm này không dùng được ở đây; chưa lưu gì."


class ParameterTaken(Conflict):
    """Another search parameter has this code or this address already; nothing was saved."""

    code = "duplicate"
    vi = "Đã có tham số tìm kiếm khác mang mã hoặc địa chỉ này; chưa lưu gì."


def works(raw: Raw) -> bool:
    """Whether a SearchParameter resource asks to be searched by: only what is active does."""
    return raw.get("status") == "active"


def meaning(raw: Raw) -> Raw:
    """The part of a search parameter that decides what is indexed and found."""
    return {name: raw[name] for name in MEANING if name in raw}


def check(raw: Raw, definitions: Definitions) -> None:
    """Refuse a search parameter that cannot work beside those of the definitions, and say why."""
    code, type_, bases = raw["code"], raw["type"], raw["base"]
    if not CODE(code):
        raise UnusableParameter(
            f"The code “{code}” must be a letter, then letters, digits and hyphens.",
            vi=f"Mã “{code}” phải bắt đầu bằng chữ cái, sau đó là chữ cái, chữ số, gạch nối.",
            path="SearchParameter.code",
        )
    unknown = [base for base in bases if base not in definitions.resource_types and base not in ABSTRACT]
    if unknown:
        raise UnusableParameter(
            f"There is no resource type {', '.join(unknown)}.",
            vi=f"Không có loại tài nguyên {', '.join(unknown)}.",
            path="SearchParameter.base",
        )
    if type_ not in TYPES:
        raise UnusableParameter(
            f"A parameter of type {type_} cannot be indexed; possible are {', '.join(sorted(TYPES))}.",
            vi=f"Không lập chỉ mục được kiểu {type_}; được dùng: {', '.join(sorted(TYPES))}.",
            path="SearchParameter.type",
        )
    if not raw.get("expression"):
        raise UnusableParameter(
            "It has no expression.", vi="Không có biểu thức.", path="SearchParameter.expression"
        )
    refuse_taken(raw, definitions)
    for base in bases:
        _check_base(raw, base, definitions)


def refuse_taken(raw: Raw, definitions: Definitions) -> None:
    """Refuse a code that another search parameter of the same types has."""
    for type_ in definitions.types_of(raw["base"]):
        other = definitions.search_parameters(type_).get(raw["code"])
        if other is not None and other.url != raw["url"]:
            raise ParameterTaken(
                f"“{raw['code']}” of {type_} is {other.url}.",
                vi=f"“{raw['code']}” của {type_} là {other.url}.",
                path="SearchParameter.code",
            )


def _check_base(raw: Raw, base: str, definitions: Definitions) -> None:
    """Refuse an expression that means nothing on a base type, or more than the index can hold."""
    try:
        check_expression(raw["expression"], base, definitions)
        for component in raw.get("component", ()):
            if not definitions.has(component["definition"]):
                raise UnusableParameter(
                    f"There is no search parameter {component['definition']}.",
                    vi=f"Không có tham số tìm kiếm {component['definition']}.",
                    path="SearchParameter.component",
                )
    except InvalidExpression as wrong:
        raise UnusableParameter(
            wrong.detail, vi=wrong.detail_vi, path="SearchParameter.expression"
        ) from wrong
    tried = definitions.with_parameters([*definitions.added.values(), raw], definitions.generation)
    parameter = Catalogue(tried, ABSTRACT.get(base, base)).parameters.get(raw["code"])
    paths = list(parameter.paths) if parameter is not None else []
    composites = list(parameter.composites) if parameter is not None else []
    if not paths and not composites:
        raise UnusableParameter(
            f"Its expression leads nowhere on {base}, or has no parts that can be indexed.",
            vi=f"Biểu thức không dẫn tới đâu trên {base}, hoặc không có phần lập chỉ mục được.",
            path="SearchParameter.expression",
        )
    _refuse_unplain(paths)
    _refuse_mismatch(raw["type"], base, paths)


def _refuse_unplain(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.steps is None:
            raise UnusableParameter(
                f"“{path.expression}” is more than a plain path; possible are element names, ofType(), as,"
                " extension('…'), where(x = '…'), where(resolve() is …), [0] and |.",
                vi=f"“{path.expression}” không phải đường dẫn đơn giản; chỉ dùng được tên phần tử, ofType(), as,"
                " extension('…'), where(x = '…'), where(resolve() is …), [0] và |.",
                path="SearchParameter.expression",
            )


def _refuse_mismatch(kind: str, base: str, paths: Iterable[Path]) -> None:
    """Refuse a place where no value can be told as the type of parameter asks."""
    for path in paths:
        if not any(holds(kind, leaf) for leaf in path.leaves):
            names = ", ".join(sorted(path.leaves))
            raise UnusableParameter(
                f"What {path.expression} of {base} holds ({names}) cannot be searched as {kind}.",
                vi=f"Nội dung của {path.expression} thuộc {base} ({names}) không tìm được theo kiểu {kind}.",
                path="SearchParameter.expression",
            )


__all__ = ["ParameterTaken", "UnusableParameter", "check", "meaning", "refuse_taken", "works"]
