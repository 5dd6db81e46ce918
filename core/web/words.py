"""The catalogues: each text of ours in the languages we speak, read from translations/<language>.po when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from markupsafe import Markup

FOLDER = Path(__file__).resolve().parents[2] / "translations"
# code -> its own name, as the selector shows it
LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pl": "Polski",
    "ar": "العربية",
    "ja": "日本語",
}
STAFF_LANGUAGES = ("en", "de")  # what vendors' and staff's own pages speak
RIGHT_TO_LEFT = frozenset({"ar"})
ISOLATED = "\N{FIRST STRONG ISOLATE}%s\N{POP DIRECTIONAL ISOLATE}"  # a name or a sum keeps its own direction, and disturbs nothing
REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # make text read differently from what it says


@cache
def texts(language: str) -> NullTranslations:
    """The catalogue of a language; English is what stands in the sources."""
    file = FOLDER / f"{language}.po"
    if language not in LANGUAGES or not file.is_file():
        return NullTranslations()
    with file.open("rb") as po:
        catalogue = read_po(po, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def known_language(wish: str | None) -> str | None:
    """`de` for `de-AT` or `DE`; None for what we do not speak."""
    code = (wish or "")[:20].replace("_", "-").partition("-")[0].strip().lower()
    return code if code in LANGUAGES else None


def direction_of(language: str) -> str:
    """How its lines run: ltr or rtl."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def filled(text: str, values: Mapping[str, Any], language: str) -> Markup:
    """A text with its values, escaped. In a page that runs from right to left each value is isolated from the words around it."""
    if "%" not in text:
        return Markup(text)
    if values and language in RIGHT_TO_LEFT:
        values = {name: Markup(ISOLATED) % value if isinstance(value, str) else value for name, value in values.items()}
    return Markup(text) % values
