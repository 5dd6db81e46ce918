"""The demo's memberships: the bakery's bread club, with people who joined through the sandbox: one pays, one's card fails, one has left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.accounts.models import Vendor
from core.accounts.queries import find_employer, find_user
from core.billing.store import catch_up
from core.kernel.clock import frozen, now
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.memberships.join import ask_anew, ask_for_card, ask_to_join, find_subscription
from core.memberships.member import cancel
from core.memberships.models import Member, MembershipPlan
from core.memberships.plans import PlanTerms, list_plans, make_plan
from core.subscriptions.follow import follow
from workers.seed_plans import FAILS_LATER, LATELY, MODE, VISA, save_at_processor, work_at

SELLER = "mo@harbour-bakery.example"
SINCE = timedelta(days=60)
TERMS = (
    ("Bread club", "14.00", "A sourdough loaf every Saturday, kept for you until noon.", 0),
    ("Bread club and cake", "29.50", "The loaf on Saturday, and a cake for four once a month.", 7),
)


@dataclass(frozen=True)
class Demo:
    """Who joined which plan, since how many days, whether their card fails by now, and after how many days they cancelled."""

    email: str
    name: str
    plan: str
    days: int
    fails: bool = False
    leaves_after: int = 0


MEMBERS = (
    Demo("noor.61@mail.example", "Noor Haddad", "Bread club", 45),
    Demo("oskar.27@mail.example", "Oskar Lind", "Bread club", 33, fails=True),
    Demo("julia.84@mail.example", "Julia Marsh", "Bread club", 39, leaves_after=20),
    Demo("elif.33@mail.example", "Elif Aydin", "Bread club and cake", 4),
)


def fill_memberships() -> int:
    """Make the plans and have people join who have not yet; answers how many joined."""
    with unit_of_work():
        owner = find_user(SELLER)
        vendor = find_employer(owner) if owner else None
        if owner is None or vendor is None:
            return 0
    with frozen(now() - SINCE), unit_of_work():
        there = {plan.name: plan for plan in list_plans(vendor, MODE)}
        for name, price, about, trial_days in TERMS:
            if name not in there:
                terms = PlanTerms(name, Money.of(price, vendor.currency), about, trial_days)
                there[name] = make_plan(vendor, MODE, terms=terms, by=owner.public_id)
    return sum(_join(vendor, there[demo.plan], demo) for demo in MEMBERS)


def _join(vendor: Vendor, plan: MembershipPlan, demo: Demo) -> bool:
    began = now() - timedelta(days=demo.days)
    with frozen(began), unit_of_work():
        member = ask_to_join(vendor, plan, email=demo.email, name=demo.name, form_token=f"demo-{demo.email}", locale="en")
        if member.state != "asked":
            return False
    _save_card(vendor, member, plan, VISA, demo.days)
    if demo.fails:
        _save_card(vendor, member, plan, FAILS_LATER, demo.days - 9)
    if demo.leaves_after:
        with frozen(began + timedelta(days=demo.leaves_after)), unit_of_work():
            cancel(vendor, member, by="payer")
    lived = now() - LATELY
    with frozen(lived), unit_of_work():
        row = find_subscription(member)
        assert row is not None, "whoever saved a card has joined"
        catch_up(row)
        follow(row)
    work_at(lived)
    return True


def _save_card(vendor: Vendor, member: Member, plan: MembershipPlan, number: str, days_ago: int) -> None:
    """As the member would: on the processor's page. Whoever has joined saves another one the same way."""
    at = now() - timedelta(days=days_ago)
    with frozen(at), unit_of_work():
        asked = ask_for_card(vendor, ask_anew(member), words=plan.name)
    save_at_processor(vendor, asked, number, member.name, at)
