"""The words about the money of a membership that did not come: what was tried, what the bank said, and what is paused when."""

from __future__ import annotations

from collections.abc import Callable

from core.kernel.sentence import Sentence, said
from core.subscriptions import shared_words as both
from core.subscriptions.news import News
from core.subscriptions.words import Fact, Words, name_of, words

SEE, PAUSED = said("See your membership"), said("Paused from")


def plan_fact(news: News, code: str = "") -> Fact:
    """Which membership it is, or which one it speaks of."""
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
        both.title_declined(news),
        _declined(news), both.bank_said(news),
        both.tried_again(news),
        both.can_pay(news), _pauses(news),
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (both.AGAIN, None if last else news.on), (PAUSED, news.until)],
        button=both.PAY, tone="bad",
    )  # fmt: skip


def card_refused(news: News) -> Words:
    if news.no_card:
        return _without_card(news)
    return words(
        both.title_refused(news),
        _declined(news), both.bank_said(news),
        both.another_card(news), _pauses(news),
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (PAUSED, news.until)],
        button=both.ANOTHER_CARD, tone="bad",
    )  # fmt: skip


def _without_card(news: News) -> Words:
    return words(
        both.title_no_card(news),
        said("On %(day)s %(amount)s was due for your membership, and there is no card that may be charged.", day=news.told_on, amount=news.amount),
        both.add_card(news), _pauses(news),
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (PAUSED, news.until)],
        button=both.ADD_CARD, tone="bad",
    )  # fmt: skip


def suspension_ahead(news: News) -> Words:
    return words(
        said("Your membership is paused tomorrow unless %(amount)s is paid", amount=news.amount),
        said("%(amount)s is unpaid. If it is still unpaid at the beginning of %(day)s, your membership is paused.", amount=news.amount, day=news.on),
        said("You can pay and come back until %(day)s.", day=news.until),
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (PAUSED, news.on)],
        button=both.PAY, tone="bad",
    )  # fmt: skip


def suspended(news: News) -> Words:
    return words(
        said("Your membership is paused"),
        said("Since %(day)s your membership is paused, and nothing new is charged.", day=news.told_on),
        both.used_days(news),
        said("You can pay and come back until %(day)s. After that the membership ends.", day=news.on),
        facts=[plan_fact(news), (both.UNPAID, both.owed(news)), (both.ENDS, news.on)],
        button=both.COME_BACK, tone="bad",
    )  # fmt: skip


def recovered(news: News) -> Words:
    return words(
        said("Paid: your membership goes on"),
        both.all_paid(news),
        facts=[plan_fact(news), (both.RECEIVED, news.paid), (both.ON, news.told_on), both.next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def bank_unreachable(news: News) -> Words:
    return words(
        both.title_outage(news),
        both.not_reached(news),
        said("We go on asking, and you are never charged twice for it. Your membership goes on as before."),
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (both.ON, news.told_on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def waits_for_renewal(news: News) -> Words:
    return words(
        said("%(amount)s waits for your next charge", amount=news.amount),
        said("On %(day)s %(amount)s could not be charged. The sum is part of the charge of %(next)s.", amount=news.amount, day=news.told_on, next=news.on),
        both.bank_said(news),
        facts=[plan_fact(news), (both.AMOUNT, news.amount), (said("Next charge"), news.on)],
        button=both.ANOTHER_CARD, tone="warn",
    )  # fmt: skip


def change_declined(news: News) -> Words:
    return words(
        said("The change of your membership is not paid yet"),
        both.not_charged(news),
        both.bank_said(news), both.not_asked(news),
        said("Your membership stays as it is for now, and nothing was charged."),
        both.by_then(news),
        facts=[(both.AMOUNT, news.amount), plan_fact(news, news.tier), (both.UNTIL, both.pay_until(news))],
        button=both.PAY, tone="warn",
    )  # fmt: skip


def change_requoted(news: News) -> Words:
    return words(
        both.title_requoted(news),
        both.requoted(news),
        both.by_then(news),
        facts=[(both.AMOUNT, news.amount), plan_fact(news, news.tier), (both.UNTIL, both.pay_until(news))],
        button=both.PAY, tone="warn",
    )  # fmt: skip


def change_lapsed(news: News) -> Words:
    return words(
        both.title_lapsed(news),
        both.lapsed(news),
        facts=[plan_fact(news), (both.NOT_CHARGED, news.amount), both.next_charge(news)],
        button=SEE,
    )  # fmt: skip


CHARGES: dict[str, Callable[[News], Words]] = {
    made.__name__: made
    for made in (
        payment_failed, card_refused, suspension_ahead, suspended, recovered, bank_unreachable, waits_for_renewal, change_requoted, change_lapsed,
    )
} | dict.fromkeys(("upgrade_declined", "resume_declined", "reactivate_declined"), change_declined)  # fmt: skip
