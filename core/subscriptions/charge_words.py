"""The words about money that did not come: what was tried, what the bank said, when it is tried again, what stops then and what is kept."""

from __future__ import annotations

from collections.abc import Callable

from core.kernel.sentence import Sentence, said
from core.subscriptions import shared_words as both
from core.subscriptions.news import News
from core.subscriptions.words import Fact, Words, name_of, words

SEE, PLAN = said("See your plan"), said("Plan")
STOPS, OVER = said("Service stops on"), said("Ends for good on")
STOPPED = said("From then on your pages are out of the directory. Nothing is deleted: products, branches and pictures are kept.")


def _goes_on(news: News) -> Sentence:
    return said(
        "Until %(day)s everything goes on as before. If it is still unpaid at the beginning of that day, your plan is suspended.",
        day=news.until,
    )  # fmt: skip


def _until(news: News, name: Sentence = STOPS) -> Fact:
    return name, news.until


# --- a charge that did not go through ------------------------------------------------------------------------------------------


def payment_failed(news: News) -> Words:
    last = news.why == "last"
    return words(
        both.title_declined(news),
        said("On %(day)s we asked your card for %(amount)s for your plan, and the bank declined it.", day=news.told_on, amount=news.amount),
        both.bank_said(news),
        both.tried_again(news),
        both.can_pay(news),
        _goes_on(news),
        STOPPED,
        facts=[(both.AMOUNT, news.amount), (both.AGAIN, None if last else news.on), _until(news)],
        button=both.PAY, tone="bad",
    )  # fmt: skip


def card_refused(news: News) -> Words:
    if news.no_card:
        return _without_card(news)
    return words(
        both.title_refused(news),
        said("On %(day)s we asked your card for %(amount)s, and the bank said that we need not try this card again.", day=news.told_on, amount=news.amount),
        both.bank_said(news),
        both.another_card(news),
        _goes_on(news),
        STOPPED,
        facts=[(both.AMOUNT, news.amount), _until(news)],
        button=both.ANOTHER_CARD, tone="bad",
    )  # fmt: skip


def _without_card(news: News) -> Words:
    return words(
        both.title_no_card(news),
        said("On %(day)s %(amount)s was due for your plan, and there is no card that we may charge.", day=news.told_on, amount=news.amount),
        both.add_card(news),
        _goes_on(news),
        STOPPED,
        facts=[(both.AMOUNT, news.amount), _until(news)],
        button=both.ADD_CARD, tone="bad",
    )  # fmt: skip


def suspension_ahead(news: News) -> Words:
    return words(
        said("Your plan is suspended tomorrow unless %(amount)s is paid", amount=news.amount),
        said("%(amount)s is unpaid. If it is still unpaid at the beginning of %(day)s, your plan is suspended.", amount=news.amount, day=news.on),
        STOPPED,
        said("The days you have not used are then taken off the bill. You can pay and come back at any time until %(day)s.", day=news.until),
        facts=[(both.AMOUNT, news.amount), (STOPS, news.on), _until(news, OVER)],
        button=both.PAY, tone="bad",
    )  # fmt: skip


def suspended(news: News) -> Words:
    return words(
        said("Your plan is suspended"),
        said("Since %(day)s your pages are out of the directory, and nothing new is charged.", day=news.told_on),
        said("Meanwhile your payment links and pay buttons say that you take no payments, and take none."),
        said("Nothing is deleted: you can read and download everything, and it is all there when you come back."),
        both.used_days(news),
        said("To come back, pay what is open together with the days that are left of the present period. Your plan shows the exact sum of each day.") if both.owed(news) else
        said("Coming back costs the days that are left of the present period. Your plan shows the exact sum of each day."),
        said("On %(day)s the plan ends for good, unless you have come back by then.", day=news.on),
        facts=[(both.UNPAID, both.owed(news)), (OVER, news.on)],
        button=both.COME_BACK, tone="bad",
    )  # fmt: skip


def recovered(news: News) -> Words:
    return words(
        said("Paid: your plan goes on"),
        both.all_paid(news),
        said("The attempts that were still planned are called off."),
        facts=[(both.RECEIVED, news.paid), (both.ON, news.told_on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def bank_unreachable(news: News) -> Words:
    return words(
        both.title_outage(news),
        both.not_reached(news),
        said("We go on asking, and you are never charged twice for it. Your plan goes on as before."),
        facts=[(both.AMOUNT, news.amount), (both.ON, news.told_on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def waits_for_renewal(news: News) -> Words:
    return words(
        said("%(amount)s waits for your next invoice", amount=news.amount),
        said("On %(day)s %(amount)s could not be charged. We do not try it alone again: it is on the invoice of %(next)s.", amount=news.amount, day=news.told_on, next=news.on),
        both.bank_said(news),
        said("Your plan and your branches go on as before."),
        said("No further branch can be added until it is paid.") if news.blocked else None,
        facts=[(both.AMOUNT, news.amount), (said("Charged with the invoice of"), news.on)],
        button=both.ANOTHER_CARD, tone="warn",
    )  # fmt: skip


# --- a change that has to be paid first ----------------------------------------------------------------------------------------


def _held(title: Sentence, stays: Sentence) -> Callable[[News], Words]:
    """A change that the card was declined for."""

    def declined(news: News) -> Words:
        return words(
            title,
            both.not_charged(news),
            both.bank_said(news),
            both.not_asked(news),
            stays,
            both.by_then(news),
            facts=[(both.AMOUNT, news.amount), (PLAN, name_of(news.tier)), (both.UNTIL, both.pay_until(news))],
            button=both.PAY, tone="warn",
        )  # fmt: skip

    return declined


def change_requoted(news: News) -> Words:
    return words(
        both.title_requoted(news),
        both.requoted(news),
        said("Nothing has been charged for it so far, and your plan is as it was."),
        both.by_then(news),
        facts=[(said("Amount today"), news.amount), (PLAN, name_of(news.tier)), (both.UNTIL, both.pay_until(news))],
        button=both.PAY, tone="warn",
    )  # fmt: skip


def change_lapsed(news: News) -> Words:
    return words(
        both.title_lapsed(news),
        both.lapsed(news),
        said("You can ask for it again at any time. What it costs is then worked out for that day."),
        facts=[(both.NOT_CHARGED, news.amount), (PLAN, name_of(news.plan)), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


CHARGES: dict[str, Callable[[News], Words]] = {
    made.__name__: made
    for made in (
        payment_failed, card_refused, suspension_ahead, suspended, recovered, bank_unreachable, waits_for_renewal, change_requoted, change_lapsed,
    )
} | {
    "upgrade_declined": _held(said("The change of your plan is not paid yet"), said("Your plan stays as it is for now, and nothing was charged.")),
    "resume_declined": _held(said("Waking up is not paid yet"), said("Your plan goes on hibernating for now, and nothing was charged.")),
    "reactivate_declined": _held(said("Coming back is not paid yet"), said("Your plan stays suspended for now, and nothing was charged.")),
}  # fmt: skip
