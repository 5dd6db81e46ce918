"""Many links at once: filters, ticks without scripts, what is done to all of them, and the way back."""

from __future__ import annotations

import pytest
from flask import Flask

from core.payments.link import expire_link
from core.payments.models import PaymentLink
from core.payments.sharing import labels_of
from tests.browser import Browser, Page
from tests.factories import Shop, again, fresh, make_colleague, make_link, make_shop, unit


def bulk(browser: Browser, act: str, *links: PaymentLink, status: int = 200, path: str = "/portal/links", **more: str) -> Page:
    form = browser.get(path).form("/portal/links/bulk")
    values = {**form.values, "act": act, "links": [link.public_id for link in links], **more}
    return browser.post(form.action, values, status=status)


def labels(shop: Shop, link: PaymentLink) -> list[str]:
    with unit(shop.app):
        return labels_of(again(link))


def test_several_are_paused_at_once_and_the_next_page_offers_the_way_back(shop: Shop, owner: Browser) -> None:
    links = [make_link(shop), make_link(shop), make_link(shop)]
    page = bulk(owner, "pause", *links[:2])
    assert "2 links paused." in page.text and [fresh(shop, link).state for link in links] == ["paused", "paused", "active"]
    page = owner.post("/portal/links/bulk", _undo(page), status=200)
    assert "2 links take payments again." in page.text and {fresh(shop, link).state for link in links} == {"active"}


def _undo(page: Page) -> dict[str, object]:
    """What the first form that posts to the bulk route holds: the way back stands above the list."""
    form = page.form("/portal/links/bulk")
    ids = [e.attrs["value"] for e in page.all("input", name_="links") if e.within("form") is form.element]
    return {**form.values, "links": ids}


def test_an_archived_link_leaves_the_list_and_comes_back(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="Winter fair")
    page = bulk(owner, "archive", link)
    assert "1 link archived." in page.text and not page.all("a", href=f"/portal/links/{link.public_id}")
    assert "Winter fair" in owner.get("/portal/links?state=archived").text
    assert "is in the archive" in owner.get(f"/portal/links/{link.public_id}").text
    page = owner.post("/portal/links/bulk", _undo(page))
    assert "1 link is back." in page.text and page.all("a", href=f"/portal/links/{link.public_id}")


def test_labels_are_put_on_and_taken_off_many_and_filter_the_list(shop: Shop, owner: Browser) -> None:
    first, second = make_link(shop, title="First one"), make_link(shop, title="Second one")
    assert "2 links labelled." in bulk(owner, "label", first, second, label="Market").text
    assert "Label taken off 1 link." in bulk(owner, "unlabel", second, label="Market").text
    assert labels(shop, first) == ["Market"] and labels(shop, second) == []
    page = owner.get("/portal/links?label=Market")
    assert "First one" in page.text and "Second one" not in page.text
    assert "No link fits" in owner.get("/portal/links?label=Nothing").text


def test_what_cannot_be_done_is_said_and_the_rest_is_done(shop: Shop, owner: Browser) -> None:
    ended, good = make_link(shop, title="Long over"), make_link(shop)
    token = owner.get("/portal/links").form("/sign-out").values["csrf_token"]
    owner.post(f"/portal/links/{ended.public_id}/expire", {"csrf_token": token})
    page = bulk(owner, "pause", ended, good)
    assert "1 link paused." in page.text and fresh(shop, ended).state == "expired" and fresh(shop, good).state == "paused"
    assert "Nothing to change" in bulk(owner, "resume", ended).text


@pytest.mark.parametrize(
    ("act", "more", "said"),
    [("label", {}, "Write the label"), ("label", {"label": "a\0b"}, "Write the label"), ("explode", {}, "Choose what to do")],
)
def test_a_wish_that_makes_no_sense_is_refused(shop: Shop, owner: Browser, act: str, more: dict[str, str], said: str) -> None:
    link = make_link(shop)
    page = bulk(owner, act, link, status=409, **more)
    assert said in page.text and labels(shop, link) == []


def test_a_label_that_is_too_long_is_said(shop: Shop, owner: Browser) -> None:
    assert "30 characters at most" in bulk(owner, "label", make_link(shop), label="x" * 31).text


def test_nothing_ticked_changes_nothing_and_says_so(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    assert "Tick the links first." in bulk(owner, "archive").text and fresh(shop, link).archived_at is None


def test_all_on_the_page_are_ticked_without_scripts(shop: Shop, owner: Browser) -> None:
    for _ in range(3):
        make_link(shop)
    page = owner.get("/portal/links?tick=all")
    assert len([e for e in page.all("input", name_="links") if "checked" in e.attrs]) == 3
    assert not [e for e in owner.get("/portal/links").all("input", name_="links") if "checked" in e.attrs]


def test_the_filters_stay_after_something_was_done(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="Summer fair")
    page = bulk(owner, "pause", link, path="/portal/links?q=summer&amount=fixed")
    assert "q=summer" in page.address and "amount=fixed" in page.address


def test_anothers_link_among_the_ticked_ones_stops_all_of_it(app: Flask, shop: Shop, owner: Browser) -> None:
    mine, theirs = make_link(shop), make_link(make_shop(app))
    assert bulk(owner, "archive", mine, theirs, status=404).status == 404
    assert fresh(shop, mine).archived_at is None and fresh(shop, theirs).archived_at is None


def test_who_may_not_edit_sees_the_list_and_no_ticks(shop: Shop) -> None:
    link = make_link(shop)
    browser = make_colleague(shop, "support").browser()
    page = browser.get("/portal/links")
    assert page.all("a", href=f"/portal/links/{link.public_id}") and not page.all("input", name_="links")
    token = page.form("/sign-out").values["csrf_token"]
    assert browser.post("/portal/links/bulk", {"csrf_token": token, "act": "archive", "links": link.public_id}).status == 403


def test_a_way_back_in_an_address_is_only_a_form(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    page = owner.get(f"/portal/links?done=archived&links={link.public_id},lnk_x,%3Cb%3E")
    assert "Undo: bring back" in page.text and "<b>" not in page.html
    assert fresh(shop, link).archived_at is None and "Undo" not in owner.get("/portal/links?done=exploded&links=x").text


def test_several_are_ended_for_good_only_after_they_were_named_once_more(shop: Shop, owner: Browser) -> None:
    first, second, over = make_link(shop, title="Summer course"), make_link(shop, title="Winter course"), make_link(shop, title="Long over")
    with unit(shop.app):
        expire_link(again(over), by=shop.user.public_id)
    asked = bulk(owner, "expire", first, second, over, path="/portal/links?q=course")
    assert "End 2 links for good?" in asked.text and "Long over" not in asked.text
    assert {fresh(shop, link).state for link in (first, second)} == {"active"}
    ended = owner.submit(asked.form("/portal/links/bulk"), links=[first.public_id, second.public_id])
    assert "2 links have ended." in ended.text and {fresh(shop, link).state for link in (first, second)} == {"expired"}
    assert "Nothing to change" in bulk(owner, "expire", first).text
