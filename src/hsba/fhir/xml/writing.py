"""From a resource to XML, in the order of the definitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.fhir import xhtml
from hsba.fhir.outcome import UNWRITABLE
from hsba.fhir.problems import UnknownType, Unprocessable
from hsba.fhir.xml.reading import NAMESPACE, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.elements import Element

_SPECIAL = re.compile(r'[&<>"\t\n\r]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def dump(resource: Resource, definitions: Definitions) -> bytes:
    """Write a resource as UTF-8 XML."""
    return _written(resource, definitions, pretty=False)


def dump_pretty(resource: Resource, definitions: Definitions) -> bytes:
    """Write a resource as indented XML for people (_pretty=true)."""
    return _written(resource, definitions, pretty=True)


def _written(resource: Resource, definitions: Definitions, *, pretty: bool) -> bytes:
    writer = _Writer(definitions, pretty=pretty)
    writer.resource(resource, 0, str(resource.get("resourceType")))
    return ('<?xml version="1.0" encoding="UTF-8"?>' + "".join(writer.parts)).encode("utf-8")


class _Writer:
    """Writes a resource element by element in the order of the definitions."""

    def __init__(self, definitions: Definitions, *, pretty: bool) -> None:
        self.definitions = definitions
        self.pretty = pretty
        self.parts: list[str] = []

    def line(self, text: str, depth: int) -> None:
        self.parts.append(f"\n{'  ' * depth}{text}" if self.pretty else text)

    def resource(self, resource: Resource, depth: int, path: str) -> None:
        name = resource.get("resourceType")
        if type(name) is not str or name not in self.definitions.resource_types:
            raise UnknownType(str(name), path=path)
        space = f' xmlns="{NAMESPACE}"' if depth == 0 else ""
        self.line(f"<{name}{space}>", depth)
        self.children(resource, name, depth + 1, path)
        self.line(f"</{name}>", depth)

    def children(self, value: dict[str, Any], type_name: str, depth: int, path: str) -> None:
        for name in self.ordered(value, type_name, path):
            element = self.definitions.type(type_name).elements[name]
            where = f"{path}.{name}"
            primitive = element.type in self.definitions.primitives
            one, extra = value.get(name), value.get("_" + name) if primitive else None
            if not isinstance(one, list) and not isinstance(extra, list):
                self.element(element, one, extra, depth, where)
                continue
            for place, (each, beside) in enumerate(_side_by_side(one, extra)):
                if each is None and beside is None:
                    raise _unwritable(f"{where}[{place}]", "It is empty.", "Phần tử trống.")
                self.element(element, each, beside, depth, f"{where}[{place}]")

    def ordered(self, value: dict[str, Any], type_name: str, path: str) -> list[str]:
        """The names that become XML elements, in their order; a name nobody defined cannot be written."""
        elements = self.definitions.type(type_name).elements
        names: dict[str, int] = {}
        for key in value:
            name = key
            if key not in elements:
                if key == "resourceType" and path:
                    continue
                name = key.removeprefix("_")
                if name == key or name not in elements:
                    raise _unwritable(f"{path}.{key}", "There is no such element.", "Không có phần tử này.")
            if elements[name].representation != "xmlAttr":
                names[name] = elements[name].order
        return sorted(names, key=names.__getitem__)

    def element(
        self, element: Element, value: Any, extra: dict[str, Any] | None, depth: int, path: str
    ) -> None:
        name = element.name
        if element.type == "xhtml":
            self.line(self.narrative(value, path), depth)
        elif element.type == "Resource":
            self.line(f"<{name}>", depth)
            self.resource(_object(value, path), depth + 1, path)
            self.line(f"</{name}>", depth)
        elif element.type in self.definitions.primitives:
            head = "" if value is None else f' value="{self.text(value, path)}"'
            self.complex(name, extra or {}, "Element", head, depth, path)
        else:
            self.complex(name, _object(value, path), element.content, "", depth, path)

    def complex(
        self, name: str, value: dict[str, Any], type_name: str, head: str, depth: int, path: str
    ) -> None:
        attributes = "".join(
            f' {attribute}="{self.text(value[attribute], path)}"'
            for attribute in (("id", "url") if type_name == "Extension" else ("id",))
            if attribute in value
        )
        start = len(self.parts)
        self.line(f"<{name}{attributes}{head}>", depth)
        self.children(value, type_name, depth + 1, path)
        if len(self.parts) == start + 1:
            self.parts[start] = self.parts[start][:-1] + "/>"
        else:
            self.line(f"</{name}>", depth)

    @staticmethod
    def text(value: Any, path: str) -> str:
        """A primitive as the text of an attribute; what XML cannot hold is refused."""
        if value is True or value is False:
            return "true" if value else "false"
        text = value if isinstance(value, str) else str(value)
        if isinstance(value, dict | list):
            raise _unwritable(path, "A simple value is needed here.", "Ở đây cần giá trị đơn.")
        if UNWRITABLE.search(text):
            raise _unwritable(
                path, "It holds a character that XML does not have.", "Có ký tự mà XML không có."
            )
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)

    @staticmethod
    def narrative(value: Any, path: str) -> str:
        """The div as it is, if it is one well-formed div and so cannot break out of its place."""
        why = xhtml.malformed(value) if isinstance(value, str) else "it is no text"
        if why is not None:
            raise _unwritable(
                path,
                f"The narrative cannot be written as XML: {why}.",
                f"Không ghi được phần văn bản thành XML: {why}.",
            )
        return xhtml.to_xml(value)


def _side_by_side(values: Any, extras: Any) -> Iterator[tuple[Any, Any]]:
    """The entries of a list and of its extras, position by position."""
    left = values if isinstance(values, list) else [values] if values is not None else []
    right = extras if isinstance(extras, list) else [extras] if extras is not None else []
    for place in range(max(len(left), len(right))):
        yield left[place] if place < len(left) else None, right[place] if place < len(right) else None


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unwritable(path, "An object is needed here.", "Ở đây cần một đối tượng.")
    return value


def _unwritable(path: str, en: str, vi: str) -> Unprocessable:
    return Unprocessable(f"{path}: {en}", vi=f"{path}: {vi}", path=path)
