"""What can go wrong with a search that is well written."""

from __future__ import annotations

from typing import ClassVar

from hsba.fhir.problems import BadRequest, Forbidden, NotFound


class HiddenParameter(Forbidden):
    """You may not search or sort by what is hidden from you."""

    vi = "Không được tìm hay sắp xếp theo nội dung bị ẩn với bạn."


class StillIndexing(BadRequest):
    """This parameter was added a short while ago and older content is still being indexed; try again later."""

    code = "incomplete"
    vi = "Tham số này mới thêm, nội dung cũ còn đang lập chỉ mục; hãy thử lại sau."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}

    @classmethod
    def of(cls, expression: str, done: int, total: int) -> StillIndexing:
        """The refusal, with how far it is."""
        return cls(f"{expression}: {done} of {total}.", vi=f"{expression}: {done} trên {total}.")


class UnknownValueSet(NotFound):
    """The value set is not known here, so nothing can be searched by it."""

    vi = "Máy chủ này không có danh mục (ValueSet) đó nên không tìm theo được."


class BadCursor(BadRequest):
    """The address of the next page is not one that this server gave; start the search again."""

    vi = "Địa chỉ trang sau không phải do máy chủ này cấp; hãy tìm lại từ đầu."
