"""The plans a vendor sells to its customers: made, changed, paused, put in order. Every price stands on a version of the vendor's price list.

A new price counts at once for whoever joins, and for members from their next boundary: that is the engine's rule (core/billing/renew.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import find_vendor, hold_vendor
from core.accounts.vendor_slug import SHAPE, suggestion
from core.billing.calendar import BillingZone, local_date
from core.billing.price_list import publish_terms
from core.billing.terms import MINIMUMS, Terms, Tier
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said
from core.kernel.signing import TokenRefused, make_token, read_token
from core.memberships.models import Member, MembershipPlan
from core.payments.link_terms import limits

MOST_PLANS = 20
MOST_TRIAL = 90
LIFE = timedelta(days=3650)  # of the address by which people join; pausing the plan closes it at once


class BadPlan(Refusal):
    """What the plan is to be cannot be sold."""

    code = "bad_plan"


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a vendor decides about a plan. `price` is a month, before tax."""

    name: str
    price: Money
    about: str = ""
    trial_days: int = 0


def make_plan(vendor: Vendor, mode: str, *, terms: PlanTerms, by: str) -> MembershipPlan:
    """A new plan, last in order, and a price list that holds it. Refuses BadPlan, naming the field."""
    hold_vendor(vendor.id)
    plans = list_plans(vendor, mode)
    if len(plans) >= MOST_PLANS:
        raise BadPlan(said("You have %(most)s plans, and that is all there can be. Change one of them instead.", most=MOST_PLANS))
    _check(plans, vendor, terms)
    at = now()
    plan = MembershipPlan(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("mpl"), token_id=public_id("tok"), code=_code(terms.name, plans),
        name=terms.name, about=terms.about, currency=terms.price.currency, price_minor=terms.price.minor, trial_days=terms.trial_days,
        state="active", position=len(plans), made_by=by, made_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(plan)
    db.session.flush()
    _publish(vendor, mode, by=by)
    record(vendor.id, actor=by, action="membership_plan.made", subject=plan.public_id, mode=mode, name=plan.name)
    return plan


def change_plan(vendor: Vendor, plan: MembershipPlan, *, terms: PlanTerms, by: str) -> MembershipPlan:
    """Change it. Another price or name is another version of the price list; members who are there keep theirs until their next boundary."""
    hold_vendor(vendor.id)
    plan = lock_again(plan)
    _check([each for each in list_plans(vendor, plan.mode) if each.id != plan.id], vendor, terms)
    names = ("name", "about", "price_minor", "trial_days")
    before = {name: getattr(plan, name) for name in names}
    plan.name, plan.about, plan.trial_days, plan.price_minor = terms.name, terms.about, terms.trial_days, terms.price.minor
    changes = differences(before, {name: getattr(plan, name) for name in names})
    if not changes:
        return plan
    plan.updated_at = now()
    db.session.flush()
    if "price_minor" in changes or "name" in changes:
        _publish(vendor, plan.mode, by=by)
    record(vendor.id, actor=by, action="membership_plan.changed", subject=plan.public_id, mode=plan.mode, changes=changes)
    return plan


def set_plan_state(vendor: Vendor, plan: MembershipPlan, *, state: str, by: str) -> MembershipPlan:
    """Pause it (nobody can join any more, members stay) or offer it again. Repeating it changes nothing."""
    plan = lock_again(plan)
    if plan.state != state:
        plan.state, plan.updated_at = state, now()
        action = "membership_plan.paused" if state == "paused" else "membership_plan.resumed"
        record(vendor.id, actor=by, action=action, subject=plan.public_id, mode=plan.mode)
    return plan


def move_plan_up(vendor: Vendor, plan: MembershipPlan) -> None:
    """Show it before the one that stood before it."""
    hold_vendor(vendor.id)
    plans = list_plans(vendor, plan.mode)
    place = next(n for n, each in enumerate(plans) if each.id == plan.id)
    if place:
        plans[place - 1], plans[place] = plans[place], plans[place - 1]
    for position, each in enumerate(plans):
        each.position = position


def _check(others: Sequence[MembershipPlan], vendor: Vendor, terms: PlanTerms) -> None:
    currency = others[0].currency if others else vendor.currency
    if terms.price.currency != currency:
        raise BadPlan(said("All your plans are priced in %(currency)s.", currency=currency), field="price")
    least, (_, most) = smallest(currency), limits(currency)
    if not least.minor <= terms.price.minor <= most:
        raise BadPlan(said("A month costs between %(least)s and %(most)s.", least=least, most=Money(most, currency)), field="price")
    if not 0 <= terms.trial_days <= MOST_TRIAL:
        raise BadPlan(said("A trial lasts %(most)s days at most.", most=MOST_TRIAL), field="trial_days")
    if any(each.name.casefold() == terms.name.casefold() for each in others):
        raise BadPlan("Another plan of yours has this name. Choose another.", field="name")


def smallest(currency: str) -> Money:
    """The least that a card is charged: what the gateway takes, and we take."""
    least, _ = limits(currency)
    told = Money.of(MINIMUMS[currency], currency).minor if currency in MINIMUMS else 0
    return Money(max(least, told), currency)


def currency_of(vendor: Vendor, mode: str) -> str:
    """What the vendor's plans are priced in."""
    plans = list_plans(vendor, mode)
    return plans[0].currency if plans else vendor.currency


def _code(name: str, plans: Sequence[MembershipPlan]) -> str:
    """What the plan is called on price lists, for ever; made from its first name."""
    stem = suggestion(name) if SHAPE.fullmatch(suggestion(name)) and suggestion(name) != "shop" else "plan"
    taken = {plan.code for plan in plans}
    return next(code for code in (stem, *(f"{stem}-{n}" for n in range(2, MOST_PLANS + 2))) if code not in taken)


def _publish(vendor: Vendor, mode: str, *, by: str) -> None:
    """Another version, from today by the vendor's calendar. A dearer plan is the greater one, whatever order they are shown in."""
    publish_terms(vendor, mode, terms_of(list_plans(vendor, mode)), valid_from=today_of(vendor), by=by)


def terms_of(plans: Sequence[MembershipPlan]) -> Terms:
    """The price list that these plans make. Plans that are paused stay on it: there are members who have them."""
    currency = plans[0].currency
    nothing, least = Money(0, currency), smallest(currency)
    ranked = sorted(plans, key=lambda plan: (plan.price_minor, plan.position))
    return Terms(
        version=0,
        tiers=tuple(Tier(plan.code, plan.price, None, plan.name) for plan in ranked),
        branch_price=nothing,
        hibernation_fee=nothing,
        small_amount=least,
        gateway_minimum=least,
    )


def today_of(vendor: Vendor) -> date:
    """The day it is where the vendor lives: the days of its members begin and end by it."""
    return local_date(now(), BillingZone(vendor.time_zone))


# --- finding ------------------------------------------------------------------------------------------------------------------


def list_plans(vendor: Vendor, mode: str, *, offered: bool = False) -> list[MembershipPlan]:
    """All of them in the vendor's order; or those that can be joined now."""
    mine = select(MembershipPlan).where(MembershipPlan.vendor_id == vendor.id, MembershipPlan.mode == mode)
    if offered:
        mine = mine.where(MembershipPlan.state == "active")
    return list(db.session.scalars(mine.order_by(MembershipPlan.position, MembershipPlan.id)))


def get_plan(vendor: Vendor, mode: str, public: str) -> MembershipPlan:
    """One of the vendor's plans, or a 404."""
    if is_public_id("mpl", public):
        mine = select(MembershipPlan).where(MembershipPlan.vendor_id == vendor.id, MembershipPlan.mode == mode)
        if plan := db.session.scalar(mine.where(MembershipPlan.public_id == public)):
            return plan
    raise NotFound("There is no such plan.")


def find_plan(member: Member) -> MembershipPlan:
    """The plan that somebody joined."""
    return db.session.get_one(MembershipPlan, (member.vendor_id, member.mode, member.plan_id))


def find_plan_by_code(vendor: Vendor, mode: str, code: str) -> MembershipPlan | None:
    """The plan that a tier of the price list is."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", code):
        return None
    mine = select(MembershipPlan).where(MembershipPlan.vendor_id == vendor.id, MembershipPlan.mode == mode)
    return db.session.scalar(mine.where(MembershipPlan.code == code))


def plan_token(vendor: Vendor, plan: MembershipPlan) -> str:
    """The signed text of the address by which people join."""
    return make_token("joining", vendor=vendor.public_id, mode=plan.mode, token_id=plan.token_id, expires_at=plan.made_at + LIFE)


def open_plan_token(text: str) -> tuple[Vendor, MembershipPlan]:
    """Whose plan this is. Raises TokenRefused for anything we did not issue."""
    claims = read_token("joining", text)
    vendor = find_vendor(claims.vendor)
    mine = select(MembershipPlan).where(MembershipPlan.mode == claims.mode, MembershipPlan.token_id == claims.token_id)
    plan = db.session.scalar(mine.where(MembershipPlan.vendor_id == vendor.id)) if vendor else None
    if vendor is None or plan is None:
        raise TokenRefused("revoked")
    return vendor, plan
