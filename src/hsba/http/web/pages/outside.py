"""`/login/outside`: to another house's log-in and back from there (access/coming_in/outside.py)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from hsba.access.coming_in.login import From
from hsba.access.coming_in.outside import OutsideRefused
from hsba.fhir.problems import NotFound
from hsba.http import callers, gate
from hsba.http.messages import join_headers, read_pairs

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.access.coming_in.login import LogIn
    from hsba.access.coming_in.outside import Outside

COOKIE = "hsba-outside"
SECURE_COOKIE = "__Host-hsba-outside"
LASTS = 600
"""Seconds in which the person has logged in there."""
BACK = "/login/outside/callback"


async def begin(request: Request) -> Response:
    """Send the person to the other house; the browser keeps what he comes back with, and where he wanted to be."""
    address, seed = await _outside(request).begin(request.scope["hsba.root"] + BACK)
    going = gate.after(request.query_params.get("next", "/"))
    answer = RedirectResponse(address, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
    answer.headers.append(
        "set-cookie", _cookie(request, f"{seed}.{base64.urlsafe_b64encode(going.encode()).decode()}")
    )
    return answer


async def callback(request: Request) -> Response:
    """Let in who the other house says it is, when he has an account here."""
    outside = _outside(request)
    kept = request.cookies.get(_name(request), "")
    seed, _, going = kept.partition(".")
    if not seed:
        raise OutsideRefused
    said = read_pairs(request.scope["query_string"])
    if len(dict(said)) != len(said):
        raise OutsideRefused
    login = await outside.finish(seed, dict(said), request.scope["hsba.root"] + BACK)
    doors: LogIn = request.app.state.login
    before = callers.cookie(join_headers(request.scope["headers"]), secure=request.scope["hsba.secure"])
    where = From(request.scope["hsba.address"], request.headers.get("user-agent", ""))
    secret = await doors.admit(login, where, before=before)
    answer = RedirectResponse(_decoded(going), 303, {"cache-control": "no-store"})
    answer.headers.append("set-cookie", callers.set_cookie(secret, secure=request.scope["hsba.secure"]))
    answer.headers.append("set-cookie", _cookie(request, ""))
    return answer


def _outside(request: Request) -> Outside:
    found: Outside | None = request.app.state.services.outside
    if found is None:
        raise NotFound
    return found


def _decoded(text: str) -> str:
    try:
        return gate.after(base64.urlsafe_b64decode(text).decode())
    except (binascii.Error, ValueError):
        return "/"


def _name(request: Request) -> str:
    return SECURE_COOKIE if request.scope["hsba.secure"] else COOKIE


def _cookie(request: Request, value: str) -> str:
    secure = "; Secure" if request.scope["hsba.secure"] else ""
    ends = LASTS if value else 0
    return f"{_name(request)}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={ends}{secure}"
