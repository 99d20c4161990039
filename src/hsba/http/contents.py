"""What a request carries becomes a value: a resource, a patch, Parameters, the pairs of a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import json, xml
from hsba.fhir.patch import Patch
from hsba.fhir.problems import BadRequest, Malformed, UnsupportedMedia
from hsba.http import binaries
from hsba.http.messages import read_pairs
from hsba.http.negotiate import content_kind, is_fhir

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.http.messages import Pairs, Request
    from hsba.record.aside import Aside

Resource = dict[str, Any]

PATCHES = "application/json-patch+json, application/fhir+json, application/fhir+xml"


def resource(request: Request, definitions: Definitions, *, type: str | None = None) -> Resource:
    """The resource in the body, in JSON or XML; of the type that the address names, where it names one."""
    if type == "Binary" and not is_fhir(request.headers.get(b"content-type")):
        return binaries.wrapped(request)
    kind = content_kind(request.headers.get(b"content-type"))
    if request.content is not None:
        found = request.content
    elif kind == "json":
        found = json.parse(request.body)
    elif kind == "xml":
        found = xml.parse(request.body, definitions)
    else:
        raise UnsupportedMedia
    given = found.get("resourceType")
    if not isinstance(given, str) or given not in definitions.resource_types:
        raise Malformed(
            "It has no resourceType of FHIR R4.", vi="Không có resourceType của FHIR R4.", path="resourceType"
        )
    if type is not None and given != type:
        raise BadRequest(
            f"The address is for {type}, the content is {given}.",
            vi=f"Địa chỉ là {type}, nội dung lại là {given}.",
        )
    return found


async def read_aside(request: Request, aside: Aside) -> None:
    """Read the resource in a large body where nobody waits for it; what is no FHIR is left to who knows it."""
    if not is_fhir(request.headers.get(b"content-type")):
        return
    kind = content_kind(request.headers.get(b"content-type"))
    if kind == "json" or kind == "xml":  # noqa: PLR1714 - mypy sees what is left
        request.content = await aside.read(request.body, kind)


def change(request: Request, definitions: Definitions) -> Patch:
    """The patch in the body: JSON Patch, or FHIRPath Patch as Parameters (FHIR R4 http.html#patch)."""
    kind = content_kind(request.headers.get(b"content-type"))
    if kind == "json-patch":
        return Patch.json(json.parse_value(request.body))
    if kind in ("json", "xml"):
        return Patch.fhirpath(resource(request, definitions, type="Parameters"))
    raise UnsupportedMedia(f"A patch is one of {PATCHES}.", vi=f"Bản vá là một trong: {PATCHES}.")


def form(request: Request) -> Pairs:
    """The parameters of a search sent by POST, those of the address first (FHIR R4 http.html#search)."""
    if not request.body and b"content-type" not in request.headers:
        return request.pairs
    if content_kind(request.headers.get(b"content-type")) != "form":
        raise UnsupportedMedia(
            "A search is sent as application/x-www-form-urlencoded.",
            vi="Tìm kiếm gửi theo application/x-www-form-urlencoded.",
        )
    return [*request.pairs, *read_pairs(request.body)]
