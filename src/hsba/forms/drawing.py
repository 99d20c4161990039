"""What is drawn on a form: strokes over the form's own picture, kept as an SVG of lines and nothing else."""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ART = resources.files("hsba") / "definitions" / "vn.moh.forms" / "art"
SVG = "image/svg+xml"
FRAME = (1000, 600)
"""Width and height of a drawing that has no picture under it."""
LONGEST = 400_000
"""Characters of all strokes."""

NAME = re.compile(r"^[a-z0-9-]+$")
VIEW = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
STROKE = re.compile(r"\d{1,5},\d{1,5}(?: \d{1,5},\d{1,5})*")
LINE = re.compile(r'<polyline points="([\d, ]+)"')


@cache
def picture(name: str) -> str | None:
    """The form's own picture of that name, as SVG."""
    place = ART / f"{name}.svg"
    return place.read_text("utf-8") if NAME.match(name) and place.is_file() else None


def frame(art: str) -> tuple[int, int]:
    """Width and height of what is drawn on."""
    found = VIEW.search(picture(art) or "")
    return (int(found[1]), int(found[2])) if found else FRAME


def read(text: str, art: str) -> dict[str, str] | None:
    """Strokes (`x,y x,y;x,y …`) as an attachment; None where they are none."""
    strokes = [one for one in text.split(";") if one]
    if len(text) > LONGEST or not all(STROKE.fullmatch(one) for one in strokes):
        return None
    width, height = frame(art)
    lines = "".join(f'<polyline points="{one}"/>' for one in strokes)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' fill="none" stroke="#16304f" stroke-width="{width / 200:g}" stroke-linecap="round">{lines}</svg>'
    )
    return {"contentType": SVG, "data": base64.b64encode(svg.encode()).decode()}


def strokes(value: Any) -> list[str]:
    """The strokes of an attachment that was drawn here; of any other picture none."""
    if not isinstance(value, dict) or value.get("contentType") != SVG:
        return []
    try:
        svg = base64.b64decode(str(value.get("data", ""))).decode()
    except (binascii.Error, UnicodeDecodeError):
        return []
    return LINE.findall(svg)


def shown(value: Mapping[str, Any]) -> str:
    """The strokes as their field is sent."""
    return ";".join(strokes(value))
