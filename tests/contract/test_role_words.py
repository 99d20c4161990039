"""Rights are read by people: every act and condition that a role may have has words."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hsba.access.rights import conditions, roles
from hsba.http.web import i18n
from hsba.http.web.pages.admin import plain, words
from hsba.http.web.show import Show


@pytest.fixture(params=["vi", "en"])
def show(request: pytest.FixtureRequest) -> Show:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    return Show(i18n.translations(request.param), request.param, zone, datetime.now(UTC))


def test_acts__have_words() -> None:
    assert set(words.ACTS) == set(roles.ACTS)


def test_line__every_line_of_the_roles_of_the_program_reads_as_a_sentence(show: Show) -> None:
    for role in roles.built_in().values():
        for one in role.lines:
            said = plain.line(one, show)
            assert said.acts, (role.name, one.number)
            assert not set(said.where) & set(one.where), (role.name, said.where)


def test_condition__every_word_has_a_half_sentence(show: Show) -> None:
    rest = {"label": ":HIV", "search": ":status=final", "state": ":draft", "department": ":24h"}

    for word in conditions.MEANINGS:
        text = word + rest.get(word, "")
        assert plain.condition(text, show) != text
