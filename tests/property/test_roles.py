"""No path shows an id, a count, an order or an element that a plain read refuses, whatever the roles and the record."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from hsba import app, config
from hsba.access.rights import roles
from hsba.access.rights.conditions import Setting
from hsba.access.rights.grants import Loan
from hsba.access.rights.people import Person
from hsba.access.rights.policy import Given, RolePolicy
from hsba.fhir import json
from hsba.fhir.problems import NotFound
from hsba.fhir.query.parse import Include, Search, Sort
from hsba.record import belongs, compartment, history, interactions, transaction
from hsba.record.calls import Call
from hsba.record.consents import Provision, Rule
from hsba.record.exports.asked import Asked
from hsba.record.exports.files import Files
from hsba.record.exports.work import export
from hsba.record.views import patient as patients
from hsba.store.search.problems import HiddenParameter
from property.test_search_oracle import HIDDEN, SLOW, SORTS, TYPES, questions, records, world_of
from search_oracle import Oracle
from watch import shown, shows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from collections.abc import Set as AbstractSet

    from databases import Database
    from hsba.fhir.query import expression as e
    from hsba.record.context import Context
    from search_world import World

Resource = dict[str, Any]
ME = "me"
WORDS = (
    "author", "department", "department:stay", "in-treatment", "label:HIV", "label:*", "lent", "own-patients",
    "search:status=final", "state:active", "state:none", "search:nonsense=1",
)  # fmt: skip

lines = st.builds(
    lambda types, where, hidden, deny: {
        "may": ["view", "export"], "types": types, "where": where, "hidden": sorted(hidden), "deny": deny
    },
    st.one_of(st.just(["*"]), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True)),
    st.lists(st.sampled_from(WORDS), max_size=2, unique=True),
    st.sets(st.sampled_from(sorted(HIDDEN)), max_size=2),
    st.sampled_from((False, False, False, True)),
)  # fmt: skip
given_lines = st.lists(st.tuples(lines, st.sampled_from(((), ("o0",), ("o1", "o2")))), min_size=1, max_size=5)


def light_and_heavy(path: str, light: str, heavy: str) -> list[tuple[Resource, tuple[str, ...]]]:
    """Two lines of which one keeps an element back, each for others."""
    types = [path.partition(".")[0]]
    return [
        ({"may": ["view", "export"], "types": types, "where": [light]}, ("o0",)),
        (
            {"may": ["view", "export"], "types": types, "where": [heavy] * (heavy != "*"), "hidden": [path]},
            ("o0",),
        ),
    ]


crossed = st.builds(
    light_and_heavy,
    st.sampled_from(("Observation.subject", "Patient.gender", "Organization.name")),
    st.sampled_from(("own-patients", "author", "department", "state:none", "search:status=final")),
    st.sampled_from(("*", "own-patients", "author", "search:status=final")),
)
people = st.sampled_from(
    (
        Person("x"),
        Person("x", practitioners=(ME,)),
        Person("x", patients=("p0", "p1")),
        Person("x", (ME,), ("p2",)),
    )
)
beside = st.lists(
    st.tuples(
        st.sampled_from(("TREAT", "HRESCH")), st.sampled_from((None, None, None, ("p0",), ("p1", "p2")))
    ),
    min_size=5,
    max_size=5,
)
"""For each line what it is given for, and whom it is about where it is given in an emergency."""
loans = st.lists(
    st.builds(Loan, st.sampled_from(("p0", "p1", "p2")), st.none(), st.just("TREAT")), max_size=2
)


def provisions(deny: bool) -> st.SearchStrategy[Provision]:
    return st.builds(
        Provision,
        st.just(deny),
        actors=st.sampled_from(
            (
                (),
                (),
                (("Practitioner", ME),),
                (("Organization", "o0"),),
                (("Patient", "p0"), ("Practitioner", "x")),
            )
        ),
        purposes=st.sampled_from((frozenset(), frozenset({"TREAT"}), frozenset({"HRESCH", "BTG"}))),
        types=st.sampled_from((frozenset(), frozenset({"Observation"}), frozenset({"Patient", "Encounter"}))),
        labels=st.sampled_from((0, 0, belongs.LABELS["HIV"], belongs.LABELS["HIV"] | belongs.LABELS["R"])),
        acts=st.sampled_from((frozenset(), frozenset({"view", "export"}), frozenset({"update"}))),
    )


either = st.booleans().flatmap(provisions)
rules = st.lists(
    st.builds(Rule, st.sampled_from(("p0", "p1", "p2")), either, st.lists(either, max_size=2).map(tuple)),
    max_size=2,
)
marks = st.lists(st.sampled_from(("HIV", "R", "N")), max_size=2, unique=True)


@st.composite
def marked(draw: st.DrawFn) -> list[Resource]:
    """A record whose resources carry labels, and in which somebody attends, performs and is the doctor of some."""
    found = []
    for one in draw(records):
        content = dict(one)
        if labels := draw(marks):
            meta = dict(content.get("meta", {}))
            content["meta"] = {**meta, "security": [{"code": code} for code in labels]}
        me = {"reference": f"Practitioner/{ME}"}
        if draw(st.integers(0, 2)) == 0:
            match content["resourceType"]:
                case "Patient":
                    content["generalPractitioner"] = [me]
                case "Encounter":
                    content["participant"] = [{"individual": me}]
                case "Observation":
                    content["performer"] = [me]
        found.append(content)
    return found


# --- what the words mean, on plain content -----------------------------------------------------------------


@dataclass
class Plain:
    """The meaning of lines without expressions and without SQL."""

    saved: dict[str, Resource]
    person: Person
    rules: tuple[Rule, ...] = ()

    def patient(self, one: Resource) -> str | None:
        found = next((id_ for column, _, id_ in belongs.owners(one) if column == "patient"), None)
        return found if f"Patient/{found}" in self.saved else None

    def encounters(self, patient: str | None) -> list[Resource]:
        return [
            one
            for one in self.saved.values()
            if one["resourceType"] == "Encounter" and patient is not None and self.patient(one) == patient
        ]

    @staticmethod
    def refers(value: Any, type_: str, ids: tuple[str, ...]) -> bool:
        text = value.get("reference", "") if isinstance(value, dict) else ""
        return any(text == f"{type_}/{id_}" or text.startswith(f"{type_}/{id_}/") for id_ in ids)

    def attends(self, one: Resource) -> bool:
        ids = self.person.practitioners
        return any(
            self.refers(part.get("individual"), "Practitioner", ids) for part in one.get("participant", ())
        )

    def holds(self, word: str, one: Resource, given: Given) -> bool:
        kind, patient = one["resourceType"], self.patient(one)
        departments = given.departments
        of_patient = f"Patient/{patient}" in self.saved
        if given.patients is not None and word.startswith(("department", "in-treatment", "own-patients")):
            return True
        match word:
            case "lent":
                return any(loan.patient == patient for loan in given.loans)
            case "in-treatment":
                return any(stay.get("status") == "in-progress" for stay in self.encounters(patient))
            case "department":
                return any(
                    self.refers(stay.get("serviceProvider"), "Organization", departments)
                    and stay.get("status") == "in-progress"
                    for stay in self.encounters(patient)
                )
            case "department:stay":
                stays = self.encounters(patient) if kind == "Patient" else []
                if kind != "Patient":
                    owner = next((id_ for c, _, id_ in belongs.owners(one) if c == "encounter"), None)
                    stays = [self.saved[f"Encounter/{owner}"]] if f"Encounter/{owner}" in self.saved else []
                return any(
                    self.refers(stay.get("serviceProvider"), "Organization", departments) for stay in stays
                )
            case "own-patients":
                if not of_patient:
                    return False
                ids = self.person.practitioners
                return (
                    patient in self.person.patients
                    or any(
                        self.refers(doctor, "Practitioner", ids)
                        for doctor in self.saved[f"Patient/{patient}"].get("generalPractitioner", ())
                    )
                    or any(
                        s.get("status") == "in-progress" and self.attends(s) for s in self.encounters(patient)
                    )
                )
            case "author":
                if kind == "Encounter":
                    return self.attends(one)
                return kind == "Observation" and any(
                    self.refers(by, "Practitioner", self.person.practitioners)
                    or self.refers(by, "Patient", self.person.patients)
                    for by in one.get("performer", ())
                )
            case "search:status=final":
                return kind in ("Observation", "Encounter") and one.get("status") == "final"
            case "state:none" | "label:HIV" | "label:*":
                return True
        return False

    def reached(self, given: Given, one: Resource) -> bool:
        """Whether a line reaches a resource."""
        line, kind = given.line, one["resourceType"]
        if not line.concerns("view", kind):
            return False
        unread = "search:nonsense=1" in line.where or (
            "search:status=final" in line.where and kind in ("Patient", "Organization")
        )
        if unread:
            return line.deny
        lifted = belongs.LABELS["HIV"] if "label:HIV" in line.where else 0
        lifted = -1 if "label:*" in line.where else lifted
        if given.patients is not None and self.patient(one) not in given.patients:
            return False
        if not line.deny:
            bits = belongs.labels(one) & ~lifted
            if bits and all(bits & ~more for more in self.lifted(given, one)):
                return False
            if given.patients is None and self.taken(given, one):
                return False
        return all(self.holds(word, one, given) for word in line.where)

    def speaks(self, provision: Provision, given: Given, one: Resource) -> bool:
        """Whether a patient's word is about this person, what he does it for, and what it is."""
        known = {
            "Practitioner": self.person.practitioners,
            "Organization": given.departments,
            "Patient": self.person.patients,
        }
        return (
            (not provision.actors or any(id_ in known[type_] for type_, id_ in provision.actors))
            and given.purpose in (provision.purposes or {given.purpose})
            and one["resourceType"] in (provision.types or {one["resourceType"]})
            and "view" in (provision.acts or {"view"})
        )

    def of(self, one: Resource) -> list[Rule]:
        return [rule for rule in self.rules if rule.patient == self.patient(one)]

    def lifted(self, given: Given, one: Resource) -> list[int]:
        """The labels that the patient lets this person see."""
        roots = [rule.root for rule in self.of(one)]
        return [
            root.labels for root in roots if not root.deny and root.actors and self.speaks(root, given, one)
        ]

    def taken(self, given: Given, one: Resource) -> bool:
        """Whether the patient has forbidden it."""

        def meant(provision: Provision) -> bool:
            about = not provision.labels or bool(belongs.labels(one) & provision.labels)
            return about and self.speaks(provision, given, one)

        return any(
            meant(rule.root)
            and (
                not any(not part.deny and meant(part) for part in rule.exceptions)
                if rule.root.deny
                else any(part.deny and meant(part) for part in rule.exceptions)
            )
            for rule in self.of(one)
        )

    def showing(self, policy: RolePolicy, one: Resource) -> list[Given]:
        """The lines that show a resource; none where one takes it away."""
        reaching = [given for given in policy.lines if self.reached(given, one)]
        return [] if any(given.line.deny for given in reaching) else reaching


# --- the ways out ------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def opened(database: Database) -> AsyncIterator[app.App]:
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as found:
        yield found


async def readable(ctx: Context, world: World) -> dict[str, str]:
    """What a plain read answers, by address."""
    found = {}
    for address in world.saved:
        try:
            stored = await interactions.read(ctx, *address.split("/"))
        except NotFound:
            continue
        found[address] = stored.body or ""
    return found


async def ways(
    ctx: Context, world: World, bodies: dict[str, str], found: AbstractSet[str] | None = None
) -> set[str]:
    """Everything that histories, versions, compartments, bundles and exports show; each body is as a read shows it.

    A page looks for its patient as a search does: `found` is what searches find, where that is less than what is read.
    """
    out: dict[str, str] = {}

    def show(pairs: list[tuple[str, str]]) -> None:
        for address, body in pairs:
            assert bodies.get(address) == body, address
            out[address] = body

    for where in ((), *((type_,) for type_ in TYPES)):
        page = await history.history(ctx, *where, count=1000)
        show([(f"{type_}/{one.id}", one.body or "") for one, type_ in page.entries])
    for address in world.saved:
        type_, id_ = address.split("/")
        try:
            single = await history.history(ctx, type_, id_)
            stored = await interactions.vread(ctx, type_, id_, "1")
            show([(address, stored.body or ""), *((address, one.body or "") for one, _ in single.entries)])
        except NotFound:
            assert address not in bodies
        if type_ in ("Patient", "Encounter"):
            call = Call("everything", type_, id_, address=f"http://here/fhir/{address}/$everything")
            handler = (
                compartment.everything_patient if type_ == "Patient" else compartment.everything_encounter
            )
            try:
                assert shown(await handler(ctx, call)) <= bodies.keys()
            except NotFound:
                assert address not in bodies
        if type_ == "Patient":
            try:
                await patients.banner(ctx, id_)
                assert address in bodies
            except NotFound:
                assert address not in bodies
            visits = await patients.visits(ctx, id_)
            assert {f"Encounter/{one.id}" for one in visits.entries} <= bodies.keys()
        part = {"request": {"method": "GET", "url": address}}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [part]}
        try:
            (answered,) = await transaction.transaction(ctx, bundle)
            assert answered.stored is not None
            show([(address, answered.stored.body or "")])
        except NotFound:
            assert address not in bodies
    return set(out)


async def exported(ctx: Context) -> set[str]:
    @asynccontextmanager
    async def acting() -> AsyncIterator[Context]:
        yield ctx

    async def always(_: object) -> bool:
        return True

    folder = Path(tempfile.mkdtemp(prefix="hsba-test-"))
    try:
        await export(acting, Asked("system", TYPES), Files(folder / "out"), always)
        texts = [
            text for file in (folder / "out").rglob("*.ndjson*") for text in file.read_bytes().splitlines()
        ]
    finally:
        shutil.rmtree(folder)
    return {f"{one['resourceType']}/{one['id']}" for one in map(json.parse, texts)}


@settings(SLOW, max_examples=40)
@given(
    some_resources=marked(),
    given_to=st.one_of(given_lines, crossed),
    person=people,
    more=beside,
    lent=loans,
    said=rules,
    asked=st.lists(questions, min_size=3, max_size=6),
    pick=st.integers(0, 4),
    size=st.integers(1, 3),
)
async def test_roles__no_path_shows_more_than_a_read(
    opened: app.App,
    some_resources: list[Resource],
    given_to: list[tuple[Resource, tuple[str, ...]]],
    person: Person,
    more: list[tuple[str, tuple[str, ...] | None]],
    lent: list[Loan],
    said: list[Rule],
    asked: list[tuple[str, e.Expression]],
    pick: int,
    size: int,
) -> None:
    world = await world_of(opened, some_resources)
    held = [
        Given(
            "r",
            roles.read("r", "r", [line], {}).lines[0],
            departments,
            purpose=purpose,
            patients=None if line.get("deny") else patients,
            loans=tuple(lent),
        )
        for (line, departments), (purpose, patients) in zip(given_to, more, strict=False)
    ]
    now = datetime.now(UTC)
    setting = Setting(opened.definitions, opened.codes, world.tenant.zone, person, (), now)
    policy = RolePolicy(held, setting, tuple(said))
    plain = Plain(world.saved, person, tuple(said))
    showing = {address: plain.showing(policy, one) for address, one in world.saved.items()}
    seen = {address for address, by in showing.items() if by}

    # a plain read shows what a line shows, with the elements that one line shows
    async with opened.pool.reading(world.tenant.id) as tx:
        ctx = replace(opened.context(tx=tx, tenant=world.tenant), policy=policy)
        bodies = await readable(ctx, world)
        assert bodies.keys() == seen
        for address, body in bodies.items():
            for path in HIDDEN:
                if shows(body, path):
                    assert any(path not in given.line.hidden for given in showing[address]), path
        assert await ways(ctx, world, bodies) <= seen
        assert await exported(ctx) == seen

    # searches: matches, counts, what is brought along, and the order
    hidden = frozenset(path for type_ in TYPES for path in policy.hidden(type_))
    unasked = frozenset(
        (type_, code)
        for path, by in HIDDEN.items()
        if path.removesuffix("[x]") in hidden
        for type_, codes in by.items()
        for code in codes
    )
    oracle = Oracle(opened.definitions, world.tenant.zone, world.saved, policy.visible, {}, unasked)
    for type_ in TYPES:
        sort = (Sort(SORTS[type_][pick % len(SORTS[type_])]), Sort("_id"))
        wanted = Search((type_,), sort=sort, count=100)
        order = [one for page in await world.pages(wanted) for one in page]
        world.policy = policy
        try:
            pages = await world.pages(replace(wanted, count=size))
            assert [one for page in pages for one in page] == [one for one in order if one in seen]
        except HiddenParameter:
            assert hidden
        finally:
            world.policy = None
    world.policy = policy
    for type_, where in asked:
        wanted = Search(
            (type_,), where, count=100, total="accurate",
            include=tuple(Include(one, "*") for one in TYPES), revinclude=tuple(Include(one, "*") for one in TYPES),
        )  # fmt: skip
        try:
            page = await world.page(wanted)
        except HiddenParameter:
            assert hidden
            continue
        found = {f"{type_}/{one.id}" for one in page.matches}
        assert found == oracle.matches(type_, where)
        assert found <= seen
        assert page.total == len(found)
        for one in page.all():
            address = f"{opened.registry.type_name(one.type)}/{one.id}"
            assert one.body == bodies[address]
        assert (await world.page(replace(wanted, count=0))).total == len(found)


pytestmark = pytest.mark.slow
