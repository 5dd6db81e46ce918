"""The catalogues: none lacks a text of the sources, every translation keeps what fills it, and none can break the page it stands on."""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message

from core.web.words import LANGUAGES, STAFF_LANGUAGES
from ops.words import read, refusals, untranslated, wanted

TRANSLATED = [code for code in LANGUAGES if code != "en"]
FILLED = re.compile(r"%\((\w+)\)s")


@cache
def catalogue(language: str) -> Catalog:
    found = read(language)
    assert found is not None, f"there is no translations/{language}.po"
    return found


def forms(message: Message) -> list[str]:
    """Every translation of a text that there is."""
    return [text for text in (message.string if isinstance(message.string, tuple) else (message.string,)) if text]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_holds_every_text_and_no_other(language: str) -> None:
    """After adding or changing a text: ./run words, and translate what is new."""
    meant = {text for text, (payers, _) in wanted().items() if payers or language in STAFF_LANGUAGES}
    there = {message.id for message in catalogue(language) if message.id}
    assert meant - there == set(), "new texts: ./run words"
    assert there - meant == set(), "texts that nobody says any more: ./run words"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_payer_reads_no_word_of_another_language(language: str) -> None:
    missing = [message.id for message in untranslated(catalogue(language)) if "payers" in message.auto_comments]
    assert missing == []


@pytest.mark.parametrize("language", [code for code in STAFF_LANGUAGES if code != "en"])
def test_a_vendor_and_the_staff_read_no_word_of_another_language(language: str) -> None:
    assert [message.id for message in untranslated(catalogue(language))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_in_a_catalogue_is_uncertain(language: str) -> None:
    assert [message.id for message in catalogue(language) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_is_filled_with_what_fills_the_text(language: str) -> None:
    wrong = []
    for message in catalogue(language):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        meant = set(FILLED.findall(ids[-1]))
        for text in forms(message) if message.id else []:
            said = set(FILLED.findall(text))
            if said != meant and not (len(ids) > 1 and said == meant - {"num"}):  # “one day” needs no figure
                wrong.append((ids[0], text))
            if re.search(r"%(?![(%])", text) and not re.search(r"%(?![(%])", ids[-1]):
                wrong.append((ids[0], text))
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_brings_no_markup_and_no_quote_that_could_end_an_attribute(language: str) -> None:
    found = [
        text
        for message in catalogue(language)
        if message.id
        for text in forms(message)
        if re.search(r"[<>\"]", text) and not re.search(r"[<>\"]", str(message.id))
    ]
    assert found == []


def test_every_text_that_is_raised_is_found() -> None:
    """The sources are read for the names of refusals: two that must be among them, and one text of each."""
    assert {"BadAmount", "LinkClosed"} <= refusals()
    assert {"We do not know this code. Check how it is spelt.", "Use %(most)s characters at most."} <= set(wanted())


def test_a_text_that_is_missing_is_noticed() -> None:
    empty = Catalog(locale="pl")
    empty.add(("%(num)s day", "%(num)s days"), ("dzień", "", "dni"))
    empty.add("Pay", "")
    empty.add("To", "Dla")
    assert [message.id for message in untranslated(empty)] == [("%(num)s day", "%(num)s days"), "Pay"]
