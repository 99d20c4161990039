"""What watches a search while tests run it: a trail that keeps every line, a policy made of rules, and their promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.query import expression as e
from hsba.store.resources import Stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hsba.record.context import Context

Resource = dict[str, Any]


@dataclass
class Policy:
    """Shows what the rules say, hides the elements named, lets everybody write."""

    rules: dict[str, e.Expression] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()
    unrestricted: bool = False

    def visible(self, type: str) -> e.Expression:
        return self.rules.get(type, e.Everything())

    def hidden(self, type: str) -> frozenset[str]:
        return frozenset(one for one in self.secret if one.startswith(type + "."))

    def check(self, *args: object, **kwargs: object) -> None:
        return

    def within(self, interaction: str, type: str) -> e.Expression:
        return e.Everything()


@dataclass
class Recording:
    """A trail that keeps what it is told: the act, and `Type/id` of everything that was touched."""

    keeps_nothing = True
    """It holds its lines in memory, so a write may commit by itself as it does in the product."""
    written_by_store = False

    lines: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    requests: dict[str, list[tuple[str, frozenset[str]]]] = field(default_factory=dict)

    async def add(self, ctx: Context, interaction: str, type: str | None, subjects: Sequence[object]) -> None:
        line = (interaction, frozenset(_named(ctx, one) for one in subjects))
        self.lines.append(line)
        self.requests.setdefault(str(ctx.request), []).append(line)

    @property
    def told(self) -> set[str]:
        """Everything that any line is about."""
        return {one for _, subjects in self.lines for one in subjects}


def _named(ctx: Context, subject: object) -> str:
    if isinstance(subject, Stored):
        return f"{ctx.registry.type_name(subject.type)}/{subject.id}"
    return "/".join(subject) if isinstance(subject, tuple) else str(subject)


def addresses(ctx: Context, some: Iterable[Stored]) -> set[str]:
    """`Type/id` of each."""
    return {_named(ctx, one) for one in some}


def shown(content: Any) -> set[str]:
    """`Type/id` of every stored resource in an answer: itself, or what its bundle or parameters hold."""
    if not isinstance(content, dict):
        return set()
    if "versionId" in content.get("meta", {}):
        return {f"{content['resourceType']}/{content['id']}"} if "id" in content else set()
    parts = [*content.get("entry", ()), *content.get("parameter", ())]
    return {one for part in parts for one in shown(part.get("resource"))}


def shows(body: str | None, path: str) -> bool:
    """Whether a resource's text has a value at `Type.element.element`; `value[x]` is any of its forms."""
    if body is None:
        return False
    resource = json.parse(body.encode())
    type_, *steps = path.split(".")
    return resource["resourceType"] == type_ and _has(resource, steps)


def _has(node: Any, steps: list[str]) -> bool:
    if isinstance(node, list):
        return any(_has(one, steps) for one in node)
    if not steps:
        return True
    if not isinstance(node, dict):
        return False
    stem = steps[0].removesuffix("[x]")
    names = [
        key
        for name in node
        if (key := name.removeprefix("_")) == stem or (key.startswith(stem) and key[len(stem)].isupper())
    ]
    return any(_has(node.get(name, node.get("_" + name)), steps[1:]) for name in names)
