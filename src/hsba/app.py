"""The composition root: reads the settings, opens the pool, joins the rooms' tables; rooms receive, never fetch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg

from hsba import config
from hsba.access import housekeeping as access_chores
from hsba.access import rules as access_rules
from hsba.access.coming_in.outside import Outside, Provider
from hsba.access.coming_in.strays import Strays
from hsba.access.identity import Identity
from hsba.access.oauth.apps import LOOPBACK
from hsba.access.oauth.clients import Unreachable
from hsba.access.oauth.scopes import Scopes
from hsba.access.ports import NOBODY as STRANGER
from hsba.access.ports import Happening
from hsba.access.problems import OutsideHours
from hsba.access.rights.alarm import may_review
from hsba.access.rights.current import NoRole, Rights
from hsba.access.rights.emergency import Glass
from hsba.access.rights.lending import Desk as LendingDesk
from hsba.access.rights.policy import BREAK_GLASS, RolePolicy
from hsba.audit import pruning, sealing, sending
from hsba.audit.asking import STORES as AUDIT_STORES
from hsba.audit.trail import AuditTrail
from hsba.audit.witness import TrailWitness
from hsba.documents.press import Press
from hsba.fhir import definitions as packages
from hsba.forms.following import CONSEQUENCES as FORM_CONSEQUENCES
from hsba.forms.operations import OPERATIONS as FORM_OPERATIONS
from hsba.forms.served import CONSEQUENCES as QUESTIONNAIRE_CONSEQUENCES
from hsba.forms.served import SHELVES as FORM_SHELVES
from hsba.http import app as http
from hsba.http import web
from hsba.ops import alarm_mail, importing, processes
from hsba.ops.hooks import deliver as hooks
from hsba.ops.hooks.sending import Sender, Unreached
from hsba.record import codes as core_codes
from hsba.record import orders, parameters, reindexing, tenants
from hsba.record.aside import Aside
from hsba.record.context import OPERATOR, OURS, Actor, Clock, Context, Rules, Tenant
from hsba.record.exports import work as exporting
from hsba.record.exports.operations import OPERATIONS as EXPORT_OPERATIONS
from hsba.record.housekeeping import HOUSEKEEPING as RECORD_HOUSEKEEPING
from hsba.record.operations import OPERATIONS as RECORD_OPERATIONS
from hsba.record.ports import AllowAll
from hsba.record.subscriptions import watch as subscriptions
from hsba.record.subscriptions.addresses import TargetRefused, Targets
from hsba.record.tenants import Tenants, UnknownTenant
from hsba.store import generation, migrate, restored
from hsba.store.pool import Pool
from hsba.store.registry import Registry
from hsba.terminology import choices
from hsba.terminology import codes as terminology
from hsba.terminology import load as code_lists
from hsba.terminology.codes import ListCodes
from hsba.terminology.operations import OPERATIONS as TERMINOLOGY_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from pathlib import Path

    from hsba.access.identity import Caller
    from hsba.config import Settings
    from hsba.fhir.definitions import Definitions
    from hsba.record.consequences import Consequences
    from hsba.record.operations import Operation
    from hsba.record.owned import OwnStore, Shelf
    from hsba.record.ports import Codes, Policy, Trail
    from hsba.record.work import Chore, Follower, Kind, Opener
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.app")

OUTSIDE = "outside the hours of the account"
"""Why a session was ended, in the trail."""
EXPORT = "export"
"""The channel of exports, and the act that a role must allow for them."""

FIRST_TENANT = ("main", "Cơ sở khám bệnh, chữa bệnh")
"""Name in addresses and title of the keeper that a new database starts with."""

RENEW_EVERY = 1.0
"""Seconds between two looks at the number of the search parameters (decision 0007)."""

CANONICAL = "http://fhir.hl7.org.vn/core"


OPERATIONS: tuple[Operation, ...] = (
    *RECORD_OPERATIONS,
    *EXPORT_OPERATIONS,
    *importing.OPERATIONS,
    *reindexing.OPERATIONS,
    *TERMINOLOGY_OPERATIONS,
    *FORM_OPERATIONS,
)
"""Every operation, from the rooms' own tables."""
JOBS: tuple[Kind, ...] = (
    *orders.JOBS,
    *exporting.JOBS,
    *importing.JOBS,
    *hooks.JOBS,
    *reindexing.JOBS,
)
"""Every kind of job, from the rooms' own tables."""
FOLLOWERS: tuple[Follower, ...] = (*subscriptions.FOLLOWERS, *choices.FOLLOWERS)
"""Everything that reads the feed of versions, from the rooms' own tables."""
HOUSEKEEPING: tuple[Chore, ...] = (*RECORD_HOUSEKEEPING, *sealing.HOUSEKEEPING)
"""Everything that is done again and again, from the rooms' own tables."""
CONSEQUENCES: dict[str, Consequences] = {**FORM_CONSEQUENCES, **QUESTIONNAIRE_CONSEQUENCES}
"""What rooms make of writes of a type, in the same transaction."""
SHELVES: dict[str, Shelf] = {**FORM_SHELVES}
"""What rooms add to types of the record."""
STORES: dict[str, OwnStore] = {**AUDIT_STORES}
"""The types that rooms serve from stores of their own."""


@dataclass(slots=True)
class App:
    """What one process holds while it runs."""

    settings: Settings
    pool: Pool
    definitions: Definitions
    registry: Registry
    codes: ListCodes
    trail: Trail
    policy: Policy
    rules: Rules
    tenants: Tenants
    identity: Identity
    operations: tuple[Operation, ...]
    aside: Aside
    dsn: str
    files: Path
    """The folder for files that are not the record itself."""
    checkpoints: Path
    """The folder for the checkpoints of the audit trail."""
    jobs: tuple[Kind, ...] = JOBS
    followers: tuple[Follower, ...] = FOLLOWERS
    housekeeping: tuple[Chore, ...] = HOUSEKEEPING
    stores: dict[str, OwnStore] = field(default_factory=lambda: STORES)
    shelves: dict[str, Shelf] = field(default_factory=lambda: SHELVES)
    consequences: dict[str, Consequences] = field(default_factory=lambda: CONSEQUENCES)
    clock: Clock = field(default_factory=Clock)
    outside: Outside | None = None
    """The other house whose log-in is taken too."""
    press: Press = field(default_factory=Press)
    rights: Rights = field(default_factory=Rights)
    scopes: Scopes = field(default_factory=Scopes)
    strays: Strays = field(default_factory=Strays)
    glass: Glass = field(init=False)
    lending: LendingDesk = field(init=False)

    def __post_init__(self) -> None:
        """Join what works on the rights of this process."""
        lasts = timedelta(minutes=self.settings.emergency_minutes)
        post = mail(self.settings)
        self.glass = Glass(self.rights, self.identity.witness, lasts, mails=post is not None)
        if post is not None:
            self.jobs = (*self.jobs, *alarm_mail.jobs(post))
        self.lending = LendingDesk(self.rights, self.identity.witness)
        given = (*self.operations, self.glass.operation())
        self.operations = tuple(sorted(given, key=lambda operation: operation.name))

    async def renew(self, tx: Connection) -> None:
        """Take over the search parameters that the database has now, for all contexts made from here on."""
        number, filled = await generation.numbers(tx)
        if number != self.definitions.generation:
            known = await generation.read(tx)
            self.definitions = parameters.from_bodies(self.definitions, known)
        elif filled == self.registry.filled:
            return
        await self.registry.waiting(tx)
        self.registry.filled = filled

    async def keep_current(self) -> None:
        """Look every second whether another process has changed the search parameters."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                if over := self.strays.over():
                    await self._tell_strays(over)
                async with self.pool.bare() as tx:
                    await self.renew(tx)
                    if await terminology.renew(tx, self.codes):
                        self.aside.renew()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                log.warning("search parameters could not be read; writes are refused once they change")

    @property
    def opener(self) -> Opener:
        """How another process opens the same house."""
        return opener(self.settings, self.dsn)

    async def welcome(self, caller: Caller, tenant: Tenant) -> None:
        """Refuse who may not work at this hour, and end his session; and who belongs elsewhere and has no right here."""
        await self.know(caller.actor, tenant)
        policy = self.policy_for(caller.actor, tenant)
        if isinstance(policy, RolePolicy) and policy.outside is not None:
            await self.identity.end(caller, OUTSIDE, tenant.id)
            raise OutsideHours(policy.outside)
        if not caller.belongs(tenant.id) and not (isinstance(policy, RolePolicy) and policy.lines):
            raise UnknownTenant(tenant.slug)

    async def know(self, actor: Actor, tenant: Tenant, *, anew: bool = False) -> None:
        """Read what an account may do, before a context is made for it; nothing is read of what was read just now."""
        if actor.account in OURS or (self.rights.is_fresh(tenant.id, actor) and not anew):
            return
        async with self.pool.searching(tenant.id) as tx:
            await self.rights.know(self.context(tx=tx, tenant=tenant), actor)

    async def look_out(self, caller: Caller, tenant: Tenant) -> None:
        """Read how many emergency accesses wait, for who looks at them; nothing is read of what was read just now."""
        alarm = self.glass.alarm
        if not alarm.is_fresh(tenant.id) and may_review(self.policy_for(caller.actor, tenant)):
            async with self.pool.searching(tenant.id) as tx:
                await alarm.read(tx, tenant.id)

    async def stray(self, address: str) -> None:
        """Tell of a token that nobody has, once for an address and minute."""
        if self.strays.came(address):
            await self._tell_strays([(address, 1)])

    async def _tell_strays(self, some: list[tuple[str, int]]) -> None:
        async with self.pool.bare() as tx:
            for address, count in some:
                told = Happening(
                    "token-wrong", STRANGER, subject=str(count), refused=True, address=address or None
                )
                await self.identity.witness.tell(tx, told)

    async def admit(self, actor: Actor, tenant: Tenant) -> None:
        """Read what an account may do, and refuse one that may do nothing here."""
        await self.know(actor, tenant)
        policy = self.policy_for(actor, tenant)
        if isinstance(policy, RolePolicy) and policy.outside is not None:
            raise OutsideHours(policy.outside)
        if isinstance(policy, RolePolicy) and not policy.lines:
            raise NoRole

    async def keys_at(self, url: str) -> bytes:
        """What stands at the address of a registered app's keys, at a host that the setting names."""
        targets = Targets.of(self.settings.jwks_hosts)
        try:
            if targets.endpoint(url).host not in targets.names:
                raise Unreachable
            async with Sender(targets) as sender:
                return await sender.fetch(url)
        except (TargetRefused, Unreached) as exc:
            raise Unreachable from exc

    def policy_for(self, actor: Actor, tenant: Tenant) -> Policy:
        """What this actor may do: whoever sits at this machine everything, an account what its roles say."""
        return self.policy if actor.account in OURS else self.rights.of(tenant.id, actor)

    def context(
        self,
        *,
        tx: Connection,
        tenant: Tenant | None = None,
        channel: str = "rest",
        purpose: str = "TREAT",
        actor: Actor = OPERATOR,
        base: str = "",
        **more: Any,
    ) -> Context:
        """A context for one request, job or test, on one connection."""
        keeper = tenant or self.tenants.get()
        policy = self.policy_for(actor, keeper)
        if isinstance(policy, RolePolicy):
            if actor.role is None:
                actor = replace(actor, role=policy.roles)
            if policy.emergency:
                purpose = BREAK_GLASS
            if channel == EXPORT:
                if policy.outside is not None:  # else the work would be done, and its files empty
                    raise OutsideHours(policy.outside)
                policy = policy.narrowed(EXPORT)
        policy = self.scopes.held(policy, actor, self.definitions, self.codes, keeper.zone, self.clock.now)
        return Context(
            actor=actor,
            tenant=keeper,
            purpose=purpose,
            channel=channel,
            definitions=self.definitions,
            registry=self.registry,
            policy=policy,
            codes=self.codes,
            trail=self.trail,
            clock=self.clock,
            rules=self.rules,
            tx=tx,
            files=self.files,
            stores=self.stores,
            shelves=self.shelves,
            consequences=self.consequences,
            base=base or self.settings.base_url,
            **more,
        )


def outside(settings: Settings, now: Callable[[], datetime]) -> Outside | None:
    """The OpenID provider of the settings; its addresses are public ones, or at the host of its issuer."""
    if not settings.oidc_issuer:
        return None
    parts = urlsplit(settings.oidc_issuer)
    targets = Targets.of([parts.hostname or ""], plain=parts.scheme == "http" and parts.hostname in LOOPBACK)

    async def ask(url: str, headers: dict[str, str], content: bytes) -> bytes:
        try:
            async with Sender(targets) as sender:
                return await sender.fetch(url, headers=headers, content=content)
        except (TargetRefused, Unreached) as exc:
            log.warning("the OpenID provider was not reached", extra={"why": str(exc)})
            raise Unreachable from exc

    known = Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        settings.oidc_name,
        settings.oidc_claim,
    )
    return Outside(known, ask, now)


def rules(settings: Settings) -> Rules:
    """The record's own settings."""
    return Rules(
        refuse_dangling_references=settings.refuse_dangling_references,
        late_after=timedelta(hours=settings.late_after_hours),
        answers_kept=timedelta(hours=settings.keep_answers_hours),
        max_search_count=settings.max_search_count,
        review_months=settings.account_review_months,
        targets=Targets.of(settings.subscription_targets, plain=settings.subscription_http),
    )


def repository(settings: Settings) -> sending.Target | None:
    """Where the audit trail is sent to."""
    return sending.target(settings.syslog_target, settings.syslog_authorities, settings.syslog_certificate)


def pruned(settings: Settings) -> tuple[Chore, ...]:
    """What removes old lines of the trail by itself, where the settings say so."""
    if not settings.audit_prune:
        return ()
    return pruning.chores(
        settings.owner_database_url, settings.audit_security_months, settings.audit_access_years
    )


def mail(settings: Settings) -> alarm_mail.Post | None:
    """How e-mails about emergency accesses go out; None where the settings name nobody to write to."""
    return alarm_mail.post(
        settings.mail_server,
        settings.mail_from,
        settings.emergency_mail_to,
        user=settings.mail_user,
        password=settings.mail_password,
        authorities=settings.mail_authorities,
        base=settings.base_url,
    )


def identity_rules(settings: Settings) -> access_rules.Rules:
    """The settings of log-ins."""
    return access_rules.Rules(
        password_length=settings.password_min_length,
        password_length_second_factor=settings.password_min_length_second_factor,
        password_age=timedelta(days=settings.password_max_days),
        password_history=settings.password_history,
        failures=settings.login_failures,
        locked_for=timedelta(minutes=settings.login_lock_minutes),
        unused_for=timedelta(days=settings.account_unused_days),
        session_idle=timedelta(minutes=settings.session_idle_minutes),
        session_longest=timedelta(hours=settings.session_hours),
        shift=timedelta(hours=settings.shift_hours),
        badge_alone=settings.badge_alone,
        token_lasts=timedelta(minutes=settings.token_minutes),
        inside=settings.inside_networks,
        second_factor=settings.second_factor,
        second_factor_first_outside=settings.second_factor_first_outside,
        second_factor_waived=settings.second_factor_waived,
        role_approval=settings.role_approval,
        refresh_lasts=timedelta(days=settings.refresh_days),
        signing_key_lasts=timedelta(days=settings.signing_key_days),
    )


def definitions(settings: Settings) -> Definitions:
    """The packages that come with the program, ours under the configured canonical base."""
    if settings.canonical_base == CANONICAL:
        return packages.default()
    return packages.load(rebase=(CANONICAL, settings.canonical_base))


def options(settings: Settings) -> http.Options:
    """The doors' own settings."""
    return http.Options(
        allowed_hosts=settings.allowed_hosts,
        base_url=settings.base_url,
        trusted_proxies=settings.trusted_proxies,
        behind_tls=settings.behind_tls_proxy,
        cors_origins=settings.cors_origins,
        at_once=settings.max_requests,
        max_body=settings.max_body_mb * 1024 * 1024,
        max_lines=settings.max_import_mb * 1024 * 1024,
        second_factor_key=settings.second_factor_key,
    )


def asgi() -> Callable[..., Any]:
    """The application of one web process, as Granian asks for it: opened when the process starts to serve."""
    settings = config.load()

    @asynccontextmanager
    async def services() -> AsyncIterator[tuple[App, http.Options]]:
        async with opened(settings, settings.database_url) as app:
            processes.calm_collector()
            yield app, options(settings)

    return http.deferred(services, pages=lambda _: web.ROUTES)


@asynccontextmanager
async def opened(settings: Settings, dsn: str, *, size: int | None = None) -> AsyncIterator[App]:
    """Join everything on a database that is up and migrated; `dsn` is the runtime role's address."""
    pool = await Pool.open(
        dsn,
        size=size or settings.pool_size,
        search_size=min(settings.search_pool_size, size or settings.search_pool_size),
        application=f"hsba@{socket.gethostname()}",
    )
    async with AsyncExitStack() as ending:
        ending.push_async_callback(pool.close)
        known = definitions(settings)
        registry = Registry()
        keepers = Tenants()
        async with pool.bare() as tx:
            await registry.load(tx)
            await keepers.read(tx)
            codes = await terminology.load(tx, known)
        aside = Aside((known, codes), partial(_learn, settings, codes.loaded))
        ending.callback(aside.close)
        clock = Clock()
        manners = identity_rules(settings)
        witness = TrailWitness(clock.now)
        house = App(
            settings=settings,
            pool=pool,
            definitions=known,
            registry=registry,
            codes=codes,
            trail=AuditTrail(),
            policy=AllowAll(),
            rules=rules(settings),
            tenants=keepers,
            identity=Identity(pool.bare, clock.now, manners, witness),
            aside=aside,
            outside=outside(settings, clock.now),
            operations=OPERATIONS,
            dsn=dsn,
            files=settings.folder("main") / "files",
            checkpoints=settings.audit_folder or settings.folder("main") / "audit",
            followers=(*FOLLOWERS, *sending.followers(repository(settings))),
            housekeeping=(*HOUSEKEEPING, *access_chores.chores(manners, witness), *pruned(settings)),
            clock=clock,
        )
        ending.callback(house.press.close)
        async with pool.bare() as tx:
            await house.renew(tx)
        pool.renew = house.renew
        watch = asyncio.create_task(house.keep_current())
        try:
            yield house
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch


def _learn(settings: Settings, loaded: terminology.Loaded) -> tuple[Definitions, Codes]:
    """What the process beside a web process knows (record/aside.py); it ends with that one."""
    processes.die_with_parent()
    known = definitions(settings)
    return known, ListCodes(known, loaded=loaded)


def opener(settings: Settings, dsn: str, *, size: int = 2) -> Callable[[], AbstractAsyncContextManager[App]]:
    """How another process opens the same house: a function that can be sent to it."""
    return partial(opened, settings, dsn, size=size)


async def prepare(
    settings: Settings,
    owner_dsn: str,
    *,
    tenant: tuple[str, str] = FIRST_TENANT,
    note: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Migrate a database, number the types, fill the code lists and name its first tenant; answers the migrations."""
    known = definitions(settings)
    tx = await asyncpg.connect(
        owner_dsn, server_settings={"search_path": "record, reference, ops", "timezone": "UTC"}
    )
    try:
        await migrate.ensure_roles(tx)
        applied = await migrate.migrate(tx, note=note)
        if await restored.renumber(tx, note=note):
            applied.append("record.version.xid")
        await migrate.seed(tx, sorted(known.resource_types))
        async with tx.transaction():
            await code_lists.fill(tx, known, changed=await core_codes.fill(tx, known))
        if not await tx.fetchval("SELECT EXISTS (SELECT FROM record.tenant)"):
            await tenants.ensure(tx, *tenant)
    finally:
        await tx.close()
    return applied
