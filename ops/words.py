"""`./run words`: collects the texts of the product from its sources and brings the catalogues under translations/ up to date.

What is new stands there untranslated, what has gone is dropped, what was translated stays. A text that a payer may read belongs
into every catalogue; a text of the portal, of staff pages or of letters to vendors only into the languages those are offered in.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from core.web.words import FOLDER, LANGUAGES, STAFF_LANGUAGES
from workers.messages import KINDS as LETTERS

ROOT = Path(__file__).resolve().parent.parent
DOORS_AND_ROOMS = ("checkout", "core", "portal", "workers")
MARKS = {
    "_": None,
    "_l": None,
    "later": None,
    "gettext": None,
    "lazy_gettext": None,
    "said": None,
    "plain": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
IN_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2)}
JINJA = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
# Where a payer reads; with a colon, only in these functions of the file. Everything else belongs to vendors and staff.
PAYERS_PLACES = (
    "checkout/", "core/accounts/standing.py", "core/kernel/errors.py", "core/kernel/money.py", "core/customers/meet.py", "core/directory/public.py", "core/directory/reports.py:report_listing", "core/directory/search.py", "core/memberships/join.py", "core/memberships/member.py", "core/methods/eligible.py", "core/methods/names.py",
    "core/payments/attempt.py", "core/payments/basket.py", "core/payments/choose.py", "core/payments/claim_answer.py", "core/payments/discount.py:reduction_for,_check_uses",
    "core/payments/instalments.py:check_part", "core/payments/link.py:__init__", "core/payments/origin.py",
    "core/subscriptions/member_charge_words.py", "core/subscriptions/member_words.py", "core/subscriptions/sheet.py", "core/subscriptions/shared_words.py", "core/payments/reference.py:check_reference", "core/payments/start.py", "core/payments/tax.py:read_tax_id",
    "core/web/fields.py", "core/web/filters.py:ago", "core/web/invoice.py", "core/web/reader.py", "core/web/receipt.py", "core/web/refusals.py", "core/web/sale_invoice.py",
    "portal/directory/", "templates/portal/public/",
    "templates/checkout/", "templates/papers/_sale.html", "templates/papers/_document_head.html", "templates/papers/invoice.html", "templates/papers/sale_invoice.html", "templates/papers/poster.html", "templates/papers/receipt.html", "templates/emails/_",
    "templates/components/amount_choice.html", "templates/components/copy_line.html", "templates/components/error_summary.html",
    "templates/components/field.html", "templates/components/languages.html", "templates/components/letter.html",
    "templates/components/mode_banner.html", "templates/layouts/_refused.html", "templates/layouts/checkout.html",
    "templates/layouts/front.html", "templates/layouts/letter.html", "templates/layouts/letter.txt", "templates/layouts/paper.html",
    "templates/layouts/refused.html",
)  # fmt: skip
HEADER = (
    "# {name}: brought up to date by ./run words, translated by hand.\n"
    'msgid ""\nmsgstr ""\n'
    '"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: {plural}\\n"\n\n'
)
CODE = re.compile(r"[a-z]+(_[a-z]+)+")  # what a refusal is called by machines is no text
Found = tuple[str, int, str | tuple[str, ...]]  # file, line, the text or its forms


@cache
def refusals() -> frozenset[str]:
    """The names of everything that is raised with a sentence for a person."""
    bases: dict[str, set[str]] = {}
    for file in _files("*.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(base.id for base in node.bases if isinstance(base, ast.Name))
    found = {"Refusal"}
    while more := {name for name, under in bases.items() if under & found} - found:
        found |= more
    return frozenset(found)


def _files(pattern: str) -> list[str]:
    folders = ("templates",) if pattern != "*.py" else DOORS_AND_ROOMS
    return sorted(str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).rglob(pattern))


def texts_of_sources() -> Iterator[Found]:
    """Every text with the place it stands at."""
    marks = MARKS | dict.fromkeys(refusals())
    for pattern, method, keywords, options in (
        ("*.py", "python", marks, {}),
        ("*.html", "jinja2", IN_TEMPLATES, JINJA),
        ("*.txt", "jinja2", IN_TEMPLATES, JINJA),
    ):
        for file in _files(pattern):
            with (ROOT / file).open("rb") as source:
                for line, message, _comments, _context in extract(method, source, keywords=keywords, options=options):
                    if message and message[0] and not CODE.fullmatch(str(message)):
                        yield file, line, message


def payers(file: str, line: int) -> bool:
    """Whether a payer may read what stands at this place."""
    parts = file.split("/")
    if parts[:2] == ["templates", "emails"] and parts[2] in LETTERS:
        return LETTERS[parts[2]][1]
    for place in PAYERS_PLACES:
        beginning, _, functions = place.partition(":")
        if file.startswith(beginning):
            return not functions or _function_at(file, line) in functions.split(",")
    return False


@cache
def _functions(file: str) -> list[tuple[int, int, str]]:
    tree = ast.walk(ast.parse((ROOT / file).read_text()))
    return [(node.lineno, node.end_lineno or 0, node.name) for node in tree if isinstance(node, ast.FunctionDef)]


def _function_at(file: str, line: int) -> str:
    return next((name for first, last, name in _functions(file) if first <= line <= last), "")


@cache
def wanted() -> dict[str | tuple[str, ...], tuple[bool, list[tuple[str, int]]]]:
    """Text -> whether a payer may read it, and where it stands."""
    found: dict[str | tuple[str, ...], tuple[bool, list[tuple[str, int]]]] = {}
    for file, line, text in texts_of_sources():
        theirs, places = found.get(text, (False, []))
        found[text] = (theirs or payers(file, line), [*places, (file, line)])
    return found


def catalogue(language: str, before: Catalog | None = None) -> Catalog:
    """The catalogue as it should be, with what `before` has translated."""
    fresh = Catalog(locale=language, fuzzy=False)
    for text, (theirs, places) in sorted(wanted().items(), key=lambda item: (not item[1][0], item[1][1][0])):
        if not theirs and language not in STAFF_LANGUAGES:
            continue
        old = before.get(text[0] if isinstance(text, tuple) else text) if before else None
        same = old is not None and isinstance(old.id, tuple) == isinstance(text, tuple)
        fresh.add(
            text,
            old.string if same and old else "",
            auto_comments=["payers"] if theirs else [],
            locations=sorted({(file, None) for file, _ in places}),
        )
    return fresh


def read(language: str) -> Catalog | None:
    file = FOLDER / f"{language}.po"
    return read_po(BytesIO(file.read_bytes()), locale=language) if file.is_file() else None


def untranslated(catalogue: Iterable[Message]) -> list[Message]:
    return [
        message
        for message in catalogue
        if message.id and not all(message.string if isinstance(message.string, tuple) else [message.string])
    ]


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for language in LANGUAGES:
        if language == "en":
            continue
        made = catalogue(language, read(language))
        text = BytesIO()
        write_po(text, made, width=140, omit_header=True)
        head = HEADER.format(name=LANGUAGES[language], language=language, plural=made.plural_forms)
        (FOLDER / f"{language}.po").write_text(head + text.getvalue().decode().lstrip(), "utf-8")
        missing = untranslated(made)
        print(f"{language}: {len(made)} texts, {len(missing)} still to translate" + (f", first: {missing[0].id}" if missing else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
