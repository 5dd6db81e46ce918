"""What a piece of news is made of in words, whoever reads it: a title, sentences, facts and one button. Each kind's words are beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.billing.terms import title_from
from core.kernel.sentence import Sentence, said
from core.subscriptions.news import News

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


@dataclass(frozen=True, slots=True)
class Words:
    """`says` begins with the sentence that also stands in the portal. `facts` are names with their values, money and days as they are."""

    title: Sentence
    says: tuple[Sentence, ...]
    facts: tuple[tuple[Sentence, Any], ...]
    button: Sentence
    tone: str = "quiet"  # or bad, warn, good


def words(title: Sentence, *says: Sentence | None, facts: Iterable[tuple[Sentence, Any]], button: Sentence, tone: str = "quiet") -> Words:
    """Without the sentences that do not apply and the facts that there are none of."""
    there = tuple((name, value) for name, value in facts if value is not None and value != "")
    return Words(title, tuple(sentence for sentence in says if sentence is not None), there, button, tone)


def name_of(code: str) -> str:
    """What people call a plan: its name, or the code of one that is on no list any more."""
    if code != code.lower() or " " in code:
        return code
    return title_from(code)


def bank_said(news: News) -> Sentence | None:
    """The reason, when a bank was asked."""
    if not news.bank:
        return None
    return said("The bank’s answer: %(reason)s", reason=BANK.get(news.bank, SILENT))


def next_charge(news: News) -> tuple[Sentence, Any]:
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
