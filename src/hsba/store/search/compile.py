"""The one compiler: a search expression becomes an SQL condition on an alias of `record.resource`.

It is applied on every path: matches, chains, `_has`, compartments, includes, counts, conditional interactions, views and
policies.  Whatever alias of `record.resource` it writes is bound to the tenant, to what exists, to its types and to what
the policy shows; values always travel as arguments, and only our own integers stand in the text, so that a shape of
search is one prepared statement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hsba.fhir.fold import MAX_FOLDED, fold, token
from hsba.fhir.paths import catalogue
from hsba.fhir.problems import UnknownParameter
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import TREES
from hsba.fhir.query.values import token_code
from hsba.store.search import values
from hsba.store.search.base import (
    ALWAYS,
    NEVER,
    PLAIN,
    TABLES,
    Alias,
    At,
    alike,
    is_hidden,
    is_name,
    patient_path,
    plain,
)
from hsba.store.search.problems import HiddenParameter, StillIndexing, UnknownValueSet
from hsba.store.search.source import matches
from hsba.store.search.values import MAX_EXACT, Arg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.fhir.paths import Composite, Parameter, Path
    from hsba.store.search.base import Condition
    from hsba.store.search.facts import Facts, Scope

ICD = ("icd-10", "icd10")
"""Systems whose codes are a tree by their letters: I10.1 lies below I10, also where no list of them is loaded."""


_WORD = re.compile(r"\w+")


class Compiler:
    """Writes the conditions of one statement; `arg` takes its values, `facts` gives numbers and notes what it lacks."""

    def __init__(self, scope: Scope, facts: Facts, arg: Arg) -> None:
        """Begin a statement whose `$1` is the tenant."""
        self.scope = scope
        self.facts = facts
        self.arg = arg
        self.trusted = 0
        self.names = 0
        self.one = False
        """Whether the statement is about one row whose address is given: each condition is then asked of that row."""

    # --- aliases -------------------------------------------------------------------------------------------

    def fresh(self, stem: str) -> str:
        """A name not used yet in this statement."""
        self.names += 1
        return f"{stem}{self.names}"

    def number(self, type_: str) -> int:
        """The number of a resource type."""
        return self.scope.registry.type_id(type_)

    def types(self, alias: Alias) -> tuple[str, ...]:
        """The types of an alias; where all are meant, those that anything was ever stored of."""
        if alias.types:
            return alias.types
        if self.facts.in_use is None:
            self.facts.wants_in_use = True
        return self.facts.in_use or ()

    def live(self, alias: Alias, *, deleted: bool = False, typed: bool = True) -> str:
        """It is of this tenant, it was written, it is there, it is of its types, and it may be seen.

        `typed` may be left away where a join with rows of its paths says the type already: the planner takes the two
        for independent and guesses far too few rows.
        """
        name = alias.name
        parts = [f"{name}.tenant = $1", f"{name}.vid > 0"]
        if not deleted:
            parts.append(f"NOT {name}.deleted")
        if alias.types and typed:
            parts.append(self.of_types(name, alias.types))
        parts.append(self.visible(alias))
        return " AND ".join(part for part in parts if part != ALWAYS)

    def of_types(self, name: str, types: Sequence[str]) -> str:
        """It is of one of these types."""
        numbers = sorted({self.number(type_) for type_ in types})
        if len(numbers) == 1:
            return f"{name}.type = {numbers[0]}"
        return f"{name}.type = ANY('{{{','.join(map(str, numbers))}}}'::smallint[])"

    def visible(self, alias: Alias) -> str:
        """The policy's condition on an alias, type by type where types differ."""
        policy = self.scope.policy
        if self.trusted or policy.unrestricted:
            return ALWAYS
        kinds: dict[e.Expression, list[str]] = {}
        for type_ in self.types(alias):
            kinds.setdefault(policy.visible(type_), []).append(type_)
        self.trusted += 1
        try:
            if len(kinds) == 1 and alias.types:
                return self.where(next(iter(kinds)), alias)
            parts = []
            for condition, types in kinds.items():
                seen = self.where(condition, Alias(alias.name, tuple(types)))
                if seen != NEVER:
                    parts.append(f"({self.of_types(alias.name, types)} AND {seen})")
            return f"({' OR '.join(parts)})" if parts else NEVER
        finally:
            self.trusted -= 1

    # --- expressions ---------------------------------------------------------------------------------------

    def where(self, expression: Condition, alias: Alias) -> str:
        """The condition that the resource under an alias is such; never NULL."""
        match expression:
            case At(paths, test):
                return self._or([self.value(group, test, alias, []) for group in alike(paths)])
            case e.Everything():
                return ALWAYS
            case e.Nothing():
                return NEVER
            case e.And(parts):
                return self._and(self.conjuncts(parts, alias))
            case e.Or(parts):
                return self._or(self._alternatives(parts, alias))
            case e.Not(part):
                return self._not(self.where(part, alias))
            case e.Ids(ids):
                return f"{alias.name}.id = ANY({self.arg(list(ids))}::text[])"
            case e.Updated(test):
                return f"({values.date(test, f'{alias.name}.recorded', f'{alias.name}.recorded', self.arg)})"
            case e.OfTypes(types):
                return self.of_types(alias.name, types) if types else NEVER
            case e.Unlabelled(bits):
                return f"({alias.name}.labels & {int(bits)}) = 0"
            case e.InState(states):
                return self.in_state(states, alias)
            case e.Match(code, test):
                return self.match(self.parameters(alias, code), test, alias)
            case e.Missing(code):
                return self.missing(self.parameters(alias, code), alias)
            case e.Chain(code, types, where):
                return self.chain(self.parameters(alias, code), types, where, alias)
            case e.Has(type_, code, where):
                return self.has(type_, code, where, alias)
            case e.InCompartment(code, id_):
                return self.compartment(code, (id_,), alias)
            case e.InCompartments(code, ids):
                return self.compartment(code, ids, alias)
            case e.InList(id_):
                return self.in_list(id_, alias)
            case e.Content(words, narrative):
                return self.content(words, alias, narrative=narrative)
            case e.Belongs(column, type_, where):
                return self.belongs(column, type_, where, alias)
        raise AssertionError(expression)

    @staticmethod
    def _and(parts: list[str]) -> str:
        if NEVER in parts:
            return NEVER
        kept = [part for part in dict.fromkeys(parts) if part != ALWAYS]
        if not kept:
            return ALWAYS
        return kept[0] if len(kept) == 1 else f"({' AND '.join(kept)})"

    @staticmethod
    def _or(parts: list[str]) -> str:
        if ALWAYS in parts:
            return ALWAYS
        kept = [part for part in dict.fromkeys(parts) if part != NEVER]
        if not kept:
            return NEVER
        return kept[0] if len(kept) == 1 else f"({' OR '.join(kept)})"

    @staticmethod
    def _not(part: str) -> str:
        return {ALWAYS: NEVER, NEVER: ALWAYS}.get(part) or f"NOT ({part})"

    def conjuncts(self, parts: Sequence[Condition], alias: Alias) -> list[str]:
        """Conditions that must all be true; several on one date that is single are one look at its row."""
        found: list[str] = []
        spans: dict[str, list[e.Date]] = {}
        for part in parts:
            match part:
                case e.Match(code, e.Date() as test) if self.single(code, alias):
                    spans.setdefault(code, []).append(test)
                case _:
                    found.append(self.where(part, alias))
        for code, tests in spans.items():
            paths = [path for parameter in self.parameters(alias, code) for path in parameter.paths]
            conditions = [f"({values.date(test, 'x.low', 'x.high', self.arg)})" for test in tests]
            found.append(self.exists("ix_date", alias, paths, self._and(conditions)))
        return found

    def single(self, code: str, alias: Alias) -> bool:
        """Whether a date parameter of the alias's one type has at most one value."""
        if len(alias.types) != 1:
            return False
        known = catalogue(self.scope.definitions, alias.types[0]).parameters.get(code)
        return known is not None and known.kind == "date" and len(known.paths) == 1 and known.paths[0].single

    def is_name(self, code: str, alias: Alias) -> bool:
        """Whether a parameter of the alias's types looks at people's names."""
        return any(is_name([path]) for parameter in self.parameters(alias, code) for path in parameter.paths)

    def is_narrow(self, code: str, alias: Alias) -> bool:
        """Whether a value of a parameter belongs to few resources: an identifier, a patient, a visit."""
        return any(
            "Identifier" in path.leaves
            or (
                parameter.kind == "reference"
                and (
                    parameter.targets == {"Patient"} or path.elements[-1:] == (f"{parameter.type}.encounter",)
                )
            )
            for parameter in self.parameters(alias, code)
            for path in parameter.paths
        )

    def _alternatives(self, parts: tuple[e.Expression, ...], alias: Alias) -> list[str]:
        """Alternatives; those of one token parameter as one, so that a list of codes is one look into the index."""
        found: list[str] = []
        tokens: dict[tuple[str, str | None], list[e.Token]] = {}
        for part in parts:
            match part:
                case e.Match(code, e.Token(system, str()) as test):
                    tokens.setdefault((code, system), []).append(test)
                case _:
                    found.append(self.where(part, alias))
        for (code, _), tests in tokens.items():
            found.append(self.tokens(self.parameters(alias, code), tests, alias))
        return found

    # --- parameters ----------------------------------------------------------------------------------------

    def parameters(self, alias: Alias, code: str) -> list[Parameter]:
        """The parameter of each of the alias's types; refused when it looks at what is hidden."""
        found = []
        for type_ in self.types(alias):
            parameter = catalogue(self.scope.definitions, type_).parameters.get(code)
            if parameter is None:
                if alias.types:
                    raise UnknownParameter(f"“{code}” of {type_}.", vi=f"“{code}” của {type_}.")
                continue
            self.refuse_hidden(parameter)
            found.append(parameter)
        return found

    def refuse_hidden(self, parameter: Parameter) -> None:
        """A parameter that touches a hidden element may not be used by whom it is hidden from."""
        if not self.trusted and is_hidden(parameter, self.scope.policy.hidden(parameter.type)):
            raise HiddenParameter(
                f"“{parameter.code}” of {parameter.type}.", vi=f"“{parameter.code}” của {parameter.type}."
            )

    def path(self, path: Path) -> int | None:
        """The number of a path; None when nothing was ever stored of it."""
        found = self.facts.paths.get(path.key)
        if found is None:
            if path.type not in self.facts.types and not self.scope.registry.knows(
                path.type, self.scope.definitions
            ):
                self.facts.wanted_types.add(path.type)
            return None
        if self.scope.registry.waits(found) and not self.trusted:
            # Another process may have filled it since this one looked.
            if self.facts.waiting_read:
                raise StillIndexing.of(path.expression, *self.scope.registry.progress(path.type))
            self.facts.wants_waiting = True
        return found

    def on(self, name: str, paths: Sequence[Path]) -> str | None:
        """The condition that a search row is of one of these paths; None when none is stored."""
        numbers = sorted({number for path in paths if (number := self.path(path)) is not None})
        if not numbers:
            return None
        if len(numbers) == 1:
            return f"{name}.path = {numbers[0]}"
        return f"{name}.path = ANY('{{{','.join(map(str, numbers))}}}'::integer[])"

    def system(self, uri: str) -> int | None:
        """The number of a code system; None when no value has it."""
        if uri == "":
            return 0
        found = self.facts.systems.get(uri)
        if found is None and uri not in self.facts.absent:
            self.facts.wanted_systems.add(uri)
        return found

    def exists(self, table: str, alias: Alias, paths: Sequence[Path], condition: str, join: str = "") -> str:
        """The resource has a search row of one of these paths that fulfils a condition on `x`."""
        on = self.on("x", paths)
        if on is None or condition == NEVER:
            return NEVER
        more = "" if condition == ALWAYS else f" AND {condition}"
        return (
            f"EXISTS (SELECT FROM record.{table} x{join}"
            f" WHERE x.tenant = $1 AND x.resource = {alias.name}.key AND {on}{more}{self.asked})"
        )

    @property
    def asked(self) -> str:
        """What keeps the planner from gathering all rows that fulfil a condition, where one row is asked for it."""
        return " OFFSET 0" if self.one else ""

    # --- one parameter -------------------------------------------------------------------------------------

    def match(self, parameters: list[Parameter], test: e.Test, alias: Alias) -> str:
        """A value of the parameter passes the test."""
        if isinstance(test, e.Together):
            return self._or(
                [self.together(composite, test, alias) for p in parameters for composite in p.composites]
            )
        groups = alike(path for parameter in parameters for path in parameter.paths)
        return self._or(
            [
                self.value(group, test, alias, [p for p in parameters if set(p.paths) & set(group)])
                for group in groups
            ]
        )

    def value(self, paths: list[Path], test: e.Test, alias: Alias, parameters: list[Parameter]) -> str:
        """A value on one of these paths, which hold values of one kind, passes the test."""
        match test:
            case e.Other(inner):
                return self.other(paths, inner, alias, parameters)
            case e.Reference():
                return self.reference(paths, test, alias, parameters)
            case e.Hierarchy() if paths[0].kind == "reference":
                return self.below(paths, test, alias)
            case e.Text(text, "starts") if is_name(paths):
                words = text.split() or [""]
                return self._and(
                    [
                        self.exists("ix_string", alias, paths, values.prefix_range("x.folded", w, self.arg))
                        for w in words
                    ]
                )
            case e.OfType(system, code, value):
                condition = f"x.code = {self.arg(code)} AND x.kind = 't' AND x.text2 = {self.arg(value)}"
                return self.exists(
                    "ix_composite", alias, paths, self._and([self.of_system(system), condition])
                )
            case e.TokenText(text):
                return self.exists("ix_string", alias, paths, values.prefix_range("x.folded", text, self.arg))
            case e.InValueSet(url):
                return self.in_value_set(paths, url, alias)
            case e.Hierarchy():
                return self.subsumed(paths, test, alias)
            case e.Identified(inner):
                return self.exists("ix_token", alias, paths, self.token(paths, inner))
            case e.Near():
                return self.exists("ix_composite", alias, paths, self.near(test))
        table, condition = self.row(paths, test)
        return self.exists(table, alias, paths, condition)

    def row(self, paths: list[Path], test: e.Test) -> tuple[str, str]:
        """The table a value lies in, and the test as a condition on its row."""
        match test:
            case e.Token():
                return "ix_token", self.token(paths, test)
            case e.Text(text, "exact"):
                exact = f"x.folded = {self.arg(fold(text)[:MAX_FOLDED])} AND x.exact = {self.arg(text[:MAX_EXACT])}"
                return "ix_string", exact
            case e.Text():
                return "ix_string", values.text(test, self.arg)
            case e.Date():
                return "ix_date", values.date(test, "x.low", "x.high", self.arg)
            case e.Number():
                return "ix_quantity", values.number(test, "x.low", "x.high", self.arg)
            case e.Quantity():
                return "ix_quantity", self.quantity(test, "x.system")
            case e.Uri():
                canonical = any("canonical" in path.leaves for path in paths)
                return "ix_uri", values.uri(test, self.arg, canonical=canonical)
        raise AssertionError(test)

    def other(self, paths: list[Path], test: e.Test, alias: Alias, parameters: list[Parameter]) -> str:
        """A value that does not pass the test (search_filter.html, ne)."""
        if isinstance(test, e.Reference):
            here = (
                self._not(self.among("x.target", self.addressed(test, parameters)))
                if test.url is None
                else ALWAYS
            )
            elsewhere = ALWAYS if test.url is None else f"x.value <> {self.arg(test.url)}"
            return self._or(
                [
                    self.exists("ix_reference", alias, paths, here),
                    self.exists("ix_uri", alias, paths, elsewhere),
                ]
            )
        table, condition = self.row(paths, test)
        exact = " AND x.exact IS NOT NULL" if table == "ix_string" else ""
        return self.exists(table, alias, paths, f"({condition}) IS NOT TRUE{exact}")

    def missing(self, parameters: list[Parameter], alias: Alias) -> str:
        """The parameter has no value, told in any form."""
        present: list[str] = []
        for parameter in parameters:
            for composite in parameter.composites:
                if composite.path is not None:
                    present.append(self.exists("ix_composite", alias, [composite.path], ALWAYS))
                else:
                    parts = [self.present(list(part.paths), alias) for part in composite.parts]
                    present.append(self._and(parts))
        paths = [path for parameter in parameters for path in parameter.paths]
        if paths:
            present.append(self.present(paths, alias))
        return self._not(self._or(present))

    def present(self, paths: list[Path], alias: Alias) -> str:
        """There is a value on one of these paths."""
        tables = dict.fromkeys(table for path in paths for table in TABLES[path.kind])
        return self._or([self.exists(table, alias, paths, ALWAYS) for table in tables])

    # --- tokens --------------------------------------------------------------------------------------------

    def of_system(self, system: str | None, column: str = "x.system") -> str:
        """The system is this one; None is any."""
        if system is None:
            return ALWAYS
        number = self.system(system)
        return NEVER if number is None else f"{column} = {self.arg(number)}"

    def token(self, paths: list[Path], test: e.Token) -> str:
        """A code or number, with its system where one is asked."""
        leaves = frozenset(leaf for path in paths for leaf in path.leaves)
        code = ALWAYS if test.code is None else f"x.code = {self.arg(token_code(test.code, leaves))}"
        if test.system and leaves <= PLAIN:
            return self._and([code, self._implied(paths, test)])
        return self._and([code, self.of_system(test.system)])

    def _implied(self, paths: list[Path], test: e.Token) -> str:
        """A plain code has the system that its binding implies (search.html#token)."""
        for path in paths:
            codes = self.scope.definitions.value_set_codes(path.binding) if path.binding else None
            if codes is None and path.binding is None:
                continue
            if codes is None or any(
                system == test.system and (test.code is None or code.lower() == test.code.lower())
                for system, code in codes
            ):
                return ALWAYS
        return NEVER

    def tokens(self, parameters: list[Parameter], tests: list[e.Token], alias: Alias) -> str:
        """One of several codes of one system (or of any)."""
        found: list[str] = []
        for paths in alike(path for parameter in parameters for path in parameter.paths):
            leaves = frozenset(leaf for path in paths for leaf in path.leaves)
            if tests[0].system and leaves <= PLAIN:
                found += [self.exists("ix_token", alias, paths, self.token(paths, test)) for test in tests]
                continue
            codes = [token_code(test.code or "", leaves) for test in tests]
            condition = f"x.code = ANY({self.arg(codes)}::text[])"
            found.append(
                self.exists("ix_token", alias, paths, self._and([condition, self.of_system(tests[0].system)]))
            )
        return self._or(found)

    def in_value_set(self, paths: list[Path], url: str, alias: Alias) -> str:
        """The code is in a value set, by a join with its members."""
        number = self.scope.codes.value_set_id(url)
        if number is None:
            raise UnknownValueSet(url)
        plain = all(path.leaves <= PLAIN for path in paths)
        system = "" if plain else " AND m.system = x.system"
        member = f"m.value_set = {self.arg(number)} AND lower(m.code) = x.code{system}"
        return self.exists(
            "ix_token", alias, paths, ALWAYS, f" JOIN reference.value_set_member m ON {member}"
        )

    def subsumed(self, paths: list[Path], test: e.Hierarchy, alias: Alias) -> str:
        """The code lies at or below (above) another one."""
        ways = self.related(test)
        return self.exists("ix_token", alias, paths, f"({self._or(ways)})") if ways else NEVER

    def related(self, test: e.Hierarchy) -> list[str]:
        """The ways in which a code may lie at or below (above) another: by the listed ancestors, by the letters of ICD."""
        near, far = ("code", "ancestor") if test.direction == "below" else ("ancestor", "code")
        of_system = of_list = ALWAYS
        letters: list[int] = []
        listed = True
        if test.system is None:
            letters = self.lettered()
        else:
            known = self.system(test.system)
            if known is None:
                return []
            listed = self.tree(known)
            place = self.arg(known)
            of_system, of_list = f"x.system = {place}", f"a.system = {place}"
            if not listed and any(mark in test.system.lower() for mark in ICD):
                letters = [known]
        among = f"{self.arg([token(test.code)])}::text[]"
        if listed:
            spellings = self.arg(sorted({test.code, test.code.upper(), test.code.lower()}))
            related = f"SELECT lower(a.{near}) FROM reference.concept_ancestor a"
            among += f" || ARRAY({related} WHERE a.{far} = ANY({spellings}::text[]) AND {of_list or ALWAYS})"
        ways = [] if letters and not listed else [self._and([f"x.code = ANY({among})", of_system])]
        if letters:
            ways.append(self._and([self._lettered(test, letters), of_system]))
        return ways

    def _lettered(self, test: e.Hierarchy, systems: list[int]) -> str:
        code = token(test.code)
        of = f"x.system = ANY({self.arg(systems)}::integer[])"
        if test.direction == "below":
            return f"{values.prefix_range('x.code', code, self.arg)} AND {of}"
        return (
            f"x.code = ANY({self.arg([code, *(code[:end] for end in range(3, len(code)))])}::text[]) AND {of}"
        )

    def lettered(self) -> list[int]:
        """The systems whose codes are a tree by their letters."""
        if self.facts.lettered is None:
            self.facts.wants_lettered = True
        return self.facts.lettered or []

    def tree(self, system: int) -> bool:
        """Whether the ancestors of a system's codes are listed."""
        if system not in self.facts.trees:
            self.facts.wanted_trees.add(system)
        return self.facts.trees.get(system, False)

    # --- quantities, places, composites --------------------------------------------------------------------

    def quantity(self, test: e.Quantity, system: str, columns: tuple[str, ...] | None = None) -> str:
        """A quantity in its unit; a system that no value has matches nothing unless the unit has a base."""
        known = None
        if test.system is not None:
            known = self.system(test.system)
            if known is None:
                return NEVER
        return f"({values.quantity(test, system, self.arg, columns, known)})"

    def near(self, test: e.Near) -> str:
        """Within a distance on the sphere: a box by the index, then the haversine."""
        degrees = test.kilometres / 111.0
        latitude, longitude = self.arg(test.latitude), self.arg(test.longitude)
        return (
            f"x.kind = 'g' AND x.low BETWEEN {self.arg(test.latitude - degrees)} AND {self.arg(test.latitude + degrees)}"
            f" AND 12742.0176 * asin(least(1, sqrt(sin(radians(x.low - {latitude}) / 2) ^ 2"
            f" + cos(radians({latitude})) * cos(radians(x.low)) * sin(radians(x.high - {longitude}) / 2) ^ 2)))"
            f" <= {self.arg(test.kilometres)}"
        )

    def together(self, composite: Composite, test: e.Together, alias: Alias) -> str:
        """The parts of a composite, on the resource itself or side by side in one row."""
        if composite.path is None:
            return self._and(
                [
                    self.where(At(p.paths, one), alias)
                    for p, one in zip(composite.parts, test.parts, strict=True)
                ]
            )
        first, *rest = test.parts
        if not isinstance(first, e.Token):
            return NEVER
        code = ALWAYS if first.code is None else f"x.code = {self.arg(token(first.code))}"
        return self.exists(
            "ix_composite",
            alias,
            [composite.path],
            self._and([code, self.of_system(first.system), self.second(rest)]),
        )

    def second(self, tests: list[e.Test]) -> str:
        """The further parts of a joined row."""
        match tests:
            case [e.Token(system, code)]:
                named = ALWAYS if code is None else f"x.text2 = {self.arg(token(code))}"
                return self._and(["x.kind = 't'", named, self.of_system(system, "x.system2")])
            case [e.Text(text)]:
                return self._and(["x.kind = 's'", values.prefix_range("x.text2", text, self.arg)])
            case [e.Date() as test]:
                return f"x.kind = 'd' AND {values.date(test, 'x.from2', 'x.to2', self.arg)}"
            case [e.Number() as test]:
                return f"x.kind = 'n' AND {values.number(test, 'x.low', 'x.high', self.arg)}"
            case [e.Quantity() as test]:
                columns = ("x.text2", "x.low", "x.high", "x.base", "x.base_low", "x.base_high")
                return self._and(["x.kind = 'n'", self.quantity(test, "x.system2", columns)])
            case [e.Reference(type_, id_, url)]:
                if url is not None:
                    return f"x.kind = 'r' AND x.text2 = {self.arg(url)}"
                if type_ is not None:
                    return f"x.kind = 'r' AND x.text2 = {self.arg(f'{type_}/{id_}')}"
                return f"x.kind = 'r' AND right(x.text2, {len(id_ or '') + 1}) = {self.arg(f'/{id_}')}"
            case [e.Number() as one, e.Number() as two]:
                both = (
                    values.number(one, "x.low", "x.low", self.arg),
                    values.number(two, "x.high", "x.high", self.arg),
                )
                return f"x.kind = 'p' AND {both[0]} AND {both[1]}"
        return NEVER

    # --- references ----------------------------------------------------------------------------------------

    def addressed(self, test: e.Reference, parameters: list[Parameter]) -> list[int]:
        """The keys that a reference means; those merged into a patient are meant with him."""
        allowed: set[str] = set()
        for parameter in parameters:
            allowed |= parameter.targets
        types = {test.type} if test.type is not None else allowed & self.scope.definitions.resource_types
        return self.keys(sorted(types or self.scope.definitions.resource_types), test.id or "")

    def keys(self, types: Sequence[str], id_: str) -> list[int]:
        """The keys of an address."""
        address = tuple(self.number(type_) for type_ in types), id_
        if address not in self.facts.keys:
            self.facts.wanted_keys[address] = None
        return self.facts.keys.get(address, [])

    def among(self, column: str, keys: list[int]) -> str:
        """The column is one of these keys."""
        if not keys:
            return NEVER
        return (
            f"{column} = {self.arg(keys[0])}"
            if len(keys) == 1
            else f"{column} = ANY({self.arg(keys)}::bigint[])"
        )

    def reference(
        self, paths: list[Path], test: e.Reference, alias: Alias, parameters: list[Parameter]
    ) -> str:
        """It refers to this resource or address."""
        if test.url is not None:
            canonical = any(path.leaves & {"canonical", "uri"} for path in paths)
            return self.exists(
                "ix_uri", alias, paths, values.uri(e.Uri(test.url), self.arg, canonical=canonical)
            )
        keys = self.addressed(test, parameters)
        return self.exists("ix_reference", alias, paths, self.among("x.target", keys))

    def below(self, paths: list[Path], test: e.Hierarchy, alias: Alias) -> str:
        """It refers to a resource at or below (above) this one in the tree of its type."""
        type_ = test.system
        if type_ is None or type_ not in TREES:
            return NEVER
        parent = catalogue(self.scope.definitions, type_).parameters[TREES[type_]]
        self.refuse_hidden(parent)
        on = self.on("c", parent.paths)
        name = self.fresh("t")
        live = self.live(Alias("n", (type_,)))
        top = self.among("n.key", self.keys([type_], test.code))
        start = f"SELECT n.key FROM record.resource n WHERE {top} AND {live}"
        if on is None:
            tree = start
        else:
            near, far = ("target", "resource") if test.direction == "below" else ("resource", "target")
            tree = (
                f"WITH RECURSIVE {name}(key) AS ({start} UNION SELECT c.{far} FROM {name}"
                f" JOIN record.ix_reference c ON c.tenant = $1 AND {on} AND c.{near} = {name}.key"
                f" JOIN record.resource n ON n.key = c.{far} AND {live}) SELECT key FROM {name}"
            )
        return self.exists("ix_reference", alias, paths, f"x.target = ANY(ARRAY({tree}))")

    def chain(
        self, parameters: list[Parameter], types: tuple[str, ...], where: e.Expression, alias: Alias
    ) -> str:
        """It refers to a resource of one of these types that is such."""
        target = Alias(self.fresh("t"), types)
        paths = [path for parameter in parameters for path in parameter.paths]
        source = matches(self, where, target)
        if source.nothing:
            return NEVER
        whom = f"{target.name}.key = x.target"
        if "Patient" in types and self.merged():
            whom = f"{target.name}.key = ANY(record.survivors($1, x.target))"
        found = [self.exists("ix_reference", alias, paths, f"{whom} AND {source.where}", f", {source.text}")]
        addresses = [p for p in paths if p.leaves & {"canonical", "uri"}]
        urls = self.on("u", self.url_paths(types)) if addresses else None
        if urls is not None:
            join = (
                f" JOIN record.ix_uri u ON u.tenant = $1 AND {urls} AND u.value = split_part(x.value, '|', 1)"
            )
            such = f"{target.name}.key = u.resource AND {source.where}"
            found.append(self.exists("ix_uri", alias, addresses, such, f"{join}, {source.text}"))
        return self._or(found)

    def url_paths(self, types: Sequence[str]) -> list[Path]:
        """Where some types keep their canonical addresses."""
        found: list[Path] = []
        for type_ in types:
            parameter = catalogue(self.scope.definitions, type_).parameters.get("url")
            found += parameter.paths if parameter is not None else ()
        return found

    def has(self, type_: str, code: str, where: e.Expression, alias: Alias) -> str:
        """A resource that refers here is such."""
        source = Alias(self.fresh("s"), (type_,))
        paths = [path for parameter in self.parameters(source, code) for path in parameter.paths]
        on = self.on("x", paths)
        whom = f"x.target = {alias.name}.key"
        if "Patient" in self.types(alias) and self.merged():
            whom = f"x.target = ANY(record.merged_with($1, {alias.name}.key))"
        if on is None:
            return NEVER
        start = "EXISTS (SELECT FROM record.ix_reference x"
        if not self.one and (self.trusted or self.scope.policy.unrestricted) and isinstance(where, e.Match):
            # Search rows are there for what is there: where all of it may be seen, its own row need not be looked at.
            rows = self.rows(where, source)
            if rows is not None:
                name = self.fresh("j")
                join = f" JOIN ({rows}) {name} ON {name}.resource = x.resource"
                return NEVER if rows == NEVER else f"{start}{join} WHERE x.tenant = $1 AND {whom} AND {on})"
        if self.one:
            such = self._and([self.live(source), self.where(where, source)])
            join = f" JOIN record.resource {source.name} ON {source.name}.key = x.resource"
            asked = f"{start}{join} WHERE x.tenant = $1 AND {whom} AND {on} AND {such}{self.asked})"
            return NEVER if such == NEVER else asked
        found = matches(self, where, source)
        if found.nothing:
            return NEVER
        return (
            f"{start}, {found.text}"
            f" WHERE x.tenant = $1 AND {whom} AND {on} AND {source.name}.key = x.resource AND {found.where})"
        )

    def merged(self) -> bool:
        """Whether any patient of this tenant was merged into another."""
        if self.facts.merged is None:
            self.facts.wants_merged = True
        return bool(self.facts.merged)

    def compartment(self, code: str, ids: tuple[str, ...] | None, alias: Alias) -> str:
        """It belongs to the compartment of one of these resources (None is any of the type).

        It is one of them, or refers to one by a parameter of the compartment.
        """
        members = self.scope.definitions.compartment(code)
        paths: list[Path] = []
        itself = False
        for type_ in self.types(alias):
            known = catalogue(self.scope.definitions, type_)
            for name in members.get(type_, ()):
                if name == "{def}":
                    itself = True
                elif (parameter := known.parameters.get(name)) is not None and (
                    self.trusted or not is_hidden(parameter, self.scope.policy.hidden(type_))
                ):
                    paths.extend(parameter.paths)
        on = self.on("x", paths)
        if ids is None:
            found = [] if on is None else [self.refers_to_any(code, on, alias)]
            return self._or([*([self.of_types(alias.name, (code,))] if itself else ()), *found])
        keys = [key for id_ in ids for key in self.keys([code], id_)]
        parts = []
        if on is not None and keys:
            whose = self.among("x.target", keys)
            parts.append(
                f"SELECT x.resource FROM record.ix_reference x WHERE x.tenant = $1 AND {on} AND {whose}"
            )
        if itself and keys:
            parts.append(f"SELECT unnest({self.arg(keys)}::bigint[])")
        return f"{alias.name}.key IN ({' UNION ALL '.join(parts)})" if parts else NEVER

    def refers_to_any(self, type_: str, on: str, alias: Alias) -> str:
        """A reference on some paths leads to a resource of this type, which may have been deleted since.

        Nearly every resource that is asked does, so it is asked one by one: written so, the planner cannot gather all of
        them first.
        """
        whom = self.fresh("t")
        return (
            f"(SELECT true FROM record.ix_reference x JOIN record.resource {whom} ON {whom}.key = x.target"
            f" WHERE x.tenant = $1 AND x.resource = {alias.name}.key AND {on}"
            f" AND {whom}.tenant = $1 AND {self.of_types(whom, (type_,))} LIMIT 1) IS TRUE"
        )

    def in_list(self, id_: str, alias: Alias) -> str:
        """It is an entry of a List that may be seen."""
        source = Alias(self.fresh("l"), ("List",))
        paths = [path for parameter in self.parameters(source, "item") for path in parameter.paths]
        on = self.on("x", paths)
        if on is None:
            return NEVER
        return (
            f"{alias.name}.key IN (SELECT x.target FROM record.ix_reference x"
            f" JOIN record.resource {source.name} ON {source.name}.key = x.resource"
            f" WHERE x.tenant = $1 AND {on} AND {source.name}.id = {self.arg(id_)} AND {self.live(source)})"
        )

    def content(self, words: tuple[str, ...], alias: Alias, *, narrative: bool) -> str:
        """All the words stand in the narrative (each may be the beginning of one), or anywhere in the text as saved."""
        if not self.trusted:
            for type_ in self.types(alias):
                if self.scope.policy.hidden(type_):
                    raise HiddenParameter("_text" if narrative else "_content")
        name = alias.name
        if narrative:
            # Letters and digits only, so that nothing in a lexeme needs escaping.
            begins = " & ".join(f"'{part}':*" for word in words for part in _WORD.findall(word))
            if not begins:
                return NEVER
            return (
                f"EXISTS (SELECT FROM record.ix_text x WHERE x.tenant = $1 AND x.resource = {name}.key"
                f" AND x.words @@ {self.arg(begins)}::text::tsquery)"
            )
        found = " AND ".join(f"position({self.arg(word)} IN record.fold(x.body)) > 0" for word in words)
        return (
            "EXISTS (SELECT FROM record.version x WHERE x.tenant = $1"
            f" AND x.resource = {name}.key AND x.vid = {name}.vid AND x.recorded = {name}.recorded AND {found})"
        )

    def belongs(self, column: e.Column, type_: str, where: e.Expression, alias: Alias) -> str:
        """What the current row says it belongs to is such."""
        owner = Alias(self.fresh("o"), (type_,))
        such = self._and([self.live(owner), self.where(where, owner)])
        if such == NEVER:
            return NEVER
        whom = f"{owner.name}.key = {alias.name}.{column}"
        if column == "patient" and self.merged():
            whom = f"{owner.name}.key = ANY(record.survivors($1, {alias.name}.patient))"
        return f"EXISTS (SELECT FROM record.resource {owner.name} WHERE {whom} AND {such}{self.asked})"

    def in_state(self, states: tuple[int, ...], alias: Alias) -> str:
        """The state of its dossier, or its own where it belongs to none, is one of these."""
        dossier, wanted = self.fresh("d"), ",".join(str(int(state)) for state in states)
        return (
            f"coalesce((SELECT {dossier}.state FROM record.resource {dossier} WHERE {dossier}.tenant = $1"
            f" AND {dossier}.key = {alias.name}.dossier), {alias.name}.state) = ANY('{{{wanted}}}'::smallint[])"
        )

    def joined(self, expression: Condition, alias: Alias) -> str | None:
        """A criterion as a subquery that has each resource once at most, to be joined; None where it is not that.

        For a condition that stands by itself.  An inner join may be walked in the order of keys until a page is full,
        while a semi-join gathers everything first.
        """
        match expression:
            case e.Match(code, e.Token(_, str()) as test):
                return self._coded(self._one_path(alias, code, "token"), test, once=True)
            case At([path], e.Token(_, str()) as test):
                return self._coded(path, test, once=True)
            case e.Match(code, e.Reference(_, str(), None) as test):
                place = self._one_path(alias, code, "reference")
                if place is None:
                    return None
                keys = self.addressed(test, self.parameters(alias, code))
                return (
                    None if len(keys) > 1 else self._rows("ix_reference", place, self.among("x.target", keys))
                )
        return None

    def gathered(self, expression: Condition, alias: Alias) -> str | None:
        """The same for a criterion that may meet a resource several times: sorted and made distinct before the join."""
        match expression:
            case e.Match(code, e.Token(_, str()) as test):
                return self._coded(self._one_path(alias, code, "token"), test, once=False)
            case At([path], e.Token(_, str()) as test):
                return self._coded(path, test, once=False)
            case e.Match(code, e.Text(text, "starts")):
                place = self._one_path(alias, code, "string")
                if place is None:
                    return None
                return self._rows(
                    "ix_string", place, values.prefix_range("x.folded", text, self.arg), distinct=True
                )
            case e.Match(code, e.Hierarchy() as test):
                place = self._one_path(alias, code, "token")
                if place is None:
                    return None
                ways = [self._rows("ix_token", place, way) for way in self.related(test)]
                return self._newest([way for way in ways if way != NEVER], "UNION")
        return None

    def rows(self, expression: Condition, alias: Alias) -> str | None:
        """The search rows of a criterion as they are, a resource once or several times; None where it is not that."""
        found = self.joined(expression, alias) or self.gathered(expression, alias)
        return found if found is None else plain(found)

    def intersected(self, words: Sequence[Condition], alias: Alias) -> str | None:
        """The resources that have a name with each of these words, by the words' own rows and not by probes of each."""
        found: list[str] = []
        for word in words:
            if not isinstance(word, e.Match) or not isinstance(word.test, e.Text):
                return None
            place = self._one_path(alias, word.code, "string")
            if place is None:
                return None
            begins = values.prefix_range("x.folded", word.test.text, self.arg)
            found.append(self._rows("ix_string", place, begins))
        return NEVER if NEVER in found else self._newest(found, "INTERSECT")

    @staticmethod
    def _newest(rows: list[str], joined: str) -> str:
        """Several sets of rows as one in which each resource stands once, the newest first."""
        if not rows:
            return NEVER
        if len(rows) == 1:
            return rows[0].replace("SELECT ", "SELECT DISTINCT ", 1) + " ORDER BY x.resource DESC"
        return f" {joined} ".join(rows) + " ORDER BY resource DESC"

    def _coded(self, path: Path | None, test: e.Token, *, once: bool) -> str | None:
        """The rows of a code; `once` only where a resource has it once at most: of one system, or a plain code."""
        if path is None or (once and test.system is None and not path.leaves <= PLAIN):
            return None
        return self._rows("ix_token", path, self.token([path], test), distinct=not once)

    def composite_parts(self, code: str, test: e.Together, alias: Alias) -> list[Condition] | None:
        """The parts of a composite that stands on the resource itself, as criteria of their own."""
        parameters = self.parameters(alias, code)
        if (
            len(parameters) != 1
            or len(parameters[0].composites) != 1
            or parameters[0].composites[0].path is not None
        ):
            return None
        parts = parameters[0].composites[0].parts
        return [At(part.paths, one) for part, one in zip(parts, test.parts, strict=True)]

    def _one_path(self, alias: Alias, code: str, kind: str) -> Path | None:
        """The one path of a parameter of the alias's one type."""
        if len(alias.types) != 1:
            return None
        (parameter,) = self.parameters(alias, code)
        return parameter.paths[0] if len(parameter.paths) == 1 and parameter.kind == kind else None

    def _rows(self, table: str, path: Path, condition: str, *, distinct: bool = False) -> str:
        on = self.on("x", [path])
        if on is None or condition == NEVER:
            return NEVER
        rows = f"x.resource FROM record.{table} x WHERE {self._and(['x.tenant = $1', on, condition])}"
        return f"SELECT DISTINCT {rows} ORDER BY x.resource DESC" if distinct else f"SELECT {rows}"

    def patients_row(self, alias: Alias, expression: Condition) -> str | None:
        """A criterion on the patient as a look at the current row's own column, where that says the same.

        Only for a condition that stands by itself: the column is NULL for what belongs to nobody.
        """
        match expression:
            case e.Match(code, e.Reference(type_, str() as id_, None)) if len(alias.types) == 1 and type_ in (
                None,
                "Patient",
            ):
                (parameter,) = self.parameters(alias, code)
                if parameter.kind != "reference" or (type_ is None and parameter.targets != {"Patient"}):
                    return None
                if [path.expression for path in parameter.paths] != [
                    patient_path(self.scope, alias.types[0])
                ]:
                    return None
                return self.among(f"{alias.name}.patient", self.keys(["Patient"], id_))
        return None
