"""JSON Patch: a list of operations on places named by JSON Pointers (RFC 6902, RFC 6901)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.fhir.fhirpath.items import same
from hsba.fhir.patch.copying import MAX_OPERATIONS, Copier
from hsba.fhir.patch.problems import MalformedPatch, PatchRefused

if TYPE_CHECKING:
    from collections.abc import Callable

Resource = dict[str, Any]

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_BAD_ESCAPE = re.compile(r"~(?![01])")


def json_patch(resource: Resource, operations: Any) -> Resource:
    """The resource after all operations, or a Problem that says which one failed and why; all or nothing."""
    if type(operations) is not list:
        raise MalformedPatch(
            "A JSON Patch is an array of operations.", vi="JSON Patch là một mảng các thao tác."
        )
    if len(operations) > MAX_OPERATIONS:
        raise MalformedPatch(f"More than {MAX_OPERATIONS} operations.", vi=f"Quá {MAX_OPERATIONS} thao tác.")
    work = _Work(resource)
    for number, operation in enumerate(operations):
        work.number = number
        work.apply(operation)
    if type(work.document) is not dict:
        raise PatchRefused("What is left is no resource.", vi="Phần còn lại không phải là tài nguyên.")
    return work.document


class _Work:
    """The document under change and the number of the operation at hand, which every fault names."""

    def __init__(self, resource: Resource) -> None:
        self.copier = Copier()
        self.document: Any = self.copier.copy(resource)
        self.number = 0
        self.name = "?"

    def malformed(self, en: str, vi: str) -> MalformedPatch:
        return MalformedPatch(
            f"Operation {self.number} ({self.name}): {en}", vi=f"Thao tác {self.number} ({self.name}): {vi}"
        )

    def refused(self, path: str, en: str, vi: str) -> PatchRefused:
        where = path or "the whole document"
        return PatchRefused(
            f"Operation {self.number} ({self.name}) at {where}: {en}",
            vi=f"Thao tác {self.number} ({self.name}) tại {where}: {vi}",
            path=path,
        )

    def apply(self, operation: Any) -> None:
        """Check the shape of one operation and run it."""
        self.name = "?"
        if type(operation) is not dict:
            raise self.malformed("it is not an object.", "không phải là một đối tượng.")
        name = str(operation.get("op"))
        run = _OPERATIONS.get(name)
        if run is None:
            known = ", ".join(_OPERATIONS)
            raise self.malformed(f'"op" must be one of {known}.', f'"op" phải là một trong {known}.')
        self.name = name
        run(self, operation)

    def pointer(self, operation: Resource, member: str = "path") -> tuple[str, list[str]]:
        """A JSON Pointer of the operation, as it is written and in its parts."""
        text = operation.get(member)
        if type(text) is not str or (text and not text.startswith("/")) or _BAD_ESCAPE.search(text):
            raise self.malformed(f'"{member}" must be a JSON Pointer.', f'"{member}" phải là JSON Pointer.')
        return text, [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]

    def operand(self, operation: Resource) -> Any:
        if "value" not in operation:
            raise self.malformed('it has no "value".', 'thiếu "value".')
        return self.copier.copy(operation["value"])

    def index(self, part: str, path: str, *, end: int) -> int:
        """A place in an array, below ``end``."""
        if not _INDEX.fullmatch(part) or int(part) >= end:
            raise self.refused(path, f'the array has no place "{part}".', f'mảng không có vị trí "{part}".')
        return int(part)

    def step(self, holder: Any, part: str, path: str) -> Any:
        if type(holder) is dict and part in holder:
            return holder[part]
        if type(holder) is list:
            return holder[self.index(part, path, end=len(holder))]
        raise self.refused(path, f'there is no "{part}".', f'không có "{part}".')

    def find(self, path: str, parts: list[str]) -> Any:
        """The value at a place, which must be there."""
        here = self.document
        for part in parts:
            here = self.step(here, part, path)
        return here

    def insert(self, path: str, parts: list[str], value: Any) -> None:
        """Put a value in an object, or into an array before the place named; "-" is its end."""
        if not parts:
            self.document = value
            return
        holder, last = self.find(path, parts[:-1]), parts[-1]
        if type(holder) is dict:
            holder[last] = value
        elif type(holder) is list:
            at = len(holder) if last == "-" else self.index(last, path, end=len(holder) + 1)
            holder.insert(at, value)
        else:
            raise self.refused(
                path, "only objects and arrays have places.", "chỉ đối tượng và mảng mới có chỗ."
            )

    def take(self, path: str, parts: list[str]) -> Any:
        """Take a value out of its place."""
        if not parts:
            raise self.refused(
                path, "the whole document cannot be removed.", "không thể xóa toàn bộ nội dung."
            )
        holder, last = self.find(path, parts[:-1]), parts[-1]
        value = self.step(holder, last, path)
        if type(holder) is list:
            del holder[int(last)]
        else:
            del holder[last]
        return value


def _add(work: _Work, operation: Resource) -> None:
    path, parts = work.pointer(operation)
    work.insert(path, parts, work.operand(operation))


def _remove(work: _Work, operation: Resource) -> None:
    work.take(*work.pointer(operation))


def _replace(work: _Work, operation: Resource) -> None:
    path, parts = work.pointer(operation)
    value = work.operand(operation)
    if not parts:
        work.document = value
        return
    holder = work.find(path, parts[:-1])
    work.step(holder, parts[-1], path)
    holder[int(parts[-1]) if type(holder) is list else parts[-1]] = value


def _move(work: _Work, operation: Resource) -> None:
    source, source_parts = work.pointer(operation, "from")
    path, parts = work.pointer(operation)
    if len(parts) > len(source_parts) and parts[: len(source_parts)] == source_parts:
        raise work.refused(path, "a value cannot move into itself.", "không thể chuyển vào chính nó.")
    work.insert(path, parts, work.take(source, source_parts))


def _copy(work: _Work, operation: Resource) -> None:
    source = work.pointer(operation, "from")
    path, parts = work.pointer(operation)
    work.insert(path, parts, work.copier.copy(work.find(*source)))


def _test(work: _Work, operation: Resource) -> None:
    path, parts = work.pointer(operation)
    if "value" not in operation:
        raise work.malformed('it has no "value".', 'thiếu "value".')
    if not same(work.find(path, parts), operation["value"]):
        raise work.refused(path, "the value there is another.", "giá trị ở đó khác.")


_OPERATIONS: dict[str, Callable[[_Work, Resource], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
