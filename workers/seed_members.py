"""The demo's memberships: the bakery's bread club, whose people joined through the sandbox: one pays, one's card fails, one has left, one tries it.

They live day by day side by side, so that documents have their numbers in the order of their days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.accounts.models import User, Vendor
from core.accounts.queries import find_employer, find_user
from core.billing.carry_out import finalise_due_of
from core.billing.store import catch_up
from core.kernel.clock import frozen, now
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.memberships.join import ask_anew, ask_for_card, ask_to_join, find_subscription
from core.memberships.member import cancel
from core.memberships.models import Member, MembershipPlan
from core.memberships.plans import PlanTerms, list_plans, make_plan
from core.subscriptions.follow import follow
from workers.seed_plans import FAILS_LATER, MODE, VISA, save_at_processor, work_at

SELLER = "mo@harbour-bakery.example"
SINCE = 60  # days ago the plans were made
TERMS = (
    ("Bread club", "14.00", "A sourdough loaf every Saturday, kept for you until noon.", 0),
    ("Bread club and cake", "29.50", "The loaf on Saturday, and a cake for four once a month.", 7),
)


@dataclass(frozen=True)
class Demo:
    """Who joined which plan how many days ago, and how many days ago they took a card that fails, or cancelled."""

    email: str
    name: str
    plan: str
    days: int
    fails: int = 0
    leaves: int = 0


MEMBERS = (
    Demo("noor.61@mail.example", "Noor Haddad", "Bread club", 45),
    Demo("julia.84@mail.example", "Julia Marsh", "Bread club", 39, leaves=20),
    Demo("oskar.27@mail.example", "Oskar Lind", "Bread club", 33, fails=24),
    Demo("elif.33@mail.example", "Elif Aydin", "Bread club and cake", 4),
)


def fill_memberships() -> int:
    """Make the plans and have people join who have not yet; answers how many joined."""
    with unit_of_work():
        owner = find_user(SELLER)
        vendor = find_employer(owner) if owner else None
    if owner is None or vendor is None:
        return 0
    plans, today = _plans(owner, vendor), now()
    waiting = [demo for demo in MEMBERS if _wish(vendor, plans[demo.plan], demo, today).state == "asked"]
    for ago in range(max((demo.days for demo in waiting), default=0), 0, -1):
        at = today - timedelta(days=ago)
        for demo in waiting:
            if ago <= demo.days:
                _day(vendor, plans[demo.plan], demo, ago, at)
        work_at(at)
        for demo in waiting:
            if ago <= demo.days:
                _finalise(vendor, plans[demo.plan], demo, today, at + timedelta(hours=2))
    return len(waiting)


def _plans(owner: User, vendor: Vendor) -> dict[str, MembershipPlan]:
    with frozen(now() - timedelta(days=SINCE)), unit_of_work():
        there = {plan.name: plan for plan in list_plans(vendor, MODE)}
        for name, price, about, trial_days in TERMS:
            if name not in there:
                terms = PlanTerms(name, Money.of(price, vendor.currency), about, trial_days)
                there[name] = make_plan(vendor, MODE, terms=terms, by=owner.public_id)
    return there


def _wish(vendor: Vendor, plan: MembershipPlan, demo: Demo, today: datetime) -> Member:
    """What they asked for, once: the same form sent again is the same wish."""
    with frozen(today - timedelta(days=demo.days)), unit_of_work():
        return ask_to_join(vendor, plan, email=demo.email, name=demo.name, form_token=f"demo-{demo.email}", locale="en")


def _day(vendor: Vendor, plan: MembershipPlan, demo: Demo, ago: int, at: datetime) -> None:
    """One day of somebody's: what the midnight brought, and what they did."""
    member = _wish(vendor, plan, demo, at + timedelta(days=ago))
    with frozen(at), unit_of_work():
        row = find_subscription(member)
        if row is not None:
            catch_up(row)
            follow(row)
        if ago == demo.leaves:
            cancel(vendor, member, by="payer")
    if ago in (demo.days, demo.fails):
        _save_card(vendor, member, plan, VISA if ago == demo.days else FAILS_LATER, at)


def _save_card(vendor: Vendor, member: Member, plan: MembershipPlan, number: str, at: datetime) -> None:
    """As the member would: on the processor's page. Whoever has joined saves another one the same way."""
    with frozen(at), unit_of_work():
        asked = ask_for_card(vendor, ask_anew(member), words=plan.name)
    save_at_processor(vendor, asked, number, member.name, at)


def _finalise(vendor: Vendor, plan: MembershipPlan, demo: Demo, today: datetime, at: datetime) -> None:
    member = _wish(vendor, plan, demo, today)
    with frozen(at), unit_of_work():
        row = find_subscription(member)
        if row is not None:
            finalise_due_of(row)
            follow(row)
