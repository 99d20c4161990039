"""How every page is made: preferences, a context on one connection, the handler, its template, and the headers.

Step 1 a change of language or colours is kept in a cookie - step 2 a connection and a `ctx` - step 3 the page's
handler asks one view or two - step 4 the template - step 5 compressed, with a policy that allows no script but ours.
A `Problem` anywhere becomes a page with its sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import uuid_utils.compat as uuid7s
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from hsba.access.administration.office import ADMINISTRATOR, OFFICER
from hsba.access.identity import CARE
from hsba.access.problems import NotLoggedIn
from hsba.access.rights import alarm, emergency
from hsba.access.rights.policy import NoRight
from hsba.fhir.problems import Forbidden, Gone, NotFound
from hsba.fhir.query.expression import Nothing
from hsba.http import codings, errors
from hsba.http.routes import ID
from hsba.http.web import assets, i18n, navigation
from hsba.http.web.forms import LONGEST
from hsba.http.web.forms import form as sent
from hsba.http.web.i18n import mark
from hsba.http.web.show import Show
from hsba.record.tenants import PRACTICE
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from starlette.requests import Request

    from hsba.access.coming_in.workstations import Station
    from hsba.access.identity import Caller
    from hsba.fhir.problems import Problem
    from hsba.http.web.navigation import Door
    from hsba.record.context import Context
    from hsba.record.ports import Policy

TRIES = 3
"""How often a page is made again that met another write."""
YEAR = 365 * 86400
CHOICES: dict[str, tuple[str, ...]] = {"lang": tuple(i18n.LANGUAGES), "theme": ("auto", "light", "dark")}
COOKIES = {"lang": "hsba-lang", "theme": "hsba-theme"}

HEADERS: dict[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "vary": "accept-encoding, cookie",
    "x-content-type-options": "nosniff",
}

KEEPER = "hsba.keeper"
"""Where a request keeps the keeper that an administrator has chosen; on all other pages it is the first one."""
STANDING = mark(
    "There are accounts, roles and an audit trail, but nothing is signed yet: do not put real patients into this"
    " installation."
)


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame around every page shows."""

    language: str
    languages: dict[str, str]
    theme: str
    reviews: bool
    """Whether the reader looks at emergency accesses of others …"""
    alarms: int
    """… and how many of them wait for him."""
    house: str
    """The keeper of the record: the tenant's title."""
    keeper: str
    """Its name in addresses."""
    keepers: dict[str, str]
    """Those that the reader belongs to, by that name."""
    practice: bool
    account: str
    """Who is logged in, as people read it; empty for nobody, and while the screen is locked."""
    kind: str
    """The kind of that account; as empty."""
    login: str
    """The same by the account's own name."""
    idle: int
    """Seconds without a touch after which the screen is locked."""
    station: str
    """The registered workstation that this browser is."""
    care: bool
    """Whether he may come to patients' records at all."""
    administers: bool
    """Whether the administrators' room is open to him."""
    doors: tuple[Door, ...]
    """The rooms of daily work that his rights open."""
    standing: str
    """What everybody must know of this installation."""
    version: str
    section: str
    fonts: tuple[str, ...]
    htmx: str
    path: str
    query: tuple[tuple[str, str], ...]

    def switch(self, name: str, value: str) -> str:
        """This page with another language or other colours."""
        kept = [(key, old) for key, old in self.query if key != name]
        return self.path + "?" + urlencode([*kept, (name, value)])


@dataclass(slots=True)
class Ask:
    """One request for a page: what was asked, and everything a handler needs to answer it."""

    request: Request
    ctx: Context
    show: Show
    form: dict[str, str] = field(default_factory=dict)
    """What was sent, where something is to be done."""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        found: Caller = self.request.scope["hsba.caller"]
        return found

    @property
    def services(self) -> Any:
        """What the composition root hands to the pages."""
        return self.request.app.state.services

    def sentence(self, refused: Problem | None) -> str:
        """What a form says of why it was refused."""
        if refused is None:
            return ""
        return refused.sentence_vi if self.show.language == "vi" else refused.sentence

    def query(self, name: str) -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, "").replace("\0", "")

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True)
class Page:
    """A handler's answer: a template and the value it shows."""

    template: str
    page: Any
    section: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Go:
    """A handler's answer after something was done: the page to go on to."""

    where: str
    cookie: str = ""
    """What the browser is to keep: a whole header."""


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """A refusal for people: what happened, what is kept, what to do; the code is small, for the help desk."""

    status: int
    title: str
    sentence: str
    kept: str
    todo: str
    code: str
    request: str
    glass: str = ""
    """Where emergency access to this patient is asked for, by who has the right to it."""


TODO: dict[int, tuple[str, str]] = {
    400: (mark("The address cannot be read"), mark("Check the address, or search from the start page.")),
    401: (mark("Not logged in"), mark("Log in and open the page again.")),
    403: (mark("No right to see this"), mark("Ask your administrator or head of department for the right.")),
    404: (
        mark("There is nothing here"),
        mark("Search by name or number; perhaps the address is from another keeper."),
    ),
    405: (mark("Nothing to do here"), mark("Go back and use the links of the page.")),
    410: (mark("This was deleted"), mark("Its earlier versions can still be read through FHIR history.")),
    503: (mark("The record is busy"), mark("Wait a moment and load the page again.")),
}
"""By status: the heading, and what to do."""

OTHERWISE = (
    mark("Something went wrong"),
    mark("Load the page again; if it stays, tell your administrator the number below."),
)


@cache
def environment(language: str) -> Environment:
    """The templates in one language."""
    made = Environment(
        loader=PackageLoader("hsba.http.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(i18n.translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals["asset"] = assets.address
    return made


@cache
def _version() -> str:
    return metadata.version("hsba")


def chosen(request: Request, name: str) -> str:
    """The language or colours this reader chose; Vietnamese and the device's colours otherwise."""
    kept = request.cookies.get(COOKIES[name], "")
    return kept if kept in CHOICES[name] else CHOICES[name][0]


def shell(request: Request, section: str) -> Shell:
    """The frame for this request."""
    app = request.app.state.services
    tenant = app.tenants.get()
    keeper = request.scope.get(KEEPER) or tenant
    language = chosen(request, "lang")
    caller: Caller | None = request.scope.get("hsba.caller")
    station: Station | None = request.scope.get("hsba.station")
    policy = None if caller is None else app.policy_for(caller.actor, tenant)
    known = caller is not None and not caller.covered
    return Shell(
        language=language,
        languages=i18n.LANGUAGES,
        theme=chosen(request, "theme"),
        reviews=policy is not None and alarm.may_review(policy),
        alarms=app.glass.alarm.count(policy, caller.actor.account, tenant.id) if caller and known else 0,
        house=keeper.title,
        keeper=keeper.slug,
        keepers={
            one.slug: one.title for one in app.tenants.all() if caller is not None and caller.belongs(one.id)
        },
        practice=keeper.slug in PRACTICE,
        account=caller.name if caller and not caller.covered else "",
        kind=caller.kind if caller and not caller.covered else "",
        login=caller.actor.account if caller else "",
        idle=int(app.identity.rules.session_idle.total_seconds()),
        station=station.name if station else "",
        care=caller is not None and not caller.covered and caller.kind in CARE,
        administers=caller is not None and not caller.covered and caller.kind in (ADMINISTRATOR, OFFICER),
        doors=_doors(app.policy_for(caller.actor, tenant)) if caller and not caller.covered else (),
        standing=i18n.translations(language).gettext(STANDING),
        version=_version(),
        section=section,
        fonts=tuple(assets.address(name) for name in assets.FONTS if assets.present(name)),
        htmx=assets.address(assets.HTMX) if assets.present(assets.HTMX) else "",
        path=request.url.path,
        query=tuple(request.query_params.multi_items()),
    )


def _doors(policy: Policy) -> tuple[Door, ...]:
    return tuple(
        one
        for one in navigation.DOORS
        if not any(isinstance(policy.within(act, type), Nothing) for act, type in one.rights)
    )


def show(request: Request) -> Show:
    """How values are written for this reader."""
    app = request.app.state.services
    language = chosen(request, "lang")
    return Show(i18n.translations(language), language, app.tenants.get().zone, app.clock.now())


def render(request: Request, answer: Page, shown: Show) -> Response:
    """The page as it goes on the line."""
    frame = shell(request, answer.section)
    template = environment(frame.language).get_template(answer.template)
    text = template.render(page=answer.page, shell=frame, s=shown)
    body = text.encode()
    headers = {**HEADERS, "content-language": frame.language, **answer.headers}
    coding = codings.chosen(request.headers.get("accept-encoding", "").encode("latin-1"))
    if coding is not None and len(body) > codings.WORTH_IT:
        body = codings.pack(body, coding)
        headers["content-encoding"] = coding.decode()
    return Response(body, answer.status, headers, media_type="text/html; charset=utf-8")


def problem(
    request: Request, exc: Exception, number: UUID | None = None, *, fragment: bool = False, glass: str = ""
) -> Response:
    """The page that says what went wrong: for our own routes, and for whatever else the door could not answer."""
    number = number or uuid7s.uuid7()
    found = errors.as_problem(exc, str(number))
    shown = show(request)
    title, todo = TODO.get(found.status, OTHERWISE)
    sentence = found.sentence_vi if shown.language == "vi" else found.sentence
    page = ProblemPage(
        status=found.status,
        title=shown.say(title),
        sentence=sentence,
        kept=shown.say(mark("Nothing was changed; the record is as it was.")),
        todo=shown.say(todo),
        code=type(found).__name__,
        request=str(number),
        glass=glass,
    )
    template = "_problem.html" if fragment else "problem.html"
    return render(request, Page(template, page, status=found.status, headers=dict(found.headers)), shown)


def endpoint(
    handler: Callable[[Ask], Awaitable[Page | Go | Response]],
    *,
    room: str = "reading",
    fragment: bool = False,
    about: str | None = "Patient",
    kinds: frozenset[str] = frozenset(),
    longest: int = LONGEST,
) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint that answers with what the handler makes.

    `room` names the kind of connection; who may see nothing of the type that the page is `about` is refused.  A page for
    some `kinds` of accounts asks for no role.  `longest` is the most that is taken of what a form sends.
    """

    async def answer(request: Request) -> Response:
        if (kept := keep_choice(request)) is not None:
            return kept
        number = uuid7s.uuid7()
        app = request.app.state.services
        try:
            caller: Caller | None = request.scope.get("hsba.caller")
            if caller is None:
                raise NotLoggedIn
            caller.check()
            tenant = app.tenants.get()
            await app.welcome(caller, tenant)
            if kinds and caller.kind not in kinds:
                raise NoRight
            await (app.know if kinds else app.admit)(caller.actor, tenant)
            ask = partial(
                _tried, request, handler, caller, number, room, about, await sent(request, longest=longest)
            )
            try:
                made = await ask()
            except (NotFound, NoRight):
                before = app.policy_for(caller.actor, tenant)
                await app.know(caller.actor, tenant, anew=True)  # given by another process just now?
                if app.policy_for(caller.actor, tenant) is before:
                    raise
                made = await ask()
            if isinstance(made, Go):
                return go(made.where)
            return render(request, made, show(request)) if isinstance(made, Page) else made
        except Exception as exc:  # noqa: BLE001 - the one place where an error becomes a page
            told = isinstance(exc, (Forbidden, NotFound, Gone))
            wrong = await after_telling(exc, _tell(request, exc, number, handler.__name__) if told else None)
            return problem(request, wrong, number, fragment=fragment, glass=_glass(request, wrong))

    answer.__name__ = handler.__name__
    answer.__doc__ = handler.__doc__
    return answer


async def _tried(request: Request, *asked: Any) -> Page | Go | Response:
    """What the handler makes; once more where a write met another one, with everything read anew."""
    for _ in range(TRIES):
        try:
            return await _made(request, *asked)
        except RETRY:
            continue
    return await _made(request, *asked)


async def _made(
    request: Request,
    handler: Callable[[Ask], Awaitable[Page | Go | Response]],
    caller: Caller,
    number: UUID,
    room: str,
    about: str | None,
    form: dict[str, str],
) -> Page | Go | Response:
    """What the handler makes on a connection of this kind; no page is without a line in the trail."""
    app = request.app.state.services
    tenant = app.tenants.get()
    async with getattr(app.pool, room)(tenant.id) as tx:
        ctx = app.context(tx=tx, tenant=tenant, channel="web", purpose="TREAT", actor=caller.actor)
        ctx.request, ctx.address = number, request.scope["hsba.address"] or None
        if about is not None and isinstance(ctx.policy.visible(about), Nothing):
            raise NoRight(about)
        made = await handler(Ask(request, ctx, show(request), form))
        if not ctx.told and not ctx.trail.keeps_nothing:
            await ctx.trail.add(ctx, "page", None, [handler.__name__])
        return made


def _glass(request: Request, exc: Exception) -> str:
    """Where emergency access is asked for, when a patient was refused to somebody who may ask; for every id the same."""
    caller: Caller | None = request.scope.get("hsba.caller")
    id_ = request.path_params.get("id")
    if caller is None or id_ is None or not isinstance(exc, NotFound | Forbidden) or request.method != "GET":
        return ""
    app = request.app.state.services
    may = emergency.may_open(app.policy_for(caller.actor, app.tenants.get()))
    return f"/patients/{quote(str(id_), safe='')}/emergency" if may else ""


def go(where: str, cookie: str = "") -> Response:
    """On to another page, after something was done."""
    return RedirectResponse(
        where, 303, {"cache-control": "no-store", **({"set-cookie": cookie} if cookie else {})}
    )


async def after_telling(exc: Exception, telling: Awaitable[None] | None) -> Exception:
    """What to answer with once a refusal was told: itself, or that it could not be, for then it is not answered as if it were."""
    try:
        if telling is not None:
            await telling
    except Exception as untold:  # noqa: BLE001 - it becomes the answer
        return untold
    return exc


async def _tell(request: Request, refused: Exception, number: UUID, page: str) -> None:
    """Note a refusal, or a look for what is not there, in a transaction of its own."""
    caller: Caller | None = request.scope.get("hsba.caller")
    app = request.app.state.services
    tenant = app.tenants.get()
    asked: list[object] = [type(refused).__name__, *map(str, request.path_params.values())]
    if "id" in request.path_params and ID.match(str(request.path_params["id"])):
        asked.append(("Patient", str(request.path_params["id"])))
    actor = {} if caller is None else {"actor": caller.actor}
    async with app.pool.reading(tenant.id) as tx:
        ctx = app.context(tx=tx, tenant=tenant, channel="web", purpose="TREAT", **actor)
        ctx.request, ctx.address = number, request.scope["hsba.address"] or None
        await ctx.trail.add(ctx, f"refused:{page}", None, asked)


def keep_choice(request: Request) -> Response | None:
    """`?lang=en` or `?theme=dark`: keep it and come back to the same page without it."""
    asked = {n: v for n in CHOICES if (v := request.query_params.get(n)) in CHOICES[n]}
    if not asked:
        return None
    rest = [(key, value) for key, value in request.query_params.multi_items() if key not in asked]
    # A path of two slashes would be another machine's address.
    path = "/" + request.url.path.lstrip("/")
    back = RedirectResponse(path + ("?" + urlencode(rest) if rest else ""), 303)
    for name, value in asked.items():
        back.set_cookie(COOKIES[name], value, max_age=YEAR, httponly=True, samesite="lax")
    back.headers["cache-control"] = "no-store"
    return back


async def nothing_here(request: Request) -> Response:
    """The answer to an address that is no page."""
    return problem(request, NotFound(request.url.path))
