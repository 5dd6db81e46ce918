"""The words about money that did not come: what was tried, what the bank said, when it is tried again, what stops then and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.kernel.sentence import Sentence, said
from core.subscriptions.news import News
from core.subscriptions.words import Words, bank_said, by_then, can_pay, name_of, next_charge, not_asked, pay_until, words

SEE, PAY, CARD = said("See your plan"), said("Pay now"), said("Use another card")
AMOUNT, TRY, STOPS, ENDS, PLAN = said("Amount"), said("Next attempt"), said("Service stops on"), said("Ends for good on"), said("Plan")
STOPPED = said("From then on your pages are out of the directory. Nothing is deleted: products, branches and pictures are kept.")


def _until(news: News, name: Sentence = STOPS) -> tuple[Sentence, Any]:
    return name, news.until


# --- a charge that did not go through ------------------------------------------------------------------------------------------


def payment_failed(news: News) -> Words:
    last = news.why == "last"
    return words(
        said("We could not charge %(amount)s", amount=news.amount),
        said("On %(day)s we asked your card for %(amount)s for your plan, and the bank declined it.", day=news.told_on, amount=news.amount),
        bank_said(news),
        said("This was the last of our attempts.") if last else said("We try again on %(day)s.", day=news.on),
        can_pay(news),
        said("Until %(day)s everything goes on as before. If it is still unpaid at the beginning of that day, your plan is suspended.", day=news.until),
        STOPPED,
        facts=[(AMOUNT, news.amount), (TRY, None if last else news.on), _until(news)],
        button=PAY, tone="bad",
    )  # fmt: skip


def card_refused(news: News) -> Words:
    if news.no_card:
        return _without_card(news)
    return words(
        said("Your card cannot be charged any more: %(amount)s is open", amount=news.amount),
        said("On %(day)s we asked your card for %(amount)s, and the bank said that we need not try this card again.", day=news.told_on, amount=news.amount),
        bank_said(news),
        said("So there is no further attempt with this card. As soon as you add another one, we ask that one."),
        said("Until %(day)s everything goes on as before. If it is still unpaid at the beginning of that day, your plan is suspended.", day=news.until),
        STOPPED,
        facts=[(AMOUNT, news.amount), _until(news)],
        button=CARD, tone="bad",
    )  # fmt: skip


def _without_card(news: News) -> Words:
    return words(
        said("There is no card for %(amount)s", amount=news.amount),
        said("On %(day)s %(amount)s was due for your plan, and there is no card that we may charge.", day=news.told_on, amount=news.amount),
        said("As soon as you add one, we charge it."),
        said("Until %(day)s everything goes on as before. If it is still unpaid at the beginning of that day, your plan is suspended.", day=news.until),
        STOPPED,
        facts=[(AMOUNT, news.amount), _until(news)],
        button=said("Add a card"), tone="bad",
    )  # fmt: skip


def suspension_ahead(news: News) -> Words:
    return words(
        said("Your plan is suspended tomorrow unless %(amount)s is paid", amount=news.amount),
        said("%(amount)s is unpaid. If it is still unpaid at the beginning of %(day)s, your plan is suspended.", amount=news.amount, day=news.on),
        STOPPED,
        said("The days you have not used are then taken off the bill. You can pay and come back at any time until %(day)s.", day=news.until),
        facts=[(AMOUNT, news.amount), (STOPS, news.on), _until(news, ENDS)],
        button=PAY, tone="bad",
    )  # fmt: skip


def suspended(news: News) -> Words:
    owed = news.amount if news.amount is not None and news.amount.minor else None
    return words(
        said("Your plan is suspended"),
        said("Since %(day)s your pages are out of the directory, and nothing new is charged.", day=news.told_on),
        said("Nothing is deleted: you can read and download everything, and it is all there when you come back."),
        said("%(amount)s is open, for the days that were used. The unused days were taken off the bill.", amount=owed) if owed else
        said("Nothing is owed. A card is all that is missing: with one you can come back at any time."),
        said("To come back, pay what is open together with the days that are left of the present period. Your plan shows the exact sum of each day.") if owed else
        said("Coming back costs the days that are left of the present period. Your plan shows the exact sum of each day."),
        said("On %(day)s the plan ends for good, unless you have come back by then.", day=news.on),
        facts=[(said("Unpaid now"), owed), (ENDS, news.on)],
        button=said("Come back"), tone="bad",
    )  # fmt: skip


def recovered(news: News) -> Words:
    return words(
        said("Paid: your plan goes on"),
        said("We have received %(amount)s, and nothing is unpaid any more. Thank you.", amount=news.paid) if news.paid else
        said("Nothing is unpaid any more. Thank you."),
        said("The attempts that were still planned are called off."),
        facts=[(said("Amount received"), news.paid), (said("Date"), news.told_on), next_charge(news)],
        button=SEE, tone="good",
    )  # fmt: skip


def bank_unreachable(news: News) -> Words:
    return words(
        said("A charge of %(amount)s takes longer than usual", amount=news.amount),
        said("Since %(day)s we cannot reach the bank about %(amount)s. It is not your card, and there is nothing you need to do.", day=news.told_on, amount=news.amount),
        said("We go on asking, and you are never charged twice for it. Your plan goes on as before."),
        facts=[(AMOUNT, news.amount), (said("Date"), news.told_on)],
        button=SEE, tone="warn",
    )  # fmt: skip


def waits_for_renewal(news: News) -> Words:
    return words(
        said("%(amount)s waits for your next invoice", amount=news.amount),
        said("On %(day)s %(amount)s could not be charged. We do not try it alone again: it is on the invoice of %(next)s.", amount=news.amount, day=news.told_on, next=news.on),
        bank_said(news),
        said("Your plan and your branches go on as before."),
        said("No further branch can be added until it is paid.") if news.blocked else None,
        facts=[(AMOUNT, news.amount), (said("Charged with the invoice of"), news.on)],
        button=CARD, tone="warn",
    )  # fmt: skip


# --- a change that has to be paid first ----------------------------------------------------------------------------------------


def _held(title: Sentence, stays: Sentence) -> Callable[[News], Words]:
    """A change that the card was declined for."""

    def declined(news: News) -> Words:
        return words(
            title,
            said("On %(day)s %(amount)s could not be charged.", day=news.told_on, amount=news.amount),
            bank_said(news),
            not_asked(news),
            stays,
            by_then(news),
            facts=[(AMOUNT, news.amount), (PLAN, name_of(news.tier)), (said("To be paid until"), pay_until(news))],
            button=PAY, tone="warn",
        )  # fmt: skip

    return declined


def change_requoted(news: News) -> Words:
    return words(
        said("Your change costs %(amount)s today", amount=news.amount),
        said("The change that waits for its payment costs %(amount)s since %(day)s, because a day has passed.", amount=news.amount, day=news.on),
        said("Nothing has been charged for it so far, and your plan is as it was."),
        by_then(news),
        facts=[(said("Amount today"), news.amount), (PLAN, name_of(news.tier)), (said("To be paid until"), pay_until(news))],
        button=PAY, tone="warn",
    )  # fmt: skip


def change_lapsed(news: News) -> Words:
    return words(
        said("A change was not paid in time, so nothing has changed"),
        said("The change you asked for was not paid by %(day)s, so it is dropped. Nothing was charged for it.", day=news.told_on),
        said("You can ask for it again at any time. What it costs is then worked out for that day."),
        facts=[(said("Was not charged"), news.amount), (PLAN, name_of(news.plan)), next_charge(news)],
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
