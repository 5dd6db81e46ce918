"""A vendor's own plan: its subscription to the house. Found, begun, changed and previewed."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import exists, select

from core.accounts.house import HOUSE, find_details, house
from core.accounts.models import Membership, User, Vendor
from core.accounts.queries import hold_vendor
from core.billing import forecast, queries, store
from core.billing.clock import today_of
from core.billing.effects import Effect
from core.billing.lines import sum_of
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, PriceList
from core.billing.price_list import offer_on
from core.billing.states import CANCELLED
from core.billing.store import Beginning
from core.billing.subscription import Step
from core.billing.treat import tax_of
from core.billing.wishes import Cancel, ChooseTier, Reactivate, Resume, Wish
from core.directory.standing import find_standing
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.saved import find_default
from core.payments.saved_models import SavedCard, Saving
from core.payments.saving import request_saving
from core.providers.contract import NoSuchProvider
from core.providers.registry import provider_for
from core.subscriptions.follow import follow


class NoCard(Conflict):
    """A plan is paid with a saved card, and there is none."""

    code = "no_card"


class PaymentOut(Conflict):
    """A payment is on its way."""

    code = "payment_out"


class Owes(Conflict):
    """The plan before this one is not paid."""

    code = "owes"


class HasPlan(Conflict):
    """There is a plan already; it can be changed."""

    code = "has_plan"


def are_sold(mode: str) -> bool:
    """Whether the house has a price list in this mode, and somebody who can take money for it."""
    try:
        takes = provider_for(mode).saves()
    except NoSuchProvider:
        return False
    return takes and bool(db.session.scalar(select(PriceList.version).where(PriceList.vendor_id == HOUSE, PriceList.mode == mode).limit(1)))


def find_plan(vendor: Vendor, mode: str) -> KeptSubscription | None:
    """The vendor's plan that runs, else the last one it had."""
    mine = select(KeptSubscription).where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.mode == mode)
    order = (KeptSubscription.status == CANCELLED, KeptSubscription.id.desc())
    return db.session.scalar(mine.where(KeptSubscription.subscriber == vendor.public_id).order_by(*order).limit(1))


def subscribe(vendor: Vendor, mode: str, *, tier: str, payer_email: str, by: str) -> KeptSubscription:
    """Begin today, by the vendor's calendar. It counts once its first invoice is paid; with days of trial it counts at once.

    Refuses HasPlan, Owes, NoCard (the payer has saved none with the house), and a tier that is not on the list.
    """
    hold_vendor(vendor.id)  # two tabs begin one plan
    plan = find_plan(vendor, mode)
    if plan is not None and plan.status != CANCELLED:
        raise HasPlan("There is a plan already.")
    owed = owed_before(plan)
    if owed:
        raise Owes(said("Your last plan still owes %(amount)s. Once that is paid you can begin again.", amount=owed))
    if find_card(mode, payer_email) is None:
        raise NoCard("Save a card first: the plan is paid with it.")
    wish = beginning(vendor, mode, tier=tier)
    row = store.begin_subscription(house(), mode, subscriber=vendor.public_id, wish=wish, payer_email=payer_email, by=by)
    follow(row)
    return row


def beginning(vendor: Vendor, mode: str, *, tier: str) -> Beginning:
    """What the vendor would begin with today: its calendar, what it has published, and the tax of the house."""
    products, branches = counts(vendor, mode)
    before = find_plan(vendor, mode)
    return Beginning(
        tier, vendor.time_zone, trial_days=0 if before else _trial_days(vendor, mode), tax_bps=tax_now(vendor),
        products=products, branches=branches,
    )  # fmt: skip


def owed_before(ended: KeptSubscription | None) -> Money | None:
    """What a plan that has ended is still asked for: ending it and beginning anew is no way out. None when nothing is."""
    if ended is None:
        return None
    state = queries.as_of_now(ended)[0]
    return sum_of((each.due for each in state.unpaid), state.currency) if state.unpaid else None


def tax_now(vendor: Vendor) -> int | None:
    """The rate a plan that begins now is taxed at; core/billing/tax.py: REVERSE, or None while the switch is off."""
    details, known = find_details(HOUSE), tax_of(vendor.public_id)
    return known.bps if known is not None else details.tax_bps if details is not None else None


def _trial_days(vendor: Vendor, mode: str) -> int:
    """Who comes for the first time may have some days for nothing."""
    return offer_on(HOUSE, mode, today_of(vendor)).terms.trial_days


def find_card(mode: str, payer_email: str) -> SavedCard | None:
    """The card that pays for plans of this payer."""
    return find_default(house(), mode, payer_email)


def payer_left(vendor: Vendor, email: str) -> None:
    """Who paid is not of the team any more and could stop nothing: their card is left alone, and the owner is who pays from now on."""
    owner = select(User.email).join(Membership, Membership.user_id == User.id)
    heir = db.session.scalar(owner.where(Membership.vendor_id == vendor.id, Membership.role == "owner"))
    for mode in ("test", "live"):
        mine = select(KeptSubscription).where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.mode == mode)
        theirs = mine.where(KeptSubscription.subscriber == vendor.public_id, KeptSubscription.payer_email == email)
        for row in db.session.scalars(theirs.order_by(KeptSubscription.id).with_for_update()):
            row.payer_email = heir or ""


def ask_for_card(vendor: Vendor, mode: str, *, payer_email: str, name: str, words: str, form_token: str, locale: str = "") -> Saving:
    """The payer is to save a card with the house; `words` tell what for. Once it is saved they pay for the plan, and what is owed is charged.

    Refuses NothingToSaveWith.
    """
    return request_saving(
        house(), mode, email=payer_email, name=name, description=words, form_token=f"{vendor.public_id}:{form_token}", locale=locale,
        on_saved="use_new_card",
    )  # fmt: skip


def counts(vendor: Vendor, mode: str) -> tuple[int, int]:
    """Published products, and branches beyond the first one, which every plan includes."""
    standing = find_standing(vendor.id, mode)
    return (standing.published_products, max(0, standing.branches - 1)) if standing else (0, 0)


def act(row: KeptSubscription, wish: Wish, *, by: str) -> tuple[Effect, ...]:
    """What the vendor wishes, today, with all that follows from it. Refuses as the act itself does.

    Refuses PaymentOut while the card is being asked for an earlier wish of this kind: letting go of that would have both paid. Whoever
    cancels meanwhile is not kept waiting: what is on its way counts until the end if it is paid, and is dropped if it is not.
    """
    row = lock_again(row)
    wish = as_things_stand(row, wish)
    if isinstance(wish, ChooseTier | Resume | Reactivate) and _is_paying(row):
        raise PaymentOut("The card is being charged for this. Wait for its answer.")
    effects = store.wish_for(row, wish, by=by)
    follow(row)
    return effects


def as_things_stand(row: KeptSubscription, wish: Wish) -> Wish:
    """The wish with what only its payments can say."""
    return replace(wish, paying=_is_paying(row)) if isinstance(wish, Cancel) else wish


def _is_paying(row: KeptSubscription) -> bool:
    """Whether the card is being asked for the change that is held."""
    held = queries.read(row).awaiting
    return held is not None and is_out(row, held.document.number)


def is_out(row: KeptSubscription, document: int) -> bool:
    """Whether the card is being asked for one of the subscription's documents, and has not answered yet."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    asked = exists().where(*mine, BillingCharge.state == "sent", BillingCharge.documents.contains([document]))
    return bool(db.session.scalar(select(asked)))


def take_back(row: KeptSubscription, document: BillingDocument, *, reason: str, by: str) -> tuple[Effect, ...]:
    """A wrong invoice of the plan's, with all that follows from it. Refuses as core/billing/store.py: void_document does."""
    effects = store.void_document(row, document, reason=reason, by=by)
    follow(row)
    return effects


def preview_wish(row: KeptSubscription, wish: Wish) -> Step:
    """What a wish would do today: the same code that does it, and nothing is kept."""
    state, offer = queries.as_of_now(row)
    return forecast.preview(state, as_things_stand(row, wish), offer)


def next_charge_of(row: KeptSubscription) -> forecast.Charge | None:
    """What the card is asked for next, and when, should nothing be wished until then."""
    return forecast.next_charge(*queries.as_of_now(row))
