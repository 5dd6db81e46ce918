"""A seller's account at a provider, as the clauses of the contract need one: opened, completed by its owner, and money to move to it."""

from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.receivers import MoveToReceiver, OpenReceiver
from tests.core.providers.wishes import wish
from tests.sandbox.running import post_form

IBAN, OTHER_IBAN = "DE89370400440532013000", "GB33BUKB20201555555555"
AT_ONCE = "pm_card_bypassPending"


def receiver_wish(**changes):
    given = {
        "reference": public_id("ca"), "mode": "test", "email": "seller@example.com", "country": "GB",
        "metadata": {"vendor": "vnd_1", "mode": "test"}, **changes,
    }  # fmt: skip
    return OpenReceiver(**given)


def opened(provider):
    return provider.open_receiver(receiver_wish()).provider_reference


def complete(provider, receiver, act="ready", **fields):
    """The owner fills in the provider's own page; answers where that led."""
    page = provider.receiver_page(receiver, "http://shop.test/back", "http://shop.test/again")
    status, location, text = post_form(
        page, **{"holder": "Blue Door", "currency": "GBP", "iban": IBAN, "bank": "good", "act": act, **fields}
    )
    assert status in (303, 422), text
    return location


def ready(provider, **fields):
    receiver = opened(provider)
    complete(provider, receiver, **fields)
    return receiver


def fill(provider, minor=10_000, currency="GBP"):
    """Money of ours at the provider that may leave at once."""
    opening = provider.open_payment(wish(minor, currency, surface="fields"))
    assert provider.try_published_card(opening.provider_reference, AT_ONCE, "http://shop.test/return") is None


def move(receiver, minor=2_500, currency="GBP", reference=None):
    number = reference or public_id("po")
    told = {"vendor": "vnd_1", "mode": "test", "payout": number}
    return MoveToReceiver(f"{number}-1", receiver, Money(minor, currency), "A payout", told)
