"""What is to be printed: values that can be sent to the process that draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.forms.paper import Node


@dataclass(frozen=True, slots=True)
class Mark:
    """What a print of an electronic record says at the foot of each page: lines, and a QR code as SVG."""

    lines: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside the PDF."""

    name: str
    data: str
    type: str = "application/fhir+json"
    relationship: str = "data"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What to print: sheets as `forms.paper` laid them out, and what is said and put in beside."""

    sheets: tuple[Node, ...]
    at: datetime
    title: str = ""
    mark: Mark | None = None
    practice: bool = False
    contents: bool = False
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """What a wristband or a label says."""

    name: str
    who: str
    where: str
    house: str
    warning: str
    code: str
    square: str
    """The code as QR, SVG."""
    bars: tuple[int, ...]
    """The same as Code 128; none where it would be too wide."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The same tag so many times, each on a page of its own, for a printer of `wristband` or `label`."""

    tag: Tag
    kind: str
    at: datetime
    copies: int = 1
    practice: bool = False
