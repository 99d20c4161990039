"""The addresses of OAuth 2, OpenID Connect and SMART that programs ask: tokens, keys, and what this server can do.

The page where a person lets an app in is `web/pages/authorize.py`.  RFC 6749, 7009, 7662, 8414; OpenID Connect Discovery
and Core; SMART App Launch 2.2 conformance.html.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hsba.access.oauth import jwts, scopes
from hsba.access.oauth.authorizing import Authorizing
from hsba.access.oauth.clients import Clients, Proof
from hsba.access.oauth.refusals import InvalidClient, InvalidRequest, Refused, UnsupportedGrantType
from hsba.access.oauth.signing import ALGORITHM, Signing
from hsba.access.oauth.tokens import Tokens
from hsba.access.problems import BadToken
from hsba.fhir.problems import Problem
from hsba.http import callers, errors, limits
from hsba.http.messages import join_headers, read_pairs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from hsba.access.identity import Identity
    from hsba.access.oauth.apps import App
    from hsba.access.oauth.clients import Fetch
    from hsba.access.slowing import Slowing

LONGEST = 32 * 1024
SECONDS = 15.0
FRESH = {"cache-control": "no-store", "pragma": "no-cache"}
KEPT = {"cache-control": "public, max-age=300"}
SMART = "/.well-known/smart-configuration"
"""Below the address of a record."""
GRANTS = ("authorization_code", "client_credentials", "refresh_token")
SIGNATURES = sorted({one for some in jwts.ALGORITHMS.values() for one in some})
CAPABILITIES = (
    "client-confidential-asymmetric", "client-confidential-symmetric", "client-public",
    "context-ehr-encounter", "context-ehr-patient", "context-banner", "context-standalone-patient", "launch-ehr",
    "launch-standalone", "permission-offline", "permission-patient", "permission-user", "permission-v1", "permission-v2",
    "sso-openid-connect",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """What the addresses of OAuth share; one for each process."""

    clients: Clients
    tokens: Tokens
    signing: Signing
    authorizing: Authorizing
    origins: frozenset[str]
    """Pages of others that may call from a browser."""

    @classmethod
    def of(cls, identity: Identity, slowing: Slowing, fetch: Fetch, origins: tuple[str, ...]) -> Desk:
        """Furnish it for a house."""
        signing = Signing(identity)
        return cls(
            Clients(identity, slowing, fetch),
            Tokens(identity, signing),
            signing,
            Authorizing(identity),
            frozenset(origins),
        )


def program(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An address for programs: a refusal is told in the standard's words, and pages of the listed origins may ask."""

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            found = Response(status_code=204)
        else:
            try:
                found = await handler(request)
            except Refused as refused:
                found = _error(refused.error, refused.status, refused.sentence)
            except Problem as problem:
                name = "invalid_token" if isinstance(problem, BadToken) else "invalid_request"
                found = _error(name, problem.status, problem.sentence, dict(problem.headers))
            except Exception as exc:  # noqa: BLE001 - the one place where an error becomes an answer
                failed = errors.as_problem(exc, "")
                found = _error("server_error", failed.status, failed.sentence)
        origin = request.headers.get("origin")
        if origin in desk(request).origins:
            found.headers["access-control-allow-origin"] = origin
            found.headers["access-control-allow-headers"] = "authorization, content-type"
            found.headers["access-control-allow-methods"] = "GET, POST"
        found.headers["vary"] = "origin"
        found.headers["x-content-type-options"] = "nosniff"
        return found

    answer.__name__, answer.__doc__ = handler.__name__, handler.__doc__
    return answer


def desk(request: Request) -> Desk:
    """What the addresses share."""
    found: Desk = request.app.state.oauth
    return found


def issuer(request: Request) -> str:
    """Who we are to apps: the address of this server."""
    return str(request.scope["hsba.root"])


async def token(request: Request) -> Response:
    """POST /oauth/token: for a code, for a refresh token, or for a service in its own name."""
    form = await _form(request)
    kind = form.get("grant_type")
    if kind not in GRANTS:
        raise UnsupportedGrantType if kind else InvalidRequest
    app = await _proven(request, form)
    here, address = desk(request).tokens, request.scope["hsba.address"]
    if kind == "authorization_code":
        code, redirect, verifier = (form.get(name, "") for name in ("code", "redirect_uri", "code_verifier"))
        issued = await here.by_code(app, code, redirect, verifier, address)
    elif kind == "refresh_token":
        issued = await here.by_refresh(app, form.get("refresh_token", ""), form.get("scope"), address)
    else:
        issued = await here.by_itself(app, form.get("scope", ""), address)
    return JSONResponse(issued.answer(), headers=FRESH)


async def introspect(request: Request) -> Response:
    """POST /oauth/introspect: what a token is; a public app, which proves nothing, is not told."""
    form = await _form(request)
    app = await _proven(request, form)
    if app.proves == "none":
        raise InvalidClient
    return JSONResponse(await desk(request).tokens.introspect(app, form.get("token", "")), headers=FRESH)


async def revoke(request: Request) -> Response:
    """POST /oauth/revoke: end a token; the answer is the same whatever it was."""
    form = await _form(request)
    app = await _proven(request, form)
    await desk(request).tokens.revoke(app, form.get("token", ""), request.scope["hsba.address"])
    return Response(headers=FRESH)


async def userinfo(request: Request) -> Response:
    """GET or POST /oauth/userinfo: who the person behind a token is."""
    bearer = callers.bearer(join_headers(request.scope["headers"]))
    found = None if bearer is None else await desk(request).tokens.person(bearer)
    if found is None:
        raise BadToken
    return JSONResponse(found, headers=FRESH)


async def keys(request: Request) -> Response:
    """GET /oauth/jwks.json: the keys that our signatures are checked with."""
    return JSONResponse(await desk(request).signing.published(), headers=KEPT)


async def discovery(request: Request) -> Response:
    """GET /.well-known/openid-configuration, /.well-known/oauth-authorization-server."""
    return JSONResponse(_described(issuer(request)), headers=KEPT)


async def smart(request: Request) -> Response:
    """GET {record}/.well-known/smart-configuration."""
    services = request.app.state.services
    slug = request.path_params.get("slug")
    await services.tenants.find(slug, services.pool.bare)
    found = {**_described(issuer(request)), "capabilities": list(CAPABILITIES)}
    found["management_endpoint"] = issuer(request) + "/account/apps"
    return JSONResponse(found, headers=KEPT)


def _described(root: str) -> dict[str, Any]:
    """What this server can do, for whoever asks by whichever standard."""
    return {
        "issuer": root,
        "authorization_endpoint": root + "/oauth/authorize",
        "token_endpoint": root + "/oauth/token",
        "introspection_endpoint": root + "/oauth/introspect",
        "revocation_endpoint": root + "/oauth/revoke",
        "userinfo_endpoint": root + "/oauth/userinfo",
        "jwks_uri": root + "/oauth/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic", "client_secret_post", "private_key_jwt", "none",
        ],
        "token_endpoint_auth_signing_alg_values_supported": SIGNATURES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "preferred_username", "fhirUser"],
        "scopes_supported": [
            *(one for one in scopes.WORDS if one != scopes.INTROSPECT), "patient/*.cruds", "user/*.cruds", "system/*.cruds",
        ],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }  # fmt: skip


async def _form(request: Request) -> dict[str, str]:
    """The parameters of the content; what is said twice is refused (RFC 6749 3.2)."""
    headers = join_headers(request.scope["headers"])
    if not headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        raise InvalidRequest
    pairs = read_pairs(await limits.read_body(request.receive, headers, limit=LONGEST, seconds=SECONDS))
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidRequest
    return form


async def _proven(request: Request, form: dict[str, str]) -> App:
    """The app that asks."""
    name, secret = form.get("client_id", ""), form.get("client_secret")
    basic = _basic(request.headers.get("authorization"))
    if basic is not None:
        if secret is not None or name not in ("", basic[0]):
            raise InvalidRequest
        name, secret = basic
    proof = Proof(name, secret, form.get("client_assertion_type"), form.get("client_assertion"))
    root = issuer(request)
    return await desk(request).clients.proven(
        proof, (root, root + "/oauth/token"), request.scope["hsba.address"]
    )


def _basic(value: str | None) -> tuple[str, str] | None:
    """Name and secret of a Basic header, each written as in a form (RFC 6749 2.3.1); None without one."""
    scheme, _, rest = (value or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as exc:
        raise InvalidRequest from exc
    return unquote_plus(name), unquote_plus(secret)


def _error(name: str, status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    """RFC 6749 5.2; the description in the letters it allows."""
    told = "".join(one for one in sentence if " " <= one <= "~" and one not in '"\\')
    more = {"www-authenticate": 'Basic realm="HSBA"'} if name == "invalid_client" else headers or {}
    return JSONResponse({"error": name, "error_description": told}, status, {**FRESH, **more})


ROUTES = (
    Route("/oauth/token", program(token), methods=["POST", "OPTIONS"]),
    Route("/oauth/introspect", program(introspect), methods=["POST"]),
    Route("/oauth/revoke", program(revoke), methods=["POST", "OPTIONS"]),
    Route("/oauth/userinfo", program(userinfo), methods=["GET", "POST", "OPTIONS"]),
    Route("/oauth/jwks.json", program(keys), methods=["GET", "OPTIONS"]),
    Route("/.well-known/openid-configuration", program(discovery), methods=["GET", "OPTIONS"]),
    Route("/.well-known/oauth-authorization-server", program(discovery), methods=["GET", "OPTIONS"]),
    Route("/fhir" + SMART, program(smart), methods=["GET", "OPTIONS"]),
    Route("/t/{slug}/fhir" + SMART, program(smart), methods=["GET", "OPTIONS"]),
)
"""What programs ask of us; the gate knows these addresses as open (http/gate.py)."""
