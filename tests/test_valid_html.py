"""The validator notices what it is there for, and every state of the checkout and every main page of the portal is valid HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.web.throttle import limiter
from tests.browser import Browser
from tests.factories import make_declined, make_link, make_paid, make_shop
from tests.valid_html import problems_of_html
from tests.world import OPEN_PAGES, brand, checkout_states, portal_paths

WHOLE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title></head><body>{}</body></html>'


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("<p><div>a</div></p>", "unexpected-end-tag"),
        ("<span><div>a</div></span>", "<div> may not stand in <span>"),
        ("<button><p>a</p></button>", "<p> may not stand in <button>"),
        ('<a href="/x"><button>a</button></a>', "may not stand in <a>"),
        ("<ul><div>a</div></ul>", "may not stand in <ul>"),
        ("<dl><p>a</p></dl>", "may not stand in <dl>"),
        ('<i id="a"></i><i id="a"></i>', "stands 2 times"),
        ('<label for="b">a</label>', "'b', which is not there"),
        ('<label for="b">a</label><p id="b">a</p>', "takes no label"),
        ('<p aria-describedby="c">a</p>', "'c', which is not there"),
        ('<a href="#d">a</a>', "#d, which is not there"),
        ('<input type="checkbox" maxlength="2">', "no attribute maxlength"),
        ('<p align="left">a</p>', "no attribute align"),
        ('<p aria-labeledby="x">a</p>', "no attribute aria-labeledby"),
        ('<p role="notice">a</p>', "no role"),
        ('<img src="/x.png">', "lacks alt"),
        ("<p>a & b &nosuch; <b>c</p>", "expected"),
        ("<h2> </h2>", "an empty <h2>"),
        ("<time>tomorrow</time>", "holds no time"),
        ("<center>a</center>", "no such element"),
        ("<table><tr><p>a</p></tr></table>", ""),
        ('<p class="a" class="b">a</p>', "duplicate-attribute"),
        ("<legend>a</legend>", "not in <fieldset>"),
    ],
)
def test_what_is_invalid_is_noticed(wrong: str, words: str) -> None:
    found = problems_of_html(WHOLE.format(wrong))
    assert found and any(words in one for one in found), found


def test_what_is_valid_is_left_alone() -> None:
    right = (
        '<main id="m"><h1>a</h1><dl><div><dt>a</dt><dd><p>b</p></dd></div></dl><ul><li><a href="#m">a</a></li></ul>'
        '<form method="post" action="/x"><fieldset><legend>a</legend><label for="i">a</label><input id="i" name="i" maxlength="3"></fieldset></form>'
        '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg><time datetime="2026-11-21T10:00:00+00:00">a</time></main>'
    )
    assert problems_of_html(WHOLE.format(right)) == []


@pytest.fixture
def unthrottled() -> Any:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


def check(get: Callable[[str], Any], named: dict[str, str]) -> None:
    wrong = []
    for name, path in named.items():
        answer = get(path)
        assert answer.mimetype == "text/html", f"{name} answered {answer.status_code} with {answer.mimetype}"
        wrong += [f"{name}: {problem}" for problem in problems_of_html(answer.get_data(as_text=True))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("branded", [False, True], ids=["plain", "branded"])
def test_every_state_of_the_checkout_is_valid_html(app: Flask, unthrottled: None, branded: bool) -> None:
    shop = make_shop(app)
    if branded:
        brand(shop)
    check(Browser(app).client.get, {state.name: state.path for state in checkout_states(shop)})


def test_every_main_page_of_the_portal_is_valid_html(app: Flask, unthrottled: None) -> None:
    shop = make_shop(app)
    brand(shop)
    link = make_link(shop)
    paid, declined = make_paid(shop, link), make_declined(shop, link)
    more = {
        "payment": f"/portal/payments/{paid.public_id}", "declined payment": f"/portal/payments/{declined.public_id}",
        "link": f"/portal/links/{link.public_id}", "link's form": f"/portal/links/{link.public_id}/edit", "report": f"/portal/links/{link.public_id}/report",
        "send": f"/portal/links/{link.public_id}/send", "filled": f"/portal/links/{link.public_id}/filled", "buttons": f"/portal/links/{link.public_id}/buttons", "poster": f"/portal/links/{link.public_id}/poster",
        "why": f"/portal/payments/{paid.public_id}/why/keep", "filtered": "/portal/payments?status=succeeded&least=1&q=nobody",
    }  # fmt: skip
    check(shop.browser().client.get, portal_paths(shop) | more)


def test_the_first_pages_of_a_new_vendor_and_of_a_stranger_are_valid_html(app: Flask, unthrottled: None) -> None:
    check(make_shop(app).browser().client.get, portal_paths(make_shop(app)))
    check(Browser(app).client.get, OPEN_PAGES)
