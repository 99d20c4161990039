"""The narrative's XHTML: well formed, and only what FHIR allows (FHIR R4 narrative.html#xhtml)."""

from __future__ import annotations

import html.entities
import re
from functools import lru_cache
from typing import Any, Final
from xml.parsers import expat

NAMESPACE: Final = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 100

_ELEMENTS = frozenset({
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption",
    "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "map", "ol", "p", "pre", "q",
    "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "tt", "ul", "var",
})  # fmt: skip
_EVERYWHERE = frozenset({
    "id", "class", "style", "title", "lang", "dir", "accesskey", "tabindex", "xmlns", "abbr",
    "align", "axis", "char", "charoff", "colspan", "headers", "rowspan", "scope", "span", "valign",
    "width", "height", "nowrap",
})  # fmt: skip
_OF_ELEMENT = {
    "a": frozenset(["charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "type"]),
    "area": frozenset(["alt", "coords", "href", "nohref", "shape"]),
    "blockquote": frozenset(["cite"]),
    "del": frozenset(["cite", "datetime"]),
    "img": frozenset(["alt", "border", "height", "ismap", "longdesc", "src", "usemap", "width"]),
    "ins": frozenset(["cite", "datetime"]),
    "li": frozenset(["value"]),
    "map": frozenset(["name"]),
    "ol": frozenset(["start", "type"]),
    "pre": frozenset(["space"]),
    "q": frozenset(["cite"]),
    "table": frozenset(["border", "cellpadding", "cellspacing", "frame", "rules", "summary"]),
    "ul": frozenset(["type"]),
}
_ADDRESSES = frozenset({"href", "src", "cite", "longdesc"})
_UNSAFE = re.compile(
    r"[\s\x00-\x1f]*(?:javascript|vbscript|data(?!\s*:\s*image/(?:png|gif|jpeg|webp|bmp)\b))\s*:",
    re.IGNORECASE,
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")


class _NotAllowed(ValueError):
    """What the narrative holds that it must not."""


def to_xml(div: str) -> str:
    """The div with HTML's named characters (&nbsp;) as numbers, which XML knows without a DTD."""
    return _ENTITY.sub(_as_number, div) if "&" in div else div


def _as_number(found: re.Match[str]) -> str:
    name = found[1]
    if name in _XML_ENTITIES or name not in html.entities.name2codepoint:
        return found[0]
    return f"&#{html.entities.name2codepoint[name]};"


@lru_cache(maxsize=4)
def check(div: str) -> str | None:
    """Why the div is not a narrative that FHIR allows; None when it is."""
    seen = _Seen()
    why = _read(div, seen.start, seen.text)
    if why is None and not seen.content:
        return "the narrative is empty"
    return why


def malformed(div: str) -> str | None:
    """Why the text is not one well-formed XHTML div, which alone may stand in XML; None when it is."""
    seen = _Seen()
    return _read(div, seen.root, None)


class _Seen:
    """What was met while reading a div."""

    def __init__(self) -> None:
        self.depth = 0
        self.content = False

    def root(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - expat's handler
        if self.depth == 0 and name != f"{NAMESPACE} div":
            raise _NotAllowed('it must be one <div xmlns="http://www.w3.org/1999/xhtml">')
        self.depth += 1

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.root(name, attributes)
        space, _, element = name.rpartition(" ")
        if space != NAMESPACE or element not in _ELEMENTS:
            raise _NotAllowed(f"the element <{element}> is not allowed")
        for attribute, value in attributes.items():
            bare = attribute.rpartition(" ")[2]
            if bare not in _EVERYWHERE and bare not in _OF_ELEMENT.get(element, ()):
                raise _NotAllowed(f'the attribute "{bare}" is not allowed on <{element}>')
            if bare in _ADDRESSES and _UNSAFE.match(value):
                raise _NotAllowed(f'the address in "{bare}" is not allowed')
        self.content = self.content or element == "img"

    def text(self, text: str) -> None:
        self.content = self.content or bool(text.strip())


def _read(div: str, start: Any, text: Any) -> str | None:
    """Run the parser over a div; the reason it stopped, or None."""
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    depth = 0

    def deeper(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _NotAllowed("it is nested too deeply")
        start(name, attributes)

    def higher(name: str) -> None:  # noqa: ARG001 - expat's handler
        nonlocal depth
        depth -= 1

    def refuse(*ignored: object) -> None:  # noqa: ARG001 - expat's handler
        raise _NotAllowed("a document type or instruction is not allowed")

    parser.StartElementHandler = deeper
    parser.EndElementHandler = higher
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    parser.XmlDeclHandler = refuse
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        parser.Parse(to_xml(div).encode("utf-8"), True)
    except _NotAllowed as exc:
        return str(exc)
    except (expat.ExpatError, UnicodeEncodeError) as exc:
        return f"it is not well-formed XML ({exc})"
    return None
