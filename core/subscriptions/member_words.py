"""The words in which the customer of a business is told of a membership. A membership has no products, so nothing is said of their limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core.kernel.sentence import Sentence, said
from core.subscriptions.news import News
from core.subscriptions.words import Words, bank_said, by_then, can_pay, name_of, next_charge, not_asked, pay_until, words

SEE, PAY, CARD = said("See your membership"), said("Pay now"), said("Use another card")
AMOUNT, ON, FROM, MONTHLY, RECEIVED = said("Amount"), said("Date"), said("Counts from"), said("Price a month"), said("Amount received")
UNLESS = said("If you do not want to go on, cancel before that day.")
DAY = timedelta(days=1)
Fact = tuple[Sentence, Any]


def _plan(news: News, code: str = "") -> Fact:
    return said("Membership"), name_of(code or news.plan)


def _declined(news: News) -> Sentence:
    return said(
        "On %(day)s your card was asked for %(amount)s for your membership, and the bank declined it.", day=news.told_on, amount=news.amount
    )


def _pauses(news: News) -> Sentence:
    return said(
        "If it is still unpaid on %(day)s, your membership is paused from that day. Until then it goes on as before.", day=news.until
    )


def payment_failed(news: News) -> Words:
    last = news.why == "last"
    return words(
        said("We could not charge %(amount)s", amount=news.amount),
        _declined(news), bank_said(news),
        said("This was the last of our attempts.") if last else said("We try again on %(day)s.", day=news.on),
        can_pay(news), _pauses(news),
        facts=[_plan(news), (AMOUNT, news.amount), (said("Next attempt"), None if last else news.on), (said("Paused from"), news.until)],
        button=PAY, tone="bad",
    )  # fmt: skip


def card_refused(news: News) -> Words:
    if news.no_card:
        return _without_card(news)
    return words(
        said("Your card cannot be charged any more: %(amount)s is open", amount=news.amount),
        _declined(news), bank_said(news),
        said("So there is no further attempt with this card. As soon as you add another one, we ask that one."), _pauses(news),
        facts=[_plan(news), (AMOUNT, news.amount), (said("Paused from"), news.until)],
        button=CARD, tone="bad",
    )  # fmt: skip


def _without_card(news: News) -> Words:
    return words(
        said("There is no card for %(amount)s", amount=news.amount),
        said("On %(day)s %(amount)s was due for your membership, and there is no card that may be charged.", day=news.told_on, amount=news.amount),
        said("As soon as you add one, we charge it."), _pauses(news),
        facts=[_plan(news), (AMOUNT, news.amount), (said("Paused from"), news.until)],
        button=said("Add a card"), tone="bad",
    )  # fmt: skip


def suspension_ahead(news: News) -> Words:
    return words(
        said("Your membership is paused tomorrow unless %(amount)s is paid", amount=news.amount),
        said("%(amount)s is unpaid. If it is still unpaid at the beginning of %(day)s, your membership is paused.", amount=news.amount, day=news.on),
        said("You can pay and come back until %(day)s.", day=news.until),
        facts=[_plan(news), (AMOUNT, news.amount), (said("Paused from"), news.on)],
        button=PAY, tone="bad",
    )  # fmt: skip


def suspended(news: News) -> Words:
    owed = news.amount if news.amount is not None and news.amount.minor else None
    return words(
        said("Your membership is paused"),
        said("Since %(day)s your membership is paused, and nothing new is charged.", day=news.told_on),
        said("%(amount)s is open, for the days that were used. The unused days were taken off the bill.", amount=owed) if owed else
        said("Nothing is owed. A card is all that is missing: with one you can come back at any time."),
        said("You can pay and come back until %(day)s. After that the membership ends.", day=news.on),
        facts=[_plan(news), (said("Unpaid now"), owed), (said("Ends on"), news.on)],
        button=said("Come back"), tone="bad",
    )  # fmt: skip


def recovered(news: News) -> Words:
    return words(
        said("Paid: your membership goes on"),
        said("We have received %(amount)s, and nothing is unpaid any more. Thank you.", amount=news.paid) if news.paid else
        said("Nothing is unpaid any more. Thank you."),
        facts=[_plan(news), (RECEIVED, news.paid), (ON, news.told_on), next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def bank_unreachable(news: News) -> Words:
    return words(
        said("A charge of %(amount)s takes longer than usual", amount=news.amount),
        said("Since %(day)s we cannot reach the bank about %(amount)s. It is not your card, and there is nothing you need to do.", day=news.told_on, amount=news.amount),
        said("We go on asking, and you are never charged twice for it. Your membership goes on as before."),
        facts=[_plan(news), (AMOUNT, news.amount), (ON, news.told_on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def waits_for_renewal(news: News) -> Words:
    return words(
        said("%(amount)s waits for your next charge", amount=news.amount),
        said("On %(day)s %(amount)s could not be charged. The sum is part of the charge of %(next)s.", amount=news.amount, day=news.told_on, next=news.on),
        bank_said(news),
        facts=[_plan(news), (AMOUNT, news.amount), (said("Next charge"), news.on)],
        button=CARD, tone="warn",
    )  # fmt: skip


def change_declined(news: News) -> Words:
    return words(
        said("The change of your membership is not paid yet"),
        said("On %(day)s %(amount)s could not be charged.", day=news.told_on, amount=news.amount),
        bank_said(news), not_asked(news),
        said("Your membership stays as it is for now, and nothing was charged."),
        by_then(news),
        facts=[(AMOUNT, news.amount), _plan(news, news.tier), (said("To be paid until"), pay_until(news))],
        button=PAY, tone="warn",
    )  # fmt: skip


def change_requoted(news: News) -> Words:
    return words(
        said("Your change costs %(amount)s today", amount=news.amount),
        said("The change that waits for its payment costs %(amount)s since %(day)s, because a day has passed.", amount=news.amount, day=news.on),
        by_then(news),
        facts=[(AMOUNT, news.amount), _plan(news, news.tier), (said("To be paid until"), pay_until(news))],
        button=PAY, tone="warn",
    )  # fmt: skip


def change_lapsed(news: News) -> Words:
    return words(
        said("A change was not paid in time, so nothing has changed"),
        said("The change you asked for was not paid by %(day)s, so it is dropped. Nothing was charged for it.", day=news.told_on),
        facts=[_plan(news), (said("Was not charged"), news.amount), next_charge(news)],
        button=SEE,
    )  # fmt: skip


def downgrade_dropped(news: News) -> Words:
    return words(
        said("Your membership stays %(plan)s", plan=name_of(news.plan)),
        said("On %(day)s it was to become %(tier)s, which is not possible any more. So %(plan)s goes on for %(amount)s a month.", day=news.on, tier=name_of(news.tier), plan=name_of(news.plan), amount=news.amount),
        facts=[_plan(news), (MONTHLY, news.amount), next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def trial_began(news: News) -> Words:
    return words(
        said("Your trial has begun: free until %(day)s", day=news.on),
        said("%(plan)s is free of charge until %(day)s. On that day the first month begins, for %(amount)s.", plan=name_of(news.plan), day=news.on, amount=news.amount),
        UNLESS,
        facts=[_plan(news), (said("First charge"), said("%(amount)s on %(day)s", amount=news.amount, day=news.on))],
        button=SEE, tone="good",
    )  # fmt: skip


def trial_ends(news: News) -> Words:
    no_card = news.why == "no card"
    return words(
        said("Your trial ends on %(day)s", day=news.on),
        said("There is no card yet. Without one your membership is paused on %(day)s, and nothing is owed.", day=news.on) if no_card else
        said("On %(day)s the first month of %(plan)s begins, and your card is charged %(amount)s.", plan=name_of(news.plan), day=news.on, amount=news.amount),
        UNLESS,
        facts=[_plan(news), (said("First charge"), said("%(amount)s on %(day)s", amount=news.amount, day=news.on))],
        button=said("Add a card") if no_card else SEE, tone="warn",
    )  # fmt: skip


def trial_paid(news: News) -> Words:
    return words(
        said("Your first month of %(plan)s has begun", plan=name_of(news.plan)),
        said("The trial is over. We ask your card for %(amount)s for the first month.", amount=news.asked) if news.asked else
        said("The trial is over. Nothing is charged today."),
        facts=[_plan(news), (AMOUNT, news.asked), (FROM, news.on), next_charge(news)],
        button=SEE,
    )  # fmt: skip


def renewal_ahead(news: News) -> Words:
    free = news.amount is not None and not news.amount.minor
    return words(
        said("Nothing is charged on %(day)s", day=news.on) if free else said("%(amount)s is charged on %(day)s", amount=news.amount, day=news.on),
        said("On %(day)s the next month begins. Your balance pays for it, or the sum is too small and waits for the next invoice.", day=news.on) if free else
        said("On %(day)s the next month begins, and your card is charged %(amount)s.", day=news.on, amount=news.amount),
        UNLESS,
        facts=[_plan(news), (AMOUNT, news.amount), (ON, news.on)],
        button=SEE,
    )  # fmt: skip


def price_moves(news: News) -> Words:
    return words(
        said("From %(day)s your membership costs %(amount)s", day=news.on, amount=news.amount),
        said("The exchange rate has moved. From %(day)s %(plan)s costs %(amount)s a month; until then the old price counts.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        UNLESS,
        facts=[_plan(news), (MONTHLY, news.amount), (FROM, news.on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def currency_kept(news: News) -> Words:
    return words(
        said("Your membership is not billed in %(currency)s yet", currency=news.why),
        said("On %(day)s something was still open in the old currency, or there was no exchange rate. So this month is billed as before.", day=news.told_on),
        facts=[_plan(news), next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def currency_changed(news: News) -> Words:
    return words(
        said("Your membership is billed in %(currency)s now", currency=news.why),
        said("Since %(day)s %(plan)s costs %(amount)s a month.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        facts=[_plan(news), (MONTHLY, news.amount), (FROM, news.on), next_charge(news)],
        button=SEE,
    )  # fmt: skip


def change_planned(news: News) -> Words:
    return words(
        said("Your membership becomes %(plan)s on %(day)s", plan=name_of(news.tier), day=news.on),
        said("As you asked: from %(day)s it is %(plan)s, for %(amount)s a month. Until then nothing changes.", day=news.on, plan=name_of(news.tier), amount=news.amount),
        facts=[_plan(news, news.tier), (MONTHLY, news.amount), (FROM, news.on)],
        button=SEE,
    )  # fmt: skip


def hibernation_planned(news: News) -> Words:
    return words(
        said("Your membership rests from %(day)s", day=news.on),
        said("As you asked: from %(day)s your membership rests, for %(amount)s a month. You can take it up again at any time.", day=news.on, amount=news.amount),
        facts=[_plan(news), (MONTHLY, news.amount), (FROM, news.on)],
        button=SEE,
    )  # fmt: skip


def hibernation_began(news: News) -> Words:
    return words(
        said("Your membership rests"),
        said("Since %(day)s your membership rests. You can take it up again at any time.", day=news.on),
        facts=[_plan(news), (FROM, news.on), (AMOUNT, news.asked), next_charge(news)],
        button=SEE,
    )  # fmt: skip


def hibernation_ends(news: News) -> Words:
    return words(
        said("Your membership rests until %(day)s: shall it go on after that?", day=news.on),
        said("Confirm it, and on %(day)s %(plan)s goes on for %(amount)s a month.", day=news.on, plan=name_of(news.plan), amount=news.amount),
        said("Otherwise the membership ends on that day, and nothing more is charged."),
        facts=[_plan(news), (said("Ends on"), news.on), (MONTHLY, news.amount)],
        button=said("Decide"), tone="warn",
    )  # fmt: skip


def hibernation_dropped(news: News) -> Words:
    return words(
        said("Your membership does not rest"),
        said("It was to rest from %(day)s. Something was unpaid on that day, so it goes on as before.", day=news.told_on),
        facts=[_plan(news), (ON, news.told_on), next_charge(news)],
        button=SEE, tone="warn",
    )  # fmt: skip


def goes_on(news: News) -> Words:
    return words(
        said("Your membership goes on"),
        said("Since %(day)s your membership %(plan)s is active again.", day=news.on, plan=name_of(news.plan)),
        said("We have received %(amount)s for it.", amount=news.paid) if news.paid else None,
        facts=[_plan(news), (RECEIVED, news.paid), (FROM, news.on), next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def changed(news: News) -> Words:
    return words(
        said("Your membership is %(plan)s now", plan=name_of(news.tier)),
        said("Since %(day)s your membership is %(plan)s.", day=news.on, plan=name_of(news.tier)),
        said("We have received %(amount)s for it.", amount=news.paid) if news.paid else None,
        said("%(amount)s for the days you have not used is on your balance.", amount=news.credited) if news.credited else None,
        facts=[_plan(news, news.tier), (RECEIVED, news.paid), (said("Credited"), news.credited), (FROM, news.on), next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def plan_kept(news: News) -> Words:
    return words(
        said("Taken back: your membership goes on"),
        said("What was planned is taken back. The next month begins on %(day)s.", day=news.on),
        facts=[_plan(news), next_charge(news)],
        button=SEE,
    )  # fmt: skip


def cancel_planned(news: News) -> Words:
    last = news.on - DAY if news.on else None
    return words(
        said("Your membership ends: %(day)s is its last day", day=last),
        said("As you asked: %(day)s is the last day of your membership. After that nothing is renewed.", day=last),
        said("%(amount)s is unpaid now. It is not tried again, and the days you do not use are taken off.", amount=news.amount) if news.amount else None,
        said("If you change your mind, take it back before that day."),
        facts=[_plan(news), (said("Last day"), last), (said("Unpaid now"), news.amount)],
        button=SEE,
    )  # fmt: skip


def cancelled(news: News) -> Words:
    left = news.amount if news.amount is not None and news.amount.minor > 0 else None
    last = news.told_on - DAY
    return words(
        said("Your membership has ended"),
        said("%(day)s was its last day.", day=last) if news.asked else
        said("%(day)s was its last day, and nothing is charged any more.", day=last),
        said("A last charge of %(amount)s is for what was used and was on no invoice yet.", amount=news.asked) if news.asked else None,
        said("%(amount)s was never paid. Your card is not charged for it any more.", amount=news.unpaid) if news.unpaid else None,
        said("%(amount)s is left on your balance. It stays yours: write to us, and what you have paid comes back to you.", amount=left) if left else None,
        facts=[_plan(news), (said("Last day"), last), (said("Last charge"), news.asked), (said("Your balance"), left)],
        button=SEE, tone="bad",
    )  # fmt: skip


def not_begun(news: News) -> Words:
    return words(
        said("Your membership has not begun"),
        said("On %(day)s the first payment could not be charged, so nothing has begun and nothing was taken.", day=news.on),
        bank_said(news),
        facts=[_plan(news), (ON, news.on)],
        button=SEE, tone="warn",
    )  # fmt: skip


# The limits of products, and a note about an old rate, are for businesses alone.
NOT_THEIRS = frozenset({"limit_breached", "grace_running", "limit_enforced", "limit_declined", "products_hidden", "rate_old"})
WORDS: dict[str, Callable[[News], Words]] = {
    made.__name__: made
    for made in (
        payment_failed, card_refused, suspension_ahead, suspended, recovered, bank_unreachable, waits_for_renewal, change_requoted, change_lapsed,
        downgrade_dropped, trial_began, trial_ends, trial_paid, renewal_ahead, price_moves, currency_kept, currency_changed, change_planned,
        hibernation_planned, hibernation_began, hibernation_ends, hibernation_dropped, plan_kept, cancel_planned, cancelled, not_begun,
    )
} | {
    "upgrade_declined": change_declined, "resume_declined": change_declined, "reactivate_declined": change_declined,
    "woke_up": goes_on, "reactivated": goes_on, "raised": changed, "lowered": changed,
}  # fmt: skip
