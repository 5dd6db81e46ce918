"""The words in which the customer of a business is told of a membership. A membership has no products, so nothing is said of their limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from core.kernel.sentence import said
from core.subscriptions import shared_words as both
from core.subscriptions.member_charge_words import CHARGES, SEE, plan_fact
from core.subscriptions.news import CAME_BACK, CARD_ENDS, DELETION, PAID_BACK, News
from core.subscriptions.words import Words, name_of, words

DAY = timedelta(days=1)
UNLESS = said("If you do not want to go on, cancel before that day.")


def downgrade_dropped(news: News) -> Words:
    return words(
        said("Your membership stays %(plan)s", plan=name_of(news.plan)),
        said("On %(day)s it was to become %(tier)s, which is not possible any more. So %(plan)s goes on for %(amount)s a month.", day=news.on, tier=name_of(news.tier), plan=name_of(news.plan), amount=news.amount),
        facts=[plan_fact(news), (both.MONTHLY, news.amount), both.next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def trial_began(news: News) -> Words:
    return words(
        both.title_trial(news),
        said("%(plan)s is free of charge until %(day)s. On that day the first month begins, for %(amount)s.", plan=name_of(news.plan), day=news.on, amount=news.amount),
        UNLESS,
        facts=[plan_fact(news), both.first_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def trial_ends(news: News) -> Words:
    no_card = news.why == "no card"
    return words(
        both.title_trial_ends(news),
        said("There is no card yet. Without one your membership is paused on %(day)s, and nothing is owed.", day=news.on) if no_card else
        both.first_month(news),
        UNLESS,
        facts=[plan_fact(news), both.first_charge(news)],
        button=both.ADD_CARD if no_card else SEE, tone="warn",
    )  # fmt: skip


def trial_paid(news: News) -> Words:
    return words(
        both.title_first_month(news),
        said("The trial is over. We ask your card for %(amount)s for the first month.", amount=news.asked) if news.asked else
        said("The trial is over. Nothing is charged today."),
        facts=[plan_fact(news), (both.AMOUNT, news.asked), (both.FROM, news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def renewal_ahead(news: News) -> Words:
    return words(
        both.title_renewal(news),
        both.next_month(news),
        UNLESS,
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (both.ON, news.on)],
        button=SEE,
    )  # fmt: skip


def price_moves(news: News) -> Words:
    return words(
        said("From %(day)s your membership costs %(amount)s", day=news.on, amount=news.amount),
        said("The exchange rate has moved. From %(day)s %(plan)s costs %(amount)s a month; until then the old price counts.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        UNLESS,
        facts=[plan_fact(news), (both.MONTHLY, news.amount), (both.FROM, news.on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def currency_kept(news: News) -> Words:
    return words(
        said("Your membership is not billed in %(currency)s yet", currency=news.why),
        said("On %(day)s something was still open in the old currency, or there was no exchange rate. So this month is billed as before.", day=news.told_on),
        facts=[plan_fact(news), both.next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def currency_changed(news: News) -> Words:
    return words(
        said("Your membership is billed in %(currency)s now", currency=news.why),
        said("Since %(day)s %(plan)s costs %(amount)s a month.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        facts=[plan_fact(news), (both.MONTHLY, news.amount), (both.FROM, news.on), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def change_planned(news: News) -> Words:
    return words(
        said("Your membership becomes %(plan)s on %(day)s", plan=name_of(news.tier), day=news.on),
        said("As you asked: from %(day)s it is %(plan)s, for %(amount)s a month. Until then nothing changes.", day=news.on, plan=name_of(news.tier), amount=news.amount),
        facts=[plan_fact(news, news.tier), (both.MONTHLY, news.amount), (both.FROM, news.on)],
        button=SEE,
    )  # fmt: skip


def hibernation_planned(news: News) -> Words:
    return words(
        said("Your membership rests from %(day)s", day=news.on),
        said("As you asked: from %(day)s your membership rests, for %(amount)s a month. You can take it up again at any time.", day=news.on, amount=news.amount),
        facts=[plan_fact(news), (both.MONTHLY, news.amount), (both.FROM, news.on)],
        button=SEE,
    )  # fmt: skip


def hibernation_began(news: News) -> Words:
    return words(
        said("Your membership rests"),
        said("Since %(day)s your membership rests. You can take it up again at any time.", day=news.on),
        facts=[plan_fact(news), (both.FROM, news.on), (both.AMOUNT, news.asked), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def hibernation_ends(news: News) -> Words:
    return words(
        said("Your membership rests until %(day)s: shall it go on after that?", day=news.on),
        said("Confirm it, and on %(day)s %(plan)s goes on for %(amount)s a month.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        said("Otherwise the membership ends on that day, and nothing more is charged."),
        facts=[plan_fact(news), (both.ENDS, news.on), (both.MONTHLY, news.amount)],
        button=both.DECIDE, tone="warn",
    )  # fmt: skip


def hibernation_dropped(news: News) -> Words:
    return words(
        said("Your membership does not rest"),
        said("It was to rest from %(day)s. Something was unpaid on that day, so it goes on as before.", day=news.told_on),
        facts=[plan_fact(news), (both.ON, news.told_on), both.next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def goes_on(news: News) -> Words:
    return words(
        said("Your membership goes on"),
        said("Since %(day)s your membership %(plan)s is active again.", day=news.on, plan=name_of(news.plan)),
        said("We have received %(amount)s for it.", amount=news.paid) if news.paid else None,
        facts=[plan_fact(news), (both.RECEIVED, news.paid), (both.FROM, news.on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def changed(news: News) -> Words:
    return words(
        said("Your membership is %(plan)s now", plan=name_of(news.tier)),
        said("Since %(day)s your membership is %(plan)s.", day=news.on, plan=name_of(news.tier)),
        said("We have received %(amount)s for it.", amount=news.paid) if news.paid else None,
        both.credited(news),
        facts=[plan_fact(news, news.tier), (both.RECEIVED, news.paid), (both.CREDITED, news.credited), (both.FROM, news.on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def plan_kept(news: News) -> Words:
    return words(
        said("Taken back: your membership goes on"),
        said("What was planned is taken back. The next month begins on %(day)s.", day=news.on),
        facts=[plan_fact(news), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


def cancel_planned(news: News) -> Words:
    last = both.last_day(news)
    return words(
        said("Your membership ends: %(day)s is its last day", day=last),
        said("As you asked: %(day)s is the last day of your membership. After that nothing is renewed.", day=last),
        both.unpaid_at_end(news),
        said("If you change your mind, take it back before that day."),
        facts=[plan_fact(news), (both.LAST_DAY, last), (both.UNPAID, news.amount)],
        button=SEE,
    )  # fmt: skip


def cancelled(news: News) -> Words:
    last = news.told_on - DAY
    return words(
        said("Your membership has ended"),
        said("%(day)s was its last day.", day=last) if news.asked else
        said("%(day)s was its last day, and nothing is charged any more.", day=last),
        *both.settled_at_end(news),
        both.balance_at_end(news),
        facts=[plan_fact(news), (both.LAST_DAY, last), (both.LAST_CHARGE, news.asked), (both.BALANCE, both.left_over(news))],
        button=SEE, tone="bad",
    )  # fmt: skip


def not_begun(news: News) -> Words:
    return words(
        said("Your membership has not begun"),
        both.never_began(news),
        both.bank_said(news),
        facts=[plan_fact(news), (both.ON, news.on)],
        button=SEE, tone="warn",
    )  # fmt: skip


# The limits of products, a day on which what rests wakes up by itself, and a note about an old rate are for businesses alone.
NOT_THEIRS = frozenset(
    {
        DELETION,
        PAID_BACK,
        CAME_BACK,
        CARD_ENDS,
        "limit_breached",
        "grace_running",
        "limit_enforced",
        "limit_declined",
        "products_hidden",
        "rate_old",
        "wake_planned",
        "wake_ahead",
        "wake_withdrawn",
    }
)
WORDS: dict[str, Callable[[News], Words]] = CHARGES | {
    made.__name__: made
    for made in (
        downgrade_dropped, trial_began, trial_ends, trial_paid, renewal_ahead, price_moves, currency_kept, currency_changed, change_planned,
        hibernation_planned, hibernation_began, hibernation_ends, hibernation_dropped, plan_kept, cancel_planned, cancelled, not_begun,
    )
} | {
    "woke_up": goes_on, "reactivated": goes_on, "raised": changed, "lowered": changed,
}  # fmt: skip
