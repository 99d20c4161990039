"""Field rules: what is hidden leaves in every form it may have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from hsba.record.hiding import PartlyHidden, keep_hidden, without_hidden
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


def test_keep_hidden__who_does_not_touch_what_is_partly_hidden_changes_the_rest() -> None:
    contact = {"name": {"text": "Mẹ"}, "telecom": [{"value": "0912"}]}
    before = {"resourceType": "Patient", "gender": "male", "contact": [contact]}
    after = {"resourceType": "Patient", "gender": "female", "contact": [{"name": {"text": "Mẹ"}}]}

    kept = keep_hidden(ctx("Patient.contact.telecom"), "Patient", before, after)

    assert kept == {**before, "gender": "female"}


def test_keep_hidden__who_changes_what_is_partly_hidden_is_refused() -> None:
    contact = {"name": {"text": "Mẹ"}, "telecom": [{"value": "0912"}]}
    before = {"resourceType": "Patient", "contact": [contact]}
    after = {"resourceType": "Patient", "contact": [{"name": {"text": "Bố"}}]}

    with pytest.raises(PartlyHidden) as refused:
        keep_hidden(ctx("Patient.contact.telecom"), "Patient", before, after)

    assert refused.value.issues[0].path == "Patient.contact"
