"""What a vendor's pages of its plan show: how it stands and what that means, what is counted, what may be chosen, and who pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.accounts.house import house
from core.accounts.queries import names_of
from core.accounts.staff import staff_names
from core.billing import limits, states
from core.billing.begin import START
from core.billing.calendar import DAY
from core.billing.clock import today_of
from core.billing.lists import list_documents
from core.billing.models import BillingDocument, KeptSubscription
from core.billing.price_list import list_price_lists, terms_of
from core.billing.subscription import Subscription
from core.billing.terms import Terms, Tier
from core.billing.wishes import Cancel, ChooseTier, ConfirmResume, Hibernate, Keep, Reactivate, Resume, WakeOn, Wish
from core.kernel.errors import Refusal
from core.payments.saved_models import SavedCard
from core.subscriptions.plan import find_card
from core.subscriptions.quote import Quote, quote_wish
from core.web.filters import day, money, number, when
from core.web.guard import current
from core.web.languages import reader, written
from portal.plan_names import Known, known_of

SOON = timedelta(days=40)  # a card that ends before the next charge but one is spoken of

# What each state means for the business, in one sentence (docs: the table of states).
MEANINGS: dict[str, Any] = {
    "starting": _l("The first invoice is being paid. Your listings are shown as soon as it is."),
    states.TRIALING: _l("Everything works and costs nothing until the trial is over."),
    states.ACTIVE: _l("Everything works: your listings are in the directory."),
    states.PAST_DUE: _l("Your last invoice is not paid. Everything still works for now; a greater plan has to wait until it is paid."),
    states.SUSPENDED: _l("Your listings are out of the directory and cannot be changed; you can read and export everything. Nothing new is billed."),
    states.HIBERNATING: _l("Your listings are out of the directory and everything is kept. You can go on editing, out of sight, for a small fee."),
    states.CANCELLED: _l("The plan has ended. Nothing is billed any more, and your listings are out of the directory."),
}  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """How much of what the plan holds is used. `most` None: there is no limit."""

    name: str
    count: int
    most: int | None
    words: str
    over: bool = False


@dataclass(frozen=True)
class Option:
    """Something that may be wished, with its quote; or the sentence that says why it cannot be."""

    name: str
    when: str
    tier: Tier | None
    quote: Quote | None
    why_not: str = ""

    @property
    def href(self) -> str:
        more = {"tier": self.tier.code} if self.tier else {}
        return url_for("portal.preview_change", name=self.name, **more, **({"when": self.when} if self.when else {}))


def standing_word(state: Subscription) -> str:
    """Its status; a plan whose first invoice is not paid yet has not begun."""
    begins = any(owed.origin == START and owed.standing == "draft" for owed in state.open)
    return "starting" if begins and state.status == states.ACTIVE else state.status


def usages(state: Subscription) -> list[Usage]:
    products, most = state.products.count, state.plan.limit
    words = (
        ngettext("%(num)s published product", "%(num)s published products", products)
        if most is None
        else _("%(count)s of %(most)s published products", count=number(products), most=number(most))
    )
    branches = state.branches.count
    more = (
        ngettext("the first one is included, %(num)s further one", "the first one is included, %(num)s further ones", branches)
        if branches
        else _("the first one is included, none beyond it")
    )
    return [Usage(_("Products"), products, most, words, most is not None and products > most), Usage(_("Branches"), branches, None, more)]


def wish_of(name: str, *, tier: str = "", at_once: bool = False, until: date | None = None) -> Wish | None:
    """What an address of these pages asks for; None for what there is not."""
    wishes: dict[str, Wish] = {
        "tier": ChooseTier(tier, at_once), "hibernate": Hibernate(at_once, until), "wake-on": WakeOn(until), "wake-off": WakeOn(None), "resume": Resume(), "confirm-resume": ConfirmResume(),
        "reactivate": Reactivate(), "cancel": Cancel(at_once), "keep": Keep(),
    }  # fmt: skip
    return wishes.get(name)


def option(row: KeptSubscription, name: str, *, tier: Tier | None = None, at_once: bool = False) -> Option:
    """Tried by the code that would do it: what it refuses, it refuses here with the same sentence."""
    asked, word = "wake-off" if name == "wake-on" else name, "now" if at_once else ""  # whether a day can be chosen at all
    wish = wish_of(asked, tier=tier.code if tier else "", at_once=at_once)
    assert wish is not None
    try:
        return Option(name, word, tier, quote_wish(row, wish))
    except Refusal as refusal:
        return Option(name, word, tier, None, written(refusal.message))


def tier_options(row: KeptSubscription, state: Subscription) -> list[tuple[Tier, list[Option]]]:
    """Every plan with what choosing it would be: up at once, down at the period's end or now. The present one has none."""
    found = []
    for tier in state.terms.tiers:
        mine: list[Option] = []
        if tier.code != state.tier:
            mine.append(option(row, "tier", tier=tier))
            down = state.terms.rank(tier.code) < state.terms.rank(state.tier)
            if down and state.status in (states.ACTIVE, states.PAST_DUE):
                mine.append(option(row, "tier", tier=tier, at_once=True))
        found.append((tier, mine))
    return found


def other_options(row: KeptSubscription, state: Subscription) -> list[Option]:
    """Resting, waking up, ending: what fits the state."""
    names: dict[str, tuple[tuple[str, bool], ...]] = {
        states.TRIALING: (("cancel", False), ("cancel", True)),
        states.ACTIVE: (("hibernate", False), ("hibernate", True), ("cancel", False), ("cancel", True)),
        states.PAST_DUE: (("cancel", False),),
        states.SUSPENDED: (("reactivate", False), ("cancel", False)),
        states.HIBERNATING: (("resume", False), ("wake-on", False), ("confirm-resume", False), ("cancel", False), ("cancel", True)),
    }
    wanted = names.get(state.status, ())
    if state.resume_confirmed or state.wakes_on is not None:
        wanted = tuple(each for each in wanted if each[0] != "confirm-resume")
    return [option(row, name, at_once=at_once) for name, at_once in wanted]


def card_words(card: SavedCard) -> str:
    """`Visa ending in 4242`."""
    return reader().card_ending(card.brand, card.last4)


def card_warning(card: SavedCard) -> str:
    """That it ends, or has ended; empty when there is nothing to say."""
    today, last = today_of(current().vendor), f"{card.expiry_month:02d}/{card.expiry_year}"
    if card.expired_on(today):
        return _("It ended with %(last)s. Save another one, or the next charge is declined.", last=last)
    if card.expired_on(today + SOON):
        return _("It ends with %(last)s. Save the new one before the next charge.", last=last)
    return ""


def payer_card(row: KeptSubscription | None) -> SavedCard | None:
    """The card that pays, or would pay for the one who is looking."""
    me = current()
    return find_card(me.mode, row.payer_email if row is not None and row.status != states.CANCELLED else me.user.email)


def known_to(row: KeptSubscription, papers: list[BillingDocument] | None = None) -> Known:
    """What the trail calls things by."""
    found = papers if papers is not None else list_documents(house(), row)
    return known_of(_lists(row.mode), found, {**names_of(current().vendor), **staff_names()})


def known_plans() -> Known:
    """What every plan of the house is called, for who has none yet."""
    return known_of(_lists(current().mode), (), {})


def _lists(mode: str) -> list[Terms]:
    return [terms_of(each) for each in reversed(list_price_lists(house(), mode))]


def grace_words(state: Subscription, coming: Terms) -> list[str]:
    """The days of grace in sentences: how many are left, and what happens on which day. `coming` is the price list from the next boundary on."""
    if state.episode is None or state.plan.fits(state.products.count):
        return []
    count = _("%(count)s products are published; %(plan)s holds %(most)s.", count=number(state.products.count), plan=state.plan.title, most=number(state.plan.limit))  # fmt: skip
    if limits.is_hard(state):
        hidden = state.products.hidden
        rest = (
            ngettext("The newest one is hidden, none is deleted.", "The newest %(num)s are hidden, none is deleted.", hidden)
            if hidden
            else _("The days of grace are used up.")
        )
        return [count, rest, _("A greater plan shows them all at once; unpublishing the surplus costs nothing.")]
    left = max(0, limits.days_left(state))
    on = state.today + (left + 1) * DAY
    code, amount = limits.quote(state, on, coming=coming)
    days = ngettext("%(num)s day of grace is left after today.", "%(num)s days of grace are left after today.", left)
    values = {"plan": (state.terms if state.terms.lists(code) else coming).tier(code).title, "day": day(on), "amount": money(amount)}
    if limits.is_small(state, on, coming=coming):
        then = _("If nothing changes, the plan becomes %(plan)s on %(day)s, and %(amount)s for it go onto the next invoice.", **values)
    else:
        then = _("If nothing changes, the plan becomes %(plan)s on %(day)s and %(amount)s are charged for it that day.", **values)
    return [count, days, then, _("Unpublish the surplus before then and nothing happens.")]


def awaiting_words(row: KeptSubscription, state: Subscription) -> str:
    """The change that waits for its payment."""
    held = state.awaiting
    if held is None:
        return ""
    values = {"plan": state.terms.tier(held.tier).title, "amount": money(held.document.gross), "until": when(row.lapse_at)}
    if held.kind in ("resume", "reactivate"):
        return _("Coming back on %(plan)s waits for its payment of %(amount)s, until %(until)s.", **values)
    return _("%(plan)s waits for its payment of %(amount)s, until %(until)s. Until then nothing changes.", **values)
