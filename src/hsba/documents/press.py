"""The process that prints: drawing takes tens of milliseconds, and nobody else waits for it.

It is started for the first print and kept, with one thread; when it is killed, the next print starts another.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

from hsba.documents.order import Order, Tags
from hsba.fhir.problems import Problem

LARGE = 10
"""Sheets of one print from which the process is not kept."""

log = logging.getLogger(__name__)


class NotPrinted(Problem):
    """The print could not be made; the record is as it was. Print again, or fewer sheets at a time."""

    status, code = 503, "transient"
    vi = "Chưa in được; hồ sơ vẫn nguyên. Hãy in lại, hoặc in ít tờ hơn mỗi lần."


class Press:
    """The process beside this one that draws."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: ProcessPoolExecutor | None = None

    async def render(self, order: Order | Tags) -> bytes:
        """The order as PDF; NotPrinted where the process was killed over it."""
        process = self._process = self._process or _new()
        try:
            pdf = await asyncio.get_running_loop().run_in_executor(process, _render, order)
        except BrokenExecutor as exc:
            log.warning("the printing process was killed; the next print starts another")
            if self._process is process:
                self.close()
            raise NotPrinted from exc
        if isinstance(order, Order) and len(order.sheets) > LARGE and self._process is process:
            self.close()  # Typst keeps what it drew: a dossier's hundreds of megabytes are given back
        return pdf

    def close(self) -> None:
        """End the process once it has done what it is at."""
        if self._process is not None:
            self._process.shutdown(wait=False, cancel_futures=True)
            self._process = None


def _new() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """One thread for Typst, as other processes serve people; an interrupt is for the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["RAYON_NUM_THREADS"] = "1"


def _render(order: Order | Tags) -> bytes:
    from hsba.documents import render  # noqa: PLC0415 - Typst is loaded here, and nowhere else

    return render.tags(order) if isinstance(order, Tags) else render.render(order)
