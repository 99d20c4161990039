"""What a fresh clone relies on: locks without addresses, scripts that parse, nothing of this machine."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))
BASH = b"#!/usr/bin/env bash"
SCRIPTS = [
    path
    for path in sorted((ROOT / "scripts").glob("*"))
    if path.is_file() and path.read_bytes().startswith(BASH)
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock__every_line_is_pinned_with_hashes_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()

    assert not re.search(r"https?:|--index|--find-links|file:", text)
    for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        if entry and not entry.startswith("#"):
            assert re.match(r"[a-z0-9-]+==\S+.*--hash=sha256:", entry, re.DOTALL), entry[:60]


def test_lock__holds_every_dependency_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))

    assert {re.match(r"[a-z0-9-]+", one)[0] for one in project["dependencies"]} <= locked  # type: ignore[index]


def test_package_lock__names_no_address_of_a_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for name, package in packages.items() if name)


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_script__stops_at_the_first_failure_and_can_be_run(script: Path) -> None:
    assert "set -euo pipefail" in script.read_text()
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script__is_explained(script: Path) -> None:
    assert f"`{script.name}`" in (ROOT / "scripts" / "README.md").read_text()
