"""Every template compiles, knows no undefined names silently, and is a page with a title or a part."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import StrictUndefined, meta

from core.web.mail import stationery_for
from core.web.reader import Reader

ROOT = Path(__file__).resolve().parents[2] / "templates"
NAMES = sorted(str(file.relative_to(ROOT)) for file in ROOT.rglob("*") if file.is_file())
PAGES = [n for n in NAMES if n.endswith(".html") and n.split("/")[0] in ("portal", "checkout") and not n.split("/")[-1].startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles(name: str, app: Flask) -> None:
    """Letters and papers are written without the web application."""
    letters = name.startswith(("emails/", "papers/", "layouts/letter", "layouts/paper", "components/letter"))
    (stationery_for(Reader("en", "Europe/London")) if letters else app.jinja_env).get_template(name)


def test_an_undefined_name_is_an_error_on_a_page_and_in_a_letter(app: Flask) -> None:
    assert app.jinja_env.undefined is StrictUndefined
    assert stationery_for(Reader("en", "Europe/London")).undefined is StrictUndefined


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_layout_and_a_title(name: str, app: Flask) -> None:
    source, wanted = (ROOT / name).read_text(), name
    for _ in range(4):
        parents = [p for p in meta.find_referenced_templates(app.jinja_env.parse(source)) or [] if p]
        layout = re.search(r'{%-?\s*extends\s+"([^"]+)"', source)
        assert layout, f"{wanted} is neither a page with a layout nor a part (its name would begin with _)"
        assert layout[1] in parents
        if re.search(r"{%-?\s*block title", (ROOT / name).read_text()):
            return
        source = (ROOT / layout[1]).read_text()
    raise AssertionError(f"{name} has no title")


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith(".html")])
def test_a_template_says_nothing_that_the_content_security_policy_forbids(name: str) -> None:
    source = re.sub(r"{#.*?#}", "", (ROOT / name).read_text(), flags=re.S)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", source), "an inline handler"
    assert not re.search(r"href\s*=\s*[\"']javascript:", source, re.I)
    if not name.startswith(("emails", "papers", "layouts/letter", "layouts/paper", "components/letter")):
        assert not re.search(r"\sstyle\s*=\s*[\"']", source), "an inline style"


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith(".html")])
def test_no_paragraph_holds_a_form(name: str) -> None:
    """A browser ends the paragraph where the form begins, and what the page's style says of it is lost."""
    found = re.findall(
        r"<p(?: [^>]*)?>(?:(?!</?p[ >]).)*?\b(?:post_button|act)\((?:(?!</?p[ >]).)*?</p>", (ROOT / name).read_text(), re.DOTALL
    )
    assert found == []


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith(".html")])
def test_a_template_formats_no_money_by_hand(name: str) -> None:
    source = (ROOT / name).read_text()
    assert not re.search(r"{{[^}]*_minor\s*/", source)
    assert not re.search(r"\|\s*(round|float)\b", source)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_trusts_no_text_but_its_own(name: str) -> None:
    """`safe` may follow a text that stands there in quotes, never a value."""
    assert not re.search(r"[^\"'\s]\s*\|\s*safe\b", (ROOT / name).read_text())
