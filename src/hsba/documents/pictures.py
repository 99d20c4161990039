"""Drawings on paper: the form's own picture, and over it what was drawn, each as SVG.

What was drawn comes from outside: only PNG, JPEG and SVG without references are taken, of a size that can be drawn.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ART = resources.files("hsba") / "definitions" / "vn.moh.forms" / "art"
LARGEST = 6_000_000
"""Bytes of a drawing."""
POINTS = 40_000_000
"""Points of a drawing; more is not drawn."""
LEFT_OUT = "(hình không in được; xem trên bản điện tử)"
NAME = re.compile(r"^[a-z0-9-]+$")
SVG_REFUSED = re.compile(r"<!|<script|href|url\(|<style|<use|<image|<foreignObject", re.IGNORECASE)
START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})

Node = dict[str, Any]


def drawn(tree: Any) -> Any:
    """The same tree with each drawing's layers in it."""
    return _over(tree, _layers)


def left_out(tree: Any) -> Any:
    """The same tree with words in place of what was drawn."""
    return _over(
        tree,
        lambda node: {**node, "layers": [], "drawn": None, "left": LEFT_OUT if node.get("drawn") else ""},
    )


def size(tree: Any) -> int:
    """Characters of all layers."""
    return sum(len(layer) for node in _nodes(tree) for layer in node.get("layers", ()))


def _over(tree: Any, change: Any) -> Any:
    if isinstance(tree, dict):
        made = {key: value if key == "drawn" else _over(value, change) for key, value in tree.items()}
        return change(made) if tree.get("is") == "drawing" else made
    return [_over(one, change) for one in tree] if isinstance(tree, list | tuple) else tree


def _nodes(tree: Any) -> Iterator[Node]:
    if isinstance(tree, dict):
        if tree.get("is") == "drawing":
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list | tuple):
        for one in tree:
            yield from _nodes(one)


def _layers(node: Node) -> Node:
    layers = [art] if (art := _art(str(node.get("art") or ""))) else []
    left = ""
    if node.get("drawn"):
        made = _given(str(node["drawn"].get("type", "")), node["drawn"].get("data", ""))
        layers += [made] if made else []
        left = "" if made else LEFT_OUT
    return {**node, "layers": layers, "drawn": None, "left": left}


def _art(name: str) -> str:
    place = ART / f"{name}.svg"
    return place.read_text("utf-8") if NAME.match(name) and place.is_file() else ""


def _given(type_: str, data: Any) -> str:
    """A drawing from outside as SVG; nothing where it cannot be drawn."""
    try:
        content = base64.b64decode(data, validate=True) if isinstance(data, str) else bytes(data)
    except (binascii.Error, ValueError, TypeError):
        return ""
    if not content or len(content) > LARGEST:
        return ""
    if type_ == "image/svg+xml":
        text = content.decode("utf-8", "replace")
        return "" if SVG_REFUSED.search(text) or "<svg" not in text else text
    measure = {"image/png": _png, "image/jpeg": _jpeg}.get(type_)
    found = measure(content) if measure else None
    if found is None or not 0 < found[0] * found[1] <= POINTS:
        return ""
    width, height = found
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:{type_};base64,{base64.b64encode(content).decode()}"/></svg>'
    )


def _png(content: bytes) -> tuple[int, int] | None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 24:
        return None
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _jpeg(content: bytes) -> tuple[int, int] | None:
    if content[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        if content[at + 1] in START_OF_FRAME:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])
    return None
