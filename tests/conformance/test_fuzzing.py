"""schemathesis asks every address whatever comes to its mind; the server may refuse, and never breaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from acceptance.test_live_door import served
from callers import BEARER, SESSION
from conformance.openapi import description
from hsba.app import OPERATIONS
from hsba.http.callers import COOKIE

if TYPE_CHECKING:
    from schemathesis import Case

pytestmark = pytest.mark.slow

SAVED: tuple[dict[str, Any], ...] = (
    {"resourceType": "Patient", "id": "1", "name": [{"text": "Nguyễn Thị Mẫu"}]},
    {
        "resourceType": "Encounter", "id": "1", "status": "in-progress", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/1"},
    },
    {
        "resourceType": "Observation", "id": "1", "status": "final", "code": {"text": "Mạch"},
        "subject": {"reference": "Patient/1"}, "valueQuantity": {"value": 72, "unit": "l/ph"},
    },
)  # fmt: skip
TRIES = 30
"""Requests for each way of asking an address."""


async def test_api__survives_whatever_is_asked(database: Any) -> None:
    async with served(database, "UTC") as (http, _, process):
        for one in SAVED:
            answer = await http.put(f"/fhir/{one['resourceType']}/1", json=one)
            assert answer.status_code == 201, answer.text
        figures = await asyncio.to_thread(_ask_everything, str(http.base_url))
        assert process.poll() is None
        assert (await http.get("/readyz")).status_code == 200
    print(f"\nfuzzed: {figures}")
    assert figures[200] > 100
    assert figures[400] > 100


def _ask_everything(address: str) -> dict[int, int]:
    """Ask each address many times; answers how often each status came."""
    schema = schemathesis.openapi.from_dict(description(OPERATIONS))
    figures: dict[int, int] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=TRIES,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Case[Any]) -> None:
            answer = case.call(
                base_url=address, headers=BEARER, cookies={COOKIE: SESSION}, allow_redirects=False
            )
            figures[answer.status_code] = figures.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)
            if case.path.startswith("/fhir") and answer.status_code >= 400 and "json" in str(answer.headers):
                assert answer.json()["resourceType"] == "OperationOutcome", answer.text

        ask()
    return figures
