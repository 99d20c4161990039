"""What can go wrong with a patch: it is none, or it does not fit the resource (FHIR R4 http.html#patch)."""

from __future__ import annotations

from hsba.fhir.problems import BadRequest, Unprocessable


class MalformedPatch(BadRequest):
    """The patch is not written as its standard says; nothing was changed."""

    vi = "Bản vá không viết đúng chuẩn; chưa thay đổi gì."


class PatchRefused(Unprocessable):
    """The patch does not fit the resource as it is; nothing was changed."""

    code = "processing"
    vi = "Bản vá không khớp với nội dung hiện có; chưa thay đổi gì."
