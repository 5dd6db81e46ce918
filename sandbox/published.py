"""The published test cards: the only numbers this processor knows, and what each of them does."""

import hashlib
import re
from dataclasses import dataclass

from core.web.wire.errors import card_refused


@dataclass(frozen=True)
class Card:
    number: str
    token: str
    title: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: str | None = None  # decline code once the bank is asked
    challenge: bool = False  # the payer must approve in the 3-D Secure page
    exempt: str | None = None  # of those, charged later without the payer: "set_up" once the bank agreed to that, "always" from the start
    frictionless: bool = False  # 3-D Secure is known but asks nothing
    dispute: str | None = None  # reason of the dispute that follows
    inquiry: bool = False  # of those: the bank only asks, and takes nothing yet
    refund: str | None = None  # "pending": succeeds later, "fails": fails later
    delayed: str | None = None  # the bank only says later: "succeeds", "fails", or "stays" until somebody ends it
    at_once: bool = False  # money is available immediately
    blocked: bool = False  # stopped as fraudulent before the bank is asked
    attaches: bool = True  # may be saved for a customer
    cvc_check: str = "pass"
    shown: str | None = None  # group on the card page

    @property
    def last4(self):
        return self.number[-4:]

    @property
    def fingerprint(self):
        return hashlib.sha256(f"sandbox:{self.token}".encode()).hexdigest()[:16]


def _declined(number, token, title, code, **more):
    return Card(number, token, title, decline=code, attaches=False, **more)


CARDS = (
    Card("4242424242424242", "pm_card_visa", "Visa, approved", shown="Approved"),
    Card("4000056655665556", "pm_card_visa_debit", "Visa debit, approved", funding="debit", shown="Approved"),
    Card("5555555555554444", "pm_card_mastercard", "Mastercard, approved", brand="mastercard", shown="Approved"),
    Card("2223003122003222", "pm_card_mastercard_2series", "Mastercard 2-series, approved", brand="mastercard"),
    Card("5200828282828210", "pm_card_mastercard_debit", "Mastercard debit, approved", brand="mastercard", funding="debit"),
    Card("5105105105105100", "pm_card_mastercard_prepaid", "Mastercard prepaid, approved", brand="mastercard", funding="prepaid"),
    Card("378282246310005", "pm_card_amex", "American Express, approved", brand="amex", shown="Approved"),
    Card("6011111111111117", "pm_card_discover", "Discover, approved", brand="discover"),
    Card("3056930009020004", "pm_card_diners", "Diners Club, approved", brand="diners"),
    Card("3566002020360505", "pm_card_jcb", "JCB, approved", brand="jcb"),
    Card("6200000000000005", "pm_card_unionpay", "UnionPay, approved", brand="unionpay"),
    Card("4000008260000000", "pm_card_gb", "Visa issued in Britain, approved", country="GB"),
    Card("4000000000000077", "pm_card_bypassPending", "Approved, money available at once", at_once=True, shown="Approved"),
    Card("4000003720000278", "pm_card_bypassPendingInternational", "Foreign card, money available at once", country="IE", at_once=True),
    Card("4000000000000101", "pm_card_cvcCheckFail", "Approved, although the CVC check fails", cvc_check="fail"),
    _declined("4000000000000002", "pm_card_visa_chargeDeclined", "Declined", "generic_decline", shown="Declined"),
    _declined(
        "4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds", "Insufficient funds", "insufficient_funds", shown="Declined"
    ),
    _declined("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "Lost card", "lost_card", shown="Declined"),
    _declined("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "Stolen card", "stolen_card", shown="Declined"),
    _declined("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "Expired card", "expired_card", shown="Declined"),
    _declined("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "Wrong CVC", "incorrect_cvc", cvc_check="fail", shown="Declined"),
    _declined("4000000000000119", "pm_card_chargeDeclinedProcessingError", "Processing error", "processing_error", shown="Declined"),
    _declined(
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "Card used too often",
        "card_velocity_exceeded",
        shown="Declined",
    ),
    Card("4000000000000341", "pm_card_chargeCustomerFail", "Can be saved, then declines", decline="generic_decline"),
    Card("4100000000000019", "pm_card_radarBlock", "Blocked as fraudulent", decline="fraudulent", blocked=True, shown="Declined"),
    Card("4000002760003184", "pm_card_authenticationRequired", "3-D Secure on every payment", challenge=True, shown="3-D Secure"),
    Card(
        "4000002500003155",
        "pm_card_authenticationRequiredOnSetup",
        "3-D Secure unless set up before",
        challenge=True,
        exempt="set_up",
        shown="3-D Secure",
    ),
    Card(
        "4000003800000446",
        "pm_card_authenticationRequiredSetupForOffSession",
        "3-D Secure, already set up for later charges",
        challenge=True,
        exempt="always",
    ),
    Card("4000000000003220", "pm_card_threeDSecure2Required", "3-D Secure 2 always", challenge=True, shown="3-D Secure"),
    Card("4000000000003063", "pm_card_threeDSecureRequired", "3-D Secure required", challenge=True),
    Card(
        "4000008400001629",
        "pm_card_threeDSecureRequiredChargeDeclined",
        "Declined after 3-D Secure",
        challenge=True,
        decline="generic_decline",
        shown="3-D Secure",
    ),
    Card(
        "4000008260003178",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "Insufficient funds after 3-D Secure",
        challenge=True,
        exempt="set_up",
        decline="insufficient_funds",
        shown="3-D Secure",
    ),
    Card("4000000000003055", "pm_card_threeDSecureOptional", "3-D Secure supported, nothing asked", frictionless=True, shown="3-D Secure"),
    Card("4000000000000259", "pm_card_createDispute", "Disputed later as fraudulent", dispute="fraudulent", shown="Later"),
    Card(
        "4000000000002685", "pm_card_createDisputeProductNotReceived", "Disputed later, goods not received", dispute="product_not_received"
    ),
    Card(
        "4000000000001976",
        "pm_card_createDisputeInquiry",
        "Inquired about later",
        dispute="product_not_received",
        inquiry=True,
        shown="Later",
    ),
    Card("4000000000007726", "pm_card_pendingRefund", "Refund succeeds later", refund="pending", shown="Later"),
    Card("4000000000005126", "pm_card_refundFail", "Refund fails later", refund="fails", shown="Later"),
    # Delayed notification is published for bank debits only (a payment that is processing, then succeeds, fails, or stays so).
    # These three numbers are this processor's own and do the same to a card payment.
    Card("4000000000003204", "pm_card_processingSucceeds", "Processing at first, succeeds later", delayed="succeeds", shown="Processing"),
    Card("4000000000003212", "pm_card_processingFails", "Processing at first, fails later", delayed="fails", shown="Processing"),
    Card("4000000000006009", "pm_card_processingStays", "Processing until it is ended by hand", delayed="stays", shown="Processing"),
)
DELAYED_DECLINE = "insufficient_funds"  # what a delayed payment fails with
BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}
GROUPS = {name: [card for card in CARDS if card.shown == name] for name in ("Approved", "3-D Secure", "Declined", "Processing", "Later")}

# code of the error, and what a payer is told; a lost or stolen card is never named to the person holding it
DECLINES = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "stolen_card": ("card_declined", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "processing_error": ("processing_error", "An error occurred while processing your card. Try again in a little while."),
    "card_velocity_exceeded": (
        "card_declined",
        "Your card was declined for making repeated attempts too frequently or exceeding its limit.",
    ),
    "fraudulent": ("card_declined", "Your card was declined."),
    "authentication_required": ("authentication_required", "Your card was declined. This payment requires authentication."),
}
_SEPARATORS = re.compile(r"[ \-\u00a0\u2009]")
_DIGITS = re.compile(r"[0-9]{12,19}\Z")
_LONG_NUMBER = re.compile(r"(?:[0-9][ \-]?){12,19}")


def passes_luhn(digits):
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card_by_number(text):
    """The published card behind a typed number. Any other number is refused here, before anything is kept of it."""
    digits = _SEPARATORS.sub("", text or "")
    card = BY_NUMBER.get(digits)
    if card:
        return card
    if not _DIGITS.match(digits) or not passes_luhn(digits):
        raise refused_number("Your card number is incorrect.", "incorrect_number")
    raise refused_number(
        "This is the test processor: it takes published test card numbers only. Never type a real card here.",
        "card_declined",
        "test_mode_live_card",
    )


def refused_number(message, code, decline_code=None):
    refusal = card_refused(message, code, decline_code, "number")
    refusal.stored = False  # not even the mark of a request that carried somebody's number
    return refusal


def card_by_token(token):
    return BY_TOKEN.get(token)


def looks_like_card_number(text):
    """A long run of digits that could be somebody's card, typed in the wrong field."""
    return any(passes_luhn(_SEPARATORS.sub("", found.group())) for found in _LONG_NUMBER.finditer(text or ""))
