"""The pages of plans as their vendors and the staff see them, each in a state that real acts have brought about by today, and who looks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Flask

from core.billing.carry_out import finalise_due_of
from core.billing.terms import POLICY
from core.billing.wishes import AddProducts, Cancel, ChooseTier, Hibernate
from core.subscriptions import plan
from tests.core.memberships.joined import sell
from tests.core.subscriptions.plans import Life, publish, save_card
from tests.factories import Shop, make_shop
from tests.member_pages import days_ago, joined, open_all, printed
from tests.world import State
from workers.invoices import make_invoice

Seen = tuple[Shop, State]


def plan_pages(app: Flask) -> list[Seen]:
    """A vendor's plan in every state, and the pages that lead on from it."""
    publish(app)
    active = life(app, "pro", 20)
    _print(active)
    document = active.documents()[-1].public_id
    pages = {
        "plan": ("A plan that runs", "/portal/plan"),
        "plan-change": ("What a smaller plan would change", "/portal/plan/change/tier?tier=starter&when=now"),
        "plan-upgrade": ("What a greater plan costs", "/portal/plan/change/tier?tier=enterprise"),
        "plan-hibernate": ("What hibernating means", "/portal/plan/change/hibernate"),
        "plan-cancel": ("What ending the plan means", "/portal/plan/change/cancel"),
        "plan-simulator": ("The plan simulator", "/portal/plan/simulator"),
        "plan-clock": ("The time machine", "/portal/plan/clock"),
        "plan-details": ("Whom invoices are made out to", "/portal/plan/details"),
        "plan-card": ("The card that pays", "/portal/plan/card"),
        "invoices": ("The vendor's invoices", "/portal/invoices"),
        "invoice": ("One invoice", f"/portal/invoices/{document}"),
    }
    none = make_shop(app, business="Kobo Ceramics")
    return [
        *((active.shop, State(name, f"Portal: {words}", path)) for name, (words, path) in pages.items()),
        (none, State("plan-choose", "Portal: the plans there are", "/portal/plan")),
        (none, State("plan-start", "Portal: what beginning a plan costs", "/portal/plan/start/pro")),
        *((one.shop, State(f"plan-{name}", f"Portal: {words}", "/portal/plan")) for name, words, one in _plans(app)),
    ]


def _plans(app: Flask) -> Iterator[tuple[str, str, Life]]:
    today = days_ago(0)
    with trials(app):
        yield "trial", "a plan's free days", life(app, "starter", 3)
    over = life(app, "starter", 12)
    over.wish(days_ago(3), AddProducts(11))
    over.to(today)
    yield "over", "more products than the plan holds", over
    yield "past-due", "an invoice could not be charged", life(app, "pro", 33, pays="no")
    yield "suspended", "a plan that was not paid", life(app, "pro", 50, pays="no")
    asleep = life(app, "pro", 40, until=days_ago(30))
    asleep.wish(days_ago(30), Hibernate())
    asleep.to(today)
    yield "hibernating", "a plan that hibernates", asleep
    leaving = life(app, "pro", 20)
    leaving.wish(today, Cancel())
    yield "leaving", "a plan that ends with its period", leaving
    ended = life(app, "pro", 20, until=days_ago(3))
    ended.wish(days_ago(3), Cancel(now=True))
    ended.to(today)
    yield "cancelled", "a plan that has ended", ended
    charged = life(app, "starter", 20)
    charged.wish(today, ChooseTier("enterprise"), pays="")
    yield "charged", "a charge is under way", charged
    asked = life(app, "starter", 20)
    asked.wish(today, ChooseTier("enterprise"), pays="ask")
    yield "confirm", "the bank asks for a confirmation", asked


@contextmanager
def trials(app: Flask) -> Iterator[None]:
    """Whoever begins inside has free days; whoever begins after it has none."""
    publish(app, replace(POLICY, trial_days=14), valid_from=days_ago(5))
    try:
        yield
    finally:
        publish(app, POLICY, valid_from=days_ago(5))


def life(app: Flask, tier: str, days: int, *, until: date | None = None, pays: str = "yes") -> Life:
    """A plan that began so many days ago and was paid then, up to a day (today); `pays` is what the card says from then on."""
    shop = make_shop(app, business=f"Harbour Street {secrets.token_hex(3)}")
    made = Life.__new__(Life)
    made.app, made.shop, made.email = app, shop, shop.email
    save_card(app, shop.email)
    with made.unit(days_ago(days)):
        made.row = plan.subscribe(shop.vendor, "test", tier=tier, payer_email=shop.email, by=shop.user.public_id)
    made.answer(days_ago(days))
    made.to(until or days_ago(0), pays=pays)
    return made


def _print(one: Life) -> None:
    with one.unit(days_ago(0), 23):
        finalise_due_of(one.row)
    for document in one.documents():
        if document.state == "final":
            with one.app.app_context():
                make_invoice(document.vendor_id, mode="test", document=str(document.id))


def membership_pages(app: Flask) -> list[Seen]:
    """What a vendor sees of the plans it sells and of whoever joined them."""
    shop = make_shop(app, business="Harbour Street Bakery")
    for name, price in (("Bread club", "14.00"), ("Bread and cake", "29.50")):
        sold = sell(shop, name, price, on=days_ago(60), about="A loaf every Saturday.")
    active, past_due = joined(shop, 40), joined(shop, 33, pays="no")
    printed(shop, active)
    of = f"/portal/memberships/{active.member.public_id}"
    late = f"/portal/memberships/{past_due.member.public_id}"
    pages = {
        "members": ("Plans that are sold, and members", "/portal/memberships", None),
        "member": ("One member", of, None),
        "member-cancel": ("What ending a membership means", of, open_all),
        "member-past-due": ("A member whose payment is open", late, open_all),
        "member-plan": ("One plan that is sold", f"/portal/memberships/plans/{sold.public_id}", None),
        "member-invoice": ("An invoice to a member", f"/portal/memberships/invoices/{active.documents()[-1].public_id}", None),
    }
    return [(shop, State(name, f"Portal: {words}", path, act)) for name, (words, path, act) in pages.items()]


def staff_pages(app: Flask) -> list[State]:
    """The staff's pages of plans: the price lists, the house, subscriptions and invoices."""
    publish(app)
    late = life(app, "pro", 33, pays="no")
    _print(late)
    document = late.documents()[-1].public_id
    of = f"/staff/subscriptions/{late.row.public_id}"
    pages = {
        "plans": ("price lists", "/staff/plans"),
        "plans-new": ("a new price list", "/staff/plans/new"),
        "plans-version": ("one price list", "/staff/plans/test/1"),
        "house": ("who sells the plans", "/staff/house"),
        "subscriptions": ("subscriptions", "/staff/subscriptions"),
        "subscription": ("one subscription", of),
        "subscription-document": ("one of its documents", f"{of}/documents/{document}"),
        "invoices": ("invoices", "/staff/invoices"),
        "invoice": ("one invoice", f"/staff/invoices/{document}"),
    }
    return [State(name, f"Staff: {words}", path, look_into) for name, (words, path) in pages.items()]


def look_into(page: Any) -> None:
    """The reason, where one is asked for before a vendor's rows are shown."""
    if page.get_by_role("heading", name="Look into").count():
        page.locator("main form input[type=text], main form textarea").first.fill("A question about an invoice")
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_load_state()
