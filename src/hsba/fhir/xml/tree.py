"""XML bytes as a small tree: namespaces resolved, no document type, no entities, not too deep."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from hsba.fhir import xhtml
from hsba.fhir.problems import Malformed

MAX_DEPTH: Final = 128
"""XML nests about twice as deep as JSON: a contained resource and its extensions each cost two levels."""

_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*['\"]([A-Za-z0-9._-]+)['\"]")

_START = re.compile(rb"<(?:[^>'\"]|'[^']*'|\"[^\"]*\")*>")
"""A start tag; a quoted > in its attributes does not end it."""


def read_tree(data: bytes) -> Tag:
    """The root of the tree of an XML text; what is not well formed, or dangerous, is Malformed."""
    return _Tree(_utf8(data)).read()


@dataclass(slots=True)
class Tag:
    """One XML element as it came: namespace, name, attributes and children; the narrative's div as text."""

    space: str
    name: str
    attributes: dict[str, str]
    children: list[Tag] = field(default_factory=list)
    xhtml: str | None = None
    has_text: bool = False


def _utf8(data: bytes) -> bytes:
    """The text as UTF-8; FHIR allows no other, but UTF-16 and Latin-1 that say what they are can be read."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        name = "utf-16"
    else:
        declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf").lstrip())
        name = declared[1].decode("ascii").lower() if declared else "utf-8"
        if name not in {"utf-8", "us-ascii", "iso-8859-1", "windows-1252"}:
            raise Malformed(
                f"The encoding {name} is not read; send UTF-8.", vi=f"Không đọc mã {name}; hãy gửi UTF-8."
            )
    try:
        text = data.decode("utf-8-sig" if name == "utf-8" else name)
    except UnicodeDecodeError as exc:
        raise Malformed(
            f"It is not {name.upper()} (byte {exc.start}).",
            vi=f"Không phải mã {name.upper()} (byte {exc.start}).",
        ) from exc
    return text.lstrip().encode("utf-8") if text[:1].isspace() else text.encode("utf-8")


class _Tree:
    """Drives the parser over the bytes and keeps what is open."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.open: list[Tag] = []
        self.root: Tag | None = None
        self.div_from = -1
        self.div_depth = 0
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.doctype

    def read(self) -> Tag:
        if not self.data.strip():
            raise Malformed("The body is empty.", vi="Thân yêu cầu trống.")
        try:
            self.parser.Parse(self.data, True)
        except expat.ExpatError as exc:
            raise Malformed(f"It is not XML: {exc}.", vi=f"Không phải XML: {exc}.") from exc
        if self.root is None:
            raise Malformed("There is no element.", vi="Không có phần tử nào.")
        return self.root

    def doctype(self, *ignored: object) -> None:  # noqa: ARG002 - expat's handler
        raise Malformed(
            "A document type (DTD) is not accepted; FHIR has none.",
            vi="Không nhận khai báo DTD; FHIR không dùng.",
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) + self.div_depth >= MAX_DEPTH:
            raise Malformed(
                f"It is nested more than {MAX_DEPTH} levels deep.", vi=f"Lồng nhau quá {MAX_DEPTH} cấp."
            )
        if self.div_from >= 0:
            self.div_depth += 1
            return
        space, _, bare = name.rpartition(" ")
        tag = Tag(space, bare, attributes)
        if self.open:
            self.open[-1].children.append(tag)
        else:
            self.root = tag
        self.open.append(tag)
        if space == xhtml.NAMESPACE and bare == "div":
            self.div_from = self.parser.CurrentByteIndex
            self.div_depth = 0

    def end(self, name: str) -> None:  # noqa: ARG002 - expat's handler
        if self.div_from >= 0:
            if self.div_depth:
                self.div_depth -= 1
                return
            self.open[-1].xhtml = self.div()
            self.div_from = -1
        self.open.pop()

    def div(self) -> str:
        """The narrative exactly as it stands in the bytes, declaring its namespace itself."""
        found = _START.match(self.data, self.div_from)
        begun = found.end() if found else self.div_from
        is_empty = self.data[begun - 2 : begun] == b"/>"
        after = begun if is_empty else self.data.index(b">", self.parser.CurrentByteIndex) + 1
        text = self.data[self.div_from : after].decode("utf-8")
        if not text.startswith("<div"):
            text = _without_prefix(text)
        elif b"xmlns=" not in self.data[self.div_from : begun]:
            text = f'<div xmlns="{xhtml.NAMESPACE}"{text[4:]}'
        why = xhtml.malformed(text)
        if why is not None:
            raise Malformed(
                f"The narrative must declare the namespaces it uses: {why}.",
                vi=f"Phần văn bản phải tự khai báo không gian tên: {why}.",
            )
        return text

    def text(self, text: str) -> None:
        if self.div_from < 0 and self.open and text.strip():
            self.open[-1].has_text = True


def _without_prefix(text: str) -> str:
    """A narrative written with a prefix (h:div) in the one form that JSON knows."""
    prefix = text[1 : text.index(":")]
    plain = re.sub(rf"(</?){re.escape(prefix)}:", r"\1", text)
    plain = re.sub(rf"\s+xmlns:{re.escape(prefix)}\s*=\s*(?:'[^']*'|\"[^\"]*\")", "", plain)
    return f'<div xmlns="{xhtml.NAMESPACE}"{plain[4:]}'
