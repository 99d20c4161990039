"""Field rules: what is hidden leaves in every form it may have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from hsba.record.hiding import keep_hidden, without_hidden
from watch import Policy

if TYPE_CHECKING:
    from hsba.record.context import Context


def ctx(*hidden: str) -> Context:
    return cast("Context", SimpleNamespace(policy=Policy(secret=frozenset(hidden))))


@pytest.mark.parametrize(
    "hidden, left",
    [
        ("Observation.value[x]", {"valueQuantity": None, "_valueString": None}),
        ("Observation.value", {"valueQuantity": None, "_valueString": None}),
        ("Observation.valueQuantity", {"valueQuantity": None}),
        ("Observation.value[x].unit", {"valueQuantity": {"value": 1}}),
        ("Observation.component.code", {"component": [{"valueString": "a"}, {}]}),
        ("Observation.status", {"status": None, "_status": None}),
    ],
)
def test_without_hidden__takes_the_element_in_any_form_and_the_narrative(
    hidden: str, left: dict[str, Any]
) -> None:
    resource = {
        "resourceType": "Observation",
        "text": {"div": "<div>1 mg</div>"},
        "status": "final",
        "_status": {"id": "s"},
        "valueQuantity": {"value": 1, "unit": "mg"},
        "_valueString": {"id": "v"},
        "component": [{"code": {"text": "x"}, "valueString": "a"}, {"code": {"text": "y"}}],
    }

    shown = without_hidden(ctx(hidden), "Observation", resource)

    wanted = {**resource, "text": None, **left}
    assert shown == {name: value for name, value in wanted.items() if value is not None}


def test_without_hidden__where_nothing_is_hidden_the_narrative_stays() -> None:
    resource = {"resourceType": "Observation", "text": {"div": "<div/>"}}

    assert without_hidden(ctx("Patient.name"), "Observation", resource) == resource


def test_keep_hidden__an_update_keeps_what_its_author_did_not_see() -> None:
    before = {
        "resourceType": "Observation",
        "status": "final",
        "valueString": "a",
        "text": {"div": "<div>a</div>"},
    }
    after = {"resourceType": "Observation", "status": "amended", "valueString": "b"}

    kept = keep_hidden(ctx("Observation.value[x]"), "Observation", before, after)

    assert kept == {**before, "status": "amended"}
