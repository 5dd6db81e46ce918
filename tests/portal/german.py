"""Reads a page as a German reader does: which of its texts are still those of the sources?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.pofile import read_po

from tests.browser import VOID, Browser, Page

GERMAN = "de-DE,de;q=0.9,en;q=0.5"
CATALOGUE = Path(__file__).resolve().parents[2] / "translations" / "de.po"
SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-label", "data-copied")
PLACE = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"<[^>]+>")


def in_german(browser: Browser) -> Browser:
    """The same browser, with German asked for in everything it sends."""
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = GERMAN
    return browser


class Texts(HTMLParser):
    """Every text of a page by itself, and what is only read out or shown on a phone."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._within: list[str] = []
        self._english: list[int] = []  # how deep what says of itself that it is English, or nobody's language, begins
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SPOKEN and value]
        if tag not in VOID:
            said = dict(attrs)
            if said.get("translate") == "no" or (said.get("lang") == "en" and tag != "a"):  # the choice of language names each in its own
                self._english.append(len(self._within))
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self._within and self._within.pop() != tag:
            pass
        while self._english and self._english[-1] >= len(self._within):
            self._english.pop()

    def handle_data(self, data: str) -> None:
        if not self._english and not {"script", "style"} & set(self._within[-1:]):
            self.found.append(data)


@cache
def _sources() -> tuple[frozenset[str], re.Pattern[str]]:
    """English texts whose German differs: those without anything to fill in, and a pattern of the others."""
    plain, filled = set(), set()
    with CATALOGUE.open("rb") as file:
        for message in read_po(file, locale="de"):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            words = message.string if isinstance(message.string, tuple) else (message.string,)
            for text in ids if message.id else ():
                if text in words:
                    continue  # the same word in both
                parts = [" ".join(part.split()) for part in TAG.split(text)]
                plain |= {part for part in parts if re.search(r"[^\W\d_]", part) and not PLACE.search(part)} if TAG.search(text) else set()
                if not PLACE.search(text):
                    plain.add(" ".join(text.split()))
                elif len(re.findall(r"[A-Za-z]{2,}", PLACE.sub("", text))) > 1:
                    filled.update(part for part in parts if PLACE.search(part) and re.search(r"[a-z]{2,} ?[a-z]*", PLACE.sub("", part)))
    patterns = sorted(".+".join(map(re.escape, PLACE.split(text.replace("%%", "%")))) for text in filled)
    german = {text for text in plain if text in _answers()}
    return frozenset(plain - german), re.compile("|".join(patterns))


@cache
def _answers() -> frozenset[str]:
    """Every German text as it stands: a word may be German for one thing and English for another."""
    with CATALOGUE.open("rb") as file:
        return frozenset(str(message.string) for message in read_po(file, locale="de") if isinstance(message.string, str))


def left_in_english(page: Page) -> list[str]:
    """The texts of a page that a German reader should not see."""
    return english_in(Texts(page.html).found)


def english_in(texts: Iterable[str]) -> list[str]:
    """Those of the texts that are the English of something we have German for."""
    plain, filled = _sources()
    found = {" ".join(unescape(text).split()) for text in texts} - {""}
    return sorted(text for text in found if text in plain or filled.fullmatch(text))
