"""A list opens with the saved filter that somebody chose for themselves, and with everything for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories import make_colleague, make_declined, make_paid, make_shop

if TYPE_CHECKING:
    from flask import Flask

    from tests.browser import Browser, Page
    from tests.factories import Shop

LIST = "/portal/payments"


def saved(browser: Browser, name: str, query: str, *, shared: bool = False) -> Page:
    form = browser.get(f"{LIST}?{query}").form(f"{LIST}/filters")
    return browser.submit(form, name=name, **({"shared": "y"} if shared else {}))


def pressed(browser: Browser, page: Page, ending: str) -> Page:
    return browser.submit(page.form(action_of(page, ending)))


def action_of(page: Page, ending: str) -> str:
    return next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith(ending))


def test_a_filter_opens_by_itself_for_the_one_who_chose_it(shop: Shop, owner: Browser) -> None:
    paid, failed = make_paid(shop).public_id, make_declined(shop).public_id
    page = saved(owner, "Failed ones", "status=requires_method", shared=True)
    page = pressed(owner, page, "/usual")
    assert "Payments open with “Failed ones” for you from now on." in page.text
    page = owner.get(LIST)
    assert failed in page.html and paid not in page.html and page.address.endswith("?status=requires_method")
    everything = owner.get(f"{LIST}?view=all")
    assert failed in everything.html and paid in everything.html
    colleague = make_colleague(shop, "manager").browser().get(LIST)
    assert failed in colleague.html and paid in colleague.html and "Failed ones" in colleague.text
    page = pressed(owner, owner.get(LIST), "/no-usual")
    assert failed in page.html and paid in page.html and "Payments open with everything again." in page.text


def test_what_is_exported_is_what_the_opened_filter_shows(shop: Shop, owner: Browser) -> None:
    paid, failed = make_paid(shop).public_id, make_declined(shop).public_id
    pressed(owner, saved(owner, "Failed", "status=requires_method"), "/usual")
    page = owner.get(LIST)
    href = next(e.attrs["href"] for e in page.all("a") if "payments.csv" in e.attrs.get("href", ""))
    assert failed in owner.get(href).html and paid not in owner.get(href).html


def test_removing_the_filter_asks_first_and_ends_its_opening(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop).public_id
    page = pressed(owner, saved(owner, "None of them", "status=expired"), "/usual")
    assert "Remove “None of them”?" in page.text
    pressed(owner, page, "/remove")
    assert paid in owner.get(LIST).html


def test_nobody_opens_with_what_they_may_not_see(app: Flask, shop: Shop, owner: Browser) -> None:
    page = saved(owner, "Mine alone", "status=expired")
    action = action_of(page, "/usual")
    for other in (make_colleague(shop, "manager"), make_shop(app)):
        theirs = other.browser()
        form = theirs.get(f"{LIST}?status=expired").form(f"{LIST}/filters")
        theirs.post(action, {"csrf_token": form.values["csrf_token"]}, status=404)
