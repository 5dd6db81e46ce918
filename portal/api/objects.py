"""The objects of money in: links, payments, refunds, customers, disputes. What each field of an answer means, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.disputes.evidence import questions_of
from core.disputes.models import Dispute
from core.disputes.states import DISPUTE
from core.invoices.models import KINDS, SaleDocument
from core.kernel.money import Money
from core.payments.basket import offer_of
from core.payments.claim_models import RefundClaim
from core.payments.feeds import REALM
from core.payments.link import ends_at, link_state, link_token
from core.payments.models import Payment, PaymentLink
from core.payments.refund_models import Refund
from core.payments.start import payment_token, receipt_token
from core.payments.states import CLAIM, PAID_OR_OVER, PAYMENT, REFUND
from core.providers.contract import METHODS
from core.web import addresses
from portal.api.shapes import Shape, flag, inner, moment, money, number, pairs, shape, text, texts
from portal.api.shapes import day as a_day

LINK_STATES = ("open", "archived", "paused", "expired", "sold_out", "paid")
MODES = ("test", "live")


@dataclass(frozen=True)
class SeenLink:
    """A link with whose it is: its address is signed for them."""

    vendor: Vendor
    link: PaymentLink


@dataclass(frozen=True)
class SeenPayment:
    """A payment with whose it is and the link it came by."""

    vendor: Vendor
    payment: Payment
    link: PaymentLink | None

    @cached_property
    def token(self) -> str:
        """The signed text of its own page, which stands in two of its addresses."""
        return payment_token(self.vendor, self.payment)


def _sum(link: PaymentLink, minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, link.currency)


LINK = shape(
    "payment_link",
    "An address that takes payments: one, many, or one sum in parts.",
    id=text("Its number, lnk_...", lambda one: one.link.public_id),
    mode=text("Whether it takes practice or real money.", lambda one: one.link.mode, one_of=MODES),
    status=text("Whether it takes payments now, or why not.", lambda one: link_state(one.link), one_of=LINK_STATES),
    url=text("The address to hand out.", lambda one: addresses.payment_link(link_token(one.vendor, one.link), one.vendor)),
    title=text("What the payer reads above the sum.", lambda one: one.link.title),
    description=text("What the payer reads below it.", lambda one: one.link.description),
    kind=text(
        "single is paid once, reusable as often as it is not limited, request is one sum paid in parts.",
        lambda one: one.link.kind,
        one_of=("single", "reusable", "request"),
    ),
    currency=text("The currency of all its sums.", lambda one: one.link.currency),
    amount=money("What it takes; null where the payer chooses.", lambda one: one.link.amount, nullable=True),
    minimum=money("The least a payer may choose.", lambda one: _sum(one.link, one.link.minimum_minor), nullable=True),
    maximum=money("The most a payer may choose.", lambda one: _sum(one.link, one.link.maximum_minor), nullable=True),
    total=money("What a request asks for in all.", lambda one: one.link.total, nullable=True),
    max_payments=number("How many payments it takes.", lambda one: one.link.max_payments, nullable=True),
    methods=texts("The ways to pay it allows; none named: all that are offered.", lambda one: one.link.methods),
    locale=text("The language of its pages and letters; empty: the reader's own.", lambda one: one.link.locale),
    metadata=pairs("Your own names and values, copied to each payment.", lambda one: one.link.key_values),
    success_url=text("Where the payer may go on after paying; empty: nowhere.", lambda one: offer_of(one.link).success_url),
    cancel_url=text("Where the payer may go back to without paying.", lambda one: offer_of(one.link).cancel_url),
    due_on=a_day("Until when a request is to be paid.", lambda one: one.link.due_on),
    expires_at=moment("When it stops taking payments by itself.", lambda one: ends_at(one.link)),
    created_at=moment("When it was made.", lambda one: one.link.created_at, nullable=False),
    updated_at=moment("When it was changed last.", lambda one: one.link.updated_at, nullable=False),
)

LINK_PAGE = shape(
    "payment_link_page",
    "What anybody may know of a payment link who may open its page.",
    id=text("The link's number, lnk_...", lambda one: one.link.public_id),
    status=text("Whether it takes payments now, or why not.", lambda one: link_state(one.link), one_of=LINK_STATES),
    url=text("The address to open.", lambda one: addresses.payment_link(link_token(one.vendor, one.link), one.vendor)),
    title=text("What the payer reads above the sum.", lambda one: one.link.title),
    amount=money("What it takes; null where the payer chooses.", lambda one: one.link.amount, nullable=True),
    currency=text("The currency of all its sums.", lambda one: one.link.currency),
)

_PAYER = inner(
    email=text("Their e-mail address: the receipt goes there.", lambda one: one.email),
    name=text("Their name as they wrote it; may be empty.", lambda one: one.payer_name),
    country=text("Where they say they are.", lambda one: one.payer_country, nullable=True),
)
_CARD = inner(
    brand=text("visa, mastercard ...", lambda one: one.card_brand or ""),
    last4=text("Its last four digits.", lambda one: one.card_last4),
    funding=text("credit, debit or prepaid, where the processor says so.", lambda one: one.card_funding, nullable=True),
)


def _page_of(one: SeenPayment) -> str | None:
    return None if one.payment.state in PAID_OR_OVER else addresses.checkout(one.token, one.vendor)


def _receipt_of(one: SeenPayment) -> str | None:
    return addresses.receipt(receipt_token(one.vendor, one.payment), one.vendor) if one.payment.captured_minor else None


def _status_of(one: SeenPayment) -> str:
    token = receipt_token(one.vendor, one.payment) if one.payment.captured_at else one.token
    return addresses.status(token, one.vendor)


PAYMENT_OBJECT: Shape = shape(
    "payment",
    "What one payer pays: from the moment they set out to, with everything that became of it.",
    id=text("Its number, pay_...", lambda one: one.payment.public_id),
    mode=text("Practice or real money.", lambda one: one.payment.mode, one_of=MODES),
    status=text(
        "How it stands. succeeded and marked_paid are paid; canceled and expired are over, and only money that comes late anyway changes that.",
        lambda one: one.payment.state, one_of=PAYMENT,
    ),
    reference=text("Short enough to be read out: 7K3F9-QX2MA.", lambda one: one.payment.reference),
    description=text("What it is for.", lambda one: one.payment.description),
    amount=money("What the payer set out to pay.", lambda one: one.payment.amount),
    captured=money("What was really taken.", lambda one: one.payment.captured),
    refunded=money("What has gone back.", lambda one: one.payment.refunded),
    refunding=money("What is on its way back, or waits for the balance.", lambda one: one.payment.refunding + one.payment.queued),
    disputed=money("What the payer's bank holds while a dispute is open.", lambda one: one.payment.disputed),
    fee=money("What the platform keeps of it.", lambda one: one.payment.fee),
    net=money("What you keep of it after fees, refunds and disputes.", lambda one: one.payment.net),
    payer=_PAYER("Who pays.", lambda one: one.payment),
    method=text("How it was paid, or is being paid.", lambda one: one.payment.method, one_of=METHODS, nullable=True),
    card=_CARD("The card, where one paid.", lambda one: one.payment if one.payment.card_last4 else None, nullable=True),
    decline_code=text("Why the last try did not work.", lambda one: one.payment.decline_code, nullable=True),
    realm=text("The site it belongs to, as you named it; empty: none.", lambda one: one.payment.key_values.get(REALM, "")),
    metadata=pairs("Your own names and values.", lambda one: one.payment.key_values),
    payer_reference=text("What the payer wrote where the link asked for something.", lambda one: one.payment.payer_reference),
    payment_link=text("The link it came by.", lambda one: one.link.public_id if one.link else None, nullable=True),
    page=text("Its own page, where the payer pays; null when there is nothing left to pay.", _page_of, nullable=True),
    receipt=text("Its receipt, once money was taken.", _receipt_of, nullable=True),
    status_page=text("What happened so far, in the payer's words: an address to hand to them.", _status_of),
    created_at=moment("When it was begun.", lambda one: one.payment.created_at, nullable=False),
    expires_at=moment("Until when it can be paid.", lambda one: one.payment.expires_at, nullable=False),
    captured_at=moment("When its money was taken.", lambda one: one.payment.captured_at),
    available_at=moment("When its money is yours to be paid out.", lambda one: one.payment.available_at),
)  # fmt: skip


@dataclass(frozen=True)
class SeenDocument:
    """What was issued for a payment, and where its paper is once it is printed."""

    document: SaleDocument
    payment: Payment
    pdf: str | None


SALE_DOCUMENT = shape(
    "sale_document",
    "An invoice or a credit note that you issued for a payment.",
    id=text("Its number here, inv_...", lambda one: one.document.public_id),
    mode=text("Practice or real money.", lambda one: one.document.mode, one_of=MODES),
    payment=text("The payment it was issued for.", lambda one: one.payment.public_id),
    kind=text("Which of the two.", lambda one: one.document.kind, one_of=KINDS),
    number=text("What people call it, INV-000042.", lambda one: one.document.name),
    net=money("Before tax.", lambda one: one.document.net),
    tax=money("The tax.", lambda one: one.document.tax),
    gross=money("With tax; positive on both kinds.", lambda one: one.document.gross),
    tax_point=a_day("The day it counts for.", lambda one: one.document.on_day, nullable=False),
    issued_on=a_day("The day it was issued.", lambda one: one.document.issued_on, nullable=False),
    pdf=text("Where its payer finds it; null until it is printed.", lambda one: one.pdf, nullable=True),
)

STATEMENT_OBJECT = shape(
    "payment_statement",
    "What we say of a payment at one moment, under our signature.",
    payment=text("The payment it is about.", lambda one: one[0].public_id),
    statement=text(
        "A JWT signed with Ed25519 (EdDSA). Its claims say whose payment it is, how it stands and what was taken.", lambda one: one[1]
    ),
    keys=text("Where our public keys are, as a JSON Web Key Set.", lambda one: addresses.statement_keys()),
)

REFUND_OBJECT = shape(
    "refund",
    "Money going back to a payer. Only the processor's word makes it succeeded.",
    id=text("Its number, ref_...", lambda one: one[0].public_id),
    mode=text("Practice or real money.", lambda one: one[0].mode, one_of=MODES),
    payment=text("The payment it belongs to.", lambda one: one[1].public_id),
    status=text(
        "queued waits for your balance; requested, submitted, pending and unknown are on their way; failed money is yours again.",
        lambda one: one[0].state,
        one_of=REFUND,
    ),
    amount=money("What goes back.", lambda one: one[0].amount),
    reason=text("Why.", lambda one: one[0].reason),
    note=text("For your team; the payer never reads it.", lambda one: one[0].note),
    failure_reason=text("Why it did not reach the payer.", lambda one: one[0].failure_reason, nullable=True),
    created_at=moment("When it was asked for.", lambda one: one[0].created_at, nullable=False),
    sent_at=moment("When it went to the processor.", lambda one: one[0].sent_at),
    settled_at=moment("When the processor said what became of it.", lambda one: one[0].settled_at),
)
SeenRefund = tuple[Refund, Payment]


@dataclass(frozen=True)
class SeenRefundLink:
    """A refund link with its payment, and the refunds that did not arrive and that pay it, by their numbers."""

    claim: RefundClaim
    payment: Payment
    refund: str | None
    paid_by: str | None


_ACCOUNT = inner(
    holder=text("The name on it, as the payer wrote it.", lambda one: one.holder),
    masked=text("Enough of the IBAN to know it again: its country and its last four signs.", lambda one: one.masked),
)
REFUND_LINK = shape(
    "refund_link",
    "A payer whose refund cannot go back the way it came is asked for an account. No money moves before that account is approved.",
    id=text("Its number, rcl_...", lambda one: one.claim.public_id),
    mode=text("Practice or real money.", lambda one: one.claim.mode, one_of=MODES),
    payment=text("The payment that is given back.", lambda one: one.payment.public_id),
    refund=text("The refund that did not arrive; null where nobody knows from where a transfer came.", lambda one: one.refund, nullable=True),
    status=text(
        "open waits for the payer, claimed for you, approved for the bank; failed came back to you after the bank had it.",
        lambda one: one.claim.standing, one_of=CLAIM,
    ),
    amount=money("What the payer gets.", lambda one: one.claim.amount),
    account=_ACCOUNT("The account the payer named; null until then, and once they are erased.", lambda one: one.claim if one.claim.iban else None, nullable=True),
    reason=text("Why the account was not approved, as the payer reads it.", lambda one: one.claim.reason or None, nullable=True),
    paid_by=text("The refund that pays it, once it is approved.", lambda one: one.paid_by, nullable=True),
    created_at=moment("When it was made.", lambda one: one.claim.created_at, nullable=False),
    expires_at=moment("Until when the payer can name an account.", lambda one: one.claim.expires_at, nullable=False),
    named_at=moment("When the payer named one.", lambda one: one.claim.claimed_at),
    decided_at=moment("When it was approved, refused or taken back, or ran out.", lambda one: one.claim.decided_at),
    settled_at=moment("When the bank said what became of the transfer.", lambda one: one.claim.settled_at),
)  # fmt: skip

CUSTOMER = shape(
    "customer",
    "Somebody who ever set out to pay you, or whom you wrote down: one for each e-mail address.",
    id=text("Their number, cus_...", lambda one: one.public_id),
    mode=text("Practice or real.", lambda one: one.mode, one_of=MODES),
    email=text("Their e-mail address.", lambda one: one.email),
    name=text("Their name as they last wrote it; may be empty.", lambda one: one.name),
    blocked=flag("Whether you take nothing from them.", lambda one: one.blocked_at is not None),
    blocked_because=text("Why, in your team's words.", lambda one: one.blocked_because, nullable=True),
    created_at=moment("When they first came.", lambda one: one.first_seen_at, nullable=False),
    last_seen_at=moment("When they came last.", lambda one: one.last_seen_at, nullable=False),
)
SeenCustomer = Customer

DISPUTE_OBJECT = shape(
    "dispute",
    "A payer's bank wants money back.",
    id=text("Its number, dp_...", lambda one: one[0].public_id),
    mode=text("Practice or real money.", lambda one: one[0].mode, one_of=MODES),
    payment=text("The payment it is about.", lambda one: one[1].public_id),
    status=text("How it stands.", lambda one: one[0].state, one_of=DISPUTE),
    reason=text("Why, as the payer's bank says.", lambda one: one[0].reason),
    network_code=text("The card scheme's own word for the reason; may be empty.", lambda one: one[0].network_code),
    amount=money("What the bank wants back.", lambda one: one[0].amount),
    questions=texts("What its bank wants to know, by the names under which it is answered.", lambda one: questions_of(one[0])),
    asked_for=text(
        "What was asked for and is on its way to the bank.", lambda one: one[0].wish, one_of=("answer", "accept"), nullable=True
    ),
    answer_by=moment("Until when it can be answered.", lambda one: one[0].due_at),
    answered_at=moment("When it was answered.", lambda one: one[0].answered_at),
    decided_at=moment("When it was decided.", lambda one: one[0].decided_at),
    created_at=moment("When it was opened.", lambda one: one[0].opened_at, nullable=False),
)
SeenDispute = tuple[Dispute, Payment]
