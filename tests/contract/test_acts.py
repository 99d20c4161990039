"""What happens to accounts is told in words that people read: every act that the program can tell has its words."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import hsba
from hsba.http.web import words

if TYPE_CHECKING:
    from collections.abc import Iterator

TELLING = frozenset({"Happening", "_tell", "_told", "tell"})
"""What an act is handed to."""
ACT = re.compile(r"[a-z]+(-[a-z]+)*\Z")
NO_ACTS = frozenset({"locked", "openid", "worker", "workstation"})
"""Other things of one word: reasons, accounts, kinds of places."""
ROOMS = ("access", "audit", "cli", "http", "ops")


def acts() -> Iterator[tuple[str, str]]:
    """Every act that stands in the source, and where."""
    house = Path(hsba.__file__).parent
    for file in (file for room in ROOMS for file in (house / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [*node.args] if name in TELLING else []
            given += [one.value for one in node.keywords if one.arg == "act"]
            for one in given:
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and ACT.match(one.value):
                    yield one.value, f"{file.name}:{node.lineno}"


def test_acts__have_words() -> None:
    found = dict(acts())

    assert len(found) > 50
    assert {act: at for act, at in found.items() if act not in words.ACCOUNT_ACTS.keys() | NO_ACTS} == {}
