"""Words from outside that go into a line: on one line, with nothing that steers a screen, and not without end."""

from __future__ import annotations

LONGEST = 1000
"""Characters that are kept."""


def plain(text: str) -> str:
    """The text with a space for whatever cannot be seen: line breaks, escapes, and signs that turn the direction."""
    text = text[:LONGEST]
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    return text.strip()
