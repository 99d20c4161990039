"""The house is one-way, and what is written about it is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = sorted(path.parent for path in (ROOT / "src" / "hsba").glob("*/__init__.py"))


def test_layers__imports_go_down_only() -> None:
    command: list[str | Path] = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_rooms__docstring_is_three_sentences(room: Path) -> None:
    text = (room / "__init__.py").read_text("utf-8").split('"""')[1]
    sentences = [part for part in re.split(r"[.?!](?=\s|$)", text) if part.strip(' \n"')]

    assert 3 <= len(sentences) <= 4  # a question inside the first sentence counts as one more


def test_settings__only_app_and_the_commands_read_them() -> None:
    readers = {"app.py", "cli/common.py", "cli/machine.py", "cli/serving.py", "config.py", "worker.py"}
    found = {
        str(path.relative_to(ROOT / "src" / "hsba"))
        for path in (ROOT / "src" / "hsba").rglob("*.py")
        if re.search(
            r"config\.load\(|from hsba\.config import load|os\.environ\b(?!\[[^]]+\] = )",
            path.read_text("utf-8"),
        )
    }

    assert found <= readers
