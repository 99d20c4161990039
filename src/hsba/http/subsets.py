"""Parts of a resource: `_summary` and `_elements` (FHIR R4 search.html#summary, #elements), marked SUBSETTED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.http.negotiate import Shape

Resource = dict[str, Any]

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = frozenset({"resourceType", "id", "meta"})


def subset(resource: Resource, shape: Shape, definitions: Definitions) -> Resource:
    """The part of the resource that was asked for; the whole of it where no part was."""
    if shape.elements:
        return _marked(_with_elements(resource, shape.elements, definitions, modifiers=True))
    match shape.summary:
        case "true":
            return _marked(_summary(resource, resource["resourceType"], definitions))
        case "text":
            return _marked(_with_elements(resource, ("text",), definitions, modifiers=False))
        case "data":
            return _marked({name: value for name, value in resource.items() if name != "text"})
    return resource


def _marked(resource: Resource) -> Resource:
    """The resource with the tag that warns readers not to save it back."""
    meta = resource.get("meta", {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"]
    marked: Resource = {name: resource[name] for name in ("resourceType", "id") if name in resource}
    marked["meta"] = {**meta, "tag": [*tags, SUBSETTED]}
    marked.update((name, value) for name, value in resource.items() if name not in marked)
    return marked


def _with_elements(
    resource: Resource, wanted: tuple[str, ...], definitions: Definitions, *, modifiers: bool
) -> Resource:
    """The elements named, with the mandatory ones, and with modifiers where those are wanted."""
    type_ = resource["resourceType"]
    names = {name.removeprefix(type_ + ".").partition(".")[0] for name in wanted}
    elements = definitions.type(type_).elements
    kept = {}
    for name, value in resource.items():
        bare = name.removeprefix("_")
        element = elements.get(bare)
        needed = element is not None and (
            element.choice in names or element.min > 0 or (modifiers and element.is_modifier)
        )
        if name in ALWAYS or bare in names or needed:
            kept[name] = value
    return kept


def _summary(node: Resource, type_: str, definitions: Definitions) -> Resource:
    """The elements marked as summary, in backbones likewise; ids and the type stay."""
    elements = definitions.type(type_).elements
    kept: Resource = {}
    for name, value in node.items():
        element = elements.get(name.removeprefix("_"))
        if name in ALWAYS:
            kept[name] = value
        elif element is not None and (element.is_summary or element.is_modifier):
            kept[name] = _inside(value, element.content, definitions) if "." in element.content else value
    return kept


def _inside(value: Any, backbone: str, definitions: Definitions) -> Any:
    """The summary of a backbone element, or of each of a list."""
    if isinstance(value, list):
        return [_inside(one, backbone, definitions) for one in value]
    return _summary(value, backbone, definitions) if isinstance(value, dict) else value
