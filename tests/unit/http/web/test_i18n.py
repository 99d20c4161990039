"""Every word of the interface is in the catalogue, in Vietnamese."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po

from hsba.http.web import i18n

ROOT = Path(__file__).parents[4]
WEB = ROOT / "src" / "hsba" / "http" / "web"
PO = ROOT / "src" / "hsba" / "locale" / "vi" / "LC_MESSAGES" / "hsba.po"
VIETNAMESE = re.compile(
    "[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]", re.IGNORECASE
)


def test_catalogue__is_complete_and_holds_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "messages", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_catalogue__places_for_values_are_the_same_in_both_languages() -> None:
    places = re.compile(r"%\(\w+\)s")
    with PO.open("rb") as file:
        catalogue = read_po(file, locale="vi")
    wrong = []
    for message in catalogue:
        if message.id:
            id_ = message.id if isinstance(message.id, str) else message.id[-1]
            said = message.string if isinstance(message.string, str) else (message.string or [""])[0]
            if sorted(places.findall(id_)) != sorted(places.findall(said)):
                wrong.append(id_)

    assert wrong == []


def test_templates__hold_no_vietnamese_of_their_own() -> None:
    wrong = [
        path.name for path in (WEB / "templates").glob("*.html") if VIETNAMESE.search(path.read_text("utf-8"))
    ]

    assert wrong == []


def test_templates__hold_no_inline_script_or_style() -> None:
    forbidden = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|hx-on|javascript:")
    wrong = [
        path.name for path in (WEB / "templates").glob("*.html") if forbidden.search(path.read_text("utf-8"))
    ]

    assert wrong == []


def test_translations__english_is_what_the_code_says() -> None:
    assert i18n.translations("en").gettext("Patients") == "Patients"
    assert i18n.translations("vi").gettext("Patients") == "Người bệnh"
    assert (
        i18n.translations("vi").ngettext("%(num)s person fits", "%(num)s people fit", 2)
        == "%(num)s người khớp"
    )
