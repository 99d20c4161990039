"""Where definitions come from: packages on disk, read one resource at a time.

A packed package (scripts/pack-definitions) is an index and one file of small compressed JSON documents; a
folder package is plain JSON files, one resource each.  Both answer the same three questions, so nothing above
them knows which is which.
"""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import zstandard

if TYPE_CHECKING:
    from pathlib import Path

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TypeEntry:
    """One line of the list of types a package defines."""

    kind: str
    name: str
    url: str
    abstract: bool


class Package(Protocol):
    """What the definitions ask of a package."""

    @property
    def name(self) -> str:
        """The package's name, e.g. hl7.fhir.r4.core."""

    @property
    def types(self) -> tuple[TypeEntry, ...]:
        """The types (resources, datatypes, primitives) that the package defines."""

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The canonical addresses of the search parameters of each base type."""

    @property
    def compartments(self) -> dict[str, str]:
        """The canonical address of each compartment, by its code."""

    def urls(self, kind: str) -> list[str]:
        """The canonical addresses of all resources of one type."""

    def has(self, url: str) -> bool:
        """Whether the package defines this canonical address."""

    def read(self, url: str) -> Resource | None:
        """The resource with this canonical address, parsed anew."""


class _Index(msgspec.Struct):
    resources: list[tuple[str, str, str | None, int, int]]
    types: list[tuple[str, str, str, bool]]
    parameters: dict[str, list[str]]
    compartments: dict[str, str]


class PackedPackage:
    """A package made by scripts/pack-definitions: the index is read once, bodies only when asked for."""

    def __init__(self, folder: Path) -> None:
        """Read the index; the content stays on disk, shared by all processes through the page cache."""
        index = msgspec.json.decode((folder / "index.json").read_bytes(), type=_Index)
        self.name: str = msgspec.json.decode((folder / "package.json").read_bytes())["name"]
        self.types = tuple(TypeEntry(*entry) for entry in index.types)
        self.parameters = index.parameters
        self.compartments = index.compartments
        self._folder = folder
        self._places: dict[str, tuple[str, int, int]] = {
            url: (kind, offset, length) for kind, _, url, offset, length in index.resources if url is not None
        }

    @cached_property
    def _content(self) -> mmap.mmap:
        with (self._folder / "content.zst").open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @cached_property
    def _dictionary(self) -> zstandard.ZstdCompressionDict:
        return zstandard.ZstdCompressionDict((self._folder / "dictionary.zdict").read_bytes())

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the whole content: what was derived from it is still right while this is the same."""
        return hashlib.sha256((self._folder / "content.zst").read_bytes()).digest()

    def urls(self, kind: str) -> list[str]:
        """The canonical addresses of all resources of one type."""
        return [url for url, place in self._places.items() if place[0] == kind]

    def has(self, url: str) -> bool:
        """Whether the package defines this canonical address."""
        return url in self._places

    def read(self, url: str) -> Resource | None:
        """The resource with this canonical address, parsed anew."""
        place = self._places.get(url)
        if place is None:
            return None
        _, offset, length = place
        # A decompressor of its own for each read: they must not be shared between threads.
        decompressor = zstandard.ZstdDecompressor(dict_data=self._dictionary)
        body: Resource = msgspec.json.decode(decompressor.decompress(self._content[offset : offset + length]))
        return body


class FolderPackage:
    """A package of plain JSON files below a folder; its canonical base may be replaced while reading."""

    def __init__(self, folder: Path, *, rebase: tuple[str, str] | None = None) -> None:
        """Read all files: such packages are small.  ``rebase`` is (base as written, base wanted)."""
        manifest = folder / "package.json"
        self.name: str = (
            msgspec.json.decode(manifest.read_bytes())["name"] if manifest.exists() else folder.name
        )
        bodies = [_rebased(path, rebase) for path in sorted(folder.rglob("*.json")) if path != manifest]
        self._init_from(bodies)

    @classmethod
    def of(cls, name: str, resources: list[Resource]) -> FolderPackage:
        """A package made of resources at hand: those of a bundle, a test or the database."""
        package = cls.__new__(cls)
        package.name = name
        package._init_from(resources)  # noqa: SLF001 - it is our own class
        return package

    def _init_from(self, bodies: list[Resource]) -> None:
        self._resources = {body["url"]: body for body in bodies if "url" in body}
        self.types = tuple(
            TypeEntry(body["kind"], body["type"], body["url"], body.get("abstract", False))
            for body in self._resources.values()
            if body["resourceType"] == "StructureDefinition"
            and body.get("derivation") == "specialization"
            and body.get("kind") in ("resource", "complex-type", "primitive-type")
            and "snapshot" in body
        )
        self.parameters: dict[str, list[str]] = {}
        self.compartments: dict[str, str] = {}
        for url, body in self._resources.items():
            if body["resourceType"] == "SearchParameter":
                for base in body.get("base", ()):
                    self.parameters.setdefault(base, []).append(url)
            elif body["resourceType"] == "CompartmentDefinition":
                self.compartments[body["code"]] = url

    def urls(self, kind: str) -> list[str]:
        """The canonical addresses of all resources of one type."""
        return [url for url, body in self._resources.items() if body["resourceType"] == kind]

    def has(self, url: str) -> bool:
        """Whether the package defines this canonical address."""
        return url in self._resources

    def read(self, url: str) -> Resource | None:
        """The resource with this canonical address."""
        return self._resources.get(url)


def _rebased(path: Path, rebase: tuple[str, str] | None) -> Resource:
    """Parse one file, its canonical base replaced where another one is configured."""
    body = path.read_bytes()
    if rebase is not None and rebase[0] != rebase[1]:
        body = body.replace(rebase[0].encode(), rebase[1].encode())
    parsed: Resource = msgspec.json.decode(body)
    return parsed


def open_package(folder: Path, *, rebase: tuple[str, str] | None = None) -> Package:
    """Open a folder as what it is: packed when it has an index, otherwise plain files."""
    if (folder / "index.json").exists():
        return PackedPackage(folder)
    return FolderPackage(folder, rebase=rebase)
