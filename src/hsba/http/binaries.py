"""Binary as itself: a PDF or picture goes in and out as its own bytes (FHIR R4 binary.html#rest).

Who asks for a FHIR format gets the resource; who asks for anything else gets the content.  What a client stored must
not become a page of ours in somebody's browser, so it comes in a sandbox, and as a file unless it is harmless.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.http.messages import Answer

if TYPE_CHECKING:
    from hsba.http.messages import Header, Request

Resource = dict[str, Any]

SHOWN = frozenset(
    {
        "application/pdf",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "application/dicom",
    }
)
SANDBOX: Header = (
    b"content-security-policy",
    b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
)
UNKNOWN = "application/octet-stream"


def wrapped(request: Request) -> Resource:
    """The resource that holds the bytes that were sent, with the type they were sent as."""
    kind = (request.header(b"content-type") or UNKNOWN)[:255]
    found: Resource = {"resourceType": "Binary", "contentType": kind}
    if request.method == "PUT" and len(request.segments) > 1:  # a conditional update names none
        found["id"] = request.id
    if request.body:
        found["data"] = base64.b64encode(request.body).decode()
    return found


def unwrapped(answer: Answer) -> Answer:
    """The answer to a read with the content in place of the resource around it."""
    if answer.status != 200:
        return answer
    resource = json.parse(answer.body)
    kind = resource.get("contentType", UNKNOWN)
    if not isinstance(kind, str) or not kind.isascii() or not kind.isprintable():
        kind = UNKNOWN
    try:
        content = base64.b64decode(resource.get("data", ""))
    except binascii.Error:
        return answer
    headers = [header for header in answer.headers if header[0] != b"content-type"]
    headers += [(b"content-type", kind.encode()), SANDBOX]
    if kind.partition(";")[0].strip().lower() not in SHOWN:
        headers.append((b"content-disposition", b"attachment"))
    return Answer(200, content, headers)
