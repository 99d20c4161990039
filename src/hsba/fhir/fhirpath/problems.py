"""What can go wrong with an expression: it cannot be read, or not be evaluated on this content."""

from __future__ import annotations

from hsba.fhir.problems import BadRequest, Unprocessable


class InvalidExpression(BadRequest):
    """The FHIRPath expression cannot be read."""

    vi = "Không đọc được biểu thức FHIRPath."

    def __init__(self, expression: str, position: int, en: str, vi: str) -> None:
        """Keep the expression, the place of the fault (counted from 0) and what is wrong there."""
        self.expression = expression
        self.position = position
        line = expression.count("\n", 0, position) + 1
        column = position - expression.rfind("\n", 0, position)
        shown = expression if len(expression) <= 200 else expression[:200] + "…"
        super().__init__(
            f"Line {line}, column {column}: {en} In: {shown}",
            vi=f"Dòng {line}, cột {column}: {vi} Trong: {shown}",
        )


class EvaluationFailed(Unprocessable):
    """The FHIRPath expression cannot be evaluated on this content."""

    vi = "Không tính được biểu thức FHIRPath trên nội dung này."

    def __init__(self, expression: str, position: int, en: str, vi: str) -> None:
        """Keep the expression, the place of the function or operator that failed, and why."""
        self.expression = expression
        self.position = position
        shown = expression if len(expression) <= 200 else expression[:200] + "…"
        super().__init__(
            f"At character {position + 1}: {en} In: {shown}",
            vi=f"Tại ký tự {position + 1}: {vi} Trong: {shown}",
        )


class Refused(Exception):
    """A function or operator cannot work on what it was given; the caller adds the place."""

    def __init__(self, en: str, vi: str) -> None:
        """Say why, in both languages."""
        self.en = en
        self.vi = vi
        super().__init__(en)
