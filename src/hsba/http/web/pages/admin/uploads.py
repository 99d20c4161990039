"""A form that carries a file (RFC 7578), as name and text: the files of this room are lists of a few hundred lines."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from hsba.http.messages import Pairs


class BadUpload(BadRequest):
    """The form or its file cannot be read: a text file in UTF-8 is wanted (in Excel “CSV UTF-8”); nothing was changed."""

    vi = "Không đọc được biểu mẫu hoặc tệp: cần tệp chữ UTF-8 (trong Excel chọn “CSV UTF-8”); chưa thay đổi gì."


def read(body: bytes, content_type: str) -> Pairs:
    """The fields in order; the text of a file is the value of its field, and an empty file none."""
    whole = BytesParser(policy=HTTP).parsebytes(
        b"content-type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    )
    if not whole.is_multipart():
        raise BadUpload
    pairs = []
    for part in whole.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise BadUpload
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise BadUpload from problem
        if "\0" in text:
            raise BadUpload
        if text or part.get_filename() is None:
            pairs.append((name, text))
    return pairs
