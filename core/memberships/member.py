"""What a member wishes, and a vendor for them: another plan, to cancel, to keep it, to pay what is open. Each once, however often it is pressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.accounts.models import Vendor
from core.billing import queries, store
from core.billing.calendar import local_date
from core.billing.effects import ChargeWanted
from core.billing.forecast import preview
from core.billing.midnight import run_to
from core.billing.models import KeptSubscription
from core.billing.price_list import offer_on
from core.billing.states import CANCELLED, SUSPENDED, TRIALING
from core.billing.subscription import Subscription
from core.billing.tax import with_tax
from core.billing.wishes import Cancel, ChooseTier, Keep
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import lock_again
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.memberships.join import find_subscription
from core.memberships.models import Member, MembershipPlan
from core.memberships.plans import list_plans
from core.memberships.standing import is_charging, payment_to_confirm
from core.subscriptions.follow import follow
from core.subscriptions.plan import act


class MembershipOver(Conflict):
    """The membership has ended, or has not begun: nothing of it can be changed."""

    code = "membership_over"


class ChangeUnderWay(Conflict):
    """A change waits for its payment, and another one has to wait for that."""

    code = "change_under_way"


class PriceMoved(Conflict):
    """What was read is not what it costs now."""

    code = "price_moved"


@dataclass(frozen=True, slots=True)
class Choice:
    """Another plan, and what choosing it would do: `today` is charged at once (None: nothing), `monthly` from `on`."""

    plan: MembershipPlan
    today: Money | None
    monthly: Money
    on: date
    upward: bool


def _living(member: Member) -> KeptSubscription:
    row = find_subscription(member)
    if row is None or row.status == CANCELLED:
        raise MembershipOver("This membership has ended. You can join again at any time.")
    row = lock_again(row)
    store.catch_up(row)  # what is looked at here is what the act itself will see
    follow(row)
    if row.status == CANCELLED:
        raise MembershipOver("This membership has ended. You can join again at any time.")
    return row


def list_choices(vendor: Vendor, row: KeptSubscription) -> list[Choice]:
    """The plans that this member can change to, each with what it would cost: worked out by the act that does it, and nothing is kept.

    A plan that came after the present period began can be chosen from the next one on.
    """
    state = present(row)
    found = []
    for plan in list_plans(vendor, row.mode, offered=True):
        if plan.code != row.tier and state.terms.lists(plan.code) and (choice := _preview(row, state, plan)) is not None:
            found.append(choice)
    return found


def present(row: KeptSubscription) -> Subscription:
    """As it is today, also when the midnight just passed has not been run yet. Nothing is kept."""
    state = queries.read(row)
    return run_to(state, local_date(now(), state.zone), lambda day: offer_on(row.vendor_id, row.mode, day))[0]


def _preview(row: KeptSubscription, before: Subscription, plan: MembershipPlan) -> Choice | None:
    try:
        state, effects = preview(before, ChooseTier(plan.code), offer_on(row.vendor_id, row.mode, before.today))
    except Refusal:
        return None
    charged = next((effect.amount for effect in effects if isinstance(effect, ChargeWanted)), None)
    upward = state.terms.rank(plan.code) > state.terms.rank(row.tier)
    on = state.period.end
    return Choice(plan, charged, with_tax(state.terms.tier(plan.code).price, state.tax_bps), on, upward)


def change_plan(vendor: Vendor, member: Member, *, plan: MembershipPlan, shown: str, by: str) -> None:
    """To another plan: a dearer one at once and paid first, another one from the next period. `shown` is the sum that was read.

    Refuses PriceMoved when it costs another sum by now, and ChangeUnderWay while an earlier change waits for its payment.
    """
    row = _living(member)
    state = queries.read(row)
    if row.tier == plan.code or (state.planned is not None and state.planned.tier == plan.code):
        return
    if state.awaiting is not None:
        if state.awaiting.tier == plan.code:
            return
        raise ChangeUnderWay("A change waits for its payment. Once that is done, or taken back, you can choose another plan.")
    if plan.state != "active" or not state.terms.lists(plan.code):
        raise Conflict("This plan cannot be chosen at the moment.")
    choice = _preview(row, state, plan)
    if choice is not None and shown != sum_shown(choice):
        raise PriceMoved("This costs another sum by now. Look it over, and go on if you agree.")
    act(row, ChooseTier(plan.code), by=by)
    _note(vendor, member, by, "membership.plan_changed", plan=plan.code)


def sum_shown(choice: Choice) -> str:
    """What a page hands on with the button: today's sum and the monthly one."""
    return f"{choice.today.minor if choice.today else 0}.{choice.monthly.minor}"


def cancel(vendor: Vendor, member: Member, *, at_once: bool = False, by: str) -> None:
    """At the end of the period; with `at_once` tonight, and unused days become balance. Whoever owes stops tonight in any case."""
    row = _living(member)
    planned = queries.read(row).planned
    if planned is not None and planned.kind == "cancel" and (planned.on is not None or not at_once):
        return
    act(row, Cancel(now=at_once), by=by)
    _note(vendor, member, by, "membership.cancelled", at_once=at_once)


def keep(vendor: Vendor, member: Member, *, by: str) -> None:
    """Take back what was planned: a cancellation, a smaller plan, or a change that is not paid. Refuses ChangeUnderWay while its charge is under way."""
    row = _living(member)
    state = queries.read(row)
    if state.awaiting is not None:
        if is_charging(row) or payment_to_confirm(row) is not None:
            raise ChangeUnderWay("The payment for it is under way. Wait until it has ended.")
        act(row, ChooseTier(row.tier), by=by)
    elif state.planned is not None:
        act(row, Keep(), by=by)
    else:
        return
    _note(vendor, member, by, "membership.kept")


def pay_now(vendor: Vendor, member: Member, *, by: str) -> None:
    """Ask the card for what is open, now; suspended, for the way back. Nothing while a charge is under way."""
    row = _living(member)
    state = queries.read(row)
    owes = state.unpaid or state.awaiting is not None or row.status == SUSPENDED
    if owes and not is_charging(row):
        store.new_card(row, by=by)
        follow(row)


def can_choose(row: KeptSubscription) -> bool:
    """Whether the plan can be changed at all at the moment."""
    state = queries.read(row)
    return row.status == TRIALING or (row.status not in (SUSPENDED, CANCELLED) and state.awaiting is None and state.dunning is None)


def _note(vendor: Vendor, member: Member, by: str, action: str, **detail: object) -> None:
    """The vendor reads in the log what its own people did; what members do stands in their trail."""
    if by.startswith("usr_"):
        record(vendor.id, actor=by, action=action, subject=member.public_id, mode=member.mode, **detail)
