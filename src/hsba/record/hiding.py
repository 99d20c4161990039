"""Field rules: elements that an actor may not see leave the answer, and survive his updates untouched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hsba.fhir import json

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.store.resources import Stored
    from hsba.store.search import Page

Resource = dict[str, Any]


def _steps(type: str, path: str) -> list[str]:
    """`Patient.contact.name` as the steps below the resource."""
    return path.removeprefix(type + ".").split(".")


def _drop(node: Any, steps: list[str]) -> Any:
    """A copy of the node without the element the steps lead to, its `_name` sibling included."""
    if isinstance(node, list):
        return [_drop(one, steps) for one in node]
    if not isinstance(node, dict):
        return node
    name, rest = steps[0], steps[1:]
    if not rest:
        gone = {name, "_" + name}
        gone.update(key for key in node if key.startswith(name) and key[len(name) : len(name) + 1].isupper())
        return {key: value for key, value in node.items() if key not in gone}
    if name in node:
        return {**node, name: _drop(node[name], rest)}
    return node


def without_hidden(ctx: Context, type: str, resource: Resource) -> Resource:
    """The resource as this actor may see it."""
    for path in ctx.policy.hidden(type):
        resource = _drop(resource, _steps(type, path))
    return resource


def hide(ctx: Context, type: str, stored: Stored) -> Stored:
    """The version with its hidden elements removed; untouched bytes where nothing is hidden."""
    if ctx.policy.unrestricted or stored.body is None or not ctx.policy.hidden(type):
        return stored
    shown = without_hidden(ctx, type, json.parse(stored.body.encode()))
    return replace(stored, body=json.dump(shown).decode())


def hide_page(ctx: Context, page: Page) -> Page:
    """A search page with the field rules applied to matches and includes."""
    if ctx.policy.unrestricted:
        return page
    return replace(
        page,
        matches=[hide(ctx, ctx.registry.type_name(one.type), one) for one in page.matches],
        included=[hide(ctx, ctx.registry.type_name(one.type), one) for one in page.included],
    )


def keep_hidden(ctx: Context, type: str, before: Resource | None, after: Resource) -> Resource:
    """What an update may not see it may not remove: hidden top-level elements are carried over from before."""
    if ctx.policy.unrestricted or not ctx.policy.hidden(type):
        return after
    after = without_hidden(ctx, type, after)
    if before is None:
        return after
    hidden_roots = {_steps(type, path)[0] for path in ctx.policy.hidden(type)}
    kept = {
        key: value
        for key, value in before.items()
        if key.lstrip("_") in hidden_roots
        or any(key.startswith(r) and key[len(r) : len(r) + 1].isupper() for r in hidden_roots)
    }
    return {**after, **kept}
