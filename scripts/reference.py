"""Write the reference pages from the code: settings, commands, problems; with --check, say what is stale."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import hsba
from hsba.cli import app
from hsba.config import SETTINGS
from hsba.fhir import code_lists as packed
from hsba.fhir.problems import Problem
from hsba.terminology.sources import mapping

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


KNOWN = {
    "S": "as seen in the published VN Core guide",
    "I": "inferred from that guide; may change",
    "own": "our own",
}
"""How sure the small lists are, by the mark in their source."""


def code_lists() -> str:
    """The page of the code lists that come with the program, and of the mappings for those that hospitals load."""
    folder = FOLDER.parent.parent / "src" / "hsba" / "definitions"
    origins = tomllib.loads((folder / "vn.moh.codes" / "source" / "origins.toml").read_text("utf-8"))
    small = tomllib.loads((folder / "hsba.core" / "source" / "codes.toml").read_text("utf-8"))
    lines = [
        MADE.format(source="src/hsba/definitions"),
        "# Code lists\n\n",
        "What comes with the program. A list is addressed as `http://fhir.hl7.org.vn/core/CodeSystem/NAME`, or under the",
        " base that `canonical_base` names; its value set as `…/ValueSet/` with `-vs` for `-cs`. What a hospital loads is",
        " told by `hsba codes loads`.\n\n## Long lists\n\n",
        "| list | codes | days | source | licence | how sure |\n|---|---|---|---|---|---|\n",
    ]
    for name in packed.names():
        some = list(packed.read(name))
        ended = sum(one.until != date.max for one in some)
        starts = {one.since for one in some if one.since != date.min}
        days = [f"from {min(starts):%d/%m/%Y}"] if starts else []
        days += [f"{ended} ended"] if ended else []
        told = origins[name]
        lines.append(
            f"| `{name}` | {len(some):,} | {', '.join(days) or 'always'} | {told['source']} | {told['licence']} |"
            f" {told['certainty']} |\n"
        )
    lines.append("\n## Maps\n\n| map | lines | source | licence | how sure |\n|---|---|---|---|---|\n")
    for path in sorted(packed.MAPS.glob("*.csv.zst")):
        name = path.name.removesuffix(".csv.zst")
        told = origins[name]
        lines.append(
            f"| `{name}` | {sum(1 for _ in packed.read_map(name)):,} | {told['source']} | {told['licence']} |"
            f" {told['certainty']} |\n"
        )
    lines.append(
        "\n## Small lists\n\nFacts of law and custom, compiled for HSBA (Apache-2.0); right on every day.\n\n"
        "| list | title | codes | how sure |\n|---|---|---|---|\n"
    )
    for name, told in small.items():
        some = told.get("codes", [])
        if some and f"{name}-cs" not in origins:
            kind = "vs" if told.get("content") == "none" else "cs"
            part = " (a part of it)" if told.get("content") == "fragment" else ""
            lines.append(
                f"| `{name}-{kind}` | {told['title']} | {len(some)}{part} | {KNOWN[told['known']]} |\n"
            )
    lines.append(
        "\n## Mappings for tables\n\n`hsba codes load FILE --as NAME` reads a ministry's or a hospital's table by these.\n\n"
        "| name | loads into | version | source |\n|---|---|---|---|\n"
    )
    for name in mapping.shipped():
        of = mapping.named(name, "…")
        lines.append(
            f"| `{name}` | `{of.system.rpartition('/')[2]}`: {of.title} | {of.version} | {of.source} |\n"
        )
    return "".join(lines)


PAGES = {
    "settings.md": settings,
    "commands.md": commands,
    "problems.md": problems,
    "code-lists.md": code_lists,
}


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
