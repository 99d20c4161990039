"""Copies of JSON values, counted: a patch that copies copies must not outgrow the machine."""

from __future__ import annotations

from typing import Any

from hsba.fhir.patch.problems import PatchRefused

MAX_OPERATIONS = 1_000
MAX_VALUES = 1_000_000
"""So many values no resource has that a server accepts."""


class Copier:
    """Copies values deeply and keeps count over a whole patch."""

    def __init__(self) -> None:
        self.left = MAX_VALUES

    def copy(self, value: Any) -> Any:
        """A copy that shares nothing that can change."""
        self.left -= 1
        if self.left < 0:
            raise PatchRefused("The result becomes too large.", vi="Kết quả quá lớn.")
        if type(value) is dict:
            return {name: self.copy(each) for name, each in value.items()}
        if type(value) is list:
            return [self.copy(each) for each in value]
        return value
