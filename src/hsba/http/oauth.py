"""POST /oauth/token: a bearer token for a service client that sends its name and secret (RFC 6749 4.4)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from hsba.access.login import From
from hsba.fhir.problems import Problem
from hsba.http import limits
from hsba.http.messages import join_headers, read_pairs

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST = 16 * 1024
SECONDS = 15.0
HEADERS = {"cache-control": "no-store", "pragma": "no-cache"}


async def token(request: Request) -> Response:
    """Answer with a token, or with the error's name as the standard writes it."""
    headers = join_headers(request.scope["headers"])
    try:
        body = await limits.read_body(request.receive, headers, limit=LONGEST, seconds=SECONDS)
        form = dict(read_pairs(body))
        name, secret = _credentials(headers.get(b"authorization")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
    except (Problem, ValueError):
        return _error("invalid_request")
    if form.get("grant_type") != "client_credentials":
        return _error("unsupported_grant_type")
    login = request.app.state.login
    found = await login.client_token(name, secret, form.get("scope", ""), From(request.scope["hsba.address"]))
    if found is None:
        return _error("invalid_client", 401)
    made, scope = found
    lasts = int(login.identity.rules.token_lasts.total_seconds())
    answer = {"access_token": made, "token_type": "Bearer", "expires_in": lasts, "scope": scope}
    return JSONResponse(answer, headers=HEADERS)


def _credentials(value: bytes | None) -> tuple[str, str] | None:
    """Name and secret of a Basic header; None without one."""
    scheme, _, rest = (value or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise ValueError("not Basic") from exc
    return name, secret


def _error(name: str, status: int = 400) -> Response:
    headers = {**HEADERS, "www-authenticate": 'Basic realm="HSBA"'} if status == 401 else HEADERS
    return JSONResponse({"error": name}, status, headers)
