"""Write the reference pages from the code: settings, commands, problems; with --check, say what is stale."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import hsba
from hsba.cli import app
from hsba.config import SETTINGS
from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
MADE = "<!-- Written by scripts/docs from {source}; edit there. -->\n\n"


def settings() -> str:
    """The page of the settings."""
    lines = [
        MADE.format(source="src/hsba/config.py"),
        "# Settings\n\n",
        "Set them in the environment, or by their name in a TOML file: `HSBA_CONFIG`, `./hsba.toml` or",
        " `/etc/hsba/hsba.toml`.\nThe command line wins over the environment, that over the file.",
        " An unknown name is refused.  `hsba settings` prints what is in force.\n\n",
        "| in the environment | in the file | kind | default | |\n|---|---|---|---|---|\n",
    ]
    for one in SETTINGS:
        kind = one.type.replace(" | ", ", ")
        lines.append(f"| `{one.env}` | `{one.name}` | {kind} | {one.default} | {one.en}.<br>{one.vi}. |\n")
    return "".join(lines)


def commands() -> str:
    """The page of the commands."""
    lines = [
        MADE.format(source="src/hsba/cli/"),
        "# Commands\n\n",
        "`hsba COMMAND --help` tells the same.\n",
    ]
    found = dict(every_command(typer.main.get_command(app), ""))
    for name in sorted(found):
        command = found[name]
        lines.append(f"\n## `hsba {name}`\n\n{(command.help or '').strip()}\n")
        options = [param for param in command.params if param.name != "help"]
        if options:
            lines.append("\n| option | |\n|---|---|\n")
        for param in options:
            names = ", ".join(f"`{name}`" for name in param.opts)
            text = (getattr(param, "help", "") or "").replace("|", ", ")
            lines.append(f"| {names} | {text} |\n")
    return "".join(lines)


def every_command(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    """The commands a person may type, those in groups with the group's name before them."""
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from every_command(command, f"{before}{name} ")
        elif not command.hidden:
            yield before + name, command


def problems() -> str:
    """The page of everything that can go wrong in a way the caller can understand."""
    for module in pkgutil.walk_packages(hsba.__path__, "hsba."):
        if ".web" not in module.name:
            importlib.import_module(module.name)
    lines = [
        MADE.format(source="the Problem classes"),
        "# Problems\n\n",
        "The class name is the stable code; the sentences are what the caller reads.\n\n",
        "| name | HTTP | FHIR issue | |\n|---|---|---|---|\n",
    ]
    kinds = sorted(descendants(Problem), key=lambda kind: kind.__name__)
    lines += [
        f"| `{kind.__name__}` | {kind.status} | `{kind.code}` | {kind.en()}<br>{kind.vi} |\n"
        for kind in kinds
    ]
    return "".join(lines)


def descendants(kind: type[Problem]) -> set[type[Problem]]:
    """All classes below this one."""
    found = set(kind.__subclasses__())
    return found.union(*(descendants(one) for one in found)) if found else found


PAGES = {"settings.md": settings, "commands.md": commands, "problems.md": problems}


def main() -> int:
    """Write the pages, or compare them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, make in PAGES.items():
        text = make()
        file = FOLDER / name
        if not file.exists() or file.read_text("utf-8") != text:
            stale.append(name)
            if not check:
                FOLDER.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run scripts/docs")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
