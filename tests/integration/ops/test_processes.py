from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from hsba.ops.processes import REFUSED, Process, ProcessFailed, keeping

if TYPE_CHECKING:
    from pathlib import Path

LIVES = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
FAILS = "raise SystemExit(int(__import__('sys').argv[1]))"


def process(code: str, *arguments: object) -> Process:
    command = (sys.executable, "-c", code, *map(str, arguments))
    return Process("one", command, os.environ)


async def pids(file: Path, count: int) -> list[int]:
    for _ in range(200):
        if file.exists() and len(lines := file.read_text().split()) >= count:
            return [int(line) for line in lines]
        await asyncio.sleep(0.05)
    pytest.fail("the process did not start")


async def test_keeping__killed_process_is_started_again(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    async with keeping([process(LIVES, file)]):
        (first,) = await pids(file, 1)

        os.kill(first, signal.SIGKILL)

        assert (await pids(file, 2))[1] != first


async def test_keeping__nothing_runs_after_the_block(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    async with keeping([process(LIVES, file)]):
        (pid,) = await pids(file, 1)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_keeping__process_that_refuses_is_not_tried_again() -> None:
    async with keeping([process(FAILS, REFUSED)]) as kept:
        with pytest.raises(ProcessFailed):
            await asyncio.wait_for(kept, 10)


@pytest.mark.slow
async def test_keeping__process_that_never_comes_up_is_given_up() -> None:
    async with keeping([process(FAILS, 1)]) as kept:
        with pytest.raises(ProcessFailed):
            await asyncio.wait_for(kept, 30)
