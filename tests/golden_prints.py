"""The golden print of a form: its words and a small picture of each page, blank and with an answer to everything.

`scripts/goldens` makes them; `tests/unit/documents/test_golden_prints.py` compares.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2
from PIL import Image, ImageChops

from form_answers import answers
from hsba.documents.order import Order
from hsba.documents.render import render
from hsba.forms import paper
from hsba.forms.paper import Written

if TYPE_CHECKING:
    from hsba.forms.model import Form

FOLDER = Path(__file__).parent / "data" / "prints"
AT = datetime(2026, 11, 23, 0, 45, tzinfo=UTC)
WIDE = 160
"""Points across a picture."""
GREYS = 17
"""From one grey to the next."""
TILE = 8
MOST = 10
"""Grey levels that a tile of the picture may differ in the mean: the same page differs by none."""


def made(form: Form) -> bytes:
    """The form as PDF: blank, then with an answer to every item."""
    blank = paper.lay(form, {})
    filled = paper.lay(form, {part.id: [written(form, part.id)] for part in form.parts}, head=_head(form))
    return render(Order((blank, filled), AT, f"{form.code} {form.name}"))


def written(form: Form, part: str) -> Written:
    """An entry with an answer to everything."""
    return Written(answers(form, part), "BS. Trần Thị Mẫu", AT)


def words(pdf: bytes) -> str:
    """The words of each page, as a reader takes them out."""
    with pypdfium2.PdfDocument(pdf) as found:
        pages = [page.get_textpage().get_text_bounded() for page in found]
    lines = [[line.rstrip() for line in page.splitlines()] for page in pages]
    return "\f\n".join("\n".join(page) + "\n" for page in lines)


def picture(pdf: bytes) -> Image.Image:
    """All pages, small and grey, side by side."""
    with pypdfium2.PdfDocument(pdf) as found:
        pages = [_small(page) for page in found]
    whole = Image.new("L", (WIDE * len(pages), max(page.height for page in pages)), 255)
    for at, page in enumerate(pages):
        whole.paste(page, (at * WIDE, 0))
    return whole.point([round(level / GREYS) * GREYS for level in range(256)])


def differs(one: Image.Image, other: Image.Image) -> list[tuple[int, int]]:
    """The tiles in which two pictures are not the same, as places in the picture."""
    if one.size != other.size:
        return [(0, 0)]
    difference = ImageChops.difference(one, other)
    across, down = -(-one.width // TILE), -(-one.height // TILE)
    tiles = difference.resize((across, down), Image.Resampling.BOX)
    return [
        (at % across * TILE, at // across * TILE) for at, level in enumerate(tiles.tobytes()) if level > MOST
    ]


def _small(page: Any) -> Image.Image:
    drawn: Image.Image = page.render(scale=2 * WIDE / page.get_width(), grayscale=True).to_pil().convert("L")
    return drawn.resize((WIDE, round(drawn.height * WIDE / drawn.width)), Image.Resampling.BOX)


def _head(form: Form) -> dict[str, str]:
    sides = (*form.head.left, *form.head.middle, *form.head.right)
    return {item.id: "Chữ viết" for item in sides if item.kind == "text" and item.source}
