"""The demo's plans: one that runs, one with more products than it holds, one whose card has begun to fail. Every card saved, every charge made."""

from __future__ import annotations

import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.accounts.house import house
from core.accounts.models import User, Vendor
from core.accounts.queries import find_employer, find_user
from core.billing.store import catch_up
from core.directory.products import ProductTerms, add_product
from core.directory.queries import list_listings, list_products
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import unit_of_work
from core.payments.saved_models import Saving
from core.payments.saving import inquire_saving, open_saving_at_provider, record_saving_opened, settle_saving
from core.subscriptions.counts import counted
from core.subscriptions.follow import follow
from core.subscriptions.plan import ask_for_card, find_plan, subscribe
from workers.runner import drain
from workers.seed_clock import everywhere

MODE = "test"
VISA, FAILS_LATER = "4242424242424242", "4000000000000341"
LATELY = timedelta(hours=20)


@dataclass(frozen=True)
class Demo:
    """Whose plan it is, which, since how many days, up to how many products, and whether the card fails by now."""

    email: str
    tier: str
    days: int
    products: int = 0
    fails: bool = False


PLANS = (
    Demo("mo@harbour-bakery.example", "pro", 20),
    Demo("aoife@lumen-yoga.example", "starter", 12, products=12),
    Demo("ren@kobo-ceramics.example", "starter", 32, fails=True),
)


def fill_plans() -> int:
    """Begin the plans that are not there yet; answers how many."""
    return sum(_begin(demo) for demo in PLANS)


def _begin(demo: Demo) -> bool:
    with unit_of_work():
        owner = find_user(demo.email)
        vendor = find_employer(owner) if owner else None
        if owner is None or vendor is None or find_plan(vendor, MODE) is not None:
            return False
    began = now() - timedelta(days=demo.days)
    _save_card(owner, vendor, VISA, began)
    with frozen(began), unit_of_work():
        subscribe(vendor, MODE, tier=demo.tier, payer_email=owner.email, by=owner.public_id)
    work_at(began)
    if demo.products:
        _publish(owner, vendor, demo.products, now() - timedelta(days=3))
    if demo.fails:
        _save_card(owner, vendor, FAILS_LATER, began + timedelta(days=9))
    _live_on(vendor, now() - LATELY)
    return True


def _save_card(owner: User, vendor: Vendor, number: str, at: datetime) -> None:
    """As its owner would: on the processor's page."""
    with frozen(at), unit_of_work():
        seller = house()
        asked = ask_for_card(
            vendor,
            MODE,
            payer_email=owner.email,
            name=owner.name,
            words=f"The plan of {vendor.name}",
            form_token=f"demo-{number}-{vendor.public_id}",
        )
    save_at_processor(seller, asked, number, owner.name, at)


def save_at_processor(seller: Vendor, asked: Saving, number: str, name: str, at: datetime) -> None:
    """The processor's page is opened, the card is typed, and the jobs that hear of it run."""
    with everywhere(at):
        opening = open_saving_at_provider(seller, asked, return_url=settings().public_url, cancel_url=settings().public_url)
        with unit_of_work():
            asked = record_saving_opened(asked, opening)
        _type(asked.redirect_url or "", number, name)
        outcome = inquire_saving(asked)
        if outcome is None:
            raise RuntimeError("the sandbox does not say what became of a card")
        with unit_of_work():
            if settle_saving(asked, outcome) != "saved":
                raise RuntimeError("the sandbox did not save a card")
    work_at(at)


def _type(page: str, number: str, name: str) -> None:
    """The card into the processor's form; where it leads back to need not be listening yet."""
    fields = {"number": number, "expiry": "12/39", "cvc": "123", "name": name}
    request = urllib.request.Request(page, urllib.parse.urlencode(fields).encode())
    with urllib.request.build_opener(_Stay).open(request, timeout=20) as answer:
        answer.read()


class _Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow a way back to pages that are not there yet."""

    def http_error_303(self, req, fp, code, msg, headers):  # type: ignore[no-untyped-def]
        return fp


def _publish(owner: User, vendor: Vendor, products: int, at: datetime) -> None:
    """More of what is there already, until there are so many: more than the plan holds."""
    with frozen(at), unit_of_work():
        listing = list_listings(vendor, MODE, limit=1).rows[0]
        first = list_products(listing, limit=1).rows[0]
        there = find_plan(vendor, MODE)
        assert there is not None
        with counted(vendor, MODE, by=owner.public_id):
            for number in range(products - there.state["products"]["count"]):
                minor = first.price.minor if first.price else None
                terms = ProductTerms(f"{first.name}, course {number + 2}", first.currency, first.description, minor, first.attributes)
                add_product(listing, by=owner.public_id, terms=terms, publish=True)
    work_at(at)


def _live_on(vendor: Vendor, at: datetime) -> None:
    """Every midnight up to then, with what the card says to it."""
    with frozen(at), unit_of_work():
        row = find_plan(vendor, MODE)
        assert row is not None
        catch_up(row)
        follow(row)
    work_at(at)


def work_at(at: datetime) -> None:
    """What is to be done by then, as the workers would."""
    with everywhere(at):
        for queue in ("money", "messages"):
            drain(queue)
