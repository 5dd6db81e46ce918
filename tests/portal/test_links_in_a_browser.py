"""Handing links out in a real browser, on a phone and without scripts: from the form to the letter, the payer and the report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from checkout.way_in import openings
from core.kernel.clock import now
from core.payments.funnel import add_openings, today_of
from core.payments.prefill import Answers, make_prefill
from core.payments.send_link import send_link
from core.payments.sharing import Sharing, set_sharing
from tests.factories import Shop, again, fresh, link_address, make_declined, make_link, make_paid, unit
from tests.portal.test_in_a_browser import enter
from tests.sight import barriers, sound_on_both

Visit = Callable[..., Page]
PERSON = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36"


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_form_to_the_letter_the_payer_and_the_report_on_a_phone(
    visitor: Visit, shop: Shop, live_server: str, work: Callable[[], int], scripts: bool
) -> None:
    page = enter(visitor(scripts=scripts, phone=True), shop, live_server)
    page.goto("/portal/links/new")
    page.get_by_label("Title").fill("Roof repair")
    page.get_by_label("I do").check()
    page.get_by_label("Amount", exact=True).fill("300")
    page.get_by_role("button", name="Next: How it is paid").click()
    page.get_by_label("In parts, until all of it is paid").check()
    page.get_by_label("Smallest part").fill("20")
    page.get_by_label("Due on").fill((now() + timedelta(days=40)).date().isoformat())
    page.get_by_role("button", name="Next: Questions and sharing").click()
    page.get_by_label("Readable address").fill("roof-repair")
    page.get_by_text("Ask the payer for a reference").click()
    page.get_by_label("Ask the payer for", exact=False).first.fill("Flat number")
    page.get_by_text("Labels and your own columns").click()
    page.get_by_label("Labels").fill("house")
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("heading", name="Roof repair").wait_for()
    readable = page.get_by_label("Readable address").input_value()
    page.get_by_role("link", name="Send it by e-mail").click()
    page.get_by_label("To", exact=True).fill("ada@example.com\nbob@example.com")
    page.get_by_label("Your message").fill("The roofers come in May.")
    page.get_by_label("First reminder").select_option("7")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("2 letters are on their way.")).to_be_visible()
    work()
    page.reload()
    expect(page.get_by_text("Kept here")).to_have_count(2)

    payer = visitor(scripts=scripts, phone=True, user_agent=PERSON)
    payer.goto(f"{readable}?ref=poster")
    expect(payer.get_by_text("£300.00 of £300.00 is open")).to_be_visible()
    payer.get_by_label("Other", exact=True).check()
    payer.get_by_label("Your amount").fill("120")
    payer.get_by_label("E-mail address").fill("ada@example.com")
    payer.get_by_label("Flat number").fill("7b")
    payer.get_by_role("button", name="Continue").click()
    payer.get_by_role("heading", name="Pay by card").wait_for()
    openings.flush(shop.app)
    page.goto(page.url.rpartition("/")[0] + "/report")
    expect(page.get_by_text("Printed poster")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("cell", name="1", exact=True).first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_ticked_links_are_archived_and_brought_back(visitor: Visit, shop: Shop, live_server: str, scripts: bool) -> None:
    make_link(shop, title="Spring fair")
    make_link(shop, title="Autumn fair")
    page = enter(visitor(scripts=scripts, phone=True), shop, live_server)
    page.goto("/portal/links")
    page.get_by_label("Choose Spring fair").check()
    page.get_by_label("With the ticked", exact=True).select_option("archive")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("1 link archived.")).to_be_visible()
    expect(page.get_by_role("link", name="Spring fair")).to_have_count(0)
    page.get_by_role("button", name="Undo: bring back").click()
    expect(page.get_by_role("link", name="Spring fair")).to_be_visible()


def test_ticked_links_are_ended_for_good_after_a_look_at_their_names(visitor: Visit, shop: Shop, live_server: str) -> None:
    made = [make_link(shop, title=title, kind="single") for title in ("Spring fair", "A very long title " * 6)]
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/links?tick=all")
    page.get_by_label("With the ticked", exact=True).select_option("expire")
    page.get_by_role("button", name="Do it").click()
    page.get_by_role("heading", name="End 2 links for good?").wait_for()
    assert not sound_on_both(page, "ending several")
    page.get_by_role("button", name="End them for good").click()
    expect(page.get_by_text("2 links have ended.")).to_be_visible()
    assert {fresh(shop, link).state for link in made} == {"expired"}


def test_every_page_about_sharing_is_free_of_barriers_and_fits_its_screen(visitor: Visit, live_server: str, shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=30_000, due_on=(now() + timedelta(days=40)).date())
    with unit(shop.app):
        set_sharing(
            again(link), by="usr_x",
            sharing=Sharing(labels=["a-label-of-thirty-characters-x"], key_values={"project": "x" * 200}, reference_label="Invoice number"),
        )  # fmt: skip
        send_link(
            shop.vendor, again(link), sender=shop.user, recipients=["a.very.long.name@some-long-company-name.example.com"], message="Hello.",
            reminders=[7, 1], form_token="f" * 20,
        )  # fmt: skip
        make_prefill(shop.vendor, again(link), by="usr_x", answers=Answers(reference="INV-7", name="Ada"), form_token="g" * 20)
        add_openings({(shop.vendor.id, "test", link.id, today_of(shop.vendor), "other"): 9})
    make_paid(shop, link, amount="100.00")
    make_declined(shop, link, amount="50.00")
    page, wrong = visitor(), []
    enter(page, shop, live_server)
    base = f"/portal/links/{link.public_id}"
    endless = f"/portal/links/{make_link(shop, kind='single').public_id}/send"
    paths = [base, endless, *(f"{base}/{part}" for part in ("edit", "send", "filled", "report", "poster")), "/portal/links?tick=all", "/portal/links?label=x",
             f"/portal/links?done=archived&links={link.public_id}", "/portal/settings/address", link_address(shop, link),
             f"{link_address(shop, link)}?amount=x"]  # fmt: skip
    for path in paths:
        page.goto(path)
        wrong += [(name, what) for name, what in sound_on_both(page, path) if not (path.startswith("/pay/") and what[1] == "moderate")]
    assert not wrong, "\n".join(map(str, wrong))


def test_a_filled_in_address_is_free_of_barriers_and_needs_no_scripts(visitor: Visit, shop: Shop, live_server: str) -> None:
    from core.kernel.money import Money
    from core.payments.prefill import prefill_token

    link = make_link(shop, amount=None)
    with unit(shop.app):
        answers = Answers(email="ada@example.com", amount=Money(12_345, "GBP"))
        prefill = make_prefill(shop.vendor, again(link), by="usr_x", answers=answers, form_token="h" * 20)
        path = f"/pay/{prefill_token(shop.vendor, again(link), prefill)}"
    page: Any = visitor(phone=True)
    page.goto(path)
    assert not [barrier for barrier in barriers(page) if barrier[1] != "moderate"]
    plain = visitor(scripts=False, phone=True)
    plain.goto(path)
    expect(plain.get_by_text("ada@example.com")).to_be_visible()
    plain.get_by_role("button", name="Continue to pay £123.45").click()
    plain.get_by_role("heading", name="Pay by card").wait_for()
