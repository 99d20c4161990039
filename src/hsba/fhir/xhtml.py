"""The narrative's XHTML: well formed, of the basic elements only, and nothing that runs.

FHIR R4 narrative.html#xhtml, txt-1, txt-2.  The validator tells each fault in its own words (validate/narrative.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5
from typing import TYPE_CHECKING, Any, Final, Literal
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE: Final = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 100

_ALLOWED = (
    "p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr "
    "address bdo kbd ul ol li dl dt dd pre table caption colgroup col thead tr tfoot tbody th td code samp img "
    "map area ins del sub sup"
)
_ELEMENTS = frozenset(_ALLOWED.split())
_EVERYWHERE = frozenset(
    {"title", "style", "class", "id", "lang", "xml:lang", "dir", "accesskey", "tabindex", "xmlns"}
)
_ON: dict[str, frozenset[str]] = {
    name: frozenset(allowed.split())
    for name, allowed in {
        "a": "charset type name href hreflang rel rev shape coords",
        "img": "src alt longdesc height width usemap ismap align border hspace vspace",
        "area": "shape coords href nohref alt",
        "map": "name",
        "table": "summary width border frame rules cellspacing cellpadding align bgcolor",
        "caption": "align",
        "col": "span width align char charoff valign",
        "colgroup": "span width align char charoff valign",
        "thead": "align char charoff valign",
        "tfoot": "align char charoff valign",
        "tbody": "align char charoff valign",
        "tr": "align char charoff valign bgcolor",
        "th": "abbr axis headers scope rowspan colspan align char charoff valign nowrap bgcolor width height",
        "td": "abbr axis headers scope rowspan colspan align char charoff valign nowrap bgcolor width height",
        "ol": "type start compact",
        "ul": "type compact",
        "li": "type value",
        "dl": "compact",
        "q": "cite",
        "blockquote": "cite",
        "ins": "cite datetime",
        "del": "cite datetime",
        "p": "align",
        "div": "align",
        "hr": "align noshade size width",
        "br": "clear",
        "pre": "width xml:space",
        **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "align"),
    }.items()
}
_SHOWN_BY_ITSELF = frozenset({"img"})
_passed_over = re.compile(r"[\x00-\x20]+")
_runs = re.compile(
    r"(?:javascript|vbscript|data(?!:image/(?:png|gif|jpeg|webp|bmp)\b)):", re.IGNORECASE
).match
_unsafe_style = re.compile(
    r"expression\s*\(|javascript:|behaviou?r\s*:|-moz-binding|@import", re.IGNORECASE
).search
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")

Wrong = Literal["form", "root", "element", "attribute", "address", "empty"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a narrative holds that it must not, or lacks: the kind of fault, and the name or words in question."""

    wrong: Wrong
    name: str = ""
    element: str = ""


class _Unreadable(ValueError):
    """Why reading a div was given up."""


def to_xml(div: str) -> str:
    """The div with HTML's named characters (&nbsp;) as numbers, which XML knows without a DTD."""
    return _ENTITY.sub(_as_number, div) if "&" in div else div


def _as_number(found: re.Match[str]) -> str:
    characters = html5.get(found[1] + ";", "")
    if found[1] in _XML_ENTITIES or not characters:
        return found[0]
    return "".join(f"&#{ord(one)};" for one in characters)


@lru_cache(maxsize=4)
def faults(div: str) -> tuple[Fault, ...]:
    """Everything that FHIR does not allow in this narrative; what cannot be read to its end has only that fault."""
    reader = _Reader()
    try:
        _read(div, reader.start, reader.end, reader.characters)
    except _Unreadable as exc:
        return (*reader.found, Fault("form", str(exc)))
    if not reader.rooted:
        return (*reader.found, Fault("root"))
    return tuple(reader.found) if reader.content else (*reader.found, Fault("empty"))


def malformed(div: str) -> str | None:
    """Why the text is not one well-formed XHTML div, which alone may stand in XML; None when it is."""
    reader = _Reader()
    try:
        _read(div, reader.start, reader.end, None)
    except _Unreadable as exc:
        return str(exc)
    return None if reader.rooted else f'it must be one <div xmlns="{NAMESPACE}">'


class _Reader:
    """Walks the XHTML once, noting what may not stand there."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.rooted = False
        self.content = False
        self.depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self.depth == 0:
            self.rooted = local == "div" and space == NAMESPACE
        elif space != NAMESPACE or local not in _ELEMENTS:
            self.found.append(Fault("element", local))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable("it is nested too deeply")
        if local in _SHOWN_BY_ITSELF:
            self.content = True
        if attributes:
            self.attributes(local, attributes)

    def attributes(self, element: str, attributes: dict[str, str]) -> None:
        own = _ON.get(element, frozenset())
        for name, value in attributes.items():
            bare = name.replace("http://www.w3.org/XML/1998/namespace ", "xml:")
            if bare not in _EVERYWHERE and bare not in own:
                self.found.append(Fault("attribute", bare, element))
            elif (bare in ("href", "src") and _runs(_passed_over.sub("", value))) or (
                bare == "style" and _unsafe_style(value)
            ):
                self.found.append(Fault("address", value))

    def end(self, name: str) -> None:  # noqa: ARG002 - the signature of the library
        self.depth -= 1

    def characters(self, text: str) -> None:
        if not self.content and not text.isspace():
            self.content = True


def _read(
    div: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    characters: Callable[[str], None] | None,
) -> None:
    """Run the parser over a div; a document type could name entities that explode, or files of the server: none is read."""

    def refuse(*_: Any) -> None:
        raise _Unreadable("a document type or instruction is not allowed")

    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    parser.XmlDeclHandler = refuse
    try:
        parser.Parse(to_xml(div).encode("utf-8"), True)
    except expat.ExpatError as exc:
        raise _Unreadable(expat.errors.messages.get(exc.code, str(exc))) from exc
    except UnicodeEncodeError as exc:
        raise _Unreadable("it holds half of a character") from exc
