"""Every sheet and paper through the real door: its page, its blank paper, and each part opened to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acceptance.forms import STAY, stay
from hsba.forms import catalogue

if TYPE_CHECKING:
    from acceptance.identity import Ward

FORMS = [form for form in catalogue.forms().values() if form.kind != "cover"]


async def test_sheets__every_one_is_shown_in_the_catalogue_and_opens_to_be_written(ward: Ward) -> None:
    desk = await stay(ward)

    for form in FORMS:
        page = await ward.http.get(f"/forms/{form.slug}")
        assert page.status_code == 200, (form.slug, page.text)
        for part in form.parts:
            if not part.asks:
                continue
            entry = "/new" if part.repeats else ""
            write = await ward.http.get(f"{STAY}/{form.slug}/{desk.sheet}/{part.id}{entry}")
            print(form.slug, part.id, write.status_code, len(write.text))
