"""The narrative: well-formed XHTML of the basic elements only, and nothing that runs.

FHIR R4 narrative.html, txt-1, txt-2.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from hsba.fhir import xhtml

if TYPE_CHECKING:
    from hsba.fhir.validate.run import At, Run

XHTML = xhtml.NAMESPACE

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


def check(value: Any, at: At, run: Run) -> None:
    """Check one Narrative.div."""
    if type(value) is not str:
        run.add("not-string", at, value=value)
        return
    reader = _Reader(at, run)
    try:
        reader.read(value)
    except expat.ExpatError as exc:
        run.add("div-not-xhtml", at, detail=expat.errors.messages.get(exc.code, str(exc)))
        return
    if not reader.rooted:
        run.add("div-wrong-root", at)
    elif not reader.content:
        run.add("div-empty", at)


class _Reader:
    """Walks the XHTML once, noting what may not stand there."""

    def __init__(self, at: At, run: Run) -> None:
        self.at = at
        self.run = run
        self.rooted = False
        self.content = False
        self.depth = 0

    def read(self, text: str) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.SkippedEntityHandler = self.entity
        parser.StartDoctypeDeclHandler = self.instruction
        parser.ProcessingInstructionHandler = self.instruction
        parser.XmlDeclHandler = self.instruction
        parser.UseForeignDTD(True)
        parser.Parse(text, True)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self.depth == 0:
            self.rooted = local == "div" and space == XHTML
        elif space != XHTML or local not in _ELEMENTS:
            self.run.add("div-element", self.at, name=local)
        self.depth += 1
        if self.depth > xhtml.MAX_DEPTH:
            raise _refused("it is nested too deeply")
        if local in _SHOWN_BY_ITSELF:
            self.content = True
        if attributes:
            self.attributes(local, attributes)

    def attributes(self, element: str, attributes: dict[str, str]) -> None:
        own = _ON.get(element, frozenset())
        for name, value in attributes.items():
            bare = name.replace("http://www.w3.org/XML/1998/namespace ", "xml:")
            if bare not in _EVERYWHERE and bare not in own:
                self.run.add("div-attribute", self.at, name=bare, element=element)
            elif (bare in ("href", "src") and _runs(_passed_over.sub("", value))) or (
                bare == "style" and _unsafe_style(value)
            ):
                self.run.add("div-address", self.at, value=value)

    def end(self, name: str) -> None:  # noqa: ARG002 - the signature of the library
        self.depth -= 1

    def characters(self, text: str) -> None:
        if not self.content and not text.isspace():
            self.content = True

    def entity(self, name: str, is_parameter: bool) -> None:  # noqa: FBT001, ARG002 - the signature of the library
        if name + ";" not in html5:
            self.run.add("div-not-xhtml", self.at, detail=f"&{name};")
        self.content = True

    def instruction(self, *_: object) -> None:
        # A document type could name entities that explode, or files of the server: none is read.
        raise _refused("a document type or instruction is not allowed")


def _refused(why: str) -> expat.ExpatError:
    error = expat.ExpatError(why)
    error.code = 0
    return error
