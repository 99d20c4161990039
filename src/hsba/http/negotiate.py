"""In which form a client sends and wants content (FHIR R4 http.html#mime-type, #general, #ops).

Headers repeat from request to request, so each distinct one is understood once and remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from hsba.fhir.problems import BadRequest, NotAcceptable, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hsba.http.messages import Pairs

Returns = Literal["minimal", "representation", "OperationOutcome"]
Kind = Literal["json", "xml", "json-patch", "form", "ndjson"]

VERSIONS = frozenset({"4.0", "4.0.1"})
UTF8 = frozenset({"utf-8", "utf8"})
FHIR_JSON = b"application/fhir+json; charset=utf-8"

ANSWERS: dict[str, tuple[bool, str]] = {
    # media range: is it XML?, the type to answer with
    "application/fhir+json": (False, "application/fhir+json"),
    "application/json+fhir": (False, "application/json+fhir"),
    "application/json": (False, "application/json"),
    "text/json": (False, "text/json"),
    "application/fhir+xml": (True, "application/fhir+xml"),
    "application/xml+fhir": (True, "application/xml+fhir"),
    "application/xml": (True, "application/xml"),
    "text/xml": (True, "text/xml"),
    "*/*": (False, "application/fhir+json"),
    "*": (False, "application/fhir+json"),
    "application/*": (False, "application/fhir+json"),
    "text/*": (False, "text/json"),
    "text/html": (False, "application/fhir+json"),
    "application/xhtml+xml": (False, "application/fhir+json"),
}
FORMATS = {"json": "application/fhir+json", "xml": "application/fhir+xml", "html": "text/html"}
NDJSON = frozenset({"application/fhir+ndjson", "application/x-ndjson", "application/ndjson"})
BROWSER = frozenset({"text/html", "application/xhtml+xml"})
CONTENTS: dict[str, Kind] = {
    "application/fhir+json": "json",
    "application/json+fhir": "json",
    "application/json": "json",
    "text/json": "json",
    "application/fhir+xml": "xml",
    "application/xml+fhir": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/json-patch+json": "json-patch",
    "application/x-www-form-urlencoded": "form",
    "application/fhir+ndjson": "ndjson",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
}
SUMMARIES = frozenset({"true", "text", "data", "count", "false"})
RETURNS: dict[str, Returns] = {
    "minimal": "minimal",
    "representation": "representation",
    "OperationOutcome": "OperationOutcome",
}
CONTROLS = frozenset({"_format", "_pretty", "_summary", "_elements"})
"""Parameters that speak of the answer's form; they are never search parameters (http.html#parameters)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the answer shall look; `plain` means the stored bytes can be served as they are."""

    xml: bool = False
    media: bytes = FHIR_JSON
    pretty: bool = False
    summary: str | None = None
    elements: tuple[str, ...] = ()
    plain: bool = True
    raw: bool = False
    """Not as a resource at all: the content of a Binary."""


# --- answers -----------------------------------------------------------------------------------------------


def shape(accept: bytes | None, pairs: Pairs) -> Shape:
    """The form of the answer by Accept, `_format`, `_pretty`, `_summary` and `_elements`."""
    wanted = _last(pairs, "_format") if pairs else None
    found = _by_format(wanted) if wanted else _by_accept(accept)
    if not any(name in CONTROLS for name, _ in pairs):
        return found
    pretty = _last(pairs, "_pretty")
    if pretty not in (None, "true", "false"):
        raise BadRequest("_pretty is true or false.", vi="_pretty là true hoặc false.")
    summary = _last(pairs, "_summary")
    if summary is not None and summary not in SUMMARIES:
        raise BadRequest(
            f"_summary is one of {', '.join(sorted(SUMMARIES))}.",
            vi=f"_summary là một trong: {', '.join(sorted(SUMMARIES))}.",
        )
    summary = None if summary == "false" else summary
    elements = tuple(
        name.strip()
        for key, value in pairs
        if key == "_elements"
        for name in value.split(",")
        if name.strip()
    )
    if pretty is None and summary is None and not elements:
        return found
    found = replace(
        found, pretty=found.pretty if pretty is None else pretty == "true", summary=summary, elements=elements
    )
    return replace(found, plain=not (found.xml or found.pretty or summary or elements))


def _last(pairs: Pairs, name: str) -> str | None:
    """The value of a control parameter; of several the last."""
    found = None
    for key, value in pairs:
        if key == name:
            found = value
    return found


def shape_of_binary(accept: bytes | None, pairs: Pairs) -> Shape:
    """The form of a Binary: what the client likes best is a FHIR format, or else the content itself."""
    best = _liked_best(accept)
    if best in ("*/*", "*") or (best in ANSWERS and best not in BROWSER) or _last(pairs, "_format"):
        return shape(accept, pairs)
    return Shape(raw=True)


def shape_of_operation(accept: bytes | None, pairs: Pairs) -> Shape:
    """The form of an operation's answer: who takes files of lines is told everything else in JSON."""
    return shape(None if _liked_best(accept) in NDJSON else accept, pairs)


@lru_cache(maxsize=512)
def _liked_best(accept: bytes | None) -> str:
    found = _ranges((accept or b"*/*").decode("latin-1"))
    return found[0][0] if found else "*/*"


@lru_cache(maxsize=512)
def _by_accept(accept: bytes | None) -> Shape:
    if accept is None or not accept.strip():
        return Shape()
    for name, parameters in _ranges(accept.decode("latin-1")):
        if found := _shape_of(name, parameters):
            return found
    raise NotAcceptable


@lru_cache(maxsize=128)
def _by_format(wanted: str) -> Shape:
    # In an address a "+" means a space, and people write application/fhir+json unescaped.
    text = wanted.replace(" ", "+") if ";" not in wanted else wanted.replace("fhir ", "fhir+")
    for name, parameters in _ranges(FORMATS.get(text.lower(), text)):
        if found := _shape_of(name, parameters):
            return found
    raise NotAcceptable


def _shape_of(name: str, parameters: dict[str, str]) -> Shape | None:
    """The form for one media range; None when it cannot be given."""
    known = ANSWERS.get(name)
    if known is None or not _utf8_r4(parameters):
        return None
    xml, media = known
    version = parameters.get("fhirversion")
    media += "; charset=utf-8" + (f"; fhirVersion={version}" if version else "")
    pretty = name in BROWSER
    return Shape(xml=xml, media=media.encode("ascii"), pretty=pretty, plain=not (xml or pretty))


def _utf8_r4(parameters: dict[str, str]) -> bool:
    """Whether the parameters of a media type ask for what we have: UTF-8 and FHIR R4."""
    return (
        parameters.get("charset", "utf-8").lower() in UTF8
        and parameters.get("fhirversion", "4.0") in VERSIONS
    )


def _ranges(accept: str) -> Sequence[tuple[str, dict[str, str]]]:
    """The media ranges, the best liked first; those with q=0 left out."""
    weighed = []
    for name, parameters in _media(accept):
        try:
            weight = float(parameters.get("q", "1"))
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((-weight, name, parameters))
    weighed.sort(key=lambda one: one[0])
    return [(name, parameters) for _, name, parameters in weighed]


def _media(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each media type of a header with its parameters, names in lower case."""
    for part in text.split(","):
        name, *rest = part.split(";")
        parameters = {}
        for one in rest:
            key, _, value = one.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"')
        yield name.strip().lower(), parameters


# --- contents ----------------------------------------------------------------------------------------------


def is_fhir(content_type: bytes | None) -> bool:
    """Whether a body says it is a resource, and not bytes of its own kind."""
    name = (content_type or b"").decode("latin-1").partition(";")[0].strip().lower()
    return CONTENTS.get(name) in ("json", "xml")


@lru_cache(maxsize=256)
def content_kind(content_type: bytes | None) -> Kind:
    """What a body is, by its Content-Type; other types, versions and encodings are refused (415)."""
    if content_type is None:
        raise UnsupportedMedia("No Content-Type was sent.", vi="Thiếu Content-Type.")
    ((name, parameters), *more) = _media(content_type.decode("latin-1"))
    kind = CONTENTS.get(name)
    if kind is None or more or not _utf8_r4(parameters):
        raise UnsupportedMedia(f"It is {content_type.decode('latin-1')[:100]}.")
    return kind


# --- wishes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the Prefer header asks for (FHIR R4 http.html#ops, #search handling; RFC 7240)."""

    returns: Returns | None = None
    strict: bool = True
    respond_async: bool = False


@lru_cache(maxsize=128)
def wishes(prefer: bytes | None) -> Wishes:
    """Understand Prefer; what is unknown is passed over, as RFC 7240 says.

    Strict is the default: a mistyped search parameter that is passed over in silence shows everyone.
    """
    found = Wishes()
    for part in (prefer or b"").decode("latin-1").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        value = value.strip().strip('"')
        match name.strip().lower():
            case "return" if value in RETURNS:
                found = replace(found, returns=RETURNS[value])
            case "handling" if value in ("strict", "lenient"):
                found = replace(found, strict=value == "strict")
            case "respond-async":
                found = replace(found, respond_async=True)
    return found
