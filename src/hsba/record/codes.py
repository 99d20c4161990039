"""The core's own answer to the Codes port: the value sets that come with the definitions, R4's own among them.

Membership is answered in the process; the same lists are put into the database when it is migrated, so that `:in` and
`:below` are joins there.  `terminology` answers the port with more lists when it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import code_lists, expansion, json
from hsba.fhir.packages import PackedPackage
from hsba.store import lists

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection

Raw = dict[str, Any]

VERSION = b"2"
"""Raised when the lists are made in another way from the same packages."""


class PackageCodes:
    """The lists of the loaded packages: whether a code is in one, and the number the database knows it by."""

    def __init__(self, definitions: Definitions, numbers: Mapping[str, int] | None = None) -> None:
        """Expand nothing yet: a list is, when it is first asked for; `numbers` are those of `reference.value_set`."""
        self._definitions = definitions
        self._numbers = dict(numbers or {})
        self._pairs: dict[str, expansion.Codes | None] = {}
        self._plain: dict[str, frozenset[str]] = {}

    def member(
        self,
        value_set: str,
        system: str | None,
        code: str,
        on: date | None = None,  # noqa: ARG002 - the port's signature; what comes with R4 has no days
    ) -> bool | None:
        """Whether the code is in the list; None when the list is not known here."""
        codes = self._codes(value_set)
        if codes is None:
            return None
        if system is not None:
            return (system, code) in codes
        plain = self._plain.get(value_set)
        if plain is None:
            plain = self._plain[value_set] = frozenset(one for _, one in codes)
        return code in plain

    def value_set_id(self, value_set: str) -> int | None:
        """The list's number in `reference.value_set`, for joins by `:in`; None when it is not known."""
        return self._numbers.get(value_set.partition("|")[0])

    def _codes(self, value_set: str) -> expansion.Codes | None:
        if value_set not in self._pairs:
            codes = self._definitions.value_set_codes(value_set)
            if codes is None:
                codes = expansion.expand(value_set.partition("|")[0], _Reader(self._definitions).read)
            self._pairs[value_set] = codes
        return self._pairs[value_set]


async def load(tx: Connection, definitions: Definitions) -> PackageCodes:
    """The answer to the Codes port for this process, knowing the database's numbers."""
    return PackageCodes(definitions, await lists.value_sets(tx))


async def fill(tx: Connection, definitions: Definitions) -> bool:
    """Put the lists of the packages into the database; False when they are there already, which costs one query."""
    made_from = lists.digest(_contents(definitions))
    if await lists.is_current(tx, made_from):
        return False
    reader = _Reader(definitions)
    return await lists.replace(
        tx, made_from, _value_sets(definitions, reader), _ancestors(definitions, reader)
    )


def _contents(definitions: Definitions) -> Iterator[bytes]:
    """What the lists are made from: the packages as they lie on disk or in memory, and the long code lists."""
    yield VERSION
    for package in definitions.packages:
        yield package.name.encode()
        if isinstance(package, PackedPackage):
            yield package.fingerprint
            continue
        for kind in ("CodeSystem", "ValueSet"):
            for url in package.urls(kind):
                yield json.dump(package.read(url))
    for folder in (code_lists.FOLDER, code_lists.MAPS):
        for path in sorted(folder.glob("*.csv.zst")):
            yield path.read_bytes()


class _Reader:
    """Reads definitions; a code system whose concepts lie in a long list beside the package is given them."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._names = frozenset(code_lists.names())
        self._filled: dict[str, Raw] = {}

    def read(self, url: str) -> Raw | None:
        """The definition with this canonical address."""
        if url in self._filled:
            return self._filled[url]
        raw = self._definitions.read(url)
        if raw is None or raw["resourceType"] != "CodeSystem" or raw.get("content") == "complete":
            return raw
        name = raw.get("id", "")
        if name in self._names:
            raw = self._filled[url] = {**raw, "content": "complete", "concept": _concepts(name)}
        return raw


def _concepts(name: str) -> list[Raw]:
    """A long list as the concepts of a CodeSystem, parents told as properties."""
    found: list[Raw] = []
    for one in code_lists.read(name):
        concept: Raw = {"code": one.code}
        if one.parent:
            concept["property"] = [{"code": "parent", "valueCode": one.parent}]
        found.append(concept)
    return found


def _value_sets(definitions: Definitions, reader: _Reader) -> dict[str, expansion.Codes]:
    """Every value set that can be enumerated; those that only name other servers' codes are left out."""
    found: dict[str, expansion.Codes] = {}
    for url in definitions.urls("ValueSet"):
        codes = expansion.expand(url, reader.read)
        if codes is not None:
            found[url] = codes
    return found


def _ancestors(definitions: Definitions, reader: _Reader) -> Iterator[tuple[str, str, str]]:
    """(system, ancestor, code) of every complete code system, each code its own ancestor too."""
    for url in definitions.urls("CodeSystem"):
        raw = reader.read(url)
        if raw is None or raw["resourceType"] != "CodeSystem" or raw.get("content") != "complete":
            continue
        parents = _parents(raw)
        for code in parents:
            above = {code}
            waiting = [code]
            while waiting:
                for one in parents.get(waiting.pop(), ()):
                    if one not in above:
                        above.add(one)
                        waiting.append(one)
            for one in above:
                yield url, one, code


def _parents(raw: Raw) -> dict[str, set[str]]:
    """Which codes lie directly above each code: by nesting, and by the properties parent, child and subsumedBy."""
    found: dict[str, set[str]] = {}
    waiting: list[tuple[Raw, str | None]] = [(one, None) for one in raw.get("concept", ())]
    while waiting:
        one, above = waiting.pop()
        code = one["code"]
        mine = found.setdefault(code, set())
        if above is not None:
            mine.add(above)
        waiting.extend((below, code) for below in one.get("concept", ()))
        for each in one.get("property", ()):
            other = each.get("valueCode")
            if other is None:
                continue
            if each["code"] in ("parent", "subsumedBy"):
                mine.add(other)
            elif each["code"] == "child":
                found.setdefault(other, set()).add(code)
    return found
