"""What the staff can stop for a business, in words: for the pages of both sides, and for letters, which have a reader of their own."""

from __future__ import annotations

from datetime import datetime

from core.kernel.sentence import said
from core.web.languages import reader as reader_of_page
from core.web.reader import Reader, written_for

NAMES = {
    "payments": said("Taking payments"),
    "payouts": said("Payouts"),
    "listing": said("The public directory"),
    "embed": said("Forms on other websites"),
    "api": said("The API"),
}
STOPPED = {
    "payments": said("You take no payments at the moment"),
    "payouts": said("Your payouts are held"),
    "listing": said("You are not in the public directory at the moment"),
    "embed": said("Your payment pages are not shown on other websites at the moment"),
    "api": said("Your software gets no answers from the API at the moment"),
}
EFFECT = {
    "payments": said("Nothing new can be paid. What was paid stays as it is; refunds, payouts and memberships that are running go on."),
    "payouts": said("The money stays in your balance, and refunds are paid from it. You go on selling."),
    "listing": said("Your listings are kept as they are, and come back as they were."),
    "embed": said("Payers read there that payments on that website are paused, and open your payment page by itself. Your links go on."),
    "api": said("Keys and apps are refused with the reason. Your links, the portal and the webhooks to your software go on."),
}
PLANNED = {
    "payments": said("From %(when)s you take no payments"),
    "payouts": said("From %(when)s your payouts are held"),
    "listing": said("From %(when)s you are not in the public directory"),
    "embed": said("From %(when)s your payment pages are not shown on other websites"),
    "api": said("From %(when)s your software gets no answers from the API"),
}
ONE_HELD, ITS_EFFECT = said("One payout is held"), said("The money is set aside, and stays yours.")


def stopped(what: str, about: str = "", reader: Reader | None = None) -> str:
    """What does not go on."""
    return written_for(reader or reader_of_page(), ONE_HELD if about else STOPPED[what])


def announced(what: str, when: datetime, reader: Reader | None = None) -> str:
    """What will not go on from a day on."""
    return written_for(reader or reader_of_page(), said(PLANNED[what], when=when))


def effect(what: str, about: str = "", reader: Reader | None = None) -> str:
    """What that means, and what it does not."""
    return written_for(reader or reader_of_page(), ITS_EFFECT if about else EFFECT[what])


def names(reader: Reader | None = None) -> dict[str, str]:
    """What can be stopped."""
    return {what: written_for(reader or reader_of_page(), name) for what, name in NAMES.items()}
