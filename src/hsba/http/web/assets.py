"""The files a page loads: style sheet, script, icon and the vendored font and htmx, each under a name with its hash.

They are read once per process and kept compressed; a browser may keep them for ever, because a changed file has
another address.  No patient data is here, so no audit line is written.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

PREFIX = "/assets/"
FOREVER = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=300"

TYPES: dict[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
FONTS = (
    "vendor/fonts/source-sans-3-latin-wght-normal.woff2",
    "vendor/fonts/source-sans-3-vietnamese-wght-normal.woff2",
)
HTMX = "vendor/htmx.min.js"

_NAME = re.compile(r"(?:[a-z0-9-]+/)*[a-z0-9.-]+\.(css|js|svg|woff2)\Z")
_URL = re.compile(rb'url\("([^"]+)"\)')


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes | None
    type: str
    digest: str


@cache
def find(name: str) -> Asset | None:
    """The file of this name; None when there is none (the vendored ones come with `scripts/setup`)."""
    matched = _NAME.match(name)
    if matched is None or ".." in name:
        return None
    file = resources.files("hsba.http.web") / "static"
    for part in name.split("/"):
        file /= part
    if not file.is_file():
        return None
    body = file.read_bytes()
    kind = matched[1]
    if kind == "css":
        body = _URL.sub(lambda found: b'url("%s")' % address(found[1].decode()).encode(), body)
    packed = None
    if kind != "woff2":
        packer = zlib.compressobj(9, wbits=31)
        packed = packer.compress(body) + packer.flush()
    return Asset(body, packed, TYPES[kind], hashlib.sha256(body).hexdigest()[:12])


def address(name: str) -> str:
    """Where a page finds the file: `/assets/app.css?v=<hash>`."""
    asset = find(name)
    return PREFIX + name + (f"?v={asset.digest}" if asset else "")


def present(name: str) -> bool:
    """Whether the file is here: pages work without the vendored ones, only plainer."""
    return find(name) is not None


async def serve(request: Request) -> Response:
    """Send a file; with its hash in the address it may be kept for ever."""
    asset = find(request.path_params["name"])
    if asset is None:
        return Response(status_code=404)
    headers = {
        "cache-control": FOREVER if request.query_params.get("v") == asset.digest else A_WHILE,
        "etag": f'"{asset.digest}"',
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    body = asset.body
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body = asset.packed
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=asset.type, headers=headers)
