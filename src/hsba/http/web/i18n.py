"""The words of the interface in the reader's language: gettext catalogues, read as they stand in the source tree.

Messages are written in English; `locale/vi/LC_MESSAGES/hsba.po` holds the Vietnamese, which is what people see unless
they choose otherwise.  The catalogue is compiled in memory at first use, so a fresh clone needs no build step.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from importlib import resources

from babel.messages import mofile, pofile

LANGUAGES: dict[str, str] = {"vi": "Tiếng Việt", "en": "English"}
DEFAULT = "vi"
DOMAIN = "hsba"


def mark(message: str) -> str:
    """Name a message for the catalogue where it is only translated later."""
    return message


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; English is what the messages are written in."""
    source = resources.files("hsba") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if language == "en" or not source.is_file():
        return gettext.NullTranslations()
    catalogue = pofile.read_po(io.BytesIO(source.read_bytes()), locale=language)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
