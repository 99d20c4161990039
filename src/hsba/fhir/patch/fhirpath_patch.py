"""FHIRPath Patch: Parameters of operations on places named by FHIRPath (FHIR R4 fhirpatch.html)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import fhirpath
from hsba.fhir.elements import choice_name
from hsba.fhir.fhirpath import Node, Scope, ast
from hsba.fhir.fhirpath.problems import EvaluationFailed, InvalidExpression
from hsba.fhir.patch.copying import MAX_OPERATIONS, Copier
from hsba.fhir.patch.problems import MalformedPatch, PatchRefused
from hsba.fhir.problems import UnknownType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.elements import Element

Resource = dict[str, Any]
Entry = tuple[Any, Any]

NAVIGATION = frozenset({
    "where", "exists", "empty", "not", "count", "first", "last", "tail", "skip", "take", "single",
    "ofType", "as", "is", "extension", "hasExtension", "hasValue", "getValue", "startsWith",
    "endsWith", "contains", "length", "lower", "upper", "all", "distinct",
})  # fmt: skip
"""The functions a path may use: those that find a place.  The others may cost any amount of time."""

_TEXTS = frozenset({
    "string", "code", "id", "uri", "url", "canonical", "oid", "uuid", "markdown", "base64Binary",
    "date", "dateTime", "instant", "time", "xhtml",
})  # fmt: skip
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


def fhirpath_patch(resource: Resource, parameters: Resource, definitions: Definitions) -> Resource:
    """The resource after all operations, or a Problem that says which one failed and why; all or nothing."""
    work = _Work(resource, definitions)
    for number, operation in enumerate(_operations(parameters)):
        work.apply(number, operation)
    return work.document


# --- what the Parameters say --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Given:
    """A value from the patch: the JSON value with ``_`` sibling and type, or parts of an unnamed type."""

    value: Any = None
    extra: Any = None
    type: str = ""
    parts: tuple[tuple[str, _Given], ...] | None = None


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation as the patch states it."""

    type: str
    path: str
    name: str | None = None
    value: _Given | None = None
    index: int | None = None
    source: int | None = None
    destination: int | None = None


_PARTS: dict[str, tuple[type, str]] = {
    "type": (str, "type"),
    "path": (str, "path"),
    "name": (str, "name"),
    "index": (int, "index"),
    "source": (int, "source"),
    "destination": (int, "destination"),
}


def _operations(parameters: Resource) -> Iterator[_Operation]:
    """The operations of a Parameters resource, each checked for its shape."""
    if parameters.get("resourceType") != "Parameters":
        raise MalformedPatch(
            "A FHIRPath Patch is a Parameters resource.", vi="FHIRPath Patch là tài nguyên Parameters."
        )
    listed = parameters.get("parameter", [])
    if type(listed) is not list or len(listed) > MAX_OPERATIONS:
        raise MalformedPatch(f"More than {MAX_OPERATIONS} operations.", vi=f"Quá {MAX_OPERATIONS} thao tác.")
    for number, parameter in enumerate(listed):
        place = f"Parameters.parameter[{number}]"
        if type(parameter) is not dict or parameter.get("name") != "operation":
            raise MalformedPatch(
                f'{place} is not named "operation".', vi=f'{place} không mang tên "operation".', path=place
            )
        yield _operation(parameter, place)


def _operation(parameter: Resource, place: str) -> _Operation:
    found: dict[str, Any] = {}
    for part in _parts(parameter, place):
        name = part["name"]
        if name in found:
            raise MalformedPatch(
                f'{place} has "{name}" twice.', vi=f'{place} có "{name}" hai lần.', path=place
            )
        if name == "value":
            found[name] = _given(part, place)
        elif name in _PARTS:
            kind, key = _PARTS[name]
            value = _given(part, place).value
            if type(value) is not kind:
                raise MalformedPatch(f'{place}: "{name}" is wrong.', vi=f'{place}: "{name}" sai.', path=place)
            found[key] = value
        else:
            raise MalformedPatch(
                f'{place} has no part "{name}".', vi=f'{place} không có phần "{name}".', path=place
            )
    wanted = str(found.get("type"))
    if wanted not in _NEEDED:
        known = ", ".join(_NEEDED)
        raise MalformedPatch(
            f'{place}: "type" must be one of {known}.',
            vi=f'{place}: "type" phải là một trong {known}.',
            path=place,
        )
    missing = [name for name in ("path", *_NEEDED[wanted]) if name not in found]
    if missing:
        raise MalformedPatch(
            f'{place} ({wanted}) has no "{missing[0]}".',
            vi=f'{place} ({wanted}) thiếu "{missing[0]}".',
            path=place,
        )
    return _Operation(**found)


def _parts(parameter: Resource, place: str) -> list[Resource]:
    parts = parameter.get("part", [])
    if type(parts) is not list or not all(
        type(part) is dict and type(part.get("name")) is str for part in parts
    ):
        raise MalformedPatch(
            f"{place} has a part without name.", vi=f"{place} có phần không tên.", path=place
        )
    return parts


def _given(part: Resource, place: str) -> _Given:
    """The value of a part: value[x], a resource, or parts that are an element of a type without name."""
    if "resource" in part:
        return _Given(part["resource"], type="Resource")
    keys = {key.removeprefix("_") for key in part if key.removeprefix("_").startswith("value")}
    if len(keys) == 1 and "part" not in part:
        key = keys.pop()
        return _Given(part.get(key), part.get("_" + key), key.removeprefix("value"))
    if not keys and part.get("part"):
        return _Given(parts=tuple((each["name"], _given(each, place)) for each in _parts(part, place)))
    raise MalformedPatch(
        f'{place}: "{part["name"]}" needs one value.',
        vi=f'{place}: "{part["name"]}" cần một giá trị.',
        path=place,
    )


_NEEDED: dict[str, tuple[str, ...]] = {
    "add": ("name", "value"),
    "insert": ("index", "value"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}


# --- what is done with them ---------------------------------------------------------------------------------


class _Work:
    """The resource under change and the operation at hand, which every fault names."""

    def __init__(self, resource: Resource, definitions: Definitions) -> None:
        self.copier = Copier()
        self.document: Resource = self.copier.copy(resource)
        self.definitions = definitions
        self.scope = Scope(definitions)
        self.number = 0
        self.operation = _Operation("", "")

    def refused(self, en: str, vi: str) -> PatchRefused:
        told = self.operation
        return PatchRefused(
            f"Operation {self.number} ({told.type}) at {told.path}: {en}",
            vi=f"Thao tác {self.number} ({told.type}) tại {told.path}: {vi}",
            path=told.path,
        )

    def apply(self, number: int, operation: _Operation) -> None:
        self.number, self.operation = number, operation
        self.scope = Scope(self.definitions, resource=self.document)
        _RUN[operation.type](self, operation)

    # finding places

    def nodes(self, path: str) -> list[Node]:
        """The nodes a path leads to; it may only navigate."""
        compiled = self.compiled(path)
        try:
            found = compiled.nodes(self.document, self.scope)
        except EvaluationFailed as exc:
            raise self.refused(exc.detail, exc.detail_vi) from exc
        if not all(isinstance(node, Node) for node in found):
            raise self.refused("the path leads to no element.", "đường dẫn không tới phần tử nào.")
        return list(found)

    def compiled(self, path: str) -> fhirpath.Compiled:
        try:
            compiled = fhirpath.compile(path)
        except InvalidExpression as exc:
            raise MalformedPatch(exc.detail, vi=exc.detail_vi, path=path) from exc
        for node in ast.parts(compiled.tree):
            if isinstance(node, ast.Call) and node.name not in NAVIGATION:
                raise MalformedPatch(
                    f"A path may not use {node.name}().",
                    vi=f"Đường dẫn không được dùng {node.name}().",
                    path=path,
                )
        return compiled

    def only(self, path: str) -> Node:
        """The one node a path leads to."""
        found = self.nodes(path)
        if not found:
            raise self.refused("there is nothing.", "không có gì ở đó.")
        if len(found) > 1:
            raise self.refused(f"there are {len(found)} elements.", f"có {len(found)} phần tử.")
        return found[0]

    def list_at(self, path: str) -> tuple[Node, Element]:
        """The node that holds the list a path names, and the list's element; the list itself may be empty."""
        tree = self.compiled(path).tree
        if not isinstance(tree, ast.Member) or tree.target is None:
            raise self.refused("the path does not name a list.", "đường dẫn không chỉ tới danh sách.")
        holder = self.only(ast.write(tree.target))
        element = self.element(holder, tree.name)
        if not element.is_list:
            raise self.refused(f"{tree.name} is not a list.", f"{tree.name} không phải danh sách.")
        return holder, element

    def element(self, holder: Node, name: str, given: _Given | None = None) -> Element:
        """The definition of a child by its FHIRPath name; the value's type chooses the form of a choice."""
        owner = self.scope.type_of(holder)
        try:
            known = self.definitions.type(owner)
        except UnknownType as exc:
            raise self.refused(f"{owner} has no elements.", f"{owner} không có phần tử.") from exc
        name = name.removesuffix("[x]")
        if name in known.choices:
            key = choice_name(name, given.type) if given is not None and given.type else ""
            if key not in known.choices[name]:
                raise self.refused(f"{name} cannot be of this type.", f"{name} không thể thuộc kiểu này.")
            return known.elements[key]
        if name not in known.elements:
            raise self.refused(f"{owner} has no element {name}.", f"{owner} không có phần tử {name}.")
        return known.elements[name]

    # making values

    def made(self, given: _Given, element: Element) -> Entry:
        """The JSON value for an element and its ``_`` sibling; a value of another type is refused."""
        if given.parts is not None:
            return self.assembled(given.parts, element.content), None
        if not self.fits(given.type, element):
            raise self.refused(
                f"{element.name} is of type {element.type}, not {given.type}.",
                f"{element.name} thuộc kiểu {element.type}, không phải {given.type}.",
            )
        return self.copier.copy(given.value), self.copier.copy(given.extra)

    def fits(self, named: str, element: Element) -> bool:
        given = named if named in self.definitions.datatypes else named[:1].lower() + named[1:]
        wanted = element.type
        if given == wanted or (wanted == "Resource" and named == "Resource"):
            return True
        if given in _TEXTS:
            return wanted in _TEXTS
        if given in _INTEGERS:
            return wanted in _INTEGERS or wanted == "decimal"
        return (
            given in self.definitions.datatypes
            and wanted in self.definitions.datatypes
            and self.definitions.is_a(given, wanted)
        )

    def assembled(self, parts: tuple[tuple[str, _Given], ...], type_name: str) -> Resource:
        """An element of a type without name (Patient.contact) from its parts."""
        found: Resource = {}
        holder = Node(found, named=type_name)
        for name, given in parts:
            self.put(holder, self.element(holder, name, given), given)
        return found

    # changing

    def put(self, holder: Node, element: Element, given: _Given) -> None:
        """Add a value: at the end of a list, or where there is none yet."""
        value, extra = self.made(given, element)
        box = self.box(holder)
        if element.is_list:
            _write(box, element.name, [*_read(box, element.name), (value, extra)])
            return
        for name in self.forms(holder, element):
            if name in box or "_" + name in box:
                raise self.refused(
                    f"{name} is there already; replace it.", f"{name} đã có; hãy dùng replace."
                )
        _write_one(box, element.name, (value, extra))

    def forms(self, holder: Node, element: Element) -> tuple[str, ...]:
        """The JSON names that an element may have: all forms of a choice."""
        if element.choice is None:
            return (element.name,)
        return self.definitions.type(self.scope.type_of(holder)).choices[element.choice]

    def box(self, holder: Node) -> Resource:
        """The object that holds a node's children; for a primitive its ``_`` sibling, made if need be."""
        if type(holder.value) is dict:
            return holder.value
        if holder.extra is None:
            holder.extra = {}
            self.set(holder, holder.value, holder.extra)
        return holder.extra

    def parent(self, node: Node) -> Node:
        if node.parent is None:
            raise self.refused("the whole resource cannot be meant.", "không thể là toàn bộ tài nguyên.")
        return node.parent

    def set(self, node: Node, value: Any, extra: Any) -> None:
        """Put another value where a node stands."""
        box = self.box(self.parent(node))
        if node.index is None:
            _write_one(box, node.key, (value, extra))
        else:
            entries = _read(box, node.key)
            entries[node.index] = (value, extra)
            _write(box, node.key, entries)

    def remove(self, node: Node) -> None:
        """Take a node away, and what is left empty by that: FHIR knows no empty elements."""
        parent = self.parent(node)
        box = self.box(parent)
        if node.index is None:
            _write_one(box, node.key, (None, None))
        else:
            entries = _read(box, node.key)
            del entries[node.index]
            _write(box, node.key, entries)
        if box or parent.parent is None:
            return
        if type(parent.value) is dict or parent.value is None:
            self.remove(parent)
        else:
            self.set(parent, parent.value, None)


def _read(box: Resource, key: str) -> list[Entry]:
    """The entries of a list with their ``_`` siblings."""
    values, extras = box.get(key) or [], box.get("_" + key) or []
    return [
        (values[place] if place < len(values) else None, extras[place] if place < len(extras) else None)
        for place in range(max(len(values), len(extras)))
    ]


def _write(box: Resource, key: str, entries: list[Entry]) -> None:
    """Put the entries back, keeping values and siblings side by side."""
    values, extras = [value for value, _ in entries], [extra for _, extra in entries]
    for name, listed in ((key, values), ("_" + key, extras)):
        if any(each is not None for each in listed):
            box[name] = listed
        else:
            box.pop(name, None)


def _write_one(box: Resource, key: str, entry: Entry) -> None:
    for name, value in zip((key, "_" + key), entry, strict=True):
        if value is None:
            box.pop(name, None)
        else:
            box[name] = value


def _add(work: _Work, operation: _Operation) -> None:
    holder = work.only(operation.path)
    if operation.value is not None and operation.name is not None:
        work.put(holder, work.element(holder, operation.name, operation.value), operation.value)


def _insert(work: _Work, operation: _Operation) -> None:
    holder, element = work.list_at(operation.path)
    box = work.box(holder)
    entries = _read(box, element.name)
    place = operation.index
    if place is None or not 0 <= place <= len(entries):
        raise work.refused(f"the list has no place {place}.", f"danh sách không có vị trí {place}.")
    if operation.value is not None:
        entries.insert(place, work.made(operation.value, element))
    _write(box, element.name, entries)


def _delete(work: _Work, operation: _Operation) -> None:
    found = work.nodes(operation.path)
    if len(found) > 1:
        raise work.refused(f"there are {len(found)} elements.", f"có {len(found)} phần tử.")
    if found:
        work.remove(found[0])


def _replace(work: _Work, operation: _Operation) -> None:
    node = work.only(operation.path)
    parent = work.parent(node)
    element = work.element(parent, node.key)
    given = operation.value
    if given is None:
        return
    if element.choice is not None:
        other = work.element(parent, element.choice, given)
        if other.name != element.name:
            _write_one(work.box(parent), element.name, (None, None))
            node, element = _under(node, other.name), other
    work.set(node, *work.made(given, element))


def _under(node: Node, key: str) -> Node:
    """The same place under another JSON name: valueString instead of valueQuantity."""
    return Node(None, None, key, node.parent, node.index)


def _move(work: _Work, operation: _Operation) -> None:
    holder, element = work.list_at(operation.path)
    box = work.box(holder)
    entries = _read(box, element.name)
    for place in (operation.source, operation.destination):
        if place is None or not 0 <= place < len(entries):
            raise work.refused(f"the list has no place {place}.", f"danh sách không có vị trí {place}.")
    if operation.source is not None and operation.destination is not None:
        entries.insert(operation.destination, entries.pop(operation.source))
    _write(box, element.name, entries)


_RUN: dict[str, Callable[[_Work, _Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
