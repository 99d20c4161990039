"""From XML to a resource, walking the definitions: order, cardinality and namespaces checked, every fault noted."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hsba.fhir import xhtml
from hsba.fhir.problems import Issue, Malformed
from hsba.fhir.xml.tree import Tag, read_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.elements import Element

NAMESPACE: Final = "http://hl7.org/fhir"
MAX_ISSUES = 50

Resource = dict[str, Any]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_XSI = "http://www.w3.org/2001/XMLSchema-instance "


def parse(data: bytes, definitions: Definitions) -> Resource:
    """Read one resource; what is not well formed or not defined is Malformed, every fault with its path."""
    return _Reader(definitions).whole(read_tree(data))


class _Reader:
    """Walks the tree with the definitions, noting every fault with its path."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.issues: list[Issue] = []

    def fault(self, path: str, en: str, vi: str) -> None:
        self.issues.append(Issue("error", "structure", en, vi, path, "Malformed"))
        if len(self.issues) >= MAX_ISSUES:
            raise self.problem()

    def problem(self) -> Malformed:
        first = self.issues[0]
        return Malformed(
            f"{first.path}: {first.en}", vi=f"{first.path}: {first.vi}", issues=tuple(self.issues)
        )

    def whole(self, root: Tag) -> Resource:
        for name in list(root.attributes):
            if name.startswith(_XSI):
                del root.attributes[name]
        found = self.resource(root, root.name)
        if self.issues:
            raise self.problem()
        return found if found is not None else {}

    def resource(self, tag: Tag, path: str) -> Resource | None:
        if tag.space != NAMESPACE:
            self.fault(
                path,
                f"<{tag.name}> is not in the namespace {NAMESPACE}.",
                f"<{tag.name}> không thuộc không gian tên {NAMESPACE}.",
            )
            return None
        if tag.name not in self.definitions.resource_types:
            self.fault(
                path, f"There is no resource type {tag.name}.", f"Không có loại tài nguyên {tag.name}."
            )
            return None
        for name in tag.attributes:
            self.fault(path, f'The attribute "{name}" is not known.', f'Không có thuộc tính "{name}".')
        return self.children(tag, tag.name, {"resourceType": tag.name}, path)

    def complex(self, tag: Tag, type_name: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in tag.attributes.items():
            if name == "id" or (name == "url" and type_name == "Extension"):
                found[name] = value
            else:
                self.fault(path, f'The attribute "{name}" is not known.', f'Không có thuộc tính "{name}".')
        return self.children(tag, type_name, found, path)

    def children(self, tag: Tag, type_name: str, found: dict[str, Any], path: str) -> dict[str, Any]:
        """Read the children of a resource or complex element into its JSON object."""
        elements = self.definitions.type(type_name).elements
        before = -1
        closed: set[str] = set()
        previous = ""
        if tag.has_text:
            self.fault(path, "Text stands between the elements.", "Có chữ nằm giữa các phần tử.")
        for child in tag.children:
            element = elements.get(child.name)
            where = f"{path}.{child.name}"
            wanted = xhtml.NAMESPACE if element is not None and element.type == "xhtml" else NAMESPACE
            if element is None or element.representation == "xmlAttr":
                self.fault(
                    where,
                    f"There is no element <{child.name}> here.",
                    f"Ở đây không có phần tử <{child.name}>.",
                )
                continue
            if child.space != wanted:
                self.fault(
                    where, f"<{child.name}> is not in {wanted}.", f"<{child.name}> không thuộc {wanted}."
                )
                continue
            if element.order < before or child.name in closed:
                self.fault(where, f"<{child.name}> stands too late.", f"<{child.name}> đứng sai thứ tự.")
            before = max(before, element.order)
            if previous not in {"", child.name}:
                closed.add(previous)
            if child.name == previous and not element.is_list:
                self.fault(where, f"<{child.name}> stands twice.", f"<{child.name}> xuất hiện hai lần.")
            previous = child.name
            self.add(found, element, child, where)
        return found

    def add(self, found: dict[str, Any], element: Element, tag: Tag, path: str) -> None:
        """Add one element to the object: to its list, or as its only value."""
        name = element.name
        if element.is_list:
            path += f"[{len(found.get(name) or found.get('_' + name) or ())}]"
        value, extra = self.value(element, tag, path)
        if not element.is_list:
            if value is not None:
                found[name] = value
            if extra:
                found["_" + name] = extra
            return
        values, extras = found.get(name), found.get("_" + name)
        count = len(values or extras or ())
        if value is not None and values is None:
            found[name] = values = [None] * count
        if extra and extras is None:
            found["_" + name] = extras = [None] * count
        if values is not None:
            values.append(value)
        if extras is not None:
            extras.append(extra or None)

    def value(self, element: Element, tag: Tag, path: str) -> tuple[Any, dict[str, Any] | None]:
        """The JSON value of an element, and its id and extensions when it is a primitive."""
        if element.type == "xhtml":
            return tag.xhtml, None
        if element.type == "Resource":
            return self.inner(tag, path), None
        if element.type not in self.definitions.primitives:
            return self.complex(tag, element.content, path), None
        extra = self.complex(
            Tag(tag.space, tag.name, _without_value(tag), tag.children, None, tag.has_text), "Element", path
        )
        text = tag.attributes.get("value")
        if text is None:
            if not extra:
                self.fault(path, "It has no value.", "Không có giá trị.")
            return None, extra
        return self.primitive(element.type, text, path), extra

    def inner(self, tag: Tag, path: str) -> Resource | None:
        """The resource inside contained, Bundle.entry.resource and the like."""
        if len(tag.children) != 1 or tag.has_text or tag.attributes:
            self.fault(path, "It must hold one resource and nothing else.", "Phải chứa đúng một tài nguyên.")
            return None
        return self.resource(tag.children[0], path)

    def primitive(self, type_name: str, text: str, path: str) -> Any:
        read = _READ.get(type_name)
        value = text if read is None else read(text)
        if value is None:
            self.fault(path, f'"{text}" is not a {type_name}.', f'"{text}" không phải kiểu {type_name}.')
        return value


def _without_value(tag: Tag) -> dict[str, str]:
    return {name: value for name, value in tag.attributes.items() if name != "value"}


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) and len(text) < 20 else None


def _decimal(text: str) -> int | Decimal | None:
    """A number as JSON would have it: whole numbers as int, all others with their digits."""
    if not _DECIMAL.fullmatch(text) or len(text) > 500:
        return None
    return Decimal(text) if "." in text or "e" in text.lower() else int(text)


_READ: dict[str, Callable[[str], Any]] = {
    "boolean": {"true": True, "false": False}.get,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": _decimal,
}
