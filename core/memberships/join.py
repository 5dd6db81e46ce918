"""Joining a plan: what it costs is said exactly, a card is saved at the provider, and then the subscription begins, once.

One living membership for each address. A card that is saved for joining pays for that membership alone: whoever types somebody
else's address changes nothing of theirs, and learns nothing of them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, exists, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from core.accounts.house import find_details
from core.accounts.models import Vendor
from core.accounts.standing import check_open
from core.billing import store
from core.billing.begin import begin
from core.billing.effects import ChargeWanted
from core.billing.models import KeptSubscription
from core.billing.price_list import offer_on
from core.billing.states import CANCELLED
from core.billing.store import Beginning
from core.billing.tax import with_tax
from core.customers.meet import meet_customer
from core.customers.models import Customer
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.memberships.models import Member, MembershipPlan
from core.memberships.page import send_page
from core.memberships.plans import today_of
from core.payments.saved import forget, lock_card
from core.payments.saved_models import SavedCard, Saving
from core.payments.saving import KEPT, request_saving
from core.providers.contract import NoSuchProvider
from core.providers.registry import provider_for
from core.subscriptions.follow import follow


class PlanNotOffered(Conflict):
    """Nobody can join this plan now."""

    code = "plan_not_offered"


class NothingToRetry(Conflict):
    """The membership is not waiting for another card."""

    code = "nothing_to_retry"


@dataclass(frozen=True, slots=True)
class Quote:
    """What joining today costs, to the penny: `today` is charged at once without a trial, `monthly` from `next_on` on each month."""

    today: Money
    monthly: Money
    next_on: date  # without a trial
    trial_until: date | None  # the day of the first charge, for whoever comes for the first time
    tax_bps: int | None


def is_offered(plan: MembershipPlan) -> bool:
    """Whether somebody can join it: it is not paused, and somebody can save a card."""
    if plan.state != "active":
        return False
    try:
        return provider_for(plan.mode).saves()
    except NoSuchProvider:
        return False


def quote(vendor: Vendor, plan: MembershipPlan) -> Quote:
    """What would be charged, worked out by the very act that begins a membership; nothing is kept."""
    day, tax = today_of(vendor), _tax(vendor)
    terms = offer_on(vendor.id, plan.mode, day).terms
    state, effects = begin(terms, plan.code, day, key="sub_quote", zone=vendor.time_zone, tax_bps=tax)
    today = next(effect.amount for effect in effects if isinstance(effect, ChargeWanted))
    until = None
    if plan.trial_days:
        tried, _ = begin(terms, plan.code, day, key="sub_quote", zone=vendor.time_zone, trial_days=plan.trial_days, tax_bps=tax)
        until = tried.trial_ends
    return Quote(today, with_tax(terms.tier(plan.code).price, tax), state.period.end, until, tax)


def _tax(vendor: Vendor) -> int | None:
    details = find_details(vendor.id)
    return details.tax_bps if details else None


def ask_to_join(vendor: Vendor, plan: MembershipPlan, *, email: str, name: str, form_token: str, locale: str = "") -> Member:
    """Write down who wants to join; the card comes next. The same form for the same address is the same wish.

    Refuses PlanNotOffered, and CustomerBlocked when the vendor takes nothing from this address.
    """
    check_open(vendor, plan.mode)
    if not is_offered(plan):
        raise PlanNotOffered("This plan cannot be joined at the moment. Nothing was charged.")
    email, at = email.strip().lower(), now()
    meet_customer(vendor, plan.mode, email=email, name=name)
    row = {
        "vendor_id": vendor.id, "mode": plan.mode, "id": uuid7(), "public_id": public_id("mbr"), "token_id": public_id("tok"),
        "form_token": form_token, "plan_id": plan.id, "email": email, "name": name.strip(), "locale": locale, "state": "asked", "tries": 1,
        "trial_days": plan.trial_days, "agreed_minor": quote(vendor, plan).monthly.minor, "created_at": at, "updated_at": at,
    }  # fmt: skip
    key = ["vendor_id", "mode", "form_token", "email"]
    db.session.execute(insert(Member).values(**row).on_conflict_do_nothing(index_elements=key))
    mine = select(Member).where(Member.vendor_id == vendor.id, Member.mode == plan.mode)
    return db.session.scalars(mine.where(Member.form_token == form_token, Member.email == email)).one()


def ask_for_card(vendor: Vendor, member: Member, *, words: str) -> Saving:
    """The page at the provider on which this member saves a card: the first one, another one later. Refuses NothingToSaveWith."""
    return request_saving(
        vendor, member.mode, email=member.email, name=member.name, description=words, form_token=_saving_name(member), locale=member.locale,
        on_saved="member_card_saved",
    )  # fmt: skip


def find_saving(member: Member) -> Saving | None:
    """The one they were last asked for."""
    mine = select(Saving).where(Saving.vendor_id == member.vendor_id, Saving.mode == member.mode)
    return db.session.scalar(mine.where(Saving.form_token == _saving_name(member)))


def _saving_name(member: Member) -> str:
    return f"{member.public_id}:{member.tries}"


def ask_anew(member: Member) -> Member:
    """Another card: what was asked for before is over. Pressed twice it is once, as long as the last one is still open."""
    member = lock_again(member)
    saving = find_saving(member)
    if saving is not None and (saving.state in ("saved", "ended") or now() >= saving.expires_at):
        member.tries += 1
        db.session.flush()
    return member


def try_again(member: Member) -> Member:
    """After a first payment that was declined: the same membership, with another card. Refuses NothingToRetry.

    What was declined stays in the books of billing as something that never began.
    """
    member = lock_again(member)
    if member.state == "asked":
        return ask_anew(member)
    row = find_subscription(member)
    if member.state != "joined" or row is None or row.status != CANCELLED or member.began_at is not None:
        raise NothingToRetry("This membership is not waiting for another card.")
    member.state, member.subscription_id, member.updated_at = "asked", None, now()
    return ask_anew(member)


def find_subscription(member: Member) -> KeptSubscription | None:
    """What billing knows of it."""
    if member.subscription_id is None:
        return None
    return db.session.get(KeptSubscription, (member.vendor_id, member.mode, member.subscription_id))


def card_saved(vendor: Vendor, member: Member, card: SavedCard) -> None:
    """A card is there: the membership begins with it, or goes on with it from now on. Safe to repeat."""
    member = lock_again(member)
    row = find_subscription(member)
    if member.state == "asked":
        _begin(vendor, member, card)
    elif row is not None and row.card_id != card.id and row.status != CANCELLED:
        row = lock_again(row)
        row.card_id = lock_card(card).id
        store.new_card(row, by="payer")
        follow(row)


def sum_shown(plan: MembershipPlan, told: Quote) -> str:
    """What a page hands on with the button: what a month costs, and how many days are free."""
    return f"{told.monthly.minor}.{plan.trial_days}"


def agree(member: Member, *, monthly: Money, trial_days: int) -> Member:
    """They have read what a month costs and how many days are free, and go on to save a card for it."""
    member = lock_again(member)
    member.agreed_minor, member.trial_days = monthly.minor, trial_days
    return member


def has_moved(member: Member, plan: MembershipPlan, told: Quote) -> bool:
    """Whether it costs another sum by now than they read, or is free for fewer days."""
    return told.monthly.minor != member.agreed_minor or plan.trial_days < member.trial_days


def _begin(vendor: Vendor, member: Member, card: SavedCard) -> None:
    """Whoever is a member already, or may not be one, is not told on the page, because anybody may have typed their address.

    Nobody is charged another sum than they read, nor sooner: when the price has moved meanwhile, they are asked anew.
    """
    plan = db.session.get_one(MembershipPlan, (member.vendor_id, member.mode, member.plan_id))
    customer = _held_customer(vendor, member)
    other = _living(vendor, customer) if customer else None
    member.updated_at = now()
    if customer is None or other is not None or customer.blocked_at is not None or not is_offered(plan):
        member.state = "refused"
        forget(card)
        if other is not None:
            send_page(vendor, other)
        return
    if has_moved(member, plan, quote(vendor, plan)):
        member.tries += 1
        forget(card)
        return
    member.trial_days = 0 if _was_member(vendor, member) else plan.trial_days
    wish = Beginning(plan.code, vendor.time_zone, plan.currency, trial_days=member.trial_days, tax_bps=_tax(vendor))
    row = store.begin_subscription(vendor, member.mode, subscriber=customer.public_id, wish=wish, by="payer", payer_email=member.email)
    row.card_id, row.locale = card.id, member.locale
    db.session.flush()
    member.state, member.subscription_id = "joined", row.id
    db.session.flush()
    follow(row)


def _held_customer(vendor: Vendor, member: Member) -> Customer | None:
    """Their row, locked: two who begin for one address do it one after the other. None when the person was erased meanwhile."""
    mine = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == member.mode, Customer.email == member.email)
    return db.session.scalar(mine.with_for_update().execution_options(populate_existing=True))


def _living(vendor: Vendor, customer: Customer) -> Member | None:
    """The membership of theirs that runs."""
    same = (
        (KeptSubscription.vendor_id == Member.vendor_id)
        & (KeptSubscription.mode == Member.mode)
        & (KeptSubscription.id == Member.subscription_id)
    )
    mine = select(Member).join(KeptSubscription, same).where(Member.vendor_id == vendor.id, Member.mode == customer.mode)
    return db.session.scalar(mine.where(KeptSubscription.subscriber == customer.public_id, KeptSubscription.status != CANCELLED).limit(1))


def _was_member(vendor: Vendor, member: Member) -> bool:
    """Whether this address was served before: days for nothing are for whoever comes for the first time."""
    mine = (Member.vendor_id == vendor.id, Member.mode == member.mode, Member.email == member.email, Member.began_at.is_not(None))
    return bool(db.session.scalar(select(exists().where(*mine))))


def saving_member(vendor_id: uuid.UUID, mode: str, saving_id: uuid.UUID) -> tuple[Member, SavedCard] | None:
    """Whose card was saved on this page; None when that is over, because they were asked anew meanwhile and what came is not wanted."""
    saving = db.session.get(Saving, (vendor_id, mode, saving_id))
    if saving is None or saving.card_id is None:
        return None
    name, _, tries = saving.form_token.partition(":")
    mine = select(Member).where(Member.vendor_id == vendor_id, Member.mode == mode, Member.public_id == name)
    member = db.session.scalar(mine)
    if member is None or tries != str(member.tries):
        return None
    return member, db.session.get_one(SavedCard, (vendor_id, mode, saving.card_id))


def prune_unfinished(limit: int) -> int:
    """Whoever asked to join and came no further, so long ago; answers how many. Joined or not, what billing knows of them stays."""
    old = select(Member.vendor_id, Member.mode, Member.id).where(Member.state != "joined", Member.updated_at < now() - KEPT).limit(limit)
    gone = delete(Member).where(tuple_(Member.vendor_id, Member.mode, Member.id).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
