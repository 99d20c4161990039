"""A FHIR client of the server under test, and small valid resources to send it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import httpx

    from hsba.app import App
    from hsba.http.app import Application

Resource = dict[str, Any]

JSON = {"Content-Type": "application/fhir+json"}
MRN = "urn:oid:1.2.3.4"


@dataclass(slots=True)
class Client:
    """A FHIR client as short as a test wants it."""

    http: httpx.AsyncClient
    application: Application
    services: App

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=_named(headers))

    async def post(self, path: str, resource: Resource | None = None, **headers: str) -> httpx.Response:
        return await self.send("POST", path, resource, **headers)

    async def put(self, path: str, resource: Resource, **headers: str) -> httpx.Response:
        return await self.send("PUT", path, resource, **headers)

    async def patch(self, path: str, operations: list[Resource], **headers: str) -> httpx.Response:
        content = msgspec.json.encode(operations)
        found = {"Content-Type": "application/json-patch+json", **_named(headers)}
        return await self.http.patch(path, content=content, headers=found)

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.delete(path, headers=_named(headers))

    async def send(self, method: str, path: str, resource: Resource | None, **headers: str) -> httpx.Response:
        content = msgspec.json.encode(resource) if resource is not None else b""
        found = {**(JSON if resource is not None else {}), **_named(headers)}
        return await self.http.request(method, path, content=content, headers=found)

    async def made(self, resource: Resource) -> Resource:
        """A resource saved, as the server answers it."""
        answer = await self.post(f"/{resource['resourceType']}", resource)
        assert answer.status_code == 201, answer.text
        found: Resource = answer.json()
        return found


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def patient(**members: Any) -> Resource:
    """A small valid patient."""
    return {
        "resourceType": "Patient",
        "active": True,
        "name": [{"text": "Nguyễn Thị Ánh", "family": "Nguyễn", "given": ["Thị", "Ánh"]}],
        "gender": "female",
        "birthDate": "1985-03-12",
        **members,
    }


def numbered(number: str, **members: Any) -> Resource:
    """A patient with a record number."""
    return patient(identifier=[{"system": MRN, "value": number}], **members)
