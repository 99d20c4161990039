"""Every sentence that a person may read is there in both languages."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import hsba
from hsba.fhir.problems import Problem


def problems() -> list[type[Problem]]:
    """Every class of the tree, wherever a room declares it."""
    for module in pkgutil.walk_packages(hsba.__path__, "hsba."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[Problem]] = []
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.__subclasses__()
    return [one for one in found if one.__module__.startswith("hsba.")]


@pytest.mark.parametrize("problem", problems(), ids=lambda one: one.__name__)
def test_problem__has_both_languages(problem: type[Problem]) -> None:
    assert problem.__doc__, "the docstring is the English sentence"
    assert problem.en().endswith("."), "a sentence ends with a full stop"
    assert "vi" in vars(problem), "the Vietnamese sentence is the class's own"
    assert problem.vi.endswith(".")
    assert 400 <= problem.status <= 503 or problem is Problem


def test_problems__names_are_unique() -> None:
    names = [one.__name__ for one in problems()]

    assert sorted(names) == sorted(set(names)), "the class name is the stable code"
