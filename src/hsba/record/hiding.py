"""Field rules: elements that an actor may not see leave the answer, and survive his updates untouched.

The narrative tells in words what the elements say, so it leaves with the first of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Forbidden

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.store.resources import Stored
    from hsba.store.search import Page

Resource = dict[str, Any]


class PartlyHidden(Forbidden):
    """Part of this element is hidden from you, so you cannot change it; nothing was saved."""

    vi = "Một phần của mục này bị ẩn với bạn nên bạn không sửa được; chưa lưu gì."


def _paths(ctx: Context, type: str) -> list[list[str]]:
    """What is hidden of a type, as steps below the resource: `Observation.value[x]` is `value` in any of its forms."""
    hidden = sorted(ctx.policy.hidden(type))
    found = [path.removeprefix(type + ".").replace("[x]", "").split(".") for path in hidden]
    return [*found, ["text"]] if found else found


def _drop(node: Any, steps: list[str]) -> Any:
    """A copy of the node without the element the steps lead to."""
    if isinstance(node, list):
        return [_drop(one, steps) for one in node]
    if not isinstance(node, dict):
        return node
    name, rest = steps[0], steps[1:]
    meant = [key for key in node if _is(key, name)]
    if not meant:
        return node
    if rest:
        return {**node, **{key: _drop(node[key], rest) for key in meant}}
    return {key: value for key, value in node.items() if key not in meant}


def _is(key: str, name: str) -> bool:
    """Whether a member is this element, a form of it (`valueQuantity` of `value`), or the `_` sibling of either."""
    key = key.removeprefix("_")
    return key == name or (key.startswith(name) and key[len(name)].isupper())


def without_hidden(ctx: Context, type: str, resource: Resource) -> Resource:
    """The resource as this actor may see it."""
    for steps in _paths(ctx, type):
        resource = _drop(resource, steps)
    return resource


def hide(ctx: Context, type: str, stored: Stored) -> Stored:
    """The version with its hidden elements removed; untouched bytes where nothing is hidden."""
    if ctx.policy.unrestricted or stored.body is None or not ctx.policy.hidden(type):
        return stored
    shown = without_hidden(ctx, type, json.stored(stored.body))
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
    """What an update may not see it may not remove: elements that are hidden, or hold what is, stay as before.

    Who changes the visible part of an element whose rest he does not see is refused: nobody could join the two.
    """
    if ctx.policy.unrestricted or not ctx.policy.hidden(type):
        return after
    after = without_hidden(ctx, type, after)
    if before is None:
        return after
    shown = without_hidden(ctx, type, before)
    kept: Resource = {}
    for root in {steps[0] for steps in _paths(ctx, type)}:
        there = _members(before, root)
        if _members(shown, root) != _members(after, root):
            raise PartlyHidden(f"{type}.{root}", path=f"{type}.{root}")
        kept.update(there)
    return {**after, **kept}


def _members(resource: Resource, root: str) -> Resource:
    return {key: value for key, value in resource.items() if _is(key, root)}


def part(resource: Resource, path: str) -> list[Any]:
    """What stands at an element path (`Patient.contact.telecom`), the `_` siblings and every form of it included."""
    steps = path.partition(".")[2].replace("[x]", "").split(".")
    found: list[Any] = [resource]
    for number, step in enumerate(steps, 1):
        nodes = [one for node in found for one in (node if isinstance(node, list) else [node])]
        found = [
            (key, node[key]) if number == len(steps) else node[key]
            for node in nodes
            if isinstance(node, dict)
            for key in node
            if _is(key, step)
        ]
    return found
