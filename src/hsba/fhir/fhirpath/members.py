"""From a node to its children: choices (value → valueQuantity), extensions of primitives, lists with gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from hsba.fhir.fhirpath.scope import Items, Node, Scope

CHOICES: Final = frozenset({
    "abatement", "additive", "age", "allowed", "amount", "answer", "asNeeded", "author", "born",
    "bounds", "characteristic", "chargeItem", "code", "collected", "content", "created", "date",
    "deceased", "defaultValue", "definingSubstance", "definition", "detail", "diagnosis", "dose",
    "doseNumber", "due", "effective", "entity", "event", "example", "fastingStatus", "fixed",
    "identified", "indication", "item", "legallyBinding", "location", "manufacturer", "maxValue",
    "medication", "minValue", "minimumVolume", "module", "multipleBirth", "name", "occurred",
    "occurrence", "offset", "onset", "participantEffective", "pattern", "performed", "probability",
    "procedure", "product", "quantity", "rate", "reported", "scheduled", "seriesDoses", "serviced",
    "source", "start", "statusReason", "studyEffective", "subject", "substance", "target", "time",
    "timing", "topic", "used", "value", "when",
})  # fmt: skip
"""The names of all elements of R4 that are a choice of types; a test compares them with the definitions."""

SUFFIXES: Final = frozenset({
    "Address", "Age", "Annotation", "Attachment", "Base64Binary", "Boolean", "Canonical", "Code",
    "CodeableConcept", "Coding", "ContactDetail", "ContactPoint", "Contributor", "Count",
    "DataRequirement", "Date", "DateTime", "Decimal", "Distance", "Dosage", "Duration",
    "Expression", "HumanName", "Id", "Identifier", "Instant", "Integer", "Markdown", "Meta",
    "Money", "Oid", "ParameterDefinition", "Period", "PositiveInt", "Quantity", "Range", "Ratio",
    "Reference", "RelatedArtifact", "SampledData", "Signature", "String", "Time",
    "Timing", "TriggerDefinition", "UnsignedInt", "Uri", "Url", "UsageContext", "Uuid",
})  # fmt: skip
"""The types of R4's choices as they end a JSON name; a test compares them with the definitions."""

Step: TypeAlias = Callable[[Scope, Items], Items]
Extra: TypeAlias = dict[str, Any] | None


def choice_key(value: dict[str, Any], name: str) -> str | None:
    """The JSON name under which a choice is present: "valueQuantity" for "value"."""
    size = len(name)
    for key in value:
        if key.startswith(name):
            if key[size:] in SUFFIXES:
                return key
        elif key.startswith("_") and key.startswith(name, 1) and key[size + 1 :] in SUFFIXES:
            return key[1:]
    return None


def member(name: str) -> Step:
    """A step from each item to its children of one name."""
    under = "_" + name
    is_choice = name in CHOICES

    def step(scope: Scope, items: Items) -> Items:  # noqa: ARG001 - every step is called alike
        found: list[Node] = []
        for item in items:
            if type(item) is not Node:
                continue
            value = item.value
            if type(value) is dict:
                child = value.get(name)
                if type(child) is dict:
                    found.append(Node(child, None, name, item))
                elif child is not None or under in value:
                    add_children(found, item, name, child, value.get(under))
                elif is_choice:
                    key = choice_key(value, name)
                    if key is not None:
                        add_children(found, item, key, value.get(key), value.get("_" + key))
            elif item.extra:
                child = item.extra.get(name)
                if child is not None:
                    add_children(found, item, name, child, None)
        return found

    return step


def add_children(found: list[Node], parent: Node, key: str, value: Any, extra: Any) -> None:
    """Add the nodes of one JSON member: one, or one for each entry of a list and of its ``_`` sibling."""
    if type(value) is list:
        extras = extra if type(extra) is list else ()
        for index, each in enumerate(value):
            beside = extras[index] if index < len(extras) else None
            if each is not None or beside is not None:
                found.append(Node(each, beside, key, parent, index))
    elif type(extra) is list:
        for index, beside in enumerate(extra):
            if beside is not None:
                found.append(Node(None, beside, key, parent, index))
    elif value is not None or extra is not None:
        found.append(Node(value, extra if type(extra) is dict else None, key, parent))


def children(node: Node) -> list[Node]:
    """All children of a node in the order they stand in; for a primitive its id and extensions."""
    found: list[Node] = []
    value = node.value
    if type(value) is dict:
        for key, child in value.items():
            if key == "resourceType":
                continue
            if key.startswith("_"):
                if key[1:] not in value:
                    add_children(found, node, key[1:], None, child)
            else:
                add_children(found, node, key, child, value.get("_" + key))
    elif node.extra:
        for key, child in node.extra.items():
            add_children(found, node, key, child, None)
    return found


def descendants(nodes: Items) -> Iterator[Node]:
    """All children of the nodes, their children, and so on: each level after the one above."""
    level = [node for node in nodes if type(node) is Node]
    while level:
        level = [child for node in level for child in children(node)]
        yield from level


def root_name(name: str) -> Step:
    """A step from a name that begins an expression with a capital: the context itself if that is its type."""
    inner = member(name)

    def step(scope: Scope, items: Items) -> Items:
        found: list[Any] = []
        for item in items:
            if type(item) is not Node:
                continue
            value = item.value
            if type(value) is dict and value.get("resourceType") == name:
                found.append(item)
            elif item is scope.context or item.parent is None or type(value) is not dict:
                named = scope.type_of(item)
                if named and scope.is_a(named, name):
                    found.append(item)
            else:
                found.extend(inner(scope, (item,)))
        return found

    return step
