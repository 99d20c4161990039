"""Large contents are read and checked in a process of their own, so that nobody else waits for them.

The process is started for the first large content and kept.  It knows the same definitions and lists as this one and
says the same problems; when it is killed, what it was asked is done here, and the next large content starts another.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from hsba.fhir import json, xml
from hsba.fhir.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.problems import Issue
    from hsba.record.ports import Codes

Resource = dict[str, Any]
Kind = Literal["json", "xml"]
Language = tuple["Definitions", "Codes"]
Done = TypeVar("Done")

LARGE = 1 << 18
"""Bytes from which a content is large: reading and checking it takes more than some 10 ms."""
PIECE = 1 << 16
"""Bytes that are read here in one go, and sent there to be checked in one go."""

log = logging.getLogger(__name__)


class Aside:
    """The process beside this one; `learn`, a function that can be sent to it, gives it definitions and lists."""

    def __init__(self, here: Language, learn: Callable[[], Language]) -> None:
        """Start nothing yet."""
        self._here = here
        self._learn = learn
        self._process: ProcessPoolExecutor | None = None

    async def read(self, data: bytes, kind: Kind) -> Resource:
        """The resource in a text, read strictly there; here only what is known to be right is taken in, by and by."""
        head, entries = await self._ask(_read, data, kind)
        found: Resource = json.stored(head)
        size = 0
        for entry in entries:
            found["entry"].append(json.stored(entry))
            size += len(entry)
            if size > PIECE:
                await asyncio.sleep(0)
                size = 0
        return found

    async def issues(
        self, resources: Sequence[Resource], *, against: tuple[str, ...] = (), best_practice: bool = False
    ) -> list[list[Issue]]:
        """Everything that is wrong with each resource (hsba.fhir.validate)."""
        found: list[list[Issue]] = []
        for some in _pieces(resources):
            found += await self._ask(_issues, some, against, best_practice)
        return found

    def close(self) -> None:
        """End the process once it has done what it is at."""
        if self._process is not None:
            self._process.shutdown(wait=False, cancel_futures=True)
            self._process = None

    def renew(self) -> None:
        """Let the process end its work, and the next large content start one that knows the lists as they are now."""
        if self._process is not None:
            self._process.shutdown(wait=False)
            self._process = None

    async def _ask(self, work: Callable[..., Done], *given: Any) -> Done:
        """Have a piece of work done there; here where that process was killed."""
        process = self._process = self._process or self._new()
        try:
            return await asyncio.get_running_loop().run_in_executor(process, _there, work, *given)
        except BrokenExecutor:
            log.warning("the process for large contents was killed; the next large content starts another")
            if self._process is process:
                self.close()
            return work(self._here, *given)

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(self._learn,))


def _pieces(resources: Sequence[Resource]) -> Iterator[list[bytes]]:
    """The texts of some resources, by the piece."""
    some: list[bytes] = []
    size = 0
    for resource in resources:
        some.append(json.dump(resource))
        size += len(some[-1])
        if size > PIECE:
            yield some
            some, size = [], 0
    if some:
        yield some


# --- what is done there ------------------------------------------------------------------------------------

_language: Language | None = None


def _begin(learn: Callable[[], Language]) -> None:
    """Learn the language once; an interrupt from the keyboard is for the process that asks."""
    global _language  # noqa: PLW0603 - a pool's process has nowhere else to keep things
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _language = learn()


def _there(work: Callable[..., Done], *given: Any) -> Done:
    return work(_language, *given)


def _read(language: Language, data: bytes, kind: Kind) -> tuple[bytes, list[bytes]]:
    """A text as its head and, of a bundle, its entries one by one, each written anew."""
    found = json.parse(data) if kind == "json" else xml.parse(data, language[0])
    entries = found.get("entry")
    if found.get("resourceType") != "Bundle" or not isinstance(entries, list):
        return json.dump(found), []
    return json.dump({**found, "entry": []}), [json.dump(entry) for entry in entries]


def _issues(
    language: Language,
    some: list[bytes],
    against: tuple[str, ...],
    best_practice: bool,  # noqa: FBT001 - sent between processes
) -> list[list[Issue]]:
    definitions, codes = language
    return [
        validate(json.stored(one), definitions, codes=codes, against=against, best_practice=best_practice)
        for one in some
    ]


__all__ = ["LARGE", "Aside"]
