"""What was changed between two texts, in words: what stayed, what was taken out, what was put in."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
MOST = 5_000
"""Words that are compared one by one; longer texts are shown whole, before and after."""


def pieces(before: str, after: str) -> Iterator[tuple[str, str]]:
    """(`same`, `out` or `in`, the words), in the order in which they are read."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if max(len(old), len(new)) > MOST:
        yield from (("out", before), ("in", after))
        return
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "same", "".join(old[i:j])
            continue
        if j > i:
            yield "out", "".join(old[i:j])
        if m > k:
            yield "in", "".join(new[k:m])
