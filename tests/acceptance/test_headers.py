"""The headers that a browser obeys and a scanner looks for, on every answer there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from acceptance.identity import Ward

ADDRESSES = [
    "/", "/login", "/patients", "/no/such/page", "/healthz", "/readyz", "/metrics", "/assets/app.css", "/assets/none.js",
    "/fhir/metadata", "/fhir/Patient", "/fhir/Nothing", "/fhir/Patient/1/$no-such", "/oauth/token", "/switch", "/session",
]  # fmt: skip
WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
async def test_answer__of_every_address_has_the_headers(ward: Ward, method: str) -> None:
    for path in ADDRESSES:
        answer = await ward.http.request(method, path)

        assert {name: answer.headers.get(name) for name in WANTED} == WANTED, path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin"), path
        assert "strict-transport-security" not in answer.headers, path
        for name in (*WANTED, "content-security-policy", "referrer-policy"):
            assert len(answer.headers.get_list(name)) == 1, (path, name)


async def test_answer__for_another_host_has_them_too(ward: Ward) -> None:
    answer = await ward.http.get("/", headers={"Host": "rebound.example"})

    assert answer.status_code == 421
    assert answer.headers["x-frame-options"] == "DENY"


async def test_answer__with_the_headers_of_its_own_keeps_them(ward: Ward) -> None:
    answer = await ward.http.get("/login")

    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"
