"""The sentences and the names of facts that are the same for a business and its plan and for a member and a membership."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.kernel.money import Money
from core.kernel.sentence import Sentence, said
from core.subscriptions.news import News
from core.subscriptions.words import Fact, name_of

# What a bank keeps to itself stays with the bank: lost_card and stolen_card are left out on purpose.
BANK = {
    "insufficient_funds": said("There is not enough money on this card."),
    "withdrawal_count_limit_exceeded": said("This card has reached its limit."),
    "card_velocity_exceeded": said("This card has reached its limit."),
    "expired_card": said("This card has expired."),
    "card_not_supported": said("This card cannot be used for this kind of payment."),
    "currency_not_supported": said("This card cannot pay in this currency."),
    "processing_error": said("The bank could not be reached just then."),
    "issuer_not_available": said("The bank could not be reached just then."),
    "try_again_later": said("The bank could not be reached just then."),
    "authentication_required": said("Your bank wants you to confirm the payment."),
    "payment_intent_authentication_failure": said("Your bank could not confirm that it was you."),
}
SILENT = said("Your bank did not say why.")
# What facts and buttons are called, for a business and for a member alike.
AMOUNT, ON, FROM, MONTHLY, RECEIVED = said("Amount"), said("Date"), said("Counts from"), said("Price a month"), said("Amount received")
UNPAID, UNTIL, AGAIN, ENDS, ENDED = said("Unpaid now"), said("To be paid until"), said("Next attempt"), said("Ends on"), said("Ended on")
CREDITED, BALANCE, LAST_CHARGE, LAST_DAY, NOT_CHARGED = (
    said("Credited"), said("Your balance"), said("Last charge"), said("Last day"), said("Was not charged")
)  # fmt: skip
PAY, ANOTHER_CARD, ADD_CARD, COME_BACK, DECIDE = (
    said("Pay now"),
    said("Use another card"),
    said("Add a card"),
    said("Come back"),
    said("Decide"),
)


def bank_said(news: News) -> Sentence | None:
    """The reason, when a bank was asked."""
    if not news.bank:
        return None
    return said("The bank’s answer: %(reason)s", reason=BANK.get(news.bank, SILENT))


def next_charge(news: News) -> Fact:
    """What the card is asked for next, and when."""
    if news.next_amount is None or news.next_on is None:
        return said("Next charge"), None
    return said("Next charge"), said("%(amount)s on %(day)s", amount=news.next_amount, day=news.next_on)


def by_then(news: News) -> Sentence:
    """What becomes of a change that waits for its payment."""
    until = pay_until(news)
    if until is None:
        return said(
            "Once it is paid the change counts. If it is not paid within a day it is dropped, and you can ask for it again at any time."
        )
    return said(
        "Pay by %(until)s and the change counts at once. After that it is dropped, and you can ask for it again at any time.", until=until
    )


def not_asked(news: News) -> Sentence | None:
    """That the card is not tried again, or that there was none."""
    if news.no_card:
        return said("There was no card that could be charged. Add one, and it is asked at once.")
    return said("This card is not tried again. Add another one, and it is asked at once.") if news.why == "new card" else None


def can_pay(news: News) -> Sentence:
    """That nobody has to wait for the next attempt."""
    if news.why == "last":
        return said("You can still pay, with this card or another one.")
    return said("You can pay before that, with this card or another one.")


def pay_until(news: News) -> datetime | None:
    """Until when a change that is held can be paid."""
    return datetime.fromisoformat(news.pay_until) if news.pay_until else None


def title_declined(news: News) -> Sentence:
    return said("We could not charge %(amount)s", amount=news.amount)


def tried_again(news: News) -> Sentence:
    """When, or that this was the last time."""
    return said("This was the last of our attempts.") if news.why == "last" else said("We try again on %(day)s.", day=news.on)


def title_refused(news: News) -> Sentence:
    """Of a card that need not be tried again."""
    return said("Your card cannot be charged any more: %(amount)s is open", amount=news.amount)


def another_card(news: News) -> Sentence:
    return said("So there is no further attempt with this card. As soon as you add another one, we ask that one.")


def title_no_card(news: News) -> Sentence:
    return said("There is no card for %(amount)s", amount=news.amount)


def add_card(news: News) -> Sentence:
    return said("As soon as you add one, we charge it.")


def owed(news: News) -> Money | None:
    """What is owed after a suspension, where anything is."""
    return news.amount if news.amount is not None and news.amount.minor else None


def used_days(news: News) -> Sentence:
    if owed(news):
        return said("%(amount)s is open, for the days that were used. The unused days were taken off the bill.", amount=news.amount)
    return said("Nothing is owed. A card is all that is missing: with one you can come back at any time.")


def all_paid(news: News) -> Sentence:
    if news.paid:
        return said("We have received %(amount)s, and nothing is unpaid any more. Thank you.", amount=news.paid)
    return said("Nothing is unpaid any more. Thank you.")


def title_outage(news: News) -> Sentence:
    return said("A charge of %(amount)s takes longer than usual", amount=news.amount)


def not_reached(news: News) -> Sentence:
    return said(
        "Since %(day)s we cannot reach the bank about %(amount)s. It is not your card, and there is nothing you need to do.",
        day=news.told_on, amount=news.amount,
    )  # fmt: skip


def not_charged(news: News) -> Sentence:
    return said("On %(day)s %(amount)s could not be charged.", day=news.told_on, amount=news.amount)


def title_requoted(news: News) -> Sentence:
    return said("Your change costs %(amount)s today", amount=news.amount)


def requoted(news: News) -> Sentence:
    return said(
        "The change that waits for its payment costs %(amount)s since %(day)s, because a day has passed.", amount=news.amount, day=news.on
    )


def title_lapsed(news: News) -> Sentence:
    return said("A change was not paid in time, so nothing has changed")


def lapsed(news: News) -> Sentence:
    return said("The change you asked for was not paid by %(day)s, so it is dropped. Nothing was charged for it.", day=news.told_on)


def title_trial(news: News) -> Sentence:
    return said("Your trial has begun: free until %(day)s", day=news.on)


def title_trial_ends(news: News) -> Sentence:
    return said("Your trial ends on %(day)s", day=news.on)


def first_month(news: News) -> Sentence:
    return said(
        "On %(day)s the first month of %(plan)s begins, and your card is charged %(amount)s.",
        day=news.on, plan=name_of(news.plan), amount=news.amount,
    )  # fmt: skip


def first_charge(news: News) -> Fact:
    return said("First charge"), said("%(amount)s on %(day)s", amount=news.amount, day=news.on)


def title_first_month(news: News) -> Sentence:
    return said("Your first month of %(plan)s has begun", plan=name_of(news.plan))


def is_free(news: News) -> bool:
    """Whether a renewal asks the card for nothing."""
    return news.amount is not None and not news.amount.minor


def title_renewal(news: News) -> Sentence:
    if is_free(news):
        return said("Nothing is charged on %(day)s", day=news.on)
    return said("%(amount)s is charged on %(day)s", amount=news.amount, day=news.on)


def next_month(news: News) -> Sentence:
    if is_free(news):
        return said(
            "On %(day)s the next month begins. Your balance pays for it, or the sum is too small and waits for the next invoice.",
            day=news.on,
        )  # fmt: skip
    return said("On %(day)s the next month begins, and your card is charged %(amount)s.", day=news.on, amount=news.amount)


def credited(news: News) -> Sentence | None:
    """What was put to the balance for unused days."""
    return said("%(amount)s for the days you have not used is on your balance.", amount=news.credited) if news.credited else None


def last_day(news: News) -> date | None:
    """The day before the end."""
    return news.on - timedelta(days=1) if news.on else None


def unpaid_at_end(news: News) -> Sentence | None:
    if not news.amount:
        return None
    return said("%(amount)s is unpaid now. It is not tried again, and the days you do not use are taken off.", amount=news.amount)


def left_over(news: News) -> Money | None:
    """What is on the balance when all is over."""
    return news.amount if news.amount is not None and news.amount.minor > 0 else None


def settled_at_end(news: News) -> tuple[Sentence | None, Sentence | None]:
    """The last charge, and what was given up for lost."""
    last = said("A last charge of %(amount)s is for what was used and was on no invoice yet.", amount=news.asked) if news.asked else None
    lost = said("%(amount)s was never paid. Your card is not charged for it any more.", amount=news.unpaid) if news.unpaid else None
    return last, lost


def balance_at_end(news: News) -> Sentence | None:
    left = left_over(news)
    if left is None:
        return None
    return said("%(amount)s is left on your balance. It stays yours: write to us, and what you have paid comes back to you.", amount=left)


def never_began(news: News) -> Sentence:
    return said("On %(day)s the first payment could not be charged, so nothing has begun and nothing was taken.", day=news.on)
