"""The only way tests fetch pages: a browser without scripts that looks over every page it is given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "small", "strong", "sub", "sup", "textarea", "u", "wbr"}
TEXT_INSIDE = {"script", "style", "textarea", "title", "iframe", "noscript", "xmp", "plaintext", "noembed", "noframes"}
# A tag as our templates write nearly all of them; whatever is written otherwise is left to Python's own, slower reading.
TAG = re.compile(r"""<([a-z][a-z0-9-]*)((?:\s+[^\s=<>"'/]+(?:="[^"]*")?)*)\s*(/?)>""")
ATTRIBUTE = re.compile(r"""([^\s=<>"'/]+)(?:="([^"]*)")?""")
NEED_NO_LABEL = {"hidden", "submit", "button", "image", "reset"}


class Element:
    """One element of a page, with its text and what it stands in."""

    def __init__(self, name: str, attrs: dict[str, str], parents: list[Element], page: list[str]) -> None:
        self.name, self.attrs, self.parents = name, attrs, list(parents)
        self._page = page  # all words of the page; its own are those between its tags
        self.begins = len(page)
        self.ends: int | None = self.begins if name in VOID else None

    @property
    def words(self) -> list[str]:
        return self._page[self.begins : self.ends]

    @cached_property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def within(self, name: str) -> Element | None:
        return next((parent for parent in reversed(self.parents) if parent.name == name), None)


class Page(HTMLParser):
    """A parsed answer: its elements, its forms, and what is wrong with it."""

    def __init__(self, response: TestResponse, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.response, self.address, self.status = response, address, response.status_code
        self.html = response.get_data(as_text=True) if response.mimetype.startswith(("text/", "image/svg", "application/problem")) else ""
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self._words: list[str] = []
        self.feed(self.html)

    def updatepos(self, i: int, j: int) -> int:
        """Nobody asks for lines and columns: they are not counted."""
        return j

    def parse_starttag(self, i: int) -> int:
        tag = TAG.match(self.rawdata, i)
        if tag is None or tag[1] in TEXT_INSIDE:
            return super().parse_starttag(i)
        attrs = [(name.lower(), unescape(value) if value and "&" in value else value) for name, value in _attributes(tag[2])]
        if tag[3]:
            self.handle_startendtag(tag[1], attrs)
        else:
            self.handle_starttag(tag[1], attrs)
        return tag.end()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "option" and self._open and self._open[-1].name == tag:  # one begins where the one before it ends
            self._open.pop().ends = len(self._words)
        if tag not in VOID:
            self._space(tag)
        element = Element(tag, {key: value or "" for key, value in attrs}, self._open, self._words)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs}, self._open, self._words)
        element.ends = element.begins
        self.elements.append(element)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth].name == tag:
                for element in self._open[depth:]:
                    element.ends = len(self._words)
                del self._open[depth:]
                self._space(tag)
                return

    def _space(self, tag: str) -> None:
        """The eye sees a gap between blocks where the source has none."""
        if tag not in INLINE:
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        if self._open:  # what stands outside of everything is nobody's
            self._words.append(data)

    def all(self, name: str, **attrs: str) -> list[Element]:
        """Elements of this name whose attributes contain these words, e.g. all("p", class_="error")."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attrs.items()}
        return [
            e
            for e in self.elements
            if e.name == name and all(v in e.attrs.get(k, "").split() or v == e.attrs.get(k) for k, v in wanted.items())
        ]

    @property
    def title(self) -> str:
        return next((e.text for e in self.all("title") if not e.within("svg")), "")

    @property
    def heading(self) -> str:
        return next((e.text for e in self.all("h1")), "")

    @property
    def text(self) -> str:
        body = next(iter(self.all("body")), None)
        return body.text if body else " ".join(self.html.split())

    @property
    def errors(self) -> list[str]:
        """What the form says at its fields and above them."""
        return [e.text.removeprefix("Error: ") for e in self.elements if "error" in e.attrs.get("class", "").split()]

    @property
    def error_summary(self) -> list[str]:
        return [e.text for e in self.all("li") if any("error-summary" in p.attrs.get("class", "").split() for p in e.parents)]

    @property
    def notices(self) -> list[str]:
        return [e.text for e in self.elements if "notice" in e.attrs.get("class", "").split()]

    def form(self, action: str | None = None) -> Form:
        """The form that posts to this path; without one, the only form of the main part."""
        forms = [e for e in self.all("form") if e.attrs.get("method", "get").lower() == "post"]
        if action is None:
            forms = [form for form in forms if form.within("main")]
        else:
            forms = [form for form in forms if urlsplit(urljoin(self.address, form.attrs.get("action", ""))).path == action]
        assert forms, f"no form posts to {action or 'anywhere'} on {self.address}: {self.text[:300]}"
        return Form(self, forms[0])

    def links(self) -> list[str]:
        """Addresses on this site that a reader could follow, without this page's own in another language."""
        links = [e for e in self.all("a") if not e.attrs.get("href", "#").startswith("#") and "hreflang" not in e.attrs]
        found = [urljoin(self.address, e.attrs["href"]) for e in links]
        return [link for link in found if urlsplit(link).netloc in ("", "localhost")]


def _attributes(written: str) -> Iterator[tuple[str, str | None]]:
    return ((found[1], found[2]) for found in ATTRIBUTE.finditer(written))


class Form:
    """A form as the page filled it in."""

    def __init__(self, page: Page, element: Element) -> None:
        self.page, self.element = page, element
        self.action = urljoin(page.address, element.attrs.get("action", "")) or page.address
        self.values: dict[str, Any] = {}  # several boxes of one name are a list
        for control in page.elements:
            if self._holds(control) and control.attrs.get("name"):
                self._read(control)

    def _holds(self, control: Element) -> bool:
        """A control stands in its form, or names the form it belongs to."""
        named = control.attrs.get("form")
        return named == self.element.attrs.get("id") if named else control.within("form") is self.element

    def _read(self, control: Element) -> None:
        name, kind = control.attrs["name"], control.attrs.get("type", "text")
        if control.name == "textarea":
            self.values[name] = "".join(control.words).removeprefix("\r\n").removeprefix("\n")
        elif control.name == "select":
            options = [e for e in self.page.elements if e.name == "option" and e.within("select") is control]
            chosen = next((e for e in options if "selected" in e.attrs), options[0] if options else None)
            self.values[name] = chosen.attrs.get("value", chosen.text) if chosen else ""
        elif control.name == "input" and kind in ("radio", "checkbox"):
            if "checked" in control.attrs:
                value, before = control.attrs.get("value", "on"), self.values.get(name)
                self.values[name] = (
                    value if before is None or kind == "radio" else [*([before] if isinstance(before, str) else before), value]
                )
        elif control.name == "input" and kind not in ("submit", "button", "image"):
            self.values[name] = control.attrs.get("value", "")


class Browser:
    """Follows links and sends forms. Every page it is given must be whole, labelled, and free of loose scripts."""

    def __init__(self, app: Flask, **cookies: str) -> None:
        self.client = app.test_client()
        for name, value in cookies.items():
            self.client.set_cookie(name, value)

    def get(self, path: str, *, status: int | None = 200, follow: bool = True, **headers: str) -> Page:
        return self._page(self.client.get(path, headers=_headers(headers)), path, status, follow)

    def post(
        self, path: str, values: dict[str, Any] | None = None, *, status: int | None = None, follow: bool = True, **headers: str
    ) -> Page:
        """Sends values as they are, without a form behind them: for attacks. People use `submit`."""
        return self._page(self.client.post(path, data=values or {}, headers=_headers(headers)), path, status, follow)

    def submit(self, form: Form, *, status: int | None = 200, follow: bool = True, **changes: str) -> Page:
        """Sends a form, with some of its fields filled in anew."""
        sent = self.client.post(form.action, data={**form.values, **changes})
        return self._page(sent, form.action, status, follow)

    def part(self, path: str) -> Page:
        """What htmx gets when it asks for a part of a page."""
        response = self.client.get(path, headers={"HX-Request": "true"})
        assert response.status_code < 500, path
        page = _sent(response, path)
        problems = problems_of(page, whole=False)
        assert not problems, f"{path}: " + "; ".join(problems)
        return page

    def _page(self, response: TestResponse, path: str, status: int | None, follow: bool) -> Page:
        steps = 0
        while follow and response.status_code in (301, 302, 303, 307, 308):
            steps += 1
            assert steps < 6, f"{path} redirects in a circle"
            path = urljoin(path, response.headers["Location"])
            response = self.client.get(path)
        page = _sent(response, path)
        assert page.status < 500, f"{path} answered {page.status}: {page.text[:500]}"
        if status is not None:
            assert page.status == status, f"{path} answered {page.status}, not {status}: {page.errors or page.text[:500]}"
        if response.mimetype == "text/html" and response.status_code not in (204, 301, 302, 303, 307, 308):
            problems = problems_of(page)
            assert not problems, f"{path}: " + "; ".join(problems)
        return page


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


def _sent(response: TestResponse, path: str) -> Page:
    """As a server does when everything is sent: a file that was handed out is let go of. Read first: what is closed cannot be read."""
    response.get_data()
    response.close()
    return Page(response, path)


def problems_of(page: Page, *, whole: bool = True) -> list[str]:
    """Everything that is wrong with a page, as sentences."""
    found = _structure(page) if whole else []
    ids = Counter(e.attrs["id"] for e in page.elements if "id" in e.attrs)
    found += [f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1]
    found += _labels(page, set(ids)) + _forms(page) + _scripts(page)
    if re.search(r"\{\{(?!7)|\{%|Undefined", page.text):  # {{7*7}} is what hostile people write: shown as it came, it did no harm
        found.append("template code on the page")
    return found


def _structure(page: Page) -> list[str]:
    found = []
    if not page.title:
        found.append("no title")
    if len(page.all("h1")) != 1:
        found.append(f"{len(page.all('h1'))} first-level headings")
    if not page.all("html") or not page.all("html")[0].attrs.get("lang"):
        found.append("no language")
    if len(page.all("main")) != 1:
        found.append("no main part, or several")
    policy = page.response.headers.get("Content-Security-Policy", "")
    if "default-src 'self'" not in policy or "unsafe" in policy:
        found.append("no strict content policy")
    return found


def _labels(page: Page, ids: set[str]) -> list[str]:
    labelled = {e.attrs["for"] for e in page.all("label") if e.attrs.get("for")}
    found = []
    for e in page.elements:
        if e.name in ("input", "select", "textarea") and e.attrs.get("type", "text") not in NEED_NO_LABEL:
            named = e.attrs.get("id") in labelled or e.attrs.get("aria-label") or e.attrs.get("aria-labelledby") or e.within("label")
            if not named:
                found.append(f"{e.name} {e.attrs.get('name') or e.attrs.get('id')!r} has no label")
        if e.name in ("button", "a") and not (e.text or e.attrs.get("aria-label") or e.attrs.get("title")) and not _pictured(page, e):
            found.append(f"a {e.name} without words ({e.attrs.get('href') or e.attrs.get('name')})")
        if e.name == "img" and "alt" not in e.attrs:
            found.append("a picture without words")
        for reference in e.attrs.get("aria-describedby", "").split():
            if reference not in ids:
                found.append(f"aria-describedby names {reference!r}, which is not there")
    return found


def _pictured(page: Page, e: Element) -> bool:
    return any(e in inner.parents and (inner.attrs.get("aria-label") or inner.attrs.get("alt")) for inner in page.elements)


def _forms(page: Page) -> list[str]:
    found = []
    for form in page.all("form"):
        if form.attrs.get("method", "get").lower() == "post":
            inside = [e.attrs.get("name") for e in page.elements if e.name == "input" and e.within("form") is form]
            if inside.count("csrf_token") != 1:
                found.append(f"the form to {form.attrs.get('action', 'its own address')} carries {inside.count('csrf_token')} tokens")
    return found


def _scripts(page: Page) -> list[str]:
    found = []
    for e in page.elements:
        if loose := [name for name in e.attrs if name.startswith("on") and name != "on"]:
            found.append(f"{e.name} has a handler in its markup: {loose[0]}")
        if "style" in e.attrs:
            found.append(f"{e.name} has a style in its markup")
        if e.name == "script" and not e.attrs.get("nonce") and not e.attrs.get("src", "").startswith("/static/"):
            found.append("a script that is neither ours nor carries the nonce")
        if e.attrs.get("href", "").lower().startswith("javascript:"):
            found.append("a link that is a script")
    return found
